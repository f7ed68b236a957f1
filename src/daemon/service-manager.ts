/** What the daemon tells the service manager that started it (systemd, or whoever speaks sd_notify). */
import { constants } from "node:os";
import { notify } from "../posix/notify.js";

const NOTIFY_SOCKET = "NOTIFY_SOCKET";
const WATCHDOG_USEC = "WATCHDOG_USEC";
const WATCHDOG_PID = "WATCHDOG_PID";
const NAMES = [NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID] as const;
const MICROS_PER_MS = 1000;
const NANOS_PER_MICRO = 1000n;
const STATUS_PACE_MS = 1000;

export interface ServiceManager extends Disposable {
  /** What the next program needs when it takes our place. */
  readonly environment: Readonly<Record<string, string>>;
  /** Hides the manager from children, who are not the ones it waits for. */
  take(): void;
  ready(status: string): void;
  /** Something has changed that the status tells of; it is asked for, and said, once a second at most. */
  changed(status: () => string): void;
  reloading(): void;
  stopping(): void;
  /** `code` is the name of an errno; there is no better word than EINVAL for a configuration that can't be used. */
  failed(text: string, code?: string): void;
}

type Environment = Record<string, string | undefined>;

/** Knows its manager from the environment; without one, nothing is sent and no timer is made. */
export function serviceManager(env: Environment = process.env): ServiceManager {
  const environment: Record<string, string> = {};
  for (const name of NAMES) {
    const value = env[name];
    if (value !== undefined) environment[name] = value;
  }
  const socket = environment[NOTIFY_SOCKET] ?? "";
  let watchdog: NodeJS.Timeout | null = null;
  let due: NodeJS.Timeout | null = null;
  let told = "";
  // A manager that is gone is no reason to trouble the workers, and it is not there to be told.
  const say = (...lines: readonly string[]): void => {
    if (socket !== "") notify(socket, lines);
  };

  return {
    environment,
    take() {
      for (const name of NAMES) delete env[name];
    },
    ready(status) {
      say("READY=1", `MAINPID=${process.pid}`, `STATUS=${line(status)}`);
      const period = socket === "" ? null : watchdogMs(environment);
      if (period !== null) watchdog ??= setInterval(() => say("WATCHDOG=1"), period / 2).unref();
    },
    changed(status) {
      if (socket === "") return;
      due ??= setTimeout(() => {
        due = null;
        const text = status();
        if (text !== told) say(`STATUS=${line(text)}`);
        told = text;
      }, STATUS_PACE_MS);
    },
    reloading: () =>
      say("RELOADING=1", `MONOTONIC_USEC=${process.hrtime.bigint() / NANOS_PER_MICRO}`, "STATUS=reloading"),
    stopping: () => say("STOPPING=1", "STATUS=stopping every process"),
    failed: (text, code = "EINVAL") => say(`STATUS=${line(text)}`, `ERRNO=${errnoOf(code)}`),
    [Symbol.dispose]() {
      if (watchdog !== null) clearInterval(watchdog);
      watchdog = null;
      if (due !== null) clearTimeout(due);
      due = null;
    },
  };
}

function errnoOf(code: string): number {
  return (constants.errno as Readonly<Record<string, number>>)[code] ?? constants.errno.EINVAL;
}

/** How often a sign of life is wanted of this very process. */
function watchdogMs(environment: Readonly<Record<string, string>>): number | null {
  const micros = Number(environment[WATCHDOG_USEC]);
  const pid = environment[WATCHDOG_PID];
  if (!Number.isSafeInteger(micros) || micros <= 0) return null;
  if (pid !== undefined && Number(pid) !== process.pid) return null;
  return micros / MICROS_PER_MS;
}

/** A line break would start another message. */
function line(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}
