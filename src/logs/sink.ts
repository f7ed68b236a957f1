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
  const { path, syslogName } = options;
  const file: LogFile | null = path === null ? null : openLogFile(path, options);
  const lines = syslogName === null ? null : createSyslogLines(syslogName, options.syslog ?? syslog);
  const parser = options.captureMaxbytes > 0 ? createCaptureParser() : null;
  const captured = createCaptureBuffer(options.captureMaxbytes);
  const { onLog, onCapture } = options;
  let logStripper = newStripper(options.stripAnsi);
  let captureStripper = newStripper(options.stripAnsi);
  let open = true;

  const watched = parser !== null || lines !== null || (onLog ?? null) !== null;

  function log(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    file?.write(bytes);
    lines?.write(bytes);
    onLog?.(asBuffer(bytes));
  }

  function capture(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    captured.append(bytes);
    onLog?.(asBuffer(bytes));
  }

  function take(piece: Piece): void {
    switch (piece.kind) {
      case "log":
        log(logStripper === null ? piece.bytes : logStripper.write(piece.bytes));
        return;
      case "captured":
        capture(captureStripper === null ? piece.bytes : captureStripper.write(piece.bytes));
        return;
      case "event":
        if (captureStripper !== null) capture(captureStripper.end());
        onCapture?.(asBuffer(captured.take()));
        return;
      default:
        assertNever(piece);
    }
  }

  function write(chunk: Uint8Array): void {
    if (!open) return;
    if (parser !== null) for (const piece of parser.push(chunk)) take(piece);
    else log(logStripper === null ? chunk : logStripper.write(chunk));
  }

  function end(): void {
    for (const piece of parser?.end() ?? []) take(piece);
    if (logStripper !== null) log(logStripper.end());
    // A capture without its end token is no event; onLog has heard its text, and here it ends.
    captureStripper?.end();
    captured.take();
    lines?.end();
  }

  function close(): void {
    if (!open) return;
    end();
    open = false;
    file?.close();
  }

  return {
    path,
    get stripAnsi() {
      return logStripper !== null;
    },
    set stripAnsi(on: boolean) {
      if (on === (logStripper !== null)) return;
      if (logStripper !== null) log(logStripper.end());
      logStripper = newStripper(on);
      captureStripper = newStripper(on);
    },
    write,
    takeFrom: (pipe) =>
      open && file !== null && !watched && logStripper === null ? file.takeFrom(pipe) : "unfit",
    room: () => file?.room() ?? null,
    end,
    reopen: () => file?.reopen(),
    clear: () => file?.clear(),
    close,
    [Symbol.dispose]: close,
  };
}

/** The same bytes, not a copy. */
function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function newStripper(on: boolean): AnsiStripper | null {
  return on ? createAnsiStripper() : null;
}
