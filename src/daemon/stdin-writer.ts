/**
 * The daemon's end of a child's stdin. A write goes straight into the pipe; only what the pipe doesn't take is
 * queued, up to a limit, and follows when the child reads.
 */
import { writeSync } from "node:fs";
import { closeEnd } from "../posix/pipe.js";
import { type Watch, watch } from "../posix/readiness.js";
import { type ByteQueue, createByteQueue } from "../wire/byte-queue.js";

/** `written` includes queued; `closed`: the child has closed its stdin; `full`: too much is queued already. */
export type WriteOutcome = "written" | "closed" | "full";

export interface StdinWriter {
  /** Null once it is closed. */
  readonly fd: number | null;
  write(bytes: Buffer): WriteOutcome;
  /** What the pipe has not taken yet. */
  pending(): Buffer;
  close(): void;
}

const QUEUE_LIMIT_BYTES = 16 * 1024 * 1024;
/** Where the loop can't tell when the pipe has room, it is tried again this often. */
const RETRY_MS = 20;
/** The pipe is full, or the system is short of something that may be there again soon. */
const NOT_NOW: ReadonlySet<string> = new Set(["EAGAIN", "ENOMEM", "ENOBUFS"]);

const NOTHING = Buffer.alloc(0);

/** As `writeSync`. */
type Write = (fd: number, bytes: Buffer) => number;

/** Takes over `fd`. `onTrouble` hears why it can't be written any more, if that is not for want of a reader. */
export function createStdinWriter(
  fd: number,
  onTrouble: (text: string) => void = () => undefined,
  write: Write = writeSync,
): StdinWriter {
  return new OneStdin(fd, onTrouble, write);
}

/** A class, as each process has one. */
class OneStdin implements StdinWriter {
  readonly #fd: number;
  readonly #onTrouble: (text: string) => void;
  readonly #write: Write;
  /** Made for the first bytes that the pipe doesn't take. */
  #queue: ByteQueue | null = null;
  #waiting: Watch | null = null;
  #closed = false;

  constructor(fd: number, onTrouble: (text: string) => void, write: Write) {
    this.#fd = fd;
    this.#onTrouble = onTrouble;
    this.#write = write;
  }

  get fd(): number | null {
    return this.#closed ? null : this.#fd;
  }

  write(bytes: Buffer): WriteOutcome {
    if (this.#closed) return "closed";
    if (this.pending().length > 0) return this.#enqueue(bytes);
    // All or nothing: what the pipe had taken of it could not be taken back.
    if (bytes.length > QUEUE_LIMIT_BYTES) return "full";
    const left = this.#push(bytes);
    if (left === null) return "closed";
    return left.length === 0 ? "written" : this.#enqueue(left);
  }

  pending(): Buffer {
    return this.#queue?.bytes ?? NOTHING;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#waiting?.close();
    this.#queue = null;
    closeEnd(this.#fd);
  }

  #enqueue(bytes: Buffer): WriteOutcome {
    if (this.pending().length + bytes.length > QUEUE_LIMIT_BYTES) return "full";
    this.#queue ??= createByteQueue();
    this.#queue.add(bytes);
    if (this.#waiting === null) this.#wait((drain) => watch(this.#fd, "writable", drain) ?? retry(drain));
    return "written";
  }

  #wait(begin: (drain: () => void) => Watch): void {
    this.#waiting?.close();
    this.#waiting = begin(() => this.#drain());
  }

  #drain(): void {
    const waiting = this.pending();
    const left = this.#push(waiting);
    if (left === null) return this.close();
    this.#queue?.drop(waiting.length - left.length);
    // Told that there is room and yet nothing was taken: the loop would tell it at once again.
    if (left === waiting) return this.#wait(retry);
    if (left.length > 0) return;
    this.#waiting?.close();
    this.#waiting = null;
  }

  /** The bytes that are left; null when nobody reads any more, or ever will. */
  #push(bytes: Buffer): Buffer | null {
    for (;;) {
      try {
        return bytes.subarray(this.#write(this.#fd, bytes));
      } catch (error) {
        const { code = String(error) } = error as NodeJS.ErrnoException;
        if (code === "EINTR") continue;
        if (NOT_NOW.has(code)) return bytes;
        if (code === "EPIPE") return null;
        this.#onTrouble(`cannot be written any more: ${code}`);
        this.close();
        return null;
      }
    }
  }
}

function retry(again: () => void): Watch {
  const timer = setInterval(again, RETRY_MS);
  return { pause: () => undefined, resume: () => undefined, close: () => clearInterval(timer) };
}
