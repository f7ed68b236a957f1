/**
 * The daemon's own log. pino decides on levels and makes the JSON; the text form is Supervisor's, byte for
 * byte, since tools parse it. Everything is written before `log` returns, and nothing here throws once the
 * log is open.
 */
import { type DestinationStream, pino } from "pino";
import { LOG_LEVELS, type LogLevel } from "../core/config.js";
import { trimRight } from "../core/trim.js";
import * as libc from "../posix/syslog.js";
import { type LogFile, openLogFile } from "./file.js";
import { localTime } from "./local-time.js";
import { inheritedFd, openFd } from "./open.js";
import { joinStream, type StreamLog } from "./stream.js";
import type { Voice } from "./trouble.js";

export interface ActivityLogOptions {
  /** Null is syslog. */
  readonly logfile: string | null;
  readonly maxbytes: number;
  readonly backups: number;
  readonly loglevel: LogLevel;
  readonly format: "text" | "json";
  /** The same lines to stdout too: nodaemon and not silent. */
  readonly echo: boolean;
  /** Who speaks, in syslog. */
  readonly ident: string;
  /** For tests; libc's otherwise. */
  readonly syslog?: Pick<typeof libc, "openSyslog" | "syslog">;
}

export interface ActivityLog extends Readonly<Record<LogLevel, (text: string) => void>>, Disposable {
  /** Null when it is syslog. */
  readonly path: string | null;
  log(level: LogLevel, text: string): void;
  /** Whether lines of this level are written; spares making texts nobody reads. */
  enabled(level: LogLevel): boolean;
  reopen(): void;
  /** Removes the file and begins a new one. Throws what the file system says. */
  clear(): void;
  close(): void;
}

const LEVEL_NAMES: Readonly<Record<number, string>> = {
  50: "CRIT",
  40: "ERRO",
  30: "WARN",
  20: "INFO",
  10: "DEBG",
  5: "TRAC",
  3: "BLAT",
};
const STDOUT = 1;
const STDERR = 2;

/** A pino destination that is told level, time and message beside the JSON line. */
interface Destination extends DestinationStream {
  readonly [metadata]: true;
  lastLevel: number;
  lastMsg: string;
  lastTime: string;
}
const metadata = Symbol.for("pino.metadata");

/** Opens the activity log. Throws what the file system says about the file. */
export function openActivityLog(options: ActivityLogOptions): ActivityLog {
  const { logfile, format, loglevel } = options;
  /** Messages about the file that come up while it is opened, before the log can take them. */
  const early: (() => void)[] = [];
  let isOpen = false;
  const later = (say: (text: string) => void) => (text: string) => {
    if (isOpen) say(text);
    else early.push(() => say(text));
  };
  const voice: Voice = { onTrouble: later(complain), onRecovered: later((text) => logger.warn(text)) };
  const file: LogFile | null = logfile === null ? null : openLogFile(logfile, { ...options, ...voice });
  // A log that is stdout itself has each line once; Supervisor writes it twice.
  const echo =
    options.echo && (logfile === null || inheritedFd(logfile) !== STDOUT) ? openStandard(STDOUT) : null;
  const syslog = logfile === null ? (options.syslog ?? libc) : null;
  syslog?.openSyslog(options.ident);
  const stamp = createStamp();

  const destination: Destination = {
    [metadata]: true,
    lastLevel: 0,
    lastMsg: "",
    lastTime: "",
    write(json) {
      const { lastLevel, lastMsg, lastTime } = destination;
      const head = format === "json" ? "" : `${stamp(Number(lastTime))} ${LEVEL_NAMES[lastLevel] ?? "INFO"} `;
      const body = format === "json" ? json : `${lastMsg}\n`;
      const bytes = Buffer.from(head + body);
      echo?.write(bytes);
      file?.write(bytes);
      if (syslog === null) return;
      // syslog has no lines within a message: each line is one of its own, under the same head.
      for (const line of trimRight(body, "\n").split("\n")) syslog.syslog(head + line);
    },
  };

  const logger = pino<LogLevel, true>(
    {
      level: loglevel,
      customLevels: LOG_LEVELS,
      useOnlyCustomLevels: true,
      base: null,
      messageKey: "message",
      formatters: { level: (label) => ({ level: label }) },
      timestamp: format === "json" ? pino.stdTimeFunctions.isoTime : pino.stdTimeFunctions.epochTime,
    },
    destination,
  );

  isOpen = true;
  for (const say of early) say();

  /** The log itself is in trouble: whoever watches stdout or stderr hears of it. */
  function complain(text: string): void {
    logger.error(text);
    if (echo !== null) return;
    const stderr = openStandard(STDERR);
    stderr?.write(Buffer.from(`${stamp(Date.now())} ERRO ${text}\n`));
    stderr?.close();
  }

  function log(level: LogLevel, text: string): void {
    logger[level](text);
  }

  function close(): void {
    file?.close();
    echo?.close();
  }

  return {
    critical: (text) => log("critical", text),
    error: (text) => log("error", text),
    warn: (text) => log("warn", text),
    info: (text) => log("info", text),
    debug: (text) => log("debug", text),
    trace: (text) => log("trace", text),
    blather: (text) => log("blather", text),
    path: file?.path ?? null,
    log,
    enabled: (level) => LOG_LEVELS[level] >= LOG_LEVELS[loglevel],
    reopen: () => file?.reopen(),
    clear: () => file?.clear(),
    close,
    [Symbol.dispose]: close,
  };
}

/** Null when the daemon was started without it. */
export function openStandard(fd: number): StreamLog | null {
  try {
    return joinStream(openFd(fd), `/dev/fd/${fd}`, {}, () => performance.now());
  } catch {
    return null;
  }
}

/** `YYYY-MM-DD HH:MM:SS,mmm` in local time. The part up to the second is made once for each second. */
function createStamp(): (ms: number) => string {
  let second = Number.NaN;
  let text = "";
  return (ms) => {
    const now = Math.floor(ms / 1000);
    if (now !== second) {
      second = now;
      text = dateTime(localTime(now));
    }
    return `${text},${pad(ms - now * 1000, 3)}`;
  };
}

/** `at` as `localTime` gives it. */
function dateTime(at: Date): string {
  const date = [at.getUTCFullYear(), at.getUTCMonth() + 1, at.getUTCDate()]
    .map((part) => pad(part, 2))
    .join("-");
  const time = [at.getUTCHours(), at.getUTCMinutes(), at.getUTCSeconds()]
    .map((part) => pad(part, 2))
    .join(":");
  return `${date} ${time}`;
}

function pad(value: number, width: number): string {
  return String(value).padStart(width, "0");
}
