/** One life: from an open activity log to everything stopped. A reload is the end of one and the start of the next. */
import { lstatSync } from "node:fs";
import type { Config, LogLevel } from "../core/config.js";
import { LOG_LEVELS } from "../core/config.js";
import { type ActivityLog, openActivityLog } from "../logs/activity.js";
import { cleanAutoLogs } from "../logs/auto.js";
import { codeOf, reasonOf } from "../logs/trouble.js";
import { detach } from "../posix/daemonize.js";
import { keepName, type Restored } from "../posix/keep-name.js";
import { readPidfile, removePidfile, writePidfile } from "../posix/pidfile.js";
import { releaseText } from "../posix/text-pages.js";
import { lookupUser } from "../posix/user.js";
import type { Value } from "../rpc/method.js";
import { VERSION } from "../version.js";
import { noteConf } from "./conf-note.js";
import { describeError } from "./engine.js";
import type { Serials } from "./events.js";
import type { OpenSocket } from "./fcgi.js";
import type { Handover } from "./handover.js";
import { createLog, type Log } from "./log.js";
import type { Plugins } from "./plugins.js";
import type { Reading } from "./reconcile.js";
import type { Resume } from "./resume.js";
import { type OpenServers, openServers } from "./servers.js";
import type { ServiceManager } from "./service-manager.js";
import { installSignals } from "./signals.js";
import { StartProblem } from "./start-problem.js";
import { placeState } from "./state-place.js";
import { createSupervision, type Supervision } from "./supervision.js";
import { upgrade } from "./upgrade.js";
import { watchConfig } from "./watch.js";

export interface LifeOptions {
  readonly config: Config;
  readonly read: () => Reading;
  readonly held: ReadonlySet<string>;
  readonly nofile: number | null;
  readonly serials: Serials;
  /** First life only: what an earlier supervisor left. */
  readonly resume: Resume | null;
  /** First life only: the program that has become this one. */
  readonly handover: Handover | null;
  /** Another supervisor lives with this state file. That is said last: a taken socket says it as the reference does. */
  readonly rival: string | null;
  /** What clients connect to stays over a reload. */
  readonly sockets: readonly OpenSocket[];
  /** First life only: what was found before the log was open. */
  readonly messages: readonly Message[];
  /** First life in the background: called when the sockets listen and the daemon has left its terminal. */
  readonly background: { readonly announceReady: () => void } | null;
  readonly plugins: Plugins;
  /** Loads the plugins of the next life; null when it has none. */
  readonly preparePlugins: (config: Config) => Promise<void> | null;
  readonly manager: ServiceManager;
  readonly stderr: (text: string) => void;
}

export interface Message {
  readonly level: LogLevel;
  readonly text: string;
}

export interface LifeEnd {
  readonly next: "shutdown" | "restart";
  readonly held: ReadonlySet<string>;
  readonly sockets: readonly OpenSocket[];
}

