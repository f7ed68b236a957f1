/**
 * The near end of a child's stdout or stderr. Where nobody has to see the bytes they go from the pipe to the log
 * inside the kernel, so that even a SIGKILL of the daemon can't lose any on the way; else they pass through one
 * static buffer that all pipes share, and whoever keeps a chunk beyond the call must copy it.
 */
import { closeSync, readSync } from "node:fs";
import type { Taken } from "../logs/file.js";
import { resizePipe } from "../posix/pipe.js";
import { type Watch, watch } from "../posix/readiness.js";
import { peek } from "../posix/splice.js";
import { readBySocket, type Socketed } from "./socket-reader.js";

export interface PipeReader {
  readonly fd: number;
  /** Takes what is in the pipe right now. */
  drain(): void;
  /** True once every holder of the other end is gone. */
  readonly ended: boolean;
  close(): void;
}

export interface PipeSink {
  /** The pipe's bytes without a detour, if that may be. */
  readonly take: (pipe: number) => Taken;
  /**
   * Somebody has to write down what the bytes mean before they leave the pipe: they are shown first, and `data`
   * must take them.
   */
  readonly shows: boolean;
  /** The bytes; a promise asks for a pause until it settles. */
  readonly data: (chunk: Buffer, take: TakeShown) => Promise<void> | null;
  /** Called once, at the end or when closed. */
  readonly end: () => void;
}

/** Takes so many of the bytes that were shown out of the pipe; where none are shown, they are out already. */
export type TakeShown = (bytes: number) => void;

const READ_BYTES = 128 * 1024;
const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
/** A pipe holds 1 MiB at most; what comes on top arrives while we read, and can wait for the loop. */
const DRAIN_READS = 32;
const OUT_ALREADY: TakeShown = () => undefined;

/** Takes over `fd`, which is closed with the reader. */
export function readPipe(fd: number, sink: PipeSink): PipeReader {
  let ended = false;
  const pace = createPace(fd);
  let rest: NodeJS.Timeout | null = null;
  /** The sink has no room. */
  let blocked = false;
  const watching: Watch | Socketed =
    watch(fd, "readable", onReadable) ?? readBySocket(fd, (chunk) => sink.data(chunk, OUT_ALREADY), finish);

  /** One round: bytes that came, 0 when there is nothing more for now. */
  function step(): number {
    if (ended) return 0;
    const taken = sink.take(fd);
    if (taken !== "unfit") return taken === "empty" ? 0 : came(taken);
    const shown = sink.shows ? show(fd) : null;
    const bytes = shown ?? readNow(fd);
    if (bytes === "empty") return 0;
    if (came(bytes) === 0) return 0;
    const full = sink.data(buffer.subarray(0, bytes), shown === null ? OUT_ALREADY : takeShown);
    if (full !== null) {
      blocked = true;
      watching.pause();
      full.then(unblock, unblock);
    }
    // Whoever looks at the bytes wants them as they come.
    pace.reset();
    return bytes;
  }

  function unblock(): void {
    blocked = false;
    watching.resume();
  }

  function came(bytes: number): number {
    if (bytes === 0) finish();
    else pace.round(bytes);
    return bytes;
  }

  function onReadable(): void {
    step();
    if (!pace.hasty || rest !== null || ended) return;
    watching.pause();
    rest = setTimeout(onRested, REST_MS);
  }

  /** While it goes on like that it is looked at from time to time, and nobody has to be told. */
  function onRested(): void {
    rest = null;
    const bytes = step();
    if (ended) return;
    if (bytes > 0 && pace.hasty) rest = setTimeout(onRested, REST_MS);
    else if (!blocked) watching.resume();
  }

  function takeShown(bytes: number): void {
    readSync(fd, Buffer.allocUnsafe(bytes), 0, bytes, null);
  }

  function finish(): void {
    if (ended) return;
    ended = true;
    if (rest !== null) clearTimeout(rest);
    watching.close();
    if (!("socket" in watching)) closeSync(fd);
    sink.end();
  }

  return {
    fd,
    get ended() {
      return ended;
    },
    drain() {
      for (let reads = 0; reads < DRAIN_READS; reads += 1) if (step() === 0) return;
    },
    close: finish,
  };
}

/** A round with so little was hardly worth it; when many follow each other within moments, the next ones can wait. */
const LITTLE_BYTES = 8 * 1024;
const HASTE_MS = 1;
const HASTY_ROUNDS = 16;
/** So much later the log has what was written; a pipe holds far more than a child writes in lines meanwhile. */
const REST_MS = 2;
/** What a pipe holds by default, and what it gets once a child has filled three quarters of that. */
const PIPE_BYTES = 64 * 1024;
const LARGE_PIPE_BYTES = 256 * 1024;

/** How a child writes: in a hurry with little, or so much that its pipe should be larger. */
interface Pace {
  /** Many small rounds have followed each other, and no pipe has been nearly full since. */
  readonly hasty: boolean;
  round(bytes: number): void;
  reset(): void;
}

function createPace(fd: number): Pace {
  let capacity = PIPE_BYTES;
  let hasty = 0;
  let lastAt = 0;

  return {
    get hasty() {
      return hasty >= HASTY_ROUNDS;
    },
    round(bytes) {
      if (bytes >= capacity - capacity / 4) {
        if (capacity === PIPE_BYTES) capacity = resizePipe(fd, LARGE_PIPE_BYTES) ?? capacity + 1;
        else hasty = 0;
        return;
      }
      if (hasty >= HASTY_ROUNDS) return;
      const at = performance.now();
      hasty = bytes <= LITTLE_BYTES && at - lastAt < HASTE_MS ? hasty + 1 : 0;
      lastAt = at;
    },
    reset() {
      hasty = 0;
    },
  };
}

/** Bytes copied into `buffer`; 0 at the end, null where a pipe can't be looked into. */
function show(fd: number): number | "empty" | null {
  const copied = peek(fd, buffer);
  if (typeof copied === "number") return copied;
  return copied === "EAGAIN" ? "empty" : null;
}

/** Bytes read into `buffer`; 0 at the end. */
function readNow(fd: number): number | "empty" {
  try {
    return readSync(fd, buffer, 0, READ_BYTES, null);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EAGAIN" ? "empty" : 0;
  }
}
