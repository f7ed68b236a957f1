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
  /** Null while much more may wait; else settles when that is so again. */
  room(): Promise<void> | null;
  /** Leaves the stream; the last one to leave closes it. */
  close(): void;
}

interface Stream {
  readonly fd: number;
  readonly borrowed: boolean;
  readonly voices: Set<Voice>;
  readonly trouble: Trouble;
  /** What waits, from `head` on: taking from the front of a long array costs more than the writing. */
  queue: Uint8Array[];
  head: number;
  queuedBytes: number;
  timer: NodeJS.Timeout | null;
  waitMs: number;
  /** Writers that pause until less waits. */
  paused: Set<() => void>;
  /** When a write last looked whether what waits can go. */
  lookedAt: number;
}

/** What may wait for a stream that takes nothing. */
export const QUEUE_BYTES = 1 << 20;
/** From here on a writer that can pause should, and down to there. */
const CROWDED_BYTES = QUEUE_BYTES / 2;
const ROOMY_BYTES = QUEUE_BYTES / 8;
const SMALL_BYTES = 4096;
/** A pipe of 64 KiB emptied this often is faster than any reader of logs. */
const FIRST_WAIT_MS = 1;
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
    room() {
      if (stream.queuedBytes < CROWDED_BYTES || !stream.voices.has(own)) return null;
      return new Promise((resolve) => stream.paused.add(resolve));
    },
    close() {
      if (!stream.voices.delete(own)) return;
      // Whose log is closed waits no longer; the others look again.
      resume(stream);
      if (stream.voices.size > 0) return;
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
    head: 0,
    queuedBytes: 0,
    timer: null,
    waitMs: FIRST_WAIT_MS,
    paused: new Set(),
    lookedAt: 0,
  };
}

function write(stream: Stream, bytes: Uint8Array): void {
  if (stream.queuedBytes > 0) {
    // A burst within one turn of the event loop leaves the timer no say, so it looks too, now and then.
    const moment = performance.now();
    if (moment - stream.lookedAt >= FIRST_WAIT_MS) {
      stream.lookedAt = moment;
      drain(stream);
    }
  }
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
  // A copy: the caller's next read fills the same memory again. Small ones are kept together, as each costs a hundred
  // bytes beside its own.
  const last = stream.queue.length - 1;
  const newest = last >= stream.head ? stream.queue[last] : undefined;
  if (newest !== undefined && newest.length + bytes.length <= SMALL_BYTES)
    stream.queue[last] = Buffer.concat([newest, bytes]);
  else stream.queue.push(new Uint8Array(bytes));
  stream.queuedBytes += bytes.length;
  while (stream.queuedBytes > QUEUE_BYTES) {
    const oldest = shift(stream);
    if (oldest === undefined) break;
    stream.trouble.failed("nobody reads it, the oldest output is dropped", oldest.length);
  }
  schedule(stream);
}

function shift(stream: Stream): Uint8Array | undefined {
  const oldest = stream.queue[stream.head];
  if (oldest === undefined) return undefined;
  stream.queuedBytes -= oldest.length;
  stream.head += 1;
  // Room for one to be put back must stay, so the head itself is left in place.
  if (stream.head > stream.queue.length / 2 + 1) {
    stream.queue.splice(0, stream.head - 1);
    stream.head = 1;
  }
  return oldest;
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
    const first = shift(stream);
    if (first === undefined) break;
    const left = push(stream, first);
    if (left.length === 0) continue;
    stream.head -= 1;
    stream.queue[stream.head] = left;
    stream.queuedBytes += left.length;
    break;
  }
  if (stream.queuedBytes <= ROOMY_BYTES) resume(stream);
  return stream.queuedBytes < before;
}

function resume(stream: Stream): void {
  for (const settle of stream.paused) settle();
  stream.paused.clear();
}

function finish(stream: Stream): void {
  if (stream.timer !== null) clearTimeout(stream.timer);
  drain(stream);
  stream.queue = [];
  stream.head = 0;
  stream.queuedBytes = 0;
  if (!stream.borrowed) fs.closeSync(stream.fd);
}
