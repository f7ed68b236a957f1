/**
 * The whole life of a process, as a function: (config, process, input, world) → (process, effects).
 *
 * Every state answers every input, here and nowhere else. Nothing in this file looks at a clock, sends a
 * signal or writes a log: it says what should happen, and whoever runs it does that and tells the outcome
 * (`spawned`, `spawn-failed`, `kill-failed`) before anything else.
 */
import { after, assertNever, type Millis, type Now, type Pid } from "./brand.js";
import type { LogLevel, ProcessConfig } from "./config.js";

export const STATECODES = {
  STOPPED: 0,
  STARTING: 10,
  RUNNING: 20,
  BACKOFF: 30,
  STOPPING: 40,
  EXITED: 100,
  FATAL: 200,
  UNKNOWN: 1000,
} as const;
export type StateName = keyof typeof STATECODES;

/** One variant per Supervisor state; each carries only what that state needs. */
export type ProcessState =
  | { readonly name: "STOPPED" }
  /** `pid` is null only between the wish to spawn and its outcome; `asked` is a stop that came in between. */
  | {
      readonly name: "STARTING";
      readonly pid: Pid | null;
      readonly since: Millis;
      readonly asked?: "stop" | "shutdown";
    }
  | { readonly name: "RUNNING"; readonly pid: Pid; readonly since: Millis }
  /** `until` is null while the daemon leaves: nothing is started any more. */
  | { readonly name: "BACKOFF"; readonly until: Millis | null }
  | { readonly name: "STOPPING"; readonly pid: Pid; readonly since: Millis; readonly killAt: Millis }
  /** `restartAt` is set when autorestart wants it back but it has used up its quick restarts. */
  | { readonly name: "EXITED"; readonly restartAt: Millis | null }
  | { readonly name: "FATAL" }
  | { readonly name: "UNKNOWN"; readonly pid: Pid; readonly since: Millis; readonly stopping: boolean };

type In<Name extends StateName> = Extract<ProcessState, { readonly name: Name }>;

/** How a child ended. */
export type ExitCause =
  | { readonly type: "exit"; readonly status: number }
  | { readonly type: "signal"; readonly signal: number; readonly core: boolean }
  | { readonly type: "other"; readonly waitStatus: number }
  /** It was not our own child, and the kernel can't tell. */
  | { readonly type: "unknown" };

/** A process: its state, and what outlasts each state. */
export interface Process {
  readonly state: ProcessState;
  /** Failed starts in a row. */
  readonly backoff: number;
  /** Why the last start failed or the last exit was unexpected; empty when there is nothing to say. */
  readonly spawnerr: string;
  /** Exit status of the last run, -1 for a signal; null while running or after a too quick exit. */
  readonly exitstatus: number | null;
  /** Wall clock, seconds; 0 is never. */
  readonly laststart: number;
  readonly laststop: number;
  /** An operator stopped it; with keep_stopped, only an operator starts it again. */
  readonly held: boolean;
  /** Immediate restarts still allowed, and when that was counted. */
  readonly quick: { readonly left: number; readonly at: Millis };
}

export type Input =
  /** Somebody asks for it. */
  | { readonly type: "start" }
  /** The daemon starts, or the group was just added. */
  | { readonly type: "autostart" }
  /** Somebody asks; `hold` marks it as stopped on purpose. */
  | { readonly type: "stop"; readonly hold: boolean }
  /** The daemon shuts down or reloads. */
  | { readonly type: "shutdown" }
  /** The moment that `deadline` named has come. */
  | { readonly type: "deadline" }
  | { readonly type: "spawned"; readonly pid: Pid }
  | { readonly type: "spawn-failed"; readonly spawnerr: string }
  | { readonly type: "exited"; readonly pid: Pid; readonly cause: ExitCause }
  /**
   * A signal could not be sent, for a reason other than that the process is gone. `asked` is there when it was
   * a client's signal rather than one that should end the process.
   */
  | { readonly type: "kill-failed"; readonly detail: string; readonly asked?: "signal" };

/** A state change, with the numbers its event carries. */
export interface Notify {
  readonly type: "notify";
  readonly from: StateName;
  readonly to: StateName;
  /** STARTING and BACKOFF: failed starts so far. */
  readonly tries: number;
  /** Pid the change is about; 0 when there is none. */
  readonly pid: number;
  /** EXITED: whether the status was among exitcodes. */
  readonly expected: boolean;
}

export type Effect =
  | Notify
  | { readonly type: "log"; readonly level: LogLevel; readonly text: string }
  | { readonly type: "spawn" }
  | { readonly type: "kill"; readonly pid: Pid; readonly signal: number; readonly asgroup: boolean };

