/** A supervisor inside one's own program: the same engine as the daemon, without pidfile, log file and signals. */
import type { Config, LogLevel } from "../core/config.js";
import { splitNamespec } from "../core/namespec.js";
import { isRunningClass, isStoppedClass, livePid, type StateName } from "../core/process.js";
import { reapOne } from "../posix/reap.js";
import type { Channel } from "../rpc/daemon.js";
import { type ChangeQueue, createChangeQueue, type StateChange } from "./changes.js";
import { describeError } from "./engine.js";
import type { Entry } from "./entry.js";
import type { OpenSocket } from "./fcgi.js";
import { createLog, type Log } from "./log.js";
import { loadPlugins } from "./plugins.js";
import { type OpenServers, openServers } from "./servers.js";
import { createSupervision, type Supervision } from "./supervision.js";

export interface SupervisorOptions {
  /** Hears each line of the activity log. @default nobody */
  readonly onLog?: (line: { readonly level: LogLevel; readonly text: string }) => void;
  /** Open the configuration's HTTP servers, so that supervisorctl can talk to it. @default true */
  readonly servers?: boolean;
}

/** One process as it stands. */
export interface ProcessStatus {
  readonly group: string;
  readonly name: string;
  readonly state: StateName;
  /** 0 when there is no child. */
  readonly pid: number;
  /** Null while running, or when it never ended; -1 after a signal. */
  readonly exitstatus: number | null;
  /** Why the last start or run failed; empty when there is nothing to say. */
  readonly spawnerr: string;
  /** Null when it never started. */
  readonly started: Date | null;
  readonly stopped: Date | null;
}

/** A process could not be brought to the state that was asked for. */
export class ProcessError extends Error {
  override readonly name = "ProcessError";
  readonly status: ProcessStatus;
  constructor(text: string, status: ProcessStatus) {
    super(text);
    this.status = status;
  }
}

/**
 * Supervises the programs of a configuration from inside this program. SIGCHLD stays shared: only children of
 * this supervisor are collected, so `node:child_process` goes on working beside it.
 *
 * @example
 * ```ts
 * import { parseConfig, Supervisor } from "supervisord-ts";
 *
 * const parsed = parseConfig({ text: "[supervisord]\n[program:cat]\ncommand=/bin/cat\n" });
 * if (!parsed.ok) throw new Error(parsed.issues.map((issue) => issue.text).join("\n"));
 * await using supervisor = new Supervisor(parsed.config);
 * const changes = supervisor.changes();
 * await supervisor.run();
 * for await (const change of changes) {
 *   console.log(`${change.name}: ${change.from} -> ${change.to}`);
 *   if (change.to === "RUNNING") break;
 * }
 * ```
 */
export class Supervisor implements AsyncDisposable {
  readonly #config: Config;
  readonly #options: SupervisorOptions;
  readonly #queues = new Set<ChangeQueue>();
  #supervision: Supervision | null = null;
  #servers: OpenServers | null = null;
  #plugins: Disposable | null = null;
  /** Settles `finished`. */
  #settle: () => void = () => undefined;
  #finished: Promise<void>;
  #isRunning = false;
  #isLeaving = false;
  readonly #serials = { next: 0 };
  readonly #reap = (): void => this.#supervision?.reap();

  constructor(config: Config, options: SupervisorOptions = {}) {
    this.#config = config;
    this.#options = options;
    this.#finished = this.#newEnd();
  }

  /**
   * Settles when this run is over: everything is stopped and closed, because of `shutdown()` or because a client of its
   * servers asked for that. A client's `restart` (supervisorctl's `reload`) is no end: the same configuration begins
   * anew. After the end `run()` may be called again, and gives another promise here.
   */
  get finished(): Promise<void> {
    return this.#finished;
  }

