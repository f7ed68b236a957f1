/**
 * The engine in a world where everything it calls may throw, at any moment: no child is ever unknown to it, no process
 * is stuck, and what goes wrong with one process is nothing to the others.
 */
import fc from "fast-check";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { pid } from "../../src/core/brand.js";
import { isStoppedClass, livePid, type Notify, transition } from "../../src/core/process.js";
import { createEngine, type Engine } from "../../src/daemon/engine.js";
import { createEntry, type Entry } from "../../src/daemon/entry.js";
import { createLog } from "../../src/daemon/log.js";
import type { Run } from "../../src/daemon/run.js";
import type { Reaped } from "../../src/posix/reap.js";
import { processConfig } from "../core/process-config.js";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance", "Date"] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** Where the world may throw. */
const PLACES = [
  "core",
  "spawn",
  "kill",
  "finish",
  "step",
  "flush",
  "listener",
  "log",
  "waiter",
  "close",
] as const;
type Place = (typeof PLACES)[number];

class Broken extends Error {
  constructor(place: Place) {
    super(`the ${place} is broken`);
  }
}

interface World {
  readonly engine: Engine;
  /** Processes whose world breaks, and one whose world does not. */
  readonly entries: readonly Entry[];
  readonly sound: Entry;
  readonly alive: Map<number, Entry>;
  readonly logged: string[];
  readonly changes: { readonly name: string; readonly change: Notify }[];
  /** The parts that throw from now on. */
  readonly broken: Set<Place>;
  die(child: number, status: number): void;
}

function createWorld(count: number): World {
  const broken = new Set<Place>();
  const alive = new Map<number, Entry>();
  const dead: Reaped[] = [];
  const logged: string[] = [];
  const changes: { readonly name: string; readonly change: Notify }[] = [];
  const outputs = { path: () => null, close: () => breakAt("close") } as unknown as Entry["outputs"];
  const sound = createEntry("g", processConfig({ name: "sound" }), outputs, false);
  let nextPid = 100;
  let about: Entry | null = null;

  /** The sound process is never touched. */
  function breakAt(place: Place, entry: Entry | null = about): void {
    if (broken.has(place) && entry !== sound) throw new Broken(place);
  }

  const engine = createEngine({
    log: createLog({
      log(_level, text) {
        logged.push(text);
        breakAt("log");
      },
      enabled: () => true,
    }),
    spawn(entry) {
      about = entry;
      breakAt("spawn", entry);
      const child = pid(nextPid++);
      alive.set(child, entry);
      const run: Partial<Run> = {
        pid: child,
        kill: (signal) => {
          breakAt("kill", entry);
          if (signal === 9) die(child, 0);
          return null;
        },
        finish: () => breakAt("finish", entry),
        close: () => breakAt("close", entry),
      };
      return { ok: true, run: run as Run };
    },
    reap: () => dead.shift() ?? null,
    onStep(entry) {
      about = entry;
      breakAt("step", entry);
    },
    beforeKill: () => breakAt("flush"),
    transition(config, process, input, world) {
      about = entries.find((entry) => entry.config === config) ?? sound;
      breakAt("core");
      return transition(config, process, input, world);
    },
  });
  const entries = Array.from({ length: count }, (_, at) =>
    createEntry("g", processConfig({ name: `p${at}`, startretries: 1, autorestart: true }), outputs, false),
  );
  for (const entry of [...entries, sound]) engine.adopt(entry);
  engine.subscribe((entry, change) => {
    breakAt("listener", entry);
    changes.push({ name: entry.name, change });
  });

  function die(child: number, status: number): void {
    if (alive.delete(child)) dead.push({ pid: pid(child), waitStatus: status << 8 } as Reaped);
  }

  return { engine, entries, sound, alive, logged, changes, broken, die };
}

/** The properties that must hold at every moment. */
function check({ entries, sound, alive }: World): void {
  for (const [child, entry] of alive) expect(entry.run?.pid, `child ${child} is known`).toBe(child);
  for (const entry of [...entries, sound]) {
    const child = livePid(entry.process);
    expect(entry.run === null, `${entry.name} says ${entry.process.state.name}`).toBe(child === null);
    expect(entry.process.state).not.toMatchObject({ name: "STARTING", pid: null });
  }
}

/** A process can be brought up and down once its world works again. */
function checkAlive(world: World, entry: Entry): void {
  const { engine } = world;
  world.broken.clear();
  if (entry.process.state.name === "UNKNOWN") {
    // As in the reference, only its end leads out of there.
    world.die(entry.process.state.pid, 0);
    engine.reap();
  }
  engine.feed(entry, { type: "stop", hold: false });
  pass(world, 15_000);
  expect(isStoppedClass(entry.process.state.name), `${entry.name} stops`).toBe(true);
  engine.feed(entry, { type: "start" });
  pass(world, 1_500);
  expect(entry.process.state.name, `${entry.name} starts`).toBe("RUNNING");
  check(world);
}

function pass(world: World, ms: number): void {
  vi.advanceTimersByTime(ms);
  world.engine.reap();
}

type Move =
  | { readonly do: "start" | "stop" | "autostart" | "shutdown" | "wait for"; readonly who: number }
  | { readonly do: "die"; readonly who: number; readonly status: number }
  | { readonly do: "pass"; readonly ms: number }
  | { readonly do: "break" | "mend"; readonly place: Place };