export interface World {
  readonly now: Now;
  /** False while the daemon shuts down or reloads: nothing is started any more. */
  readonly mayStart: boolean;
}

export type Step = readonly [next: Process, effects: readonly Effect[]];

const SIGKILL = 9;
/** Immediate restarts in a row before they come once a second, the reference's own pace. */
const QUICK_RESTARTS = 100;

export function newProcess(held = false): Process {
  return {
    state: { name: "STOPPED" },
    backoff: 0,
    spawnerr: "",
    exitstatus: null,
    laststart: 0,
    laststop: 0,
    held,
    quick: { left: QUICK_RESTARTS, at: 0 as Millis },
  };
}

export function transition(config: ProcessConfig, process: Process, input: Input, world: World): Step {
  const { state } = process;
  switch (state.name) {
    case "STOPPED":
      return stopped(config, process, input, world);
    case "STARTING":
      return starting(config, process, state, input, world);
    case "RUNNING":
      return running(config, process, state, input, world);
    case "BACKOFF":
      return backoff(config, process, state, input, world);
    case "STOPPING":
      return stopping(config, process, state, input, world);
    case "EXITED":
      return exited(process, state, input, world);
    case "FATAL":
      return input.type === "start" ? start(process, world) : stay(process);
    case "UNKNOWN":
      return unknown(config, process, state, input, world);
    default:
      return assertNever(state);
  }
}

/** When this process next wants a `deadline` input; null when only something else can move it. */
export function deadline(config: ProcessConfig, process: Process): Millis | null {
  const { state } = process;
  switch (state.name) {
    case "STARTING":
      if (state.pid === null) return null;
      return state.asked === undefined ? after(state.since, config.startsecs) : state.since;
    case "BACKOFF":
      return state.until;
    case "STOPPING":
      return state.killAt;
    case "EXITED":
      return state.restartAt;
    default:
      return null;
  }
}

/** The pid of the live child, or null. */
export function livePid(process: Process): Pid | null {
  const { state } = process;
  return "pid" in state ? state.pid : null;
}

/** STARTING, RUNNING, BACKOFF: may be stopped, can't be started. */
export function isRunningClass(name: StateName): boolean {
  return name === "RUNNING" || name === "STARTING" || name === "BACKOFF";
}

/** STOPPED, EXITED, FATAL, UNKNOWN: counts as down. */
export function isStoppedClass(name: StateName): boolean {
  return name === "STOPPED" || name === "EXITED" || name === "FATAL" || name === "UNKNOWN";
}

/** RUNNING, STARTING, STOPPING: has a child that a signal can reach. */
export function isSignallable(name: StateName): boolean {
  return name === "RUNNING" || name === "STARTING" || name === "STOPPING";
}

function stopped(config: ProcessConfig, process: Process, input: Input, world: World): Step {
  if (input.type === "start") return start(process, world);
  if (input.type === "autostart" && config.autostart && !process.held) return start(process, world);
  return stay(process);
}

function starting(
  config: ProcessConfig,
  process: Process,
  state: In<"STARTING">,
  input: Input,
  world: World,
): Step {
  switch (input.type) {
    case "spawned": {
      const spawned = { ...process, state: { ...state, pid: input.pid } };
      const step: Step = [spawned, [say("info", `spawned: '${config.name}' with pid ${input.pid}`)]];
      if (state.asked !== undefined) return then(step, (p) => hearAsked(config, p, state.asked, world));
      return config.startsecs > 0 ? step : then(step, (p) => becomeRunning(config, p));
    }
    case "spawn-failed": {
      const log = say("info", `spawnerr: ${input.spawnerr}`);
      const failed = failStart(config, process, input.spawnerr, 0, [log], world);
      return then(failed, (p) => hearAsked(config, p, state.asked, world));
    }
    case "deadline":
      // Taken up from a supervisor that did not live to hear of its spawn.
      if (state.asked !== undefined) return hearAsked(config, process, state.asked, world);
      return isUp(config, state, world) ? becomeRunning(config, process) : stay(process);
    case "exited": {
      if (input.pid !== state.pid) return stay(process);
      if (isUp(config, state, world)) {
        // It stayed up long enough, only nobody had looked yet: both events, no "entered RUNNING" line.
        const up = move({ ...process, backoff: 0 }, { ...state, name: "RUNNING", pid: input.pid });
        return then(up, (p) => exit(config, p, input.cause, world));
      }
      const text = `exited: ${config.name} (${describeExit(input.cause)}; not expected)`;
      const quick = { ...process, exitstatus: null, laststop: world.now.wall };
      return failStart(config, quick, TOO_QUICKLY, input.pid, [say("warn", text)], world);
    }
    case "stop":
    case "shutdown":
      return state.pid === null
        ? [{ ...process, state: { ...state, asked: input.type }, held: isHeldBy(process, input) }, []]
        : stop(config, process, state.pid, state.since, input, world);
    case "kill-failed":
      return state.pid === null ? stay(process) : lose(config, process, state.pid, state.since, false, input);
    default:
      return stay(process);
  }
}

