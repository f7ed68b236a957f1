/** Where a process' output goes: one log per channel, shared by its runs, open while any run still writes. */
import { AUTO, type Logfile, type ProcessConfig } from "../core/config.js";
import type { SavedLogs } from "../core/saved.js";
import { AUTO_MODE, createAutoLog } from "../logs/auto.js";
import { type LogFileOptions, openLogFile, type Taken } from "../logs/file.js";
import { type ChannelLog, openChannelLog } from "../logs/sink.js";
import type { Channel } from "../rpc/daemon.js";
import { bytesRepr } from "../wire/python.js";
import type { Log } from "./log.js";
import type { TakeShown } from "./pipe-reader.js";

export interface Outputs {
  /** Path in use; null when there is no file. */
  path(channel: Channel): string | null;
  /** For one more run. Throws what the file system says, with `code`. */
  open(): void;
  /** One run less. */
  release(): void;
  /** Null, or a promise that settles when the log has room again: whoever can wait should. */
  write(channel: Channel, chunk: Buffer, take: TakeShown): Promise<void> | null;
  /** Whether bytes have to be shown to `write` while they are still in the pipe. */
  shows(channel: Channel): boolean;
  /** Takes what is in the channel's pipe straight to its log, when nobody has to see it. */
  takeFrom(channel: Channel, pipe: number): Taken;
  reopen(): void;
  /** Empties the files; also of a process that is not running. */
  clear(): void;
  close(): void;
}

export interface OutputsOptions {
  readonly config: ProcessConfig;
  /** What AUTO stood for in an earlier supervisor, to go on with. */
  readonly logs: SavedLogs | undefined;
  readonly childlogdir: string;
  readonly identifier: string;
  readonly strip_ansi: boolean;
  readonly log: Log;
  /** Output that goes to the log, for PROCESS_LOG events; only with `*_events_enabled`. */
  readonly onLog: (channel: Channel, bytes: Uint8Array) => void;
  /** A captured text, for PROCESS_COMMUNICATION events. */
  readonly onCapture: (channel: Channel, text: Uint8Array) => void;
  /** Hears a listener's stdout, which is its protocol; null for everybody else. */
  readonly onProtocol: ((bytes: Buffer, take: TakeShown) => void) | null;
  /** What a listener said is written down before it leaves its pipe. */
  readonly showsProtocol: boolean;
}

/** Creates AUTO files at once, as the reference does even for programs that never start. */
export function createOutputs(options: OutputsOptions): Outputs {
  const { config, log } = options;
  const paths: Record<Channel, string | null> = {
    stdout: resolve(options, "stdout", config.stdout_logfile),
    stderr: config.redirect_stderr ? null : resolve(options, "stderr", config.stderr_logfile),
  };
  const logs: { stdout: ChannelLog | null; stderr: ChannelLog | null } = { stdout: null, stderr: null };
  let users = 0;

  function openChannel(channel: Channel): ChannelLog {
    const path = paths[channel];
    const events = config[`${channel}_events_enabled`];
    const captures = config[`${channel}_capture_maxbytes`] > 0;
    return openChannelLog({
      path,
      ...fileOptions(options, channel),
      syslogName: config[`${channel}_syslog`] ? config.name : null,
      stripAnsi: options.strip_ansi,
      captureMaxbytes: config[`${channel}_capture_maxbytes`],
      onLog: events ? (bytes) => options.onLog(channel, bytes) : undefined,
      onCapture: captures ? (bytes) => capture(channel, bytes) : undefined,
    });
  }

  function capture(channel: Channel, bytes: Uint8Array): void {
    log.log("debug", `'${config.name}' ${channel} emitted a comm event`);
    options.onCapture(channel, bytes);
  }

  function closeAll(): void {
    for (const channel of ["stdout", "stderr"] as const) {
      logs[channel]?.close();
      logs[channel] = null;
    }
  }

  return {
    path: (channel) => paths[channel],
    open() {
      if (users > 0) {
        // A descendant of the last run still writes; the new run begins with its files in place again.
        for (const channel of ["stdout", "stderr"] as const) logs[channel]?.reopen();
      } else {
        try {
          logs.stdout = openChannel("stdout");
          logs.stderr = config.redirect_stderr ? null : openChannel("stderr");
        } catch (error) {
          closeAll();
          throw error;
        }
      }
      users += 1;
    },
    release() {
      users -= 1;
      if (users === 0) closeAll();
    },
    shows: (channel) => channel === "stdout" && options.onProtocol !== null && options.showsProtocol,
    write(channel, chunk, take) {
      const protocol = channel === "stdout" ? options.onProtocol : null;
      if (log.enabled("debug")) {
        const text = protocol === null ? chunk.toString("utf8") : bytesRepr(chunk);
        log.log("debug", `'${config.name}' ${channel} output:\n${text}`);
      }
      logs[channel]?.write(chunk);
      protocol?.(chunk, take);
      return logs[channel]?.room() ?? null;
    },
    takeFrom(channel, pipe) {
      if (log.enabled("debug") || (channel === "stdout" && options.onProtocol !== null)) return "unfit";
      return logs[channel]?.takeFrom(pipe) ?? "unfit";
    },
    reopen() {
      logs.stdout?.reopen();
      logs.stderr?.reopen();
    },
    clear() {
      for (const channel of ["stdout", "stderr"] as const) {
        const open = logs[channel];
        if (open !== null) open.clear();
        else if (paths[channel] !== null) clearClosed(options, channel, paths[channel]);
      }
    },
    close: closeAll,
  };
}

function resolve(options: OutputsOptions, channel: Channel, logfile: Logfile): string | null {
  if (logfile !== AUTO) return logfile;
  const known = options.logs?.[channel] ?? null;
  if (known !== null) return known;
  const { childlogdir, identifier, config } = options;
  return createAutoLog({ childlogdir, identifier, process: config.name, channel });
}

/** The reference reports success here and does nothing; `clear` is expected to clear. */
function clearClosed(options: OutputsOptions, channel: Channel, path: string): void {
  using file = openLogFile(path, fileOptions(options, channel));
  file.clear();
}

function fileOptions({ config, log }: OutputsOptions, channel: Channel): LogFileOptions {
  return {
    ...(config[`${channel}_logfile`] === AUTO ? { mode: AUTO_MODE } : {}),
    maxbytes: config[`${channel}_logfile_maxbytes`],
    backups: config[`${channel}_logfile_backups`],
    onTrouble: (text) => log.log("critical", text),
    onRecovered: (text) => log.log("warn", text),
  };
}
