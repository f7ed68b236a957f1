/**
 * The daemon's end of a child's stdin. A write goes straight into the pipe; only what the pipe doesn't take is
 * queued, up to a limit, and follows when the child reads.
 */
import { closeSync, writeSync } from "node:fs";
import { type Watch, watch } from "../posix/readiness.js";

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
  let queue: Buffer[] = [];
  let queuedBytes = 0;
  let waiting: Watch | null = null;
  let closed = false;

  function close(): void {
    if (closed) return;
    closed = true;
    waiting?.close();
    queue = [];
    queuedBytes = 0;
    closeSync(fd);
  }

  /** What is left; null when nobody reads any more. */
  function push(bytes: Buffer): Buffer | null {
    try {
      return bytes.subarray(writeSync(fd, bytes));
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === "EAGAIN" ? bytes : null;
    }
  }

  function drain(): void {
    for (let first = queue[0]; first !== undefined; first = queue[0]) {
      const left = push(first);
      if (left === null) return close();
      queuedBytes -= first.length - left.length;
      if (left.length > 0) {
        queue[0] = left;
        return;
      }
      queue.shift();
    }
    waiting?.close();
    waiting = null;
  }

  function enqueue(bytes: Buffer): WriteOutcome {
    if (queuedBytes + bytes.length > QUEUE_LIMIT_BYTES) return "full";
    queue.push(bytes);
    queuedBytes += bytes.length;
    waiting ??= watch(fd, "writable", drain) ?? retry(drain);
    return "written";
  }

  return {
    get fd() {
      return closed ? null : fd;
    },
    write(bytes) {
      if (closed) return "closed";
      if (queuedBytes > 0) return enqueue(bytes);
      // All or nothing: what the pipe had taken of it could not be taken back.
      if (bytes.length > QUEUE_LIMIT_BYTES) return "full";
      const left = push(bytes);
      if (left === null) return "closed";
      return left.length === 0 ? "written" : enqueue(left);
    },
    pending: () => Buffer.concat(queue),
    close,
  };
}

function retry(again: () => void): Watch {
  const timer = setInterval(again, RETRY_MS);
  return { pause: () => undefined, resume: () => undefined, close: () => clearInterval(timer) };
}