/** Runs until shutdown or reload. Throws `StartProblem` when the log or a socket can't be opened. */
export async function live(options: LifeOptions): Promise<LifeEnd> {
  const { config, manager } = options;
  const { supervisord } = config;
  using activity = openLog(supervisord);
  const log = createLog(activity);
  for (const { level, text } of inOrder([...options.messages, ...config.messages])) log.log(level, text);
  if (!supervisord.nocleanup)
    for (const text of cleanAutoLogs(supervisord.childlogdir, supervisord.identifier, logsOf(options.resume)))
      log.log("warn", text);

  let servers: OpenServers | null = null;
  const left = new AbortController();
  using supervision = createSupervision({
    config,
    read: options.read,
    log,
    clearMainLog: () => clearMainLog(activity, log),
    held: options.held,
    nofile: options.nofile,
    serials: options.serials,
    sockets: options.sockets,
    resume: options.resume,
    upgrade: once(() => {
      if (servers === null) throw new Error("it is not up yet");
      const { path: configuration } = config;
      const { signal: leaving } = left;
      return upgrade({ supervision, servers, configuration, nofile: options.nofile, manager, leaving });
    }, log),
    onLeave(next) {
      left.abort(new Error(`supervisord is ${next === "SHUTDOWN" ? "shutting down" : "reloading"}`));
      if (next === "SHUTDOWN") manager.stopping();
      else manager.reloading();
    },
    statefile: supervisord.adopt && options.rival === null ? () => placeState(supervisord) : null,
    plugins: options.plugins,
    preparePlugins: options.preparePlugins,
  });
  using _plugins = options.plugins.begin(supervision);
  using _guard = guard(log);
  using _signals = installSignals(signalTarget(supervision, activity, log));
  let tellUpgraded = (_versions: Value): void => undefined;
  const upgraded = new Promise<Value>((resolve) => {
    tellUpgraded = resolve;
  });
  const inherited = options.handover === null ? null : { servers: options.handover.servers, upgraded };
  await using opened = await openServers(config.servers, supervision, log, options.stderr, inherited);
  servers = opened;
  if (options.rival !== null) throw new StartProblem(options.rival, "EBUSY");
  if (options.background !== null) goToBackground(config, log);
  using _pidfile = holdPidfile(supervisord.pidfile, log);
  using _conf = noteConf(config.path);
  await using _watch = supervisord.watch_config
    ? await watchConfig({ log, config: () => supervision.available, update: () => supervision.update() })
    : null;
  options.background?.announceReady();
  using _told = supervision.subscribe(() => manager.changed(() => describeProcesses(supervision)));
  supervision.begin();
  // Who died while one program became the other has been announced to neither.
  supervision.reap();
  if (options.handover !== null) {
    const { from } = options.handover;
    log.log("info", `upgraded from version ${from} to ${VERSION}`);
    tellUpgraded({ from, to: VERSION });
  }
  manager.ready(
    `supervising ${countOf(config.groups.reduce((sum, { processes }) => sum + processes.length, 0))}`,
  );
  using _text = releaseTextLater(log);
  const next = await supervision.finished;
  const sockets = next === "restart" ? supervision.handOverSockets() : [];
  return { next, held: supervision.held(), sockets };
}

function openLog(supervisord: Config["supervisord"]): ActivityLog {
  const { logfile } = supervisord;
  try {
    return openActivityLog({
      logfile,
      maxbytes: supervisord.logfile_maxbytes,
      backups: supervisord.logfile_backups,
      loglevel: supervisord.loglevel,
      format: supervisord.logformat,
      echo: supervisord.nodaemon && !supervisord.silent,
      ident: "supervisord-ts",
    });
  } catch (error) {
    const code = codeOf(error);
    if (logfile === null || code === "") throw error;
    throw new StartProblem(`could not open log file ${logfile}: ${reasonOf(error)}${ownerOf(logfile)}`, code);
  }
}

/** A log that somebody else has left in the way is the usual reason. */
function ownerOf(path: string): string {
  try {
    const { uid } = lstatSync(path);
    return uid === process.geteuid?.() ? "" : ` (it belongs to ${lookupUser(String(uid))?.name ?? uid})`;
  } catch {
    return "";
  }
}

/** By then a start is over, and V8 has tidied up after it. */
const SETTLED_MS = 10_000;

function releaseTextLater(log: Log): Disposable {
  const timer = setTimeout(() => {
    try {
      log.log("debug", `gave back ${releaseText()} KiB of program text`);
    } catch (error) {
      log.log("debug", `cannot give back program text: ${describeError(error)}`);
    }
  }, SETTLED_MS);
  return { [Symbol.dispose]: () => clearTimeout(timer) };
}

function describeProcesses({ groups, mood }: Supervision): string {
  const processes = [...groups.values()].flatMap((group) => [...group.processes.values()]);
  const running = processes.filter(({ process }) => process.state.name === "RUNNING").length;
  const count = countOf(processes.length);
  return mood === "RUNNING"
    ? `supervising ${count}, ${running} running`
    : `${running} of ${count} still running`;
}

function countOf(processes: number): string {
  return processes === 1 ? "1 process" : `${processes} processes`;
}

