/** What the daemon says, and to whom: a narrow view of the activity log. */
import type { LogLevel } from "../core/config.js";
import { describeExit, type ExitCause } from "../core/process.js";

export interface Log {
  log(level: LogLevel, text: string): void;
  enabled(level: LogLevel): boolean;
  /** A child that was never ours has been collected (as PID 1, or a descendant of a worker). */
  reaped(pid: number, cause: ExitCause): void;
}

export interface LogTarget {
  log(level: LogLevel, text: string): void;
  enabled(level: LogLevel): boolean;
}

export function createLog(target: LogTarget): Log {
  return {
    log: (level, text) => target.log(level, text),
    enabled: (level) => target.enabled(level),
    reaped: (pid, cause) => target.log("info", `reaped unknown pid ${pid} (${describeExit(cause)})`),
  };
}
