import { describe, expect, test } from "vitest";
import { epoch, millis, pid } from "../../src/core/brand.js";
import {
  deadline,
  type Effect,
  type Input,
  newProcess,
  type Process,
  type ProcessState,
  transition,
  type World,
} from "../../src/core/process.js";
import { takeUp } from "../../src/core/saved.js";
import { processConfig } from "./process-config.js";

const WALL = 1_700_000_000;

function at(ms: number, mayStart = true): World {
  return { now: { mono: millis(ms), wall: epoch(WALL + ms / 1000) }, mayStart };
}

function process(state: ProcessState, changes: Partial<Process> = {}): Process {
  return { ...newProcess(), state, ...changes };
}

const starting = process({ name: "STARTING", pid: pid(42), since: millis(0) }, { laststart: WALL });
const running = process({ name: "RUNNING", pid: pid(42), since: millis(0) }, { laststart: WALL });
const exits = (status: number): Input => ({ type: "exited", pid: pid(42), cause: { type: "exit", status } });
const dies = (signal: number, core = false): Input => ({
  type: "exited",
  pid: pid(42),
  cause: { type: "signal", signal, core },
});

function edges(effects: readonly Effect[]): string[] {
  return effects.flatMap((effect) => (effect.type === "notify" ? [`${effect.from} ${effect.to}`] : []));
}

function lines(effects: readonly Effect[]): string[] {
  return effects.flatMap((effect) => (effect.type === "log" ? [`${effect.level}: ${effect.text}`] : []));
}

describe("a stop that comes before the spawn has an outcome", () => {
  const wished = process({ name: "STARTING", pid: null, since: millis(0) }, { laststart: WALL });
  const played = (asked: Input, outcome: Input): readonly [Process, readonly string[]] => {
    const [waiting, none] = transition(processConfig({ startsecs: 0 }), wished, asked, at(1));
    expect(none).toEqual([]);
    const [next, effects] = transition(processConfig({ startsecs: 0 }), waiting, outcome, at(2));
    return [next, [...edges(effects), ...effects.flatMap((each) => (each.type === "kill" ? ["kill"] : []))]];
  };
  const stop: Input = { type: "stop", hold: true };

  test("reaches the child once there is one, whatever startsecs says", () => {
    const [next, done] = played(stop, { type: "spawned", pid: pid(42) });
    expect(done).toEqual(["STARTING STOPPING", "kill"]);
    expect([next.state.name, next.held]).toEqual(["STOPPING", true]);
    expect(played({ type: "shutdown" }, { type: "spawned", pid: pid(42) })[1]).toEqual(done);
  });

  test("ends the tries where there is none", () => {
    const [next, done] = played(stop, { type: "spawn-failed", spawnerr: "no" });
    expect(done).toEqual(["STARTING BACKOFF", "BACKOFF STOPPED"]);
    expect([next.state.name, next.held]).toEqual(["STOPPED", true]);
    const shut = played({ type: "shutdown" }, { type: "spawn-failed", spawnerr: "no" });
    expect(shut[1]).toEqual(["STARTING BACKOFF", "BACKOFF FATAL"]);
  });

  test("is heard by the next supervisor where this one ends in between", () => {
    const [waiting] = transition(processConfig(), wished, stop, at(1));
    const saved = { group: "g", name: "cat", process: waiting, run: null, updating: false };
    const adopted = takeUp(saved, pid(42), millis(5)).process;
    expect(deadline(processConfig(), adopted)).toBe(0);
    const [next, effects] = transition(processConfig(), adopted, { type: "deadline" }, at(5));
    expect([next.state.name, edges(effects)]).toEqual(["STOPPING", ["STARTING STOPPING"]]);
    expect(takeUp(saved, null, millis(5)).process).toMatchObject({ state: { name: "STOPPED" }, held: true });
  });
});

