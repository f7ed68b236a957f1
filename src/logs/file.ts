/**
 * One log file: written synchronously, straight after the read, so that a crash can lose as little as
 * possible. Once it is open nothing here throws except `clear`: a log that cannot be written, rotated or
 * reopened is said once, the old descriptor stays in use, and it is tried again with later writes.
 */
import fs from "node:fs";
import { basename } from "node:path";
import { O_PATH, openGuarded, openParent } from "../posix/guarded.js";
import { type Keeping, type KeptName, keepName, type Restored } from "../posix/keep-name.js";
import { appendAgain, seekEnd, splice, stopAppending } from "../posix/splice.js";
import { openLog } from "./open.js";
import { shiftBackups } from "./rotate.js";
import { joinStream, type StreamLog } from "./stream.js";
import { codeOf, createTrouble, reasonOf, type Trouble, type Voice } from "./trouble.js";

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
const DEFAULT_MODE = 0o666;
const monotonic = (): number => performance.now();

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
  return new OpenLogFile(path, options);
}

type File = Extract<Target, { kind: "file" }>;

/** A class, as there is one for each channel of each process. */
class OpenLogFile implements LogFile, Keeping {
  readonly path: string;
  readonly #options: LogFileOptions;
  readonly #now: () => number;
  readonly #writing: Trouble;
  readonly #rotating: Trouble;
  readonly #reopening: Trouble;
  #target: Target | null;
  /** The descriptor in use is no longer what stands under `path`. */
  #misplaced = false;
  /** Where the file was opened, which is not `path` when that is a link. */
  #place: string | null = null;
  #kept: KeptName | null = null;

  constructor(path: string, options: LogFileOptions) {
    const now = options.now ?? monotonic;
    this.path = path;
    this.#options = options;
    this.#now = now;
    this.#writing = createTrouble("write to", path, options, now);
    this.#rotating = createTrouble("rotate", path, options, now);
    this.#reopening = createTrouble("reopen", path, options, now);
    this.#target = this.#open();
    this.#keep();
  }

  get size(): number {
    return this.#target?.kind === "file" ? this.#target.size : 0;
  }