function running(
  config: ProcessConfig,
  process: Process,
  state: In<"RUNNING">,
  input: Input,
  world: World,
): Step {
  switch (input.type) {
    case "exited":
      return input.pid === state.pid ? exit(config, process, input.cause, world) : stay(process);
    case "stop":
    case "shutdown":
      return stop(config, process, state.pid, state.since, input, world);
    case "kill-failed":
      return lose(config, process, state.pid, state.since, false, input);
    default:
      return stay(process);
  }
}

function backoff(
  config: ProcessConfig,
  process: Process,
  state: In<"BACKOFF">,
  input: Input,
  world: World,
): Step {
  switch (input.type) {
    case "stop": {
      const log = say("debug", `Attempted to kill ${config.name}, which is in BACKOFF state.`);
      // The reference keeps its counter here, so that the next start has fewer tries; nobody wants that.
      const fresh = { ...process, backoff: 0, laststop: world.now.wall, held: process.held || input.hold };
      return then([fresh, [log]], (p) => move(p, { name: "STOPPED" }));
    }
    case "shutdown":
      return giveUp(process);
    case "deadline":
      if (state.until === null || world.now.mono < state.until) return stay(process);
      // A deadline that is due and stays would be due again at once, for ever.
      return world.mayStart
        ? start(process, world)
        : stay({ ...process, state: { name: "BACKOFF", until: null } });
    default:
      return stay(process);
  }
}

function stopping(
  config: ProcessConfig,
  process: Process,
  state: In<"STOPPING">,
  input: Input,
  world: World,
): Step {
  switch (input.type) {
    case "exited": {
      if (input.pid !== state.pid) return stay(process);
      const exitstatus = statusOf(input.cause);
      const level = config.exitcodes.includes(exitstatus) ? "info" : "warn";
      const log = say(level, `stopped: ${config.name} (${describeExit(input.cause)})`);
      const ended = { ...process, exitstatus, laststop: world.now.wall };
      return then(move(ended, { name: "STOPPED" }, { pid: input.pid }), (p) => [p, [log]]);
    }
    case "deadline": {
      if (world.now.mono < state.killAt) return stay(process);
      const again = after(world.now.mono, Math.max(config.stopwaitsecs, 1));
      return [
        { ...process, state: { ...state, killAt: again } },
        [
          say("warn", `killing '${config.name}' (${state.pid}) with SIGKILL`),
          { type: "kill", pid: state.pid, signal: SIGKILL, asgroup: config.killasgroup },
        ],
      ];
    }
    case "stop":
      return input.hold && !process.held ? [{ ...process, held: true }, []] : stay(process);
    case "start":
      return [process, [say("warn", `process '${config.name}' already running`)]];
    case "kill-failed":
      return lose(config, process, state.pid, state.since, true, input);
    default:
      return stay(process);
  }
}

function exited(process: Process, state: In<"EXITED">, input: Input, world: World): Step {
  switch (input.type) {
    case "start":
      return start(process, world);
    case "stop":
      // Waiting for its turn in a restart loop: a stop must be heard.
      return state.restartAt === null
        ? stay(process)
        : [{ ...process, state: { name: "EXITED", restartAt: null }, held: process.held || input.hold }, []];
    case "shutdown":
      return [{ ...process, state: { name: "EXITED", restartAt: null } }, []];
    case "deadline":
      if (state.restartAt === null || world.now.mono < state.restartAt) return stay(process);
      return world.mayStart
        ? start(spendQuick(process, world), world)
        : stay({ ...process, state: { name: "EXITED", restartAt: null } });
    default:
      return stay(process);
  }
}

function unknown(
  config: ProcessConfig,
  process: Process,
  state: In<"UNKNOWN">,
  input: Input,
  world: World,
): Step {
  if (input.type !== "exited" || input.pid !== state.pid) return stay(process);
  if (!state.stopping) return exit(config, process, input.cause, world);
  const ended = { ...process, exitstatus: statusOf(input.cause), laststop: world.now.wall };
  return move(ended, { name: "STOPPED" }, { pid: input.pid });
}