describe("starting", () => {
  test("a start is STARTING at once and asks for a spawn", () => {
    expect(transition(processConfig(), newProcess(), { type: "start" }, at(5))).toEqual([
      { ...newProcess(), state: { name: "STARTING", pid: null, since: 5 }, laststart: WALL + 0.005 },
      [
        { type: "notify", from: "STOPPED", to: "STARTING", tries: 0, pid: 0, expected: false },
        { type: "spawn" },
      ],
    ]);
  });

  test("a process that stays up for startsecs is RUNNING, and not a moment earlier", () => {
    expect(deadline(processConfig(), starting)).toBe(1000);
    expect(transition(processConfig(), starting, { type: "deadline" }, at(999))).toEqual([starting, []]);
    const [up, effects] = transition(processConfig(), starting, { type: "deadline" }, at(1000));
    expect(up.state).toEqual({ name: "RUNNING", pid: 42, since: 0 });
    expect(edges(effects)).toEqual(["STARTING RUNNING"]);
    expect(lines(effects)).toEqual([
      "info: success: cat entered RUNNING state, process has stayed up for > than 1 seconds (startsecs)",
    ]);
  });

  test("with startsecs=0 the spawn itself is success", () => {
    const waiting = process({ name: "STARTING", pid: null, since: millis(0) });
    const config = processConfig({ startsecs: 0 });
    const [up, effects] = transition(config, waiting, { type: "spawned", pid: pid(42) }, at(0));
    expect(up.state).toEqual({ name: "RUNNING", pid: 42, since: 0 });
    expect(lines(effects)).toEqual([
      "info: spawned: 'cat' with pid 42",
      "info: success: cat entered RUNNING state, process has stayed up for > than 0 seconds (startsecs)",
    ]);
  });

  test("an exit within startsecs is a failed start whatever the status", () => {
    const [back, effects] = transition(processConfig(), starting, exits(0), at(100));
    expect(back).toEqual({
      ...starting,
      state: { name: "BACKOFF", until: 1100 },
      backoff: 1,
      spawnerr: "Exited too quickly (process log may have details)",
      exitstatus: null,
      laststop: WALL + 0.1,
    });
    expect(lines(effects)).toEqual(["warn: exited: cat (exit status 0; not expected)"]);
  });

  test("an exit after startsecs that came before the deadline was seen goes through RUNNING", () => {
    const [out, effects] = transition(processConfig(), starting, exits(0), at(1500));
    expect(out.state).toEqual({ name: "EXITED", restartAt: null });
    expect(edges(effects)).toEqual(["STARTING RUNNING", "RUNNING EXITED"]);
    expect(lines(effects)).toEqual(["info: exited: cat (exit status 0; expected)"]);
  });

  test("startretries=3 is four attempts, after waits of 1, 2 and 3 seconds, then FATAL", () => {
    const config = processConfig();
    const failed: Input = { type: "spawn-failed", spawnerr: "can't find command 'x'" };
    let now = 0;
    let [it] = transition(config, newProcess(), { type: "start" }, at(now));
    const waits: number[] = [];
    for (;;) {
      const [after, effects] = transition(config, it, failed, at(now));
      it = after;
      if (it.state.name !== "BACKOFF") {
        expect(edges(effects)).toEqual(["STARTING BACKOFF", "BACKOFF FATAL"]);
        expect(lines(effects)).toEqual([
          "info: spawnerr: can't find command 'x'",
          "info: gave up: cat entered FATAL state, too many start retries too quickly",
        ]);
        break;
      }
      const until = it.state.until ?? Number.NaN;
      waits.push(until - now);
      now = until;
      [it] = transition(config, it, { type: "deadline" }, at(now));
      expect(it.state.name).toBe("STARTING");
    }
    expect(waits).toEqual([1000, 2000, 3000]);
    expect(it.state).toEqual({ name: "FATAL" });
    expect(it.spawnerr).toBe("can't find command 'x'");
    expect(it.backoff).toBe(0);
  });

  test("autostart starts what was never stopped on purpose, and nothing else", () => {
    const start = (config = processConfig(), held = false): string =>
      transition(config, newProcess(held), { type: "autostart" }, at(0))[0].state.name;
    expect(start()).toBe("STARTING");
    expect(start(processConfig({ autostart: false }))).toBe("STOPPED");
    expect(start(processConfig(), true)).toBe("STOPPED");
  });
});

describe("ending", () => {
  test.each([
    [true, 0, "STARTING"],
    [true, 3, "STARTING"],
    [false, 0, "EXITED"],
    [false, 3, "EXITED"],
    ["unexpected", 0, "EXITED"],
    ["unexpected", 3, "STARTING"],
  ] as const)("autorestart=%s after exit status %i is %s", (autorestart, status, name) => {
    const [after, effects] = transition(processConfig({ autorestart }), running, exits(status), at(5000));
    expect(after.state.name).toBe(name);
    expect(edges(effects)[0]).toBe("RUNNING EXITED");
  });

  test("a signal is an unexpected end with status -1", () => {
    const config = processConfig({ autorestart: false });
    const [after, effects] = transition(config, running, dies(11, true), at(5000));
    expect(after).toEqual({
      ...running,
      state: { name: "EXITED", restartAt: null },
      exitstatus: -1,
      spawnerr: "Bad exit code -1",
      laststop: WALL + 5,
    });
    expect(lines(effects)).toEqual(["warn: exited: cat (terminated by SIGSEGV (core dumped); not expected)"]);
  });

  test("nothing is started while the daemon leaves", () => {
    const [after] = transition(processConfig({ autorestart: true }), running, exits(1), at(5000, false));
    expect(after.state).toEqual({ name: "EXITED", restartAt: null });
  });

  test("somebody else's exit changes nothing", () => {
    const other: Input = { type: "exited", pid: pid(43), cause: { type: "exit", status: 0 } };
    expect(transition(processConfig(), running, other, at(5000))).toEqual([running, []]);
  });

  test("a program that ends at once, again and again, is held to one restart a second", () => {
    const config = processConfig({ startsecs: 0, autorestart: true });
    let [it] = transition(config, newProcess(), { type: "start" }, at(1));
    let starts = 1;
    for (let now = 1; now < 60_001; now += 1) {
      if (it.state.name === "STARTING")
        [it] = transition(config, it, { type: "spawned", pid: pid(42) }, at(now));
      else if (it.state.name === "RUNNING") [it] = transition(config, it, exits(0), at(now));
      else if (now >= (deadline(config, it) ?? 0))
        [it] = transition(config, it, { type: "deadline" }, at(now));
      if (it.state.name === "STARTING") starts += 1;
    }
    expect(starts).toBeGreaterThan(150);
    expect(starts).toBeLessThan(165);
  });
});

