/**
 * One log file: written synchronously, straight after the read, so that a crash can lose as little as
 * possible. Once it is open nothing here throws except `clear`: a log that cannot be written, rotated or
 * reopened is said once, the old descriptor stays in use, and it is tried again with later writes.
 */
import fs from "node:fs";
import { appendAgain, seekEnd, splice, stopAppending } from "../posix/splice.js";
import { type Opened, openLog } from "./open.js";
import { shiftBackups } from "./rotate.js";
import { joinStream, type StreamLog } from "./stream.js";
import { codeOf, createTrouble, reasonOf, type Voice } from "./trouble.js";

export interface LogFileOptions extends Voice {
  /** Bytes; 0 is never. Rotation comes after the write that reaches it. */
  readonly maxbytes: number;
  /** Copies to keep; 0 truncates in place. */
  readonly backups: number;
  /** Permissions of a file that is created, before the umask. */
  readonly mode?: number | undefined;
  /** Monotonic milliseconds, for when a failing log is tried again. */
  readonly now?: (() => number) | undefined;
}

/**
 * What became of a pipe's bytes: so many are in the file now, 0 is the pipe's end, `empty` is nothing yet. `unfit`
 * is a log that can't be filled that way (a device, a full disk): read the pipe and `write`.
 */
export type Taken = number | "empty" | "unfit";

/** A file outgrows `maxbytes` no further than by one of the reference's reads. */
const BEYOND_BYTES = 128 * 1024;
/** What one taking moves at most: all that a pipe can hold. */
const TAKE_BYTES = 1 << 20;

export interface LogFile extends Disposable {
  readonly path: string;
  /** Bytes in the current file as far as this log knows; 0 for a device. */
  readonly size: number;
  /** The chunk may be reused once this returns. */
  write(chunk: Uint8Array | string): void;
  /** Takes what is in a pipe, see `Taken`. */
  takeFrom(pipe: number): Taken;
  /**
   * Null while the log takes what comes, as a file always does. A pipe that is read slowly gives a promise that
   * settles when there is room: who can pause its source should, or the oldest output will be dropped.
   */
  room(): Promise<void> | null;
  /** After something else moved the file away: goes on with a new one of the same name. */
  reopen(): void;
  /** Removes the file and begins a new one; rotated copies stay, devices are left alone. Throws what the file system says. */
  clear(): void;
  close(): void;
}

/**
 * How often a file is measured on the way to `maxbytes`. In between its size is counted, not asked for; others
 * may write to it too, or truncate it in place (logrotate's copytruncate).
 */
const LOOKS = 8;

type Target =
  /**
   * `unseen`: bytes written since it was last measured. `append`: whether the kernel seeks the end itself, which
   * it refuses to do for a splice. `unfit`: the file system can't splice.
   */
  | {
      readonly kind: "file";
      readonly fd: number;
      size: number;
      unseen: number;
      append: boolean;
      unfit: boolean;
    }
  | { readonly kind: "stream"; readonly log: StreamLog };