const TOO_QUICKLY = "Exited too quickly (process log may have details)";

function start(process: Process, world: World): Step {
  if (!world.mayStart) return stay(process);
  const fresh = {
    ...process,
    spawnerr: "",
    exitstatus: null,
    laststart: world.now.wall,
    held: false,
  };
  return then(move(fresh, { name: "STARTING", pid: null, since: world.now.mono }), (p) => [
    p,
    [{ type: "spawn" }],
  ]);
}

/** The stop that came before its spawn had an outcome. Whether it holds was noted at once. */
function hearAsked(
  config: ProcessConfig,
  process: Process,
  asked: In<"STARTING">["asked"],
  world: World,
): Step {
  if (asked === undefined) return stay(process);
  return transition(
    config,
    process,
    asked === "stop" ? { type: asked, hold: false } : { type: asked },
    world,
  );
}

function isUp(config: ProcessConfig, state: In<"STARTING">, world: World): boolean {
  return state.pid !== null && world.now.mono >= after(state.since, config.startsecs);
}

function becomeRunning(config: ProcessConfig, process: Process): Step {
  const { state } = process;
  if (state.name !== "STARTING" || state.pid === null) return stay(process);
  const text = `success: ${config.name} entered RUNNING state, process has stayed up for > than ${config.startsecs} seconds (startsecs)`;
  const up = move({ ...process, backoff: 0 }, { name: "RUNNING", pid: state.pid, since: state.since });
  return then(up, (p) => [p, [say("info", text)]]);
}

/** STARTING → BACKOFF, and on to FATAL when the tries are used up. */
function failStart(
  config: ProcessConfig,
  process: Process,
  spawnerr: string,
  deadPid: number,
  logs: readonly Effect[],
  world: World,
): Step {
  const tries = process.backoff + 1;
  const failed = { ...process, spawnerr, backoff: tries };
  const waiting = move(failed, { name: "BACKOFF", until: after(world.now.mono, tries) }, { pid: deadPid });
  const step: Step = then(waiting, (p) => [p, logs]);
  if (tries <= config.startretries) return step;
  const text = `gave up: ${config.name} entered FATAL state, too many start retries too quickly`;
  return then(then(step, giveUp), (p) => [p, [say("info", text)]]);
}

function giveUp(process: Process): Step {
  return move({ ...process, backoff: 0 }, { name: "FATAL" });
}

type StopInput = Extract<Input, { readonly type: "stop" | "shutdown" }>;

/** Whether it counts as stopped on purpose from now on. */
function isHeldBy(process: Process, input: StopInput): boolean {
  return process.held || (input.type === "stop" && input.hold);
}

function stop(
  config: ProcessConfig,
  process: Process,
  pid: Pid,
  since: Millis,
  input: StopInput,
  world: World,
): Step {
  const asgroup = config.stopasgroup;
  const log = say(
    "debug",
    `killing ${config.name} (pid ${pid}) ${asgroup ? "process group " : ""}with signal ${signalName(config.stopsignal)}`,
  );
  const marked = { ...process, held: isHeldBy(process, input) };
  const killAt = after(world.now.mono, config.stopwaitsecs);
  const moved = move(marked, { name: "STOPPING", pid, since, killAt }, { pid });
  const kill: Effect = { type: "kill", pid, signal: config.stopsignal, asgroup };
  return [moved[0], [log, ...moved[1], kill]];
}

/** RUNNING → EXITED, and at once back to STARTING when autorestart says so. */
function exit(config: ProcessConfig, process: Process, cause: ExitCause, world: World): Step {
  const exitstatus = statusOf(cause);
  const expected = config.exitcodes.includes(exitstatus);
  const ended = {
    ...process,
    backoff: 0,
    exitstatus,
    laststop: world.now.wall,
    spawnerr: expected ? process.spawnerr : `Bad exit code ${exitstatus}`,
  };
  const pid = livePid(process) ?? 0;
  const text = `exited: ${config.name} (${describeExit(cause)}; ${expected ? "expected" : "not expected"})`;
  const out = then(move(ended, { name: "EXITED", restartAt: null }, { pid, expected }), (p) => [
    p,
    [say(expected ? "info" : "warn", text)],
  ]);
  const wanted = config.autorestart === "unexpected" ? !expected : config.autorestart;
  return wanted && world.mayStart ? then(out, (p) => restart(p, world)) : out;
}