describe("stopping", () => {
  test("a stop sends stopsignal and waits stopwaitsecs before SIGKILL, again and again", () => {
    const config = processConfig({ stopsignal: 3, stopwaitsecs: 2, stopasgroup: true, killasgroup: true });
    const [asked, effects] = transition(config, running, { type: "stop", hold: true }, at(5000));
    expect(asked).toEqual({
      ...running,
      held: true,
      state: { name: "STOPPING", pid: 42, since: 0, killAt: 7000 },
    });
    expect(effects).toEqual([
      { type: "log", level: "debug", text: "killing cat (pid 42) process group with signal SIGQUIT" },
      { type: "notify", from: "RUNNING", to: "STOPPING", tries: 0, pid: 42, expected: false },
      { type: "kill", pid: 42, signal: 3, asgroup: true },
    ]);
    const [late, killing] = transition(config, asked, { type: "deadline" }, at(7000));
    expect(killing).toEqual([
      { type: "log", level: "warn", text: "killing 'cat' (42) with SIGKILL" },
      { type: "kill", pid: 42, signal: 9, asgroup: true },
    ]);
    expect(deadline(config, late)).toBe(9000);
    const [gone, last] = transition(config, late, dies(9), at(7100));
    expect(gone.state).toEqual({ name: "STOPPED" });
    expect(lines(last)).toEqual(["warn: stopped: cat (terminated by SIGKILL)"]);
  });

  test("a clean exit after the stop request is said at INFO", () => {
    const [asked] = transition(processConfig(), running, { type: "stop", hold: true }, at(5000));
    const [gone, effects] = transition(processConfig(), asked, exits(0), at(5100));
    expect(gone.exitstatus).toBe(0);
    expect(lines(effects)).toEqual(["info: stopped: cat (exit status 0)"]);
  });

  test("a stop in BACKOFF is immediate and gives the next start all its tries", () => {
    const waiting = process({ name: "BACKOFF", until: millis(9000) }, { backoff: 3 });
    const [after, effects] = transition(processConfig(), waiting, { type: "stop", hold: true }, at(5000));
    expect(after.state).toEqual({ name: "STOPPED" });
    expect(after.backoff).toBe(0);
    expect(edges(effects)).toEqual(["BACKOFF STOPPED"]);
    expect(lines(effects)).toEqual(["debug: Attempted to kill cat, which is in BACKOFF state."]);
  });

  test("what waits to be retried gives up when the daemon leaves", () => {
    const waiting = process({ name: "BACKOFF", until: millis(9000) }, { backoff: 3 });
    const [after, effects] = transition(processConfig(), waiting, { type: "shutdown" }, at(5000, false));
    expect(after.state).toEqual({ name: "FATAL" });
    expect(lines(effects)).toEqual([]);
  });

  test("a signal that cannot be sent leads to UNKNOWN, and the death is still noticed", () => {
    const [asked] = transition(processConfig(), running, { type: "stop", hold: true }, at(5000));
    const [lost, effects] = transition(
      processConfig(),
      asked,
      { type: "kill-failed", detail: "EPERM" },
      at(5000),
    );
    expect(lost.state.name).toBe("UNKNOWN");
    expect(lines(effects)).toEqual(["critical: unknown problem killing cat (42):EPERM"]);
    const [gone] = transition(processConfig(), lost, exits(0), at(6000));
    expect(gone.state).toEqual({ name: "STOPPED" });
  });

  test("a start by hand ends being held", () => {
    const [asked] = transition(processConfig(), running, { type: "stop", hold: true }, at(5000));
    const [stopped] = transition(processConfig(), asked, exits(0), at(5100));
    expect(stopped.held).toBe(true);
    expect(transition(processConfig(), stopped, { type: "start" }, at(6000))[0].held).toBe(false);
  });
});
