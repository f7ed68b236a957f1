/**
 * Scripts of asks, deaths, failing spawns and passing time, played to the reducer and to a toy world that knows
 * what is really alive. Timers are moves of their own, so they come late, as real ones do.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { epoch, millis, pid } from "../../src/core/brand.js";
import {
  deadline,
  type Effect,
  type Input,
  livePid,
  newProcess,
  type Process,
  type StateName,
  transition,
} from "../../src/core/process.js";
import { processConfig } from "./process-config.js";

type Move =
  | {
      readonly do:
        | "start"
        | "autostart"
        | "stop"
        | "timer"
        | "leave"
        | "shutdown"
        | "spawn-breaks"
        | "kill-breaks";
    }
  /** The next listener to hear of this state asks for a stop at once, before anything else is done. */
  | { readonly do: "stop-at"; readonly state: "STARTING" | "RUNNING" | "BACKOFF" | "EXITED" }
  | { readonly do: "die"; readonly status: number }
  | { readonly do: "wait"; readonly ms: number };

const move: fc.Arbitrary<Move> = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom<Move>({ do: "start" }, { do: "autostart" }, { do: "stop" }) },
  { weight: 4, arbitrary: fc.constant<Move>({ do: "timer" }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom<Move>(
      { do: "spawn-breaks" },
      { do: "kill-breaks" },
      { do: "leave" },
      { do: "shutdown" },
    ),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("stop-at" as const),
      state: fc.constantFrom("STARTING" as const, "RUNNING" as const, "BACKOFF" as const, "EXITED" as const),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("die" as const), status: fc.constantFrom(0, 1, 3) }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant("wait" as const), ms: fc.integer({ min: 0, max: 5000 }) }),
  },
);

const config = fc.record({
  autostart: fc.boolean(),
  autorestart: fc.constantFrom(true, false, "unexpected" as const),
  startsecs: fc.integer({ min: -1, max: 3 }),
  startretries: fc.integer({ min: 0, max: 3 }),
  stopwaitsecs: fc.integer({ min: 0, max: 3 }),
  stopasgroup: fc.boolean(),
});

const DIAGRAM = new Set([
  "STOPPED STARTING",
  "EXITED STARTING",
  "FATAL STARTING",
  "BACKOFF STARTING",
  "STARTING BACKOFF",
  "STARTING RUNNING",
  "BACKOFF FATAL",
  "BACKOFF STOPPED",
  "RUNNING EXITED",
  "STARTING STOPPING",
  "RUNNING STOPPING",
  "STOPPING STOPPED",
  "STARTING UNKNOWN",
  "RUNNING UNKNOWN",
  "STOPPING UNKNOWN",
  "UNKNOWN STOPPED",
  "UNKNOWN EXITED",
]);

