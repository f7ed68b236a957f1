/** Reading logs for XML-RPC: `readLog` and `tailLog` are Supervisor's two ways to ask for a window of a file. */
import fs from "node:fs";
import { type Passage, passage } from "../core/passage.js";
import { openGuarded } from "../posix/guarded.js";

export { followLog } from "./follow.js";
export { decodeText } from "./text.js";

/** A log that cannot be read as asked; becomes the XML-RPC fault of that name. */
export class LogFault extends Error {
  override readonly name = "LogFault";
  readonly fault: "NO_FILE" | "BAD_ARGUMENTS" | "FAILED";
  /** What the fault says after its name; null is nothing. */
  readonly detail: string | null;
  constructor(fault: LogFault["fault"], detail: string | null, options?: ErrorOptions) {
    super(detail === null ? fault : `${fault}: ${detail}`, options);
    this.fault = fault;
    this.detail = detail;
  }
}

/** A window of a log, and where the next one may begin. */
export interface Tail {
  readonly bytes: Buffer | Passage;
  /** The size of the log. */
  readonly offset: number;
  /** More was there than was asked for. */
  readonly overflow: boolean;
}

/** More than this is no answer that a client would take as one string. */
const MOST_BYTES = 128 << 20;
/** More than this is not read in one go. */
export const SLICE_BYTES = 64 * 1024;
const NOTHING = Buffer.alloc(0);
const { O_NOCTTY, O_NONBLOCK, O_RDONLY } = fs.constants;

/**
 * A negative offset with length 0 is that many bytes from the end; length 0 is all from offset on. What is long is
 * given as a passage. Throws `LogFault`. A null path is a log that isn't configured.
 */
export function readLog(path: string | null, offset: number, length: number): Buffer | Passage {
  return readAsAsked(path, offset, length, SLICE_BYTES).bytes;
}

/** Where that window is, without reading it. */
export function findPassage(path: string | null, offset: number, length: number): Passage {
  return readAsAsked(path, offset, length, -1).found;
}

function readAsAsked(path: string | null, offset: number, length: number, atOnce: number): Reading {
  if (path === null || !fs.existsSync(path)) throw new LogFault("NO_FILE", path);
  const window = (size: number): readonly [number, number] => {
    if (offset < 0 ? length !== 0 : length < 0) throw new LogFault("BAD_ARGUMENTS", null);
    if (offset < 0) return [Math.max(size + offset, 0), size];
    return [offset, length === 0 ? size : offset + length];
  };
  try {
    return readWindow(path, window, atOnce);
  } catch (cause) {
    throw cause instanceof LogFault ? cause : new LogFault("FAILED", null, { cause });
  }
}

/** The last `length` bytes once the log has outgrown `offset + length`. A log that cannot be read is empty. */
export function tailLog(path: string | null, offset: number, length: number): Tail {
  if (path === null || !fs.existsSync(path)) return { bytes: NOTHING, offset: 0, overflow: false };
  let overflow = false;
  const window = (size: number): readonly [number, number] => {
    overflow = size > offset + length;
    const wanted = !overflow && offset >= size ? 0 : Math.max(length, 0);
    return [Math.max(size - wanted, 0), size];
  };
  try {
    const { bytes, size } = readWindow(path, window, SLICE_BYTES);
    return { bytes, offset: size, overflow };
  } catch {
    return { bytes: NOTHING, offset, overflow: false };
  }
}

export function openToRead(path: string): number {
  // Opening a fifo without a writer would wait, and reading it would take what is meant for its reader.
  return openGuarded(path, O_RDONLY | O_NONBLOCK | O_NOCTTY).fd;
}

interface Reading {
  readonly found: Passage;
  /** The passage itself when it is longer than what is read at once. */
  readonly bytes: Buffer | Passage;
  readonly size: number;
}

function readWindow(
  path: string,
  window: (size: number) => readonly [start: number, end: number],
  atOnce: number,
): Reading {
  const fd = openToRead(path);
  try {
    const stat = fs.fstatSync(fd);
    if (stat.isDirectory() || stat.isFIFO()) throw new Error(`"${path}" has no size`);
    const size = stat.isFile() ? stat.size : 0;
    const [start, end] = window(size);
    const length = Math.max(Math.min(end, size) - start, 0);
    if (length > MOST_BYTES) throw new Error(`${length} bytes are too many for one answer`);
    const found = passage(path, start, start + length);
    if (length > atOnce) return { found, bytes: found, size };
    const bytes = Buffer.allocUnsafe(length);
    let read = 0;
    while (read < length) {
      const got = fs.readSync(fd, bytes, read, length - read, start + read);
      if (got === 0) break;
      read += got;
    }
    return { found, bytes: bytes.subarray(0, read), size };
  } finally {
    fs.closeSync(fd);
  }
}
