/** Where a process' output goes: one log per channel, shared by its runs, open while any run still writes. */
import { AUTO, type Logfile, type ProcessConfig } from "../core/config.js";
import { createAutoLog } from "../logs/auto.js";
import { type ChannelLog, openChannelLog } from "../logs/sink.js";
import type { Channel } from "../rpc/daemon.js";
import type { Log } from "./log.js";

export interface Outputs {
  /** Path in use; null when there is no file. */
  path(channel: Channel): string | null;
  /** For one more run. Throws what the file system says, with `code`. */
  open(): void;
  /** One run less. */
  release(): void;
  write(channel: Channel, chunk: Buffer): void;
  reopen(): void;
  /** Empties the files; also of a process that is not running. */
  clear(): void;
  close(): void;
}

export interface OutputsOptions {
  readonly config: ProcessConfig;
  readonly childlogdir: string;
  readonly identifier: string;
  readonly strip_ansi: boolean;
  readonly log: Log;
  /** Output that goes to the log, for PROCESS_LOG events; only with `*_events_enabled`. */
  readonly onLog: (channel: Channel, chunk: Buffer) => void;
  /** A captured text, for PROCESS_COMMUNICATION events. */
  readonly onCapture: (channel: Channel, text: Buffer) => void;
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
    const events = config[`${channel}_events_enabled`];
    return openChannelLog({
      path: paths[channel],
      maxbytes: config[`${channel}_logfile_maxbytes`],
      backups: config[`${channel}_logfile_backups`],
      syslogName: config[`${channel}_syslog`] ? config.name : null,
      stripAnsi: options.strip_ansi,
      captureMaxbytes: config[`${channel}_capture_maxbytes`],
      onLog: events ? (chunk) => options.onLog(channel, chunk) : null,
      onCapture: (text) => {
        log.log("debug", `'${config.name}' ${channel} emitted a comm event`);
        options.onCapture(channel, text);
      },
      onTrouble: (text) => log.log("critical", text),
    });
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
    write(channel, chunk) {
      logs[channel]?.write(chunk);
      if (log.enabled("debug")) log.log("debug", mirror(config.name, channel, chunk));
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
  const { childlogdir, identifier, config } = options;
  return createAutoLog({ childlogdir, identifier, process: config.name, channel });
}

/** The reference reports success here and does nothing; `clear` is expected to clear. */
function clearClosed(options: OutputsOptions, channel: Channel, path: string): void {
  const { config, log } = options;
  const file = openChannelLog({
    path,
    maxbytes: config[`${channel}_logfile_maxbytes`],
    backups: config[`${channel}_logfile_backups`],
    syslogName: null,
    stripAnsi: false,
    captureMaxbytes: 0,
    onLog: null,
    onCapture: () => undefined,
    onTrouble: (text) => log.log("critical", text),
  });
  file.clear();
  file.close();
}

function mirror(name: string, channel: Channel, chunk: Buffer): string {
  return `'${name}' ${channel} output:\n${chunk.toString("utf8")}`;
}
