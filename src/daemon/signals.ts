/** The signals a daemon answers, and what it says when it gets one. */
import type { Log } from "./log.js";

export interface SignalTarget {
  readonly log: Log;
  /** True while a shutdown or reload is under way. */
  readonly leaving: () => boolean;
  shutdown(): void;
  reload(): void;
  reopenLogs(): void;
  reap(): void;
}

/**
 * Routes the process' signals to the target until disposed. SIGUSR1, which Node understands as a call for its
 * debugger, is taken by `bin/begin.js`, for good.
 */
export function installSignals(target: SignalTarget): Disposable {
  const exit = (name: string) => () => {
    target.log.log("warn", `received ${name} indicating exit request`);
    target.shutdown();
  };
  const handlers = {
    SIGTERM: exit("SIGTERM"),
    SIGINT: exit("SIGINT"),
    SIGQUIT: exit("SIGQUIT"),
    SIGHUP() {
      if (target.leaving()) {
        target.log.log("warn", "ignored SIGHUP indicating restart request (shutdown in progress)");
        return;
      }
      target.log.log("warn", "received SIGHUP indicating restart request");
      target.reload();
    },
    SIGUSR2() {
      target.log.log("info", "received SIGUSR2 indicating log reopen request");
      target.reopenLogs();
    },
    SIGCHLD() {
      if (target.log.enabled("debug")) target.log.log("debug", "received SIGCHLD indicating a child quit");
      target.reap();
    },
  } satisfies Partial<Record<NodeJS.Signals, () => void>>;
  const pairs = Object.entries(handlers) as readonly [NodeJS.Signals, () => void][];
  for (const [name, handler] of pairs) process.on(name, handler);
  return {
    [Symbol.dispose]() {
      for (const [name, handler] of pairs) process.off(name, handler);
    },
  };
}

/**
 * Keeps the signals that end or reload from being lost, or from killing, between one life and the next: Node tells of
 * them when its loop comes round, and by then the next life listens.
 */
export function holdSignals(): Disposable {
  const hold = (): void => undefined;
  const names = ["SIGTERM", "SIGINT", "SIGQUIT", "SIGHUP", "SIGUSR2"] as const;
  for (const name of names) process.on(name, hold);
  return {
    [Symbol.dispose]() {
      for (const name of names) process.off(name, hold);
    },
  };
}
