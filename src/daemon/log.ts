/** A narrow view of the activity log, for everything that the daemon says. Saying something never throws. */
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
  /** A target may be somebody else's function, whose failing is no reason to leave a step half done. */
  function say(level: LogLevel, text: string): void {
    try {
      target.log(level, text);
    } catch (error) {
      process.emitWarning(error instanceof Error ? error : String(error));
    }
  }

  return {
    log: say,
    enabled: (level) => target.enabled(level),
    reaped: (pid, cause) => say("info", `reaped unknown pid ${pid} (${describeExit(cause)})`),
  };
}