  #open(): Target {
    const opened = openLog(this.path, this.#options.mode ?? DEFAULT_MODE);
    // Mostly the same text: then it is not kept twice.
    this.#place = opened.kind === "stream" ? null : opened.place === this.path ? this.path : opened.place;
    if (opened.kind === "stream")
      return { kind: "stream", log: joinStream(opened, this.path, this.#options, this.#now) };
    return { kind: "file", fd: opened.fd, size: opened.size, unseen: 0, append: true, unfit: false };
  }

  #reopen(): void {
    // The new one comes first: if it cannot be opened, the old descriptor stays in use.
    const next = this.#open();
    if (this.#target !== null) release(this.#target);
    this.#target = next;
    this.#misplaced = false;
    this.#keep();
  }

  /** Has the file made again when somebody removes it; one that is only renamed is still wanted where it is. */
  #keep(): void {
    const place = this.#place;
    if (this.#kept?.path === place) return;
    this.#kept?.[Symbol.dispose]();
    this.#kept = null;
    if (place === null) return;
    this.#kept = keepName(this, place);
    // The file may have gone before it was watched.
    if (this.#isRemoved()) this.#kept.look();
  }

  #isRemoved(): boolean {
    const target = this.#target;
    return target?.kind === "file" && fs.fstatSync(target.fd).nlink === 0;
  }

  get what(): string {
    return "log";
  }

  get mayMove(): boolean {
    return true;
  }

  say(text: string): void {
    this.#options.onRecovered?.(text);
  }

  restore(): Restored {
    if (!this.#isRemoved()) return "fine";
    const isKnown = this.#reopening.active;
    const problem = this.#tryPlace();
    if (problem === null) return isKnown ? "fine" : "made again";
    // Said already, and tried again with later writes; without any, the directory tells when it is back.
    this.#kept?.verify();
    return "fine";
  }

  #rotate(file: File): void {
    if (this.#rotating.early()) return;
    const { maxbytes, backups } = this.#options;
    try {
      if (!this.#misplaced) {
        const there = measure(file, this.path);
        if (file.size < maxbytes) return;
        if (there === "this" && backups === 0) truncate(file);
        // Another log on the same path (stdout and stderr in one file) has rotated already: follow it.
        else if (there !== "another") this.#makeWay(there);
        this.#misplaced = there !== "this" || backups > 0;
      }
      if (this.#misplaced) this.#reopen();
      this.#rotating.over();
    } catch (error) {
      this.#rotating.failed(reasonOf(error), 0);
    }
  }

  #makeWay(there: Place): void {
    const { backups } = this.#options;
    if (backups > 0) shiftBackups(this.path, backups);
    else if (there === "a foreign link") remove(this.path);
  }

  /** What went wrong; null when the log is where it belongs. */
  #tryPlace(): unknown {
    try {
      this.#reopen();
      this.#reopening.over();
      return null;
    } catch (error) {
      this.#misplaced = true;
      this.#reopening.failed(reasonOf(error), 0);
      return error;
    }
  }

  #placeAgain(): void {
    if (this.#reopening.active && !this.#reopening.early()) this.#tryPlace();
  }

  write(chunk: Uint8Array | string): void {
    const bytes = typeof chunk === "string" ? Buffer.from(chunk) : chunk;
    if (this.#target === null || bytes.length === 0) return;
    this.#placeAgain();
    const target = this.#target;
    if (target.kind === "stream") {
      target.log.write(bytes);
      return;
    }
    if (this.#writing.active && this.#writing.early()) {
      this.#writing.lose(bytes.length);
      return;
    }
    if (!target.append) seekEnd(target.fd);
    const written = writeAll(target.fd, bytes);
    target.size += written.bytes;
    target.unseen += written.bytes;
    if (written.error === null) this.#writing.over();
    else this.#writing.failed(reasonOf(written.error), bytes.length - written.bytes);
    const { maxbytes } = this.#options;
    if (maxbytes === 0 || this.#reopening.active || this.#target !== target) return;
    if (target.size >= maxbytes || target.unseen >= maxbytes / LOOKS) this.#rotate(target);
  }

  takeFrom(pipe: number): Taken {
    this.#placeAgain();
    const file = this.#target;
    if (file === null || file.kind === "stream" || file.unfit || this.#writing.active) return "unfit";
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
    const { maxbytes } = this.#options;
    const room = maxbytes === 0 ? TAKE_BYTES : Math.max(BEYOND_BYTES, maxbytes - size);
    const moved = splice(pipe, file.fd, Math.min(TAKE_BYTES, room));
    if (typeof moved === "string") {
      if (moved === "EAGAIN" || moved === "EINTR") return "empty";
      // What is wrong with the file is said by the write that follows; what never works isn't tried again.
      file.unfit = moved === "EINVAL";
      return "unfit";
    }
    file.size = size + moved;
    if (maxbytes > 0 && file.size >= maxbytes && !this.#reopening.active) this.#rotate(file);
    return moved;
  }

  room(): Promise<void> | null {
    return this.#target?.kind === "stream" ? this.#target.log.room() : null;
  }

  reopen(): void {
    if (this.#target !== null) this.#tryPlace();
  }

  clear(): void {
    if (this.#target === null || this.#target.kind === "stream") return;
    remove(this.path);
    const problem = this.#tryPlace();
    if (problem !== null) throw problem;
  }

  close(): void {
    this.#kept?.[Symbol.dispose]();
    this.#kept = null;
    if (this.#target !== null) release(this.#target);
    this.#target = null;
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** The thing that stands under a log's path. */
type Place = "this" | "another" | "nothing" | "a foreign link";

/** Looks at the file itself, and at what `path` names by now. */
function measure(file: File, path: string): Place {
  const stat = fs.fstatSync(file.fd);
  file.size = stat.size;
  file.unseen = 0;
  const there = look(path);
  if (there === "nothing" || there === "a foreign link") return there;
  return there.ino === stat.ino && there.dev === stat.dev ? "this" : "another";
}

function look(path: string): fs.Stats | "nothing" | "a foreign link" {
  const there = fs.lstatSync(path, { throwIfNoEntry: false });
  if (there === undefined) return "nothing";
  if (!there.isSymbolicLink() && there.nlink === 1) return there;
  try {
    const { fd, stat } = openGuarded(path, O_PATH);
    fs.closeSync(fd);
    return stat;
  } catch (error) {
    const code = codeOf(error);
    return code === "ELOOP" || code === "EMLINK" ? "a foreign link" : "nothing";
  }
}

function truncate(file: File): void {
  fs.ftruncateSync(file.fd);
  file.size = 0;
}

function remove(path: string): void {
  using directory = openParent(path);
  try {
    fs.unlinkSync(directory.at(basename(path)));
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
  }
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
