/**
 * The daemon's end of a child's stdin. A write goes straight into the pipe; only what the pipe doesn't take is
 * queued, up to a limit, and follows when the child reads.
 */
import { closeSync, writeSync } from "node:fs";
import { type Watch, watch } from "../posix/readiness.js";
import { createByteQueue } from "../wire/byte-queue.js";

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

/** Takes over `fd`. */
export function createStdinWriter(fd: number): StdinWriter {
  return new OneStdin(fd);
}

/** A class, as each process has one. */
class OneStdin implements StdinWriter {
  readonly #fd: number;
  readonly #queue = createByteQueue();
  #waiting: Watch | null = null;
  #closed = false;

  constructor(fd: number) {
    this.#fd = fd;
  }

  get fd(): number | null {
    return this.#closed ? null : this.#fd;
  }

  write(bytes: Buffer): WriteOutcome {
    if (this.#closed) return "closed";
    if (this.pending().length > 0) return this.#enqueue(bytes);
    // All or nothing: what the pipe had taken of it could not be taken back.
    if (bytes.length > QUEUE_LIMIT_BYTES) return "full";
    const left = push(this.#fd, bytes);
    if (left === null) return "closed";
    return left.length === 0 ? "written" : this.#enqueue(left);
  }

  pending(): Buffer {
    return this.#queue.bytes;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#waiting?.close();
    this.#queue.drop(this.pending().length);
    closeSync(this.#fd);
  }

  #enqueue(bytes: Buffer): WriteOutcome {
    if (this.pending().length + bytes.length > QUEUE_LIMIT_BYTES) return "full";
    this.#queue.add(bytes);
    const drain = (): void => this.#drain();
    this.#waiting ??= watch(this.#fd, "writable", drain) ?? retry(drain);
    return "written";
  }

  #drain(): void {
    const waiting = this.pending();
    const left = push(this.#fd, waiting);
    if (left === null) return this.close();
    this.#queue.drop(waiting.length - left.length);
    if (left.length > 0) return;
    this.#waiting?.close();
    this.#waiting = null;
  }
}

/** What is left; null when nobody reads any more. */
function push(fd: number, bytes: Buffer): Buffer | null {
  try {
    return bytes.subarray(writeSync(fd, bytes));
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EAGAIN" ? bytes : null;
  }
}

function retry(again: () => void): Watch {
  const timer = setInterval(again, RETRY_MS);
  return { pause: () => undefined, resume: () => undefined, close: () => clearInterval(timer) };
}