/**
 * Restarts are immediate, which a program that ends at once could turn into a busy loop: a bucket of
 * QUICK_RESTARTS, refilled at one a second, holds such a program to one restart a second.
 */
function restart(process: Process, world: World): Step {
  const quick = refill(process.quick, world.now.mono);
  if (quick.left >= 1) return start({ ...process, quick: { ...quick, left: quick.left - 1 } }, world);
  const restartAt = after(world.now.mono, 1 - quick.left);
  return [{ ...process, quick, state: { name: "EXITED", restartAt } }, []];
}

function spendQuick(process: Process, world: World): Process {
  const quick = refill(process.quick, world.now.mono);
  return { ...process, quick: { ...quick, left: Math.max(0, quick.left - 1) } };
}

function refill(quick: Process["quick"], at: Millis): Process["quick"] {
  const earned = Math.max(0, (at - quick.at) / 1000);
  return { left: Math.min(QUICK_RESTARTS, quick.left + earned), at };
}

/** Signalling failed for a reason we don't understand: Supervisor calls that UNKNOWN. */
function lose(
  config: ProcessConfig,
  process: Process,
  pid: Pid,
  since: Millis,
  wasStopping: boolean,
  { detail, asked }: Extract<Input, { readonly type: "kill-failed" }>,
): Step {
  const doing = asked === "signal" ? "sending sig" : "killing";
  const log = say("critical", `unknown problem ${doing} ${config.name} (${pid}):${detail}`);
  const moved = move(process, { name: "UNKNOWN", pid, since, stopping: wasStopping }, { pid });
  return [moved[0], [log, ...moved[1]]];
}

function stay(process: Process): Step {
  return [process, []];
}

function move(
  process: Process,
  state: ProcessState,
  details: { readonly pid?: number; readonly expected?: boolean } = {},
): Step {
  const notify: Notify = {
    type: "notify",
    from: process.state.name,
    to: state.name,
    tries: process.backoff,
    pid: details.pid ?? ("pid" in state ? (state.pid ?? 0) : 0),
    expected: details.expected ?? false,
  };
  return [{ ...process, state }, [notify]];
}

/** Runs one more step on what a step left, keeping all effects in order. */
function then(step: Step, next: (process: Process) => Step): Step {
  const [process, effects] = next(step[0]);
  return [process, [...step[1], ...effects]];
}

function say(level: LogLevel, text: string): Effect {
  return { type: "log", level, text };
}

/** Supervisor's exit status: the status, or -1 when a signal ended it or nobody knows. */
export function statusOf(cause: ExitCause): number {
  return cause.type === "exit" ? cause.status : -1;
}

/** `exit status 3`, `terminated by SIGSEGV (core dumped)`, as the reference's log says it. */
export function describeExit(cause: ExitCause): string {
  switch (cause.type) {
    case "exit":
      return `exit status ${cause.status}`;
    case "signal":
      return `terminated by ${signalName(cause.signal)}${cause.core ? " (core dumped)" : ""}`;
    case "other":
      return `unknown termination cause 0x${cause.waitStatus.toString(16).padStart(4, "0")}`;
    case "unknown":
      return "exit status unknown";
    default:
      return assertNever(cause);
  }
}

/** Linux numbers, with the name the reference prints where a number has several. */
export const SIGNAL_NAMES: Readonly<Record<number, string>> = {
  1: "SIGHUP",
  2: "SIGINT",
  3: "SIGQUIT",
  4: "SIGILL",
  5: "SIGTRAP",
  6: "SIGABRT",
  7: "SIGBUS",
  8: "SIGFPE",
  9: "SIGKILL",
  10: "SIGUSR1",
  11: "SIGSEGV",
  12: "SIGUSR2",
  13: "SIGPIPE",
  14: "SIGALRM",
  15: "SIGTERM",
  16: "SIGSTKFLT",
  17: "SIGCHLD",
  18: "SIGCONT",
  19: "SIGSTOP",
  20: "SIGTSTP",
  21: "SIGTTIN",
  22: "SIGTTOU",
  23: "SIGURG",
  24: "SIGXCPU",
  25: "SIGXFSZ",
  26: "SIGVTALRM",
  27: "SIGPROF",
  28: "SIGWINCH",
  29: "SIGPOLL",
  30: "SIGPWR",
  31: "SIGSYS",
  34: "SIGRTMIN",
  64: "SIGRTMAX",
};

/** `SIGTERM` for 15; `signal 40` for a number without a name. */
export function signalName(signal: number): string {
  return SIGNAL_NAMES[signal] ?? `signal ${signal}`;
}
