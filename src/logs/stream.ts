/**
 * Writing to what may not take it: a pipe to a log collector, a terminal stopped with Ctrl-S. What it does not
 * take now waits in a queue; when the queue is full the oldest goes and is counted. One queue for each device,
 * however many logs share it: a stuck reader costs the daemon one queue, and lines of different logs don't cut
 * into each other.
 */
import fs from "node:fs";
import type { OpenedStream } from "./open.js";
import { codeOf, createTrouble, reasonOf, type Trouble, type Voice } from "./trouble.js";

/** One log's share of a stream. */
export interface StreamLog {
  write(bytes: Uint8Array): void;
  /** Leaves the stream; the last one to leave closes it. */
  close(): void;
}

interface Stream {
  readonly fd: number;
  readonly borrowed: boolean;
  readonly voices: Set<Voice>;
  readonly trouble: Trouble;
  queue: Uint8Array[];
  queuedBytes: number;
  timer: NodeJS.Timeout | null;
  waitMs: number;
}

/** What may wait for a stream that takes nothing. */
export const QUEUE_BYTES = 1 << 20;
const FIRST_WAIT_MS = 10;
const LONGEST_WAIT_MS = 1000;

const streams = new Map<string, Stream>();

/** Shares the stream that is open for the same device already, or begins one. */
export function joinStream(opened: OpenedStream, path: string, voice: Voice, now: () => number): StreamLog {
  const known = streams.get(opened.key);
  if (known !== undefined && !opened.borrowed) fs.closeSync(opened.fd);
  const stream = known ?? begin(opened, path, now);
  // A fresh object, so that the same voice may speak for two logs.
  const own: Voice = { ...voice };
  streams.set(opened.key, stream);
  stream.voices.add(own);
  return {
    write(bytes) {
      if (stream.voices.has(own)) write(stream, bytes);
    },
    close() {
      if (!stream.voices.delete(own) || stream.voices.size > 0) return;
      streams.delete(opened.key);
      finish(stream);
    },
  };
}

function begin(opened: OpenedStream, path: string, now: () => number): Stream {
  const voices = new Set<Voice>();
  const first = (): Voice | undefined => voices.values().next().value;
  // Said once for the stream, through whichever log has been there longest.
  const voice: Voice = {
    onTrouble: (text) => first()?.onTrouble?.(text),
    onRecovered: (text) => first()?.onRecovered?.(text),
  };
  return {
    fd: opened.fd,
    borrowed: opened.borrowed,
    voices,
    trouble: createTrouble("write to", path, voice, now),
    queue: [],
    queuedBytes: 0,
    timer: null,
    waitMs: FIRST_WAIT_MS,
  };
}

function write(stream: Stream, bytes: Uint8Array): void {
  if (stream.queuedBytes > 0) {
    enqueue(stream, bytes);
    return;
  }
  if (stream.trouble.early()) {
    stream.trouble.lose(bytes.length);
    return;
  }
  const left = push(stream, bytes);
  if (left.length > 0) enqueue(stream, left);
}

/** Writes what is taken, gives what is left. */
function push(stream: Stream, bytes: Uint8Array): Uint8Array {
  let at = 0;
  while (at < bytes.length) {
    try {
      const taken = fs.writeSync(stream.fd, bytes, at, bytes.length - at);
      if (taken === 0) return bytes.subarray(at);
      at += taken;
    } catch (error) {
      if (codeOf(error) === "EAGAIN") return bytes.subarray(at);
      stream.trouble.failed(reasonOf(error), bytes.length - at);
      return bytes.subarray(bytes.length);
    }
  }
  if (stream.queuedBytes === 0) stream.trouble.over();
  return bytes.subarray(at);
}

function enqueue(stream: Stream, bytes: Uint8Array): void {
  // A copy (slice would be none for a Buffer): the caller's next read fills the same memory again.
  stream.queue.push(new Uint8Array(bytes));
  stream.queuedBytes += bytes.length;
  while (stream.queuedBytes > QUEUE_BYTES) {
    const oldest = stream.queue.shift();
    if (oldest === undefined) break;
    stream.queuedBytes -= oldest.length;
    stream.trouble.failed("nobody reads it, the oldest output is dropped", oldest.length);
  }
  schedule(stream);
}

/** Node offers no writable event for such descriptors without owning them, so it is tried while something waits. */
function schedule(stream: Stream): void {
  if (stream.timer !== null || stream.queuedBytes === 0) return;
  stream.timer = setTimeout(() => {
    stream.timer = null;
    stream.waitMs = drain(stream) ? FIRST_WAIT_MS : Math.min(stream.waitMs * 2, LONGEST_WAIT_MS);
    schedule(stream);
  }, stream.waitMs);
  stream.timer.unref();
}

/** True when something was taken. */
function drain(stream: Stream): boolean {
  const before = stream.queuedBytes;
  for (;;) {
    const first = stream.queue[0];
    if (first === undefined) break;
    stream.queuedBytes -= first.length;
    const left = push(stream, first);
    stream.queuedBytes += left.length;
    if (left.length > 0) {
      stream.queue[0] = left;
      break;
    }
    stream.queue.shift();
  }
  return stream.queuedBytes < before;
}

function finish(stream: Stream): void {
  if (stream.timer !== null) clearTimeout(stream.timer);
  drain(stream);
  stream.queue = [];
  stream.queuedBytes = 0;
  if (!stream.borrowed) fs.closeSync(stream.fd);
}
