/** What the RPC methods, the HTTP server and the web page need of the daemon; `daemon/` provides it. */
import type { Config, GroupConfig, LogLevel, ProcessConfig } from "../core/config.js";
import type { Process } from "../core/process.js";
import type { SavedRun } from "../core/saved.js";
import type { Method } from "./method.js";

export type Channel = "stdout" | "stderr";

/** Supervisor's moods. RESTARTING is a reload under way. */
export const MOODS = { FATAL: 2, RUNNING: 1, RESTARTING: 0, SHUTDOWN: -1 } as const;
export type Mood = keyof typeof MOODS;

/** One process under supervision; a live object, its fields change. */
export interface ProcessHandle {
  readonly group: string;
  readonly name: string;
  /** The running configuration, never the re-read one. */
  readonly config: ProcessConfig;
  /** An immutable snapshot of now. */
  readonly process: Process;
  /** The child; null when there is none. */
  readonly run?: { readonly saved: Pick<SavedRun, "lost"> } | null;
  /** Path in use (AUTO resolved); null when there is none (NONE, redirected). */
  logfile(channel: Channel): string | null;
}

export interface GroupHandle {
  readonly name: string;
  readonly config: GroupConfig;
  readonly processes: ReadonlyMap<string, ProcessHandle>;
}

/** Why a command cannot be started, before any attempt. */
export interface CommandProblem {
  readonly fault: "NO_FILE" | "NOT_EXECUTABLE";
  /** Supervisor's text: `can't find command 'x'`. */
  readonly text: string;
}

/** Group names, each list sorted. */
export interface ConfigChange {
  readonly added: readonly string[];
  readonly changed: readonly string[];
  readonly removed: readonly string[];
}

export interface Daemon {
  readonly pid: number;
  /** What getSupervisorVersion answers. */
  readonly version: string;
  readonly identifier: string;
  readonly mood: Mood;
  /** Wall clock, seconds since the epoch. */
  now(): number;
  /** Active groups by name; another map once one has come or gone. */
  readonly groups: ReadonlyMap<string, GroupHandle>;
  /** The method namespaces of the running configuration. */
  readonly rpcinterfaces: Config["rpcinterfaces"];
  /** Methods of plugins by full name, fixed when they were loaded. */
  readonly pluginMethods?: ReadonlyMap<string, Method>;
  /** What the last reading of the files said, which need not be what runs. */
  readonly available: Config;
  /** Path of the activity log as configured; null when there is no file (syslog). */
  readonly mainLogfile: string | null;

  commandProblem(process: ProcessHandle): CommandProblem | null;
  /** Start it; when this returns, the spawn has happened or failed. */
  start(process: ProcessHandle): void;
  /** Ask it to stop, as an operator. The text of a signalling problem, or null. */
  stop(process: ProcessHandle): string | null;
  /** Ask every member to stop, as `stop group:*` and `update` do. Calls back with each signalling problem. */
  stopGroup(group: GroupHandle, members: readonly ProcessHandle[]): ReadonlyMap<ProcessHandle, string | null>;
  /** Send a signal to the child itself. The text of a problem, or null. */
  signal(process: ProcessHandle, signal: number): string | null;
  /**
   * Settles once `settled` holds for the process; looks at it again at each of its state changes. Gives
   * undefined at once when it holds already. A process that is removed meanwhile settles too.
   */
  until(process: ProcessHandle, settled: (process: Process) => boolean): Promise<void> | undefined;
  /** As `until` it is in a stopped state, saying `waiting for x to stop` in the log now and every two seconds. */
  untilStopped(process: ProcessHandle): Promise<void> | undefined;
  /** Queues text for the child's stdin; false when that is closed. */
  writeStdin(process: ProcessHandle, text: string): boolean;
  /** Empties the process' log files, rotated copies stay. Throws what the file system says. */
  clearLogs(process: ProcessHandle): void;
  /** Removes and reopens the activity log. Throws what the file system says. */
  clearMainLog(): void;

  /** Reads the files again. Throws `ConfigError` with the reference's text. */
  reread(): ConfigChange;
  /** Changes that were found when the files were read last, and that only a reload puts into force: `[section] key`. */
  needsReload(): readonly string[];
  /** Starts supervising a group of the available configuration. */
  addGroup(name: string): "added" | "already" | "unknown";
  removeGroup(name: string): "removed" | "running" | "unknown";
  shutdown(): void;
  /** Supervisor's `reload`. Throws `ConfigError`, or rejects with it when plugins have to be loaded first. */
  restart(): Promise<void> | undefined;
  /** Becomes the version that is installed now. Settles only when it can't, with the reason. */
  upgrade(): Promise<never>;
  remoteCommEvent(type: string, data: string): void;
  /** Writes down what has to outlast the daemon. Before an answer, so that what was told holds if the daemon dies. */
  remember(): void;
  log(level: LogLevel, text: string): void;
  /** Whether a line of that level would be written, for those that cost something to make. */
  enabled(level: LogLevel): boolean;
}

/** A configuration that does not parse; `message` is the reference's text of the first thing wrong. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}