/** Opens a log for append, creating it. Throws what the file system says (`code`: EISDIR, ENOENT, EACCES …). */
export function openLogFile(path: string, options: LogFileOptions): LogFile {
  const { maxbytes, backups, mode = 0o666, now = () => performance.now() } = options;
  const writing = createTrouble("write to", path, options, now);
  const rotating = createTrouble("rotate", path, options, now);
  const reopening = createTrouble("reopen", path, options, now);
  let target: Target | null = wrap(openLog(path, mode));
  /** The descriptor in use is no longer what stands under `path`. */
  let misplaced = false;

  function wrap(opened: Opened): Target {
    if (opened.kind === "stream") return { kind: "stream", log: joinStream(opened, path, options, now) };
    return { kind: "file", fd: opened.fd, size: opened.size, unseen: 0, append: true, unfit: false };
  }

  function place(truncate: boolean): void {
    // The new one comes first: if it cannot be opened, the old descriptor stays in use.
    const next = wrap(openLog(path, mode, truncate));
    if (target !== null) release(target);
    target = next;
    misplaced = false;
  }

  function rotate(file: Extract<Target, { kind: "file" }>): void {
    if (rotating.early()) return;
    let truncate = false;
    try {
      if (!misplaced) {
        const moved = measure(file);
        if (file.size < maxbytes) return;
        // Another log on the same path (stdout and stderr in one file) has rotated already: follow it.
        if (!moved && backups > 0) shiftBackups(path, backups);
        misplaced = true;
        truncate = !moved && backups === 0;
      }
      place(truncate);
      rotating.over();
    } catch (error) {
      rotating.failed(reasonOf(error), 0);
    }
  }

  /** Looks at the file itself; true when `path` names another one by now. */
  function measure(file: Extract<Target, { kind: "file" }>): boolean {
    const stat = fs.fstatSync(file.fd);
    file.size = stat.size;
    file.unseen = 0;
    const there = fs.statSync(path, { throwIfNoEntry: false });
    return there !== undefined && (there.ino !== stat.ino || there.dev !== stat.dev);
  }

  /** What went wrong; null when the log is where it belongs. */
  function tryPlace(): unknown {
    try {
      place(false);
      reopening.over();
      return null;
    } catch (error) {
      misplaced = true;
      reopening.failed(reasonOf(error), 0);
      return error;
    }
  }

  function write(chunk: Uint8Array | string): void {
    const bytes = typeof chunk === "string" ? Buffer.from(chunk) : chunk;
    if (target === null || bytes.length === 0) return;
    if (reopening.active && !reopening.early()) tryPlace();
    if (target.kind === "stream") {
      target.log.write(bytes);
      return;
    }
    if (writing.active && writing.early()) {
      writing.lose(bytes.length);
      return;
    }
    const file = target;
    if (!file.append) seekEnd(file.fd);
    const written = writeAll(file.fd, bytes);
    file.size += written.bytes;
    file.unseen += written.bytes;
    if (written.error === null) writing.over();
    else writing.failed(reasonOf(written.error), bytes.length - written.bytes);
    if (maxbytes === 0 || reopening.active || target !== file) return;
    if (file.size >= maxbytes || file.unseen >= maxbytes / LOOKS) rotate(file);
  }

  function takeFrom(pipe: number): Taken {
    if (reopening.active && !reopening.early()) tryPlace();
    const file = target;
    if (file === null || file.kind === "stream" || file.unfit || writing.active) return "unfit";
    if (file.append) {
      if (!stopAppending(file.fd)) return "unfit";
      file.append = false;
    }
    // Others may have written to it or truncated it; so it is measured for free, too.
    const size = seekEnd(file.fd);
    if (typeof size === "string") return "unfit";
    if (size > file.size && appendAgain(file.fd)) {
      // Somebody else appends too: between finding the end and writing there, it may have moved.
      file.size = size;
      file.append = true;
      file.unfit = true;
      return "unfit";
    }
    const room = maxbytes === 0 ? TAKE_BYTES : Math.max(BEYOND_BYTES, maxbytes - size);
    const moved = splice(pipe, file.fd, Math.min(TAKE_BYTES, room));
    if (typeof moved === "string") {
      if (moved === "EAGAIN" || moved === "EINTR") return "empty";
      // What is wrong with the file is said by the write that follows; what never works isn't tried again.
      file.unfit = moved === "EINVAL";
      return "unfit";
    }
    file.size = size + moved;
    if (maxbytes > 0 && file.size >= maxbytes && !reopening.active) rotate(file);
    return moved;
  }

  function clear(): void {
    if (target === null || target.kind === "stream") return;
    try {
      fs.unlinkSync(path);
    } catch (error) {
      if (codeOf(error) !== "ENOENT") throw error;
    }
    const problem = tryPlace();
    if (problem !== null) throw problem;
  }

  function close(): void {
    if (target !== null) release(target);
    target = null;
  }

  return {
    path,
    get size() {
      return target?.kind === "file" ? target.size : 0;
    },
    write,
    takeFrom,
    room: () => (target?.kind === "stream" ? target.log.room() : null),
    reopen() {
      if (target !== null) tryPlace();
    },
    clear,
    close,
    [Symbol.dispose]: close,
  };
}

function release(target: Target): void {
  if (target.kind === "stream") target.log.close();
  else fs.closeSync(target.fd);
}

function writeAll(fd: number, bytes: Uint8Array): { readonly bytes: number; readonly error: unknown } {
  let at = 0;
  try {
    while (at < bytes.length) {
      const taken = fs.writeSync(fd, bytes, at, bytes.length - at);
      if (taken === 0) return { bytes: at, error: new Error("nothing was taken") };
      at += taken;
    }
    return { bytes: at, error: null };
  } catch (error) {
    return { bytes: at, error };
  }
}
