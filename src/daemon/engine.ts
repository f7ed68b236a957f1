/**
 * The shell around the core: gives inputs to `transition`, performs the effects that come back, feeds their
 * outcome in before anything else, and keeps one timer for all deadlines.
 *
 * A throw is a bug, wherever it comes from. It is said, and becomes an outcome that the core knows: a start that failed,
 * a signal that could not be sent. So `feed` and what leads to it never throw, every child stays known, and every
 * process is in a state from which the next input leads on.
 */
import { assertNever, type Pid } from "../core/brand.js";
import {
  deadline,
  type Effect,
  type ExitCause,
  type Input,
  type Notify,
  type Process,
  transition,
  type World,
} from "../core/process.js";
import { decodeWaitStatus, type Reaped } from "../posix/reap.js";
import { now } from "./clock.js";
import { createDeadlines } from "./deadlines.js";
import type { Entry, Waiter } from "./entry.js";
import type { Log } from "./log.js";
import type { Run } from "./run.js";
import type { SpawnOutcome } from "./start-run.js";

/** Hears of each state change, after the process has its new state. */
export type Listener = (entry: Entry, change: Notify) => void;

export interface EngineOptions {
  readonly log: Log;
  /** Starts the child, or says why that could not be. */
  readonly spawn: (entry: Entry) => SpawnOutcome;
  /** Collects one dead child; null when there is none to collect. */
  readonly reap: () => Reaped | null;
  /** Hears of each process that took a step, once it has its new state. */
  readonly onStep: (entry: Entry) => void;
  /** What was heard must last before this goes on: a signal is about to be sent. */
  readonly beforeKill: () => void;
  /** For tests; the core's otherwise. */
  readonly transition?: typeof transition;
}

export interface Engine extends Disposable {
  /** False once the daemon shuts down or reloads. */
  mayStart: boolean;
  /** Tells a process that something happened; its effects are done when this returns. */
  feed(entry: Entry, input: Input): void;
  /** Collects every child that has died. */
  reap(): void;
  /** Takes up a process where an earlier supervisor left it; its child, if it has one, is `run`. */
  resume(entry: Entry, process: Process, run: Run | null): void;
  /** A child that is not our own has ended. */
  ended(entry: Entry, run: Run, cause: ExitCause): void;
  /** How a child that is no process under supervision ends. */
  helperEnd(pid: Pid): Promise<ExitCause>;
  /** Every child whose end is waited for. */
  children(): Iterable<number>;
  subscribe(listener: Listener): Disposable;
  /** Settles once the condition holds; undefined when it holds already. */
  until(entry: Entry, settled: Waited): Promise<void> | undefined;
  /** Wakes everyone who waits for a process that is about to be forgotten. */
  forget(entry: Entry): void;
  readonly entries: ReadonlySet<Entry>;
  adopt(entry: Entry): void;
}

type Waited = (process: Entry["process"]) => boolean;