/** Two at a time would be one too many. Who asked may be gone when it fails: the log says it too. */
function once(act: () => Promise<never>, log: Log): () => Promise<never> {
  let running = false;
  return async () => {
    if (running) throw new Error("an upgrade is under way");
    running = true;
    try {
      return await act();
    } catch (error) {
      log.log("error", `cannot upgrade: ${error instanceof Error ? error.message : String(error)}`);
      throw error;
    } finally {
      running = false;
    }
  };
}

/** The logs that adopted processes write to. */
function logsOf(resume: Resume | null): ReadonlySet<string> {
  const logs = (resume?.state.groups ?? []).flatMap((group) => Object.values(group.logs));
  return new Set(logs.flatMap(({ stdout, stderr }) => [stdout, stderr].filter((path) => path !== null)));
}

/** What nobody caught is our bug; the workers shall not pay for it, so it is said whole and the daemon goes on. */
function guard(log: Log): Disposable {
  const say = (error: unknown): void => log.log("critical", `internal error: ${describeError(error)}`);
  process.on("uncaughtException", say);
  process.on("unhandledRejection", say);
  return {
    [Symbol.dispose]() {
      process.off("uncaughtException", say);
      process.off("unhandledRejection", say);
    },
  };
}

/** Critical first, then warnings, then the rest, as the reference empties its queues. */
function inOrder(messages: readonly Message[]): readonly Message[] {
  return [...messages].sort((a, b) => LOG_LEVELS[b.level] - LOG_LEVELS[a.level]);
}

function clearMainLog(activity: ActivityLog, log: Log): void {
  log.log("info", "reopening log file");
  activity.clear();
}

function signalTarget(
  supervision: Supervision,
  activity: ActivityLog,
  log: Log,
): Parameters<typeof installSignals>[0] {
  return {
    log,
    leaving: () => supervision.mood !== "RUNNING",
    shutdown: () => supervision.shutdown(),
    reload() {
      const refuse = (error: unknown): void =>
        log.log("error", `not reloading: ${textOf(error).replaceAll("\n", "; ")}`);
      try {
        supervision.restart()?.catch(refuse);
      } catch (error) {
        refuse(error);
      }
    },
    reopenLogs() {
      log.log("info", "supervisord logreopen");
      activity.reopen();
      supervision.reopenLogs();
    },
    reap: () => supervision.reap(),
  };
}

function goToBackground(config: Config, log: Log): void {
  const { directory, umask } = config.supervisord;
  log.log("info", "daemonizing the supervisord process");
  if (directory !== null) {
    try {
      process.chdir(directory);
      log.log("info", `set current directory: '${directory}'`);
    } catch (error) {
      log.log(
        "critical",
        `can't chdir into '${directory}': ${error instanceof Error ? error.message : error}`,
      );
    }
  }
  detach({ umask });
}

function holdPidfile(path: string, log: Log): Disposable {
  const problem = writePidfile(path, process.pid);
  if (problem === null) log.log("info", `supervisord started with pid ${process.pid}`);
  else log.log("critical", `could not write pidfile ${path}`);
  const kept =
    problem === null && holdsOurs(path)
      ? keepName({
          path,
          what: "pidfile",
          restore: () => restorePidfile(path),
          say: (text) => log.log("warn", text),
        })
      : null;
  return {
    [Symbol.dispose]() {
      kept?.[Symbol.dispose]();
      removePidfile(path, process.pid);
    },
  };
}

/** False for a device, which keeps nothing, and for a file that can't be read again. */
function holdsOurs(path: string): boolean {
  try {
    return readPidfile(path, process.pid) === "ours";
  } catch {
    return false;
  }
}

function restorePidfile(path: string): Restored {
  switch (readPidfile(path, process.pid)) {
    case "ours":
      return "fine";
    case "another":
      return { problem: "holds another pid by now, and is left alone" };
    case "nothing": {
      const problem = writePidfile(path, process.pid);
      if (problem !== null) throw Object.assign(new Error(problem), { code: problem });
      return "made again";
    }
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
