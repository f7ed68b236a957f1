/**
 * Where one channel (stdout or stderr) of a child goes: its file, syslog, and whoever listens to the text or
 * to captured events, with ANSI sequences stripped on the way if asked.
 *
 * Text inside capture mode is not logged but still heard by `onLog`: Supervisor emits PROCESS_LOG for it too.
 */
import { assertNever } from "../core/brand.js";
import { syslog } from "../posix/syslog.js";
import { type AnsiStripper, createAnsiStripper } from "../wire/ansi.js";
import { createCaptureBuffer, createCaptureParser, type Piece } from "../wire/capture.js";
import { type LogFile, type LogFileOptions, openLogFile, type Taken } from "./file.js";
import { createSyslogLines } from "./syslog-lines.js";

export interface ChannelLogOptions extends LogFileOptions {
  /** Null is NONE: what comes is read and dropped. */
  readonly path: string | null;
  /** Process name before each line in syslog; null is no syslog. */
  readonly syslogName: string | null;
  readonly stripAnsi: boolean;
  /** Bytes; 0 is no capture mode. */
  readonly captureMaxbytes: number;
  /** All output, as it goes on; the bytes are only good during the call. */
  readonly onLog?: ((bytes: Buffer) => void) | null | undefined;
  /** What stood between a pair of capture tokens; the bytes are the listener's own. */
  readonly onCapture?: ((bytes: Buffer) => void) | null | undefined;
  /** For tests; libc's otherwise. */
  readonly syslog?: ((text: string) => void) | undefined;
}

export interface ChannelLog extends Disposable {
  /** Null when there is no file. */
  readonly path: string | null;
  /** May be changed while output flows, as a reread does. */
  stripAnsi: boolean;
  /** The chunk may be reused once this returns. */
  write(chunk: Uint8Array): void;
  /** As `LogFile.takeFrom`; `unfit` also while anybody must see the bytes. */
  takeFrom(pipe: number): Taken;
  /** As `LogFile.room`: not null is the wish that the child's pipe be left unread until it settles. */
  room(): Promise<void> | null;
  /** End of the stream: lets go of everything held back. Another stream may follow. */
  end(): void;
  reopen(): void;
  /** Empties the file by beginning a new one. Throws what the file system says. */
  clear(): void;
  /** Ends the stream and closes the file. */
  close(): void;
}

/** Opens the channel's file. Throws what the file system says. */
export function openChannelLog(options: ChannelLogOptions): ChannelLog {
  return new OpenChannelLog(options);
}

interface Capture {
  readonly parser: ReturnType<typeof createCaptureParser>;
  readonly text: ReturnType<typeof createCaptureBuffer>;
}

/** A class, as there are two for each process. */
class OpenChannelLog implements ChannelLog {
  readonly path: string | null;
  readonly #file: LogFile | null;
  readonly #lines: ReturnType<typeof createSyslogLines> | null;
  readonly #capture: Capture | null;
  readonly #onLog: ChannelLogOptions["onLog"];
  readonly #onCapture: ChannelLogOptions["onCapture"];
  #logStripper: AnsiStripper | null;
  #captureStripper: AnsiStripper | null;
  #open = true;

  constructor(options: ChannelLogOptions) {
    const { path, syslogName, captureMaxbytes, stripAnsi } = options;
    this.path = path;
    this.#file = path === null ? null : openLogFile(path, options);
    this.#lines = syslogName === null ? null : createSyslogLines(syslogName, options.syslog ?? syslog);
    this.#capture =
      captureMaxbytes > 0
        ? { parser: createCaptureParser(), text: createCaptureBuffer(captureMaxbytes) }
        : null;
    this.#onLog = options.onLog;
    this.#onCapture = options.onCapture;
    this.#logStripper = newStripper(stripAnsi);
    this.#captureStripper = newStripper(stripAnsi);
  }

  get stripAnsi(): boolean {
    return this.#logStripper !== null;
  }

  set stripAnsi(on: boolean) {
    if (on === this.stripAnsi) return;
    if (this.#logStripper !== null) this.#log(this.#logStripper.end());
    this.#logStripper = newStripper(on);
    this.#captureStripper = newStripper(on);
  }

  #log(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#file?.write(bytes);
    this.#lines?.write(bytes);
    this.#onLog?.(asBuffer(bytes));
  }

  #keep(text: Capture["text"], bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    text.append(bytes);
    this.#onLog?.(asBuffer(bytes));
  }

  #take({ text }: Capture, piece: Piece): void {
    switch (piece.kind) {
      case "log":
        this.#log(this.#logStripper === null ? piece.bytes : this.#logStripper.write(piece.bytes));
        return;
      case "captured":
        this.#keep(
          text,
          this.#captureStripper === null ? piece.bytes : this.#captureStripper.write(piece.bytes),
        );
        return;
      case "event":
        if (this.#captureStripper !== null) this.#keep(text, this.#captureStripper.end());
        this.#onCapture?.(asBuffer(text.take()));
        return;
      default:
        assertNever(piece);
    }
  }

  write(chunk: Uint8Array): void {
    if (!this.#open) return;
    const capture = this.#capture;
    if (capture !== null) for (const piece of capture.parser.push(chunk)) this.#take(capture, piece);
    else this.#log(this.#logStripper === null ? chunk : this.#logStripper.write(chunk));
  }

  takeFrom(pipe: number): Taken {
    const seen = this.#capture !== null || this.#lines !== null || (this.#onLog ?? null) !== null;
    if (!this.#open || this.#file === null || seen || this.#logStripper !== null) return "unfit";
    return this.#file.takeFrom(pipe);
  }

  room(): Promise<void> | null {
    return this.#file?.room() ?? null;
  }

  end(): void {
    const capture = this.#capture;
    if (capture !== null) for (const piece of capture.parser.end()) this.#take(capture, piece);
    if (this.#logStripper !== null) this.#log(this.#logStripper.end());
    // A capture without its end token is no event; onLog has heard its text, and here it ends.
    this.#captureStripper?.end();
    capture?.text.take();
    this.#lines?.end();
  }

  reopen(): void {
    this.#file?.reopen();
  }

  clear(): void {
    this.#file?.clear();
  }

  close(): void {
    if (!this.#open) return;
    this.end();
    this.#open = false;
    this.#file?.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** The same bytes, not a copy. */
function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function newStripper(on: boolean): AnsiStripper | null {
  return on ? createAnsiStripper() : null;
}
