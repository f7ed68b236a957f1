/** Where a process' output goes: one log per channel, shared by its runs, open while any run still writes. */
import { AUTO, type Logfile, type ProcessConfig, type SupervisordConfig } from "../core/config.js";
import type { SavedLogs } from "../core/saved.js";
import { AUTO_MODE, createAutoLog } from "../logs/auto.js";
import { type LogFileOptions, openLogFile, type Taken } from "../logs/file.js";
import { type ChannelLog, openChannelLog } from "../logs/sink.js";
import { reasonOf, type Voice } from "../logs/trouble.js";
import type { Channel } from "../rpc/daemon.js";
import { bytesRepr, decodeOrRepr } from "../wire/python.js";
import type { Entry } from "./entry.js";
import type { Log } from "./log.js";
import type { TakeShown } from "./pipe-reader.js";

export interface Outputs {
  /** Path in use; null when there is no file. */
  path(channel: Channel): string | null;
  /** For one more run. Throws what the file system says, with `code`. */
  open(): void;
  /** For one more run, which is there already although its logs can't be opened: what it writes is dropped. */
  doWithout(): void;
  /** One run less. */
  release(): void;
  /** Null, or a promise that settles when the log has room again: whoever can wait should. */
  write(channel: Channel, chunk: Buffer, take: TakeShown): Promise<void> | null;
  /** Whether bytes have to be shown to `write` while they are still in the pipe. */
  shows(channel: Channel): boolean;
  /** Takes what is in the channel's pipe straight to its log, when nobody has to see it. */
  takeFrom(channel: Channel, pipe: number): Taken;
  /** Says what is wrong with one of the process' pipes. */
  trouble(pipe: Channel | "stdin", text: string): void;
  reopen(): void;
  /** Empties the files; also of a process that is not running. */
  clear(): void;
  close(): void;
}

/** What the outputs of all processes have in common. */
export interface OutputsHost {
  readonly log: Log;
  /** Tells of trouble with log files; shared, as there are thousands of them. */
  readonly voice: Voice;
  /** Of the configuration that is in force when outputs are made. */
  readonly settings: () => Pick<SupervisordConfig, "childlogdir" | "identifier" | "strip_ansi">;
  /** Output that goes to the log, for PROCESS_LOG events; only with `*_events_enabled`. */
  readonly onLog: (entry: Entry, channel: Channel, bytes: Uint8Array) => void;
  /** A captured text, for PROCESS_COMMUNICATION events. */
  readonly onCapture: (entry: Entry, channel: Channel, text: Uint8Array) => void;
  /** Hears a listener's stdout, which is its protocol. */
  readonly onProtocol: (entry: Entry, bytes: Buffer, take: TakeShown) => void;
  /** A log that could not be named at first has its name now. */
  readonly onNamed: (entry: Entry) => void;
  /** What a listener said is written down before it leaves its pipe. */
  readonly showsProtocol: boolean;
}

export interface OutputsOptions {
  readonly config: ProcessConfig;
  readonly isListener: boolean;
  /** Whose they are; it exists by the time anything is written. */
  readonly entry: () => Entry;
  /** What AUTO stood for in an earlier supervisor, to go on with. */
  readonly logs: SavedLogs | undefined;
}

/**
 * Creates AUTO files at once, as the reference does even for programs that never start. Where that can't be done it is
 * tried again with each start, so that it is the start that fails and not the whole group, reload or daemon.
 */
export function createOutputs(host: OutputsHost, options: OutputsOptions): Outputs {
  return new ProcessOutputs(host, options);
}

const CHANNELS = ["stdout", "stderr"] as const satisfies readonly Channel[];

/** A class, as each process has one. */
class ProcessOutputs implements Outputs {
  readonly #host: OutputsHost;
  readonly #config: ProcessConfig;
  readonly #isListener: boolean;
  readonly #entry: () => Entry;
  readonly #stripAnsi: boolean;
  #stdoutPath: string | null = null;
  #stderrPath: string | null = null;
  /** An AUTO file is still missing. */
  #isUnnamed = true;
  #stdout: ChannelLog | null = null;
  #stderr: ChannelLog | null = null;
  #isOpen = false;
  #users = 0;

  constructor(host: OutputsHost, { config, isListener, entry, logs }: OutputsOptions) {
    this.#host = host;
    this.#config = config;
    this.#isListener = isListener;
    this.#entry = entry;
    this.#stripAnsi = host.settings().strip_ansi;
    try {
      this.#name(logs);
    } catch {
      // The start says it.
    }
  }

  #name(logs?: SavedLogs): void {
    this.#stdoutPath ??= resolve(this.#host, this.#config, "stdout", logs);
    if (!this.#config.redirect_stderr) this.#stderrPath ??= resolve(this.#host, this.#config, "stderr", logs);
    this.#isUnnamed = false;
  }