/** Plays a script; checks after every step what must hold in every state. */
function play(options: Partial<ReturnType<typeof processConfig>>, script: readonly Move[]): void {
  const it = processConfig(options);
  let process: Process = newProcess();
  let clock = 0;
  let mayStart = true;
  let breakSpawn = false;
  let breakKill = false;
  let nextPid = 100;
  let alive: number | null = null;
  let spawnsInARow = 0;
  let stopAt: StateName | null = null;
  let isStopped = false;
  let depth = 0;

  function feed(first: Input): void {
    depth += 1;
    for (let input: Input | null = first; input !== null; ) {
      const before: Process = process;
      const [after, effects] = transition(it, before, input, {
        now: { mono: millis(clock), wall: epoch(clock / 1000) },
        mayStart,
      });
      process = after;
      checkEdges(before.state.name, effects, after.state.name);
      input = perform(effects, input);
    }
    depth -= 1;
    if (depth > 0) return;
    if (isStopped) {
      expect(["STOPPING", "STOPPED", "EXITED", "FATAL", "UNKNOWN"]).toContain(process.state.name);
      if (process.state.name !== "STOPPING")
        expect(deadline(it, process), "what was stopped does not come back").toBe(null);
      isStopped = false;
    }
    expect(livePid(process), "the state never lies about the child").toBe(alive);
    const due = deadline(it, process);
    if (due !== null) expect(due, "a deadline is never lost in the past twice").toBeLessThan(clock + 10_000);
  }

  function checkEdges(from: StateName, effects: readonly Effect[], to: StateName): void {
    let at = from;
    for (const effect of effects) {
      if (effect.type !== "notify") continue;
      expect(effect.from).toBe(at);
      expect(DIAGRAM.has(`${effect.from} ${effect.to}`), `${effect.from} → ${effect.to}`).toBe(true);
      at = effect.to;
    }
    expect(at).toBe(to);
  }

  function perform(effects: readonly Effect[], cause: Input): Input | null {
    let answer: Input | null = null;
    for (const effect of effects) {
      if (effect.type === "spawn") {
        expect(alive, "never two children").toBe(null);
        expect(mayStart, "nothing starts while the daemon leaves").toBe(true);
        spawnsInARow = cause.type === "start" || cause.type === "autostart" ? 1 : spawnsInARow + 1;
        if (breakSpawn) answer = { type: "spawn-failed", spawnerr: "broken" };
        else {
          alive = nextPid++;
          answer = { type: "spawned", pid: pid(alive) };
        }
      } else if (effect.type === "kill") {
        expect(effect.pid, "kill only names the live pid").toBe(alive);
        if (breakKill) answer = { type: "kill-failed", detail: "EPERM" };
      } else if (effect.type === "notify") {
        if (effect.to === "RUNNING") spawnsInARow = 0;
        if (effect.to === stopAt) {
          stopAt = null;
          isStopped = true;
          feed({ type: "stop", hold: true });
        }
      }
    }
    expect(spawnsInARow, "at most startretries + 1 spawns in a row").toBeLessThanOrEqual(it.startretries + 1);
    return answer;
  }

  for (const next of script) {
    switch (next.do) {
      case "start":
      case "autostart":
        feed({ type: next.do });
        break;
      case "stop": {
        const wasUp = alive !== null;
        const state = process.state.name;
        feed({ type: "stop", hold: true });
        if (state === "BACKOFF") expect(process.state.name).toBe("STOPPED");
        if (wasUp) expect(["STOPPING", "UNKNOWN"]).toContain(process.state.name);
        break;
      }
      // Groups are stopped one after the other: this process's turn comes later.
      case "leave":
        mayStart = false;
        break;
      case "shutdown":
        mayStart = false;
        feed({ type: "shutdown" });
        break;
      case "stop-at":
        stopAt = next.state;
        break;
      case "spawn-breaks":
        breakSpawn = !breakSpawn;
        break;
      case "kill-breaks":
        breakKill = !breakKill;
        break;
      case "die":
        if (alive !== null) {
          const dead = pid(alive);
          alive = null;
          feed({ type: "exited", pid: dead, cause: { type: "exit", status: next.status } });
        }
        break;
      case "wait":
        clock += next.ms;
        break;
      case "timer": {
        const due = deadline(it, process);
        if (due !== null && due <= clock) {
          feed({ type: "deadline" });
          const again = deadline(it, process);
          if (again !== null) expect(again > clock || again !== due, "a due deadline is used up").toBe(true);
        }
        break;
      }
    }
  }
}

test("the life of a process holds together under any script", () => {
  // In whatever state the daemon leaves it, and however long its turn to be stopped takes.
  const end: readonly Move[] = [
    { do: "leave" },
    { do: "wait", ms: 9000 },
    { do: "timer" },
    { do: "shutdown" },
  ];
  const script = fc.array(move, { maxLength: 60 }).map((moves) => [...moves, ...end]);
  fc.assert(fc.property(config, script, play), { numRuns: 3000 });
});