  /** Opens the servers and starts what autostart says. Throws when a socket can't be opened. */
  async run(): Promise<void> {
    if (this.#isRunning) throw new Error("Cannot run a supervisor twice");
    if (this.#isLeaving) this.#finished = this.#newEnd();
    this.#isRunning = true;
    this.#isLeaving = false;
    try {
      await this.#begin(new Set(), []);
    } catch (error) {
      this.#end();
      throw error;
    }
  }

  #newEnd(): Promise<void> {
    return new Promise((settle) => {
      this.#settle = settle;
    });
  }

  /** Runs one life: from a start to a reload or to the end. */
  async #begin(held: ReadonlySet<string>, sockets: readonly OpenSocket[]): Promise<void> {
    const { onLog } = this.#options;
    const target = { log: (level: LogLevel, text: string) => onLog?.({ level, text }), enabled: isSaid };
    const log = createLog(target);
    const plugins = await loadPlugins(this.#config);
    const supervision = createSupervision({
      config: this.#config,
      read: () => ({ ok: true, config: this.#config }),
      log,
      clearMainLog: () => undefined,
      held,
      nofile: null,
      serials: this.#serials,
      sockets,
      plugins,
      reap: (pids) => {
        for (const pid of pids) {
          const dead = reapOne(pid);
          if (dead !== null) return dead;
        }
        return null;
      },
    });
    this.#supervision = supervision;
    this.#plugins = plugins.begin(supervision);
    supervision.subscribe((entry, change) => {
      for (const queue of this.#queues) queue.push(entry, change);
    });
    process.on("SIGCHLD", this.#reap);
    try {
      if (this.#options.servers ?? true)
        this.#servers = await openServers(this.#config.servers, supervision, log, (text) =>
          log.log("info", text),
        );
    } catch (error) {
      await this.#close(supervision);
      throw error;
    }
    if (this.#isLeaving) supervision.shutdown();
    else supervision.begin();
    void this.#follow(supervision, log);
  }

  /** The common end of `shutdown()` and of a client's shutdown: resources are released, and all waiters are told. */
  async #follow(supervision: Supervision, log: Log): Promise<void> {
    try {
      const next = await supervision.finished;
      const sockets = next === "restart" ? supervision.handOverSockets() : [];
      const held = supervision.held();
      await this.#close(supervision);
      if (next === "restart" && !this.#isLeaving) return await this.#begin(held, sockets);
    } catch (error) {
      log.log("critical", `cannot begin anew: ${describeError(error)}`);
    }
    this.#end();
  }

  async #close(supervision: Supervision): Promise<void> {
    const servers = this.#servers;
    this.#servers = null;
    await servers?.[Symbol.asyncDispose]();
    process.off("SIGCHLD", this.#reap);
    this.#plugins?.[Symbol.dispose]();
    this.#plugins = null;
    this.#supervision = null;
    supervision[Symbol.dispose]();
  }

  #end(): void {
    this.#isRunning = false;
    this.#isLeaving = true;
    for (const queue of [...this.#queues]) queue.end();
    this.#settle();
  }

  /** All processes, by group and name. */
  processes(): readonly ProcessStatus[] {
    return [...this.#live().groups.values()].flatMap((group) => [...group.processes.values()].map(statusOf));
  }

  /** One process. Throws when there is none of that name (`name` or `group:name`). */
  process(name: string): ProcessStatus {
    return statusOf(this.#entry(name));
  }

  /** Settles when it is RUNNING; rejects with `ProcessError` when the first attempt failed. */
  async startProcess(name: string): Promise<ProcessStatus> {
    const entry = this.#entry(name);
    const live = this.#live();
    if (!isRunningClass(entry.process.state.name)) live.start(entry);
    await live.until(entry, (process) => process.state.name !== "STARTING");
    const status = statusOf(entry);
    if (status.state === "RUNNING") return status;
    throw new ProcessError(`Cannot start "${name}": ${status.spawnerr || status.state}`, status);
  }

  /** Settles when it is down. A process that is not running is left as it is. */
  async stopProcess(name: string): Promise<ProcessStatus> {
    const entry = this.#entry(name);
    const live = this.#live();
    if (isRunningClass(entry.process.state.name)) live.stop(entry);
    await live.until(entry, (process) => isStoppedClass(process.state.name));
    return statusOf(entry);
  }

  /** Sends a signal, by number, to the child itself. Throws when there is none. */
  signalProcess(name: string, signal: number): void {
    const problem = this.#live().signal(this.#entry(name), signal);
    if (problem !== null) throw new Error(problem);
  }

  /** Path of a process' log; null when it has none. */
  logfile(name: string, channel: Channel = "stdout"): string | null {
    return this.#entry(name).logfile(channel);
  }

  /**
   * State changes from now on, in order, until the supervisor is shut down or the loop is left. A reader that
   * falls 10,000 changes behind loses the oldest, and is told how many.
   */
  changes(): AsyncIterableIterator<StateChange> {
    const queue: ChangeQueue = createChangeQueue(() => this.#queues.delete(queue));
    this.#queues.add(queue);
    return queue;
  }

  /** Stops every process in order and closes the servers. Safe to call again. */
  async shutdown(): Promise<void> {
    if (!this.#isRunning) return;
    this.#isLeaving = true;
    this.#supervision?.shutdown();
    await this.#finished;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.shutdown();
  }

  #live(): Supervision {
    if (this.#supervision === null) throw new Error("Cannot use a supervisor that is not running");
    return this.#supervision;
  }

  #entry(name: string): Entry {
    const spec = splitNamespec(name);
    const entry = this.#live()
      .groups.get(spec.group)
      ?.processes.get(spec.process ?? "");
    if (entry === undefined) throw new Error(`Cannot find process "${name}"`);
    return entry as Entry;
  }
}

/** Debug and below mirror every byte of output: too much for a callback nobody asked that of. */
function isSaid(level: LogLevel): boolean {
  return level === "critical" || level === "error" || level === "warn" || level === "info";
}

function statusOf(entry: Entry): ProcessStatus {
  const { process } = entry;
  return {
    group: entry.group,
    name: entry.name,
    state: process.state.name,
    pid: livePid(process) ?? 0,
    exitstatus: process.exitstatus,
    spawnerr: process.spawnerr,
    started: process.laststart === 0 ? null : new Date(process.laststart * 1000),
    stopped: process.laststop === 0 ? null : new Date(process.laststop * 1000),
  };
}