  #nameLate(): void {
    const { log, settings, onNamed } = this.#host;
    try {
      this.#name();
    } catch (error) {
      const text = `cannot create a log for '${this.#config.name}' in ${settings().childlogdir}: ${reasonOf(error)}`;
      log.log("critical", text);
      throw error;
    }
    onNamed(this.#entry());
  }

  path(channel: Channel): string | null {
    return channel === "stdout" ? this.#stdoutPath : this.#stderrPath;
  }

  #logOf(channel: Channel): ChannelLog | null {
    return channel === "stdout" ? this.#stdout : this.#stderr;
  }

  #openChannel(channel: Channel): ChannelLog {
    const config = this.#config;
    const { onLog, onCapture, log, voice } = this.#host;
    const captureMaxbytes = config[`${channel}_capture_maxbytes`];
    return openChannelLog({
      path: this.path(channel),
      ...fileOptions(voice, config, channel),
      syslogName: config[`${channel}_syslog`] ? config.name : null,
      stripAnsi: this.#stripAnsi,
      captureMaxbytes,
      onLog: config[`${channel}_events_enabled`]
        ? (bytes) => onLog(this.#entry(), channel, bytes)
        : undefined,
      onCapture:
        captureMaxbytes > 0
          ? (bytes) => {
              log.log("debug", `'${config.name}' ${channel} emitted a comm event`);
              onCapture(this.#entry(), channel, bytes);
            }
          : undefined,
    });
  }

  open(): void {
    if (this.#isUnnamed) this.#nameLate();
    if (this.#isOpen) {
      // A descendant of the last run still writes; the new run begins with its files in place again.
      this.reopen();
    } else {
      try {
        this.#stdout = this.#openChannel("stdout");
        this.#stderr = this.#config.redirect_stderr ? null : this.#openChannel("stderr");
        this.#isOpen = true;
      } catch (error) {
        this.close();
        throw error;
      }
    }
    this.#users += 1;
  }

  doWithout(): void {
    this.#users += 1;
  }

  release(): void {
    this.#users -= 1;
    if (this.#users === 0) this.close();
  }

  #isProtocol(channel: Channel): boolean {
    return this.#isListener && channel === "stdout";
  }

  shows(channel: Channel): boolean {
    return this.#isProtocol(channel) && this.#host.showsProtocol;
  }

  write(channel: Channel, chunk: Buffer, take: TakeShown): Promise<void> | null {
    const { log, onProtocol } = this.#host;
    const isProtocol = this.#isProtocol(channel);
    if (log.enabled("debug")) {
      const text = isProtocol ? bytesRepr(chunk) : decodeOrRepr(chunk);
      log.log("debug", `'${this.#config.name}' ${channel} output:\n${text}`);
    }
    const file = this.#logOf(channel);
    file?.write(chunk);
    if (isProtocol) onProtocol(this.#entry(), chunk, take);
    return this.#logOf(channel)?.room() ?? null;
  }

  takeFrom(channel: Channel, pipe: number): Taken {
    if (this.#host.log.enabled("debug") || this.#isProtocol(channel)) return "unfit";
    return this.#logOf(channel)?.takeFrom(pipe) ?? "unfit";
  }

  trouble(pipe: Channel | "stdin", text: string): void {
    this.#host.log.log("critical", `the ${pipe} of '${this.#config.name}': ${text}`);
  }

  reopen(): void {
    this.#stdout?.reopen();
    this.#stderr?.reopen();
  }

  clear(): void {
    for (const channel of CHANNELS) {
      const open = this.#logOf(channel);
      const path = this.path(channel);
      if (open !== null) open.clear();
      else if (path !== null) clearClosed(path, fileOptions(this.#host.voice, this.#config, channel));
    }
  }

  close(): void {
    this.#stdout?.close();
    this.#stderr?.close();
    this.#stdout = null;
    this.#stderr = null;
    this.#isOpen = false;
  }
}

function resolve(
  { settings }: OutputsHost,
  config: ProcessConfig,
  channel: Channel,
  logs: SavedLogs | undefined,
): string | null {
  const logfile: Logfile = config[`${channel}_logfile`];
  if (logfile !== AUTO) return logfile;
  const known = logs?.[channel] ?? null;
  if (known !== null) return known;
  const { childlogdir, identifier } = settings();
  return createAutoLog({ childlogdir, identifier, process: config.name, channel });
}

/** The reference reports success here and does nothing; `clear` is expected to clear. */
function clearClosed(path: string, options: LogFileOptions): void {
  using file = openLogFile(path, options);
  file.clear();
}

function fileOptions(voice: Voice, config: ProcessConfig, channel: Channel): LogFileOptions {
  return {
    ...(config[`${channel}_logfile`] === AUTO ? { mode: AUTO_MODE } : {}),
    maxbytes: config[`${channel}_logfile_maxbytes`],
    backups: config[`${channel}_logfile_backups`],
    ...voice,
  };
}