export function createEngine(options: EngineOptions): Engine {
  const { log } = options;
  const decide = options.transition ?? transition;
  const entries = new Set<Entry>();
  const byPid = new Map<number, Entry>();
  const helpers = new Map<number, (cause: ExitCause) => void>();
  const listeners = new Set<Listener>();
  /** Changes of state that not every listener has heard of. */
  const news: [entry: Entry, change: Notify][] = [];
  let isTelling = false;
  const deadlines = createDeadlines<Entry>(
    () => now().mono,
    (entry) => engine.feed(entry, { type: "deadline" }),
  );

  const engine: Engine = {
    mayStart: true,
    entries,

    feed(entry, input) {
      for (let next: Input | null = input; next !== null; ) next = step(entry, next);
      settle(entry);
    },

    reap() {
      for (let dead = options.reap(); dead !== null; dead = options.reap()) {
        const cause = decodeWaitStatus(dead.waitStatus);
        const entry = byPid.get(dead.pid);
        const helper = helpers.get(dead.pid);
        if (helper !== undefined) {
          helpers.delete(dead.pid);
          helper(cause);
          continue;
        }
        if (entry === undefined) {
          log.reaped(dead.pid, cause);
          continue;
        }
        byPid.delete(dead.pid);
        endRun(entry);
        engine.feed(entry, { type: "exited", pid: dead.pid, cause });
      }
    },

    resume(entry, process, run) {
      entry.process = process;
      entry.run = run;
      if (run !== null) byPid.set(run.pid, entry);
      deadlines.set(entry, deadline(entry.config, process));
      note(entry);
    },

    ended(entry, run, cause) {
      if (entry.run !== run) return;
      byPid.delete(run.pid);
      endRun(entry);
      engine.feed(entry, { type: "exited", pid: run.pid, cause });
    },

    helperEnd: (pid) => new Promise((resolve) => helpers.set(pid, resolve)),

    *children() {
      yield* byPid.keys();
      yield* helpers.keys();
    },

    subscribe(listener) {
      listeners.add(listener);
      return { [Symbol.dispose]: () => void listeners.delete(listener) };
    },

    until(entry, settled) {
      if (settled(entry.process)) return undefined;
      return new Promise((resolve) => {
        entry.waiters ??= new Set();
        entry.waiters.add({ settled, wake: resolve });
      });
    },

    adopt(entry) {
      entries.add(entry);
    },

    forget(entry) {
      entries.delete(entry);
      deadlines.set(entry, null);
      for (const waiter of entry.waiters ?? []) waiter.wake();
      entry.waiters = null;
    },

    [Symbol.dispose]() {
      deadlines[Symbol.dispose]();
      listeners.clear();
      for (const entry of entries) {
        attempt(`cannot close the pipes of ${entry.name}`, () => entry.run?.close());
        attempt(`cannot close the logs of ${entry.name}`, () => entry.outputs.close());
      }
    },
  };

  /** For what must not keep the rest from being done. */
  function attempt(failing: string, act: () => void): void {
    try {
      act();
    } catch (error) {
      log.log("critical", `${failing}: ${describeError(error)}`);
    }
  }

  function note(entry: Entry): void {
    attempt(`cannot note the state of ${entry.name}`, () => options.onStep(entry));
  }

  /** One input through the core. Gives back the outcome that the core must hear next, if there is one. */
  function step(entry: Entry, input: Input): Input | null {
    const world: World = { now: now(), mayStart: engine.mayStart };
    let effects: readonly Effect[];
    try {
      const [next, wanted] = decide(entry.config, entry.process, input, world);
      entry.process = next;
      effects = wanted;
    } catch (error) {
      breakProcess(entry, input, error);
      return null;
    }
    let answer: Input | null = null;
    for (const effect of effects) answer = perform(entry, effect) ?? answer;
    deadlines.set(entry, deadline(entry.config, entry.process));
    note(entry);
    return answer;
  }

  function perform(entry: Entry, effect: Effect): Input | null {
    switch (effect.type) {
      case "log":
        log.log(effect.level, effect.text);
        return null;
      case "notify":
        tell(entry, effect);
        return null;
      case "spawn":
        return begin(entry);
      case "kill":
        return signal(entry, effect);
      default:
        return assertNever(effect);
    }
  }

  function begin(entry: Entry): Input {
    try {
      const outcome = options.spawn(entry);
      if (outcome.ok) {
        entry.run = outcome.run;
        byPid.set(outcome.run.pid, entry);
        return { type: "spawned", pid: outcome.run.pid };
      }
      // The end of that child is still to be collected.
      if (outcome.killed !== null) helpers.set(outcome.killed, () => undefined);
      return { type: "spawn-failed", spawnerr: outcome.spawnerr };
    } catch (error) {
      log.log("critical", `internal error starting ${entry.name}: ${describeError(error)}`);
      return { type: "spawn-failed", spawnerr: internalError(error) };
    }
  }

  function signal(entry: Entry, effect: Extract<Effect, { readonly type: "kill" }>): Input | null {
    note(entry);
    attempt(`cannot make last what is known of ${entry.name}`, options.beforeKill);
    const problem = send(entry, effect);
    if (problem === null) return null;
    if (problem === "ESRCH") {
      const text = `unable to signal ${entry.name} (pid ${effect.pid}), it probably just exited on its own: ${problem}`;
      log.log("debug", text);
      return null;
    }
    return { type: "kill-failed", detail: problem };
  }

  function send(
    { run }: Entry,
    { signal, asgroup }: Extract<Effect, { readonly type: "kill" }>,
  ): string | null {
    try {
      return run === null ? "ESRCH" : run.kill(signal, asgroup);
    } catch (error) {
      return internalError(error);
    }
  }

  /** A listener may feed a process itself: what comes of that is told when all have heard of what led to it. */
  function tell(entry: Entry, change: Notify): void {
    news.push([entry, change]);
    if (isTelling) return;
    isTelling = true;
    try {
      for (let next = news.shift(); next !== undefined; next = news.shift()) spread(...next);
    } finally {
      isTelling = false;
    }
  }

  function spread(entry: Entry, change: Notify): void {
    for (const listener of listeners) {
      try {
        listener(entry, change);
      } catch (error) {
        log.log("error", `state change listener failed: ${describeError(error)}`);
      }
    }
  }

  function settle(entry: Entry): void {
    const { waiters } = entry;
    if (waiters === null) return;
    for (const waiter of waiters) {
      if (!isSettled(waiter)) continue;
      waiters.delete(waiter);
      waiter.wake();
    }
    if (waiters.size === 0) entry.waiters = null;

    /** A condition that throws counts as met. */
    function isSettled({ settled }: Waiter): boolean {
      try {
        return settled(entry.process);
      } catch (error) {
        log.log("error", `what waits for ${entry.name} failed: ${describeError(error)}`);
        return true;
      }
    }
  }

  /** The child is dead: take what it left in its pipes, and go on reading only if a descendant holds them. */
  function endRun(entry: Entry): void {
    const { run } = entry;
    if (run === null) return;
    entry.run = null;
    attempt(`cannot close the pipes of ${entry.name}`, () => run.finish());
  }

  /** A throw in the core: everything known is said. A process with a child is UNKNOWN until that ends, else FATAL. */
  function breakProcess(entry: Entry, input: Input, error: unknown): void {
    const { process, run } = entry;
    const known = JSON.stringify({ process, input });
    log.log("critical", `internal error supervising ${entry.name}: ${describeError(error)} ${known}`);
    const state: Process["state"] =
      run === null
        ? { name: "FATAL" }
        : { name: "UNKNOWN", pid: run.pid, since: now().mono, stopping: false };
    entry.process = { ...process, state, backoff: 0, spawnerr: internalError(error) };
    deadlines.set(entry, null);
    const from = process.state.name;
    const to = state.name;
    if (from !== to) tell(entry, { type: "notify", from, to, tries: 0, pid: run?.pid ?? 0, expected: false });
    note(entry);
  }

  return engine;
}

/** An error's stack or text, for the log. */
export function describeError(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/** As a process' spawnerr, which is one line. */
function internalError(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return `internal error: ${text.split("\n", 1)[0]}`;
}