const who = fc.nat({ max: 2 });
const place = fc.constantFrom(...PLACES);
const move: fc.Arbitrary<Move> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom("start" as const, "stop" as const), who }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom("autostart" as const, "shutdown" as const, "wait for" as const),
      who,
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("die" as const), who, status: fc.nat({ max: 2 }) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("pass" as const), ms: fc.nat({ max: 12_000 }) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom("break" as const, "mend" as const), place }) },
);

function make(world: World, next: Move): void {
  const { engine, entries, broken } = world;
  const entry = "who" in next ? entries[next.who] : undefined;
  switch (next.do) {
    case "break":
      broken.add(next.place);
      return;
    case "mend":
      broken.delete(next.place);
      return;
    case "pass":
      return pass(world, next.ms);
    case "die":
      if (entry?.run != null) world.die(entry.run.pid, next.status);
      return engine.reap();
    case "wait for":
      if (entry !== undefined)
        void engine.until(entry, () => {
          if (broken.has("waiter")) throw new Broken("waiter");
          return false;
        });
      return;
    case "stop":
      if (entry !== undefined) engine.feed(entry, { type: "stop", hold: true });
      return;
    default:
      if (entry !== undefined) engine.feed(entry, { type: next.do });
  }
}

test("whatever throws, no child is unknown, no process is stuck, and the others are untouched", () => {
  const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
  fc.assert(
    fc.property(fc.array(move, { maxLength: 40 }), (script) => {
      vi.clearAllTimers();
      const world = createWorld(3);
      world.engine.feed(world.sound, { type: "start" });
      pass(world, 2_000);
      for (const next of script) {
        // A waiter that throws when it is asked for the first time throws to who asks.
        if (next.do === "wait for" && world.broken.has("waiter")) continue;
        make(world, next);
        check(world);
        expect(world.sound.process.state.name).toBe("RUNNING");
      }
      for (const entry of world.entries) checkAlive(world, entry);
      const ofSound = world.changes.filter(({ name }) => name === "sound").map(({ change }) => change.to);
      expect(ofSound.filter((to) => to !== "STARTING")).toEqual(["RUNNING"]);
      for (const place of PLACES) world.broken.add(place);
      world.engine[Symbol.dispose]();
    }),
    { numRuns: 150 },
  );
  warn.mockRestore();
});

test.each([
  ["without a child", "FATAL", false],
  ["with a child", "UNKNOWN", true],
] as const)("a throw in the core %s: %s, and said with everything that is known", (_, state, up) => {
  const world = createWorld(1);
  const [entry] = world.entries;
  if (entry === undefined) throw new Error("there is no process");
  if (up) world.engine.feed(entry, { type: "start" });
  world.broken.add("core");
  world.engine.feed(entry, { type: up ? "stop" : "start", hold: true } as never);
  expect(entry.process).toMatchObject({
    state: { name: state },
    spawnerr: "internal error: the core is broken",
  });
  expect(world.changes.at(-1)).toMatchObject({ change: { to: state } });
  expect(world.logged.at(-1)).toMatch(/^internal error supervising p0: Error: the core is broken/);
  checkAlive(world, entry);
});

test("a spawn that throws is a failed start, retried like any other", () => {
  const world = createWorld(1);
  const [entry] = world.entries;
  if (entry === undefined) throw new Error("there is no process");
  world.broken.add("spawn");
  world.engine.feed(entry, { type: "start" });
  expect(entry.process).toMatchObject({
    state: { name: "BACKOFF" },
    spawnerr: "internal error: the spawn is broken",
  });
  world.broken.clear();
  pass(world, 3_000);
  expect(entry.process.state.name).toBe("RUNNING");
});

test("a signal that can't be sent because something throws is one that could not be sent", () => {
  const world = createWorld(1);
  const [entry] = world.entries;
  if (entry === undefined) throw new Error("there is no process");
  world.engine.feed(entry, { type: "start" });
  pass(world, 2_000);
  world.broken.add("kill").add("flush").add("step");
  world.engine.feed(entry, { type: "stop", hold: true });
  expect(entry.process.state.name).toBe("UNKNOWN");
  world.broken.clear();
  checkAlive(world, entry);
});

test("a listener that stops what it hears of is heard, and everybody hears of all in order", () => {
  const { engine, sound, changes, alive } = createWorld(0);
  using _engine = engine;
  using _asks = engine.subscribe((entry, { to }) => {
    if (to === "STARTING") engine.feed(entry, { type: "stop", hold: true });
    if (to === "STOPPED") engine.feed(entry, { type: "start" });
  });
  const later: string[] = [];
  using _later = engine.subscribe((_entry, { from, to }) => void later.push(`${from} ${to}`));
  engine.feed(sound, { type: "start" });
  expect([sound.process.state.name, sound.process.held]).toEqual(["STOPPING", true]);
  const [child = 0] = alive.keys();
  engine.feed(sound, { type: "exited", pid: pid(child), cause: { type: "exit", status: 0 } });
  const round = ["STOPPED STARTING", "STARTING STOPPING"];
  expect(later).toEqual([...round, "STOPPING STOPPED", ...round]);
  expect(changes.map(({ change: { from, to } }) => `${from} ${to}`)).toEqual(later);
});
