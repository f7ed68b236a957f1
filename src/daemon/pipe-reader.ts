/**
 * The near end of a child's stdout or stderr. Where nobody has to see the bytes they go from the pipe to the log
 * inside the kernel, so that even a SIGKILL of the daemon can't lose any on the way; else they pass through one
 * static buffer that all pipes share, and whoever keeps a chunk beyond the call must copy it.
 */
import { closeSync, readSync } from "node:fs";
import type { Taken } from "../logs/file.js";
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
  const watching: Watch | Socketed =
    watch(fd, "readable", step) ?? readBySocket(fd, (chunk) => sink.data(chunk, OUT_ALREADY), finish);

  /** One round; false when there is no more for now. */
  function step(): boolean {
    if (ended) return false;
    const taken = sink.take(fd);
    const shown = taken === "unfit" && sink.shows ? show(fd) : null;
    const bytes = taken === "unfit" ? (shown ?? readNow(fd)) : taken;
    if (bytes === "empty") return false;
    if (bytes === 0) {
      finish();
      return false;
    }
    if (taken !== "unfit") return true;
    const take = shown === null ? OUT_ALREADY : takeShown;
    const full = sink.data(buffer.subarray(0, bytes), take);
    if (full === null) return true;
    watching.pause();
    const resume = (): void => watching.resume();
    full.then(resume, resume);
    return true;
  }

  function takeShown(bytes: number): void {
    readSync(fd, Buffer.allocUnsafe(bytes), 0, bytes, null);
  }

  function finish(): void {
    if (ended) return;
    ended = true;
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
      for (let reads = 0; reads < DRAIN_READS; reads += 1) if (!step()) return;
    },
    close: finish,
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
