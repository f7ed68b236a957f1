/**
 * Moving bytes from a pipe to a file without holding them, and looking at them without taking them: whatever
 * happens to the process in between, they are in the one place or in the other. Read and write can't promise that.
 */
import { constants, readSync } from "node:fs";
import * as libc from "./libc.js";

const SPLICE_F_MOVE = 1;
const SPLICE_F_NONBLOCK = 2;
const SEEK_END = 2;

/** Bytes moved, 0 at the end of the pipe, or the errno name: EAGAIN when the pipe is empty. */
export function splice(pipe: number, file: number, most: number): number | string {
  const moved = Number(libc.splice(pipe, null, file, null, most, SPLICE_F_MOVE | SPLICE_F_NONBLOCK));
  return moved < 0 ? libc.lastErrno() : moved;
}

const O_CLOEXEC = 0o2000000;
let copies: { readonly read: number; readonly write: number } | null = null;

/**
 * Copies what stands first in a pipe into `buffer` and leaves it there; as many bytes as a pipe holds by default,
 * at most. Bytes copied, 0 at the end of the pipe, or the errno name: EAGAIN when it is empty.
 */
export function peek(pipe: number, buffer: Buffer): number | string {
  copies ??= emptyPipe();
  if (copies === null) return "EMFILE";
  const copied = Number(libc.tee(pipe, copies.write, buffer.length, SPLICE_F_NONBLOCK));
  if (copied < 0) return libc.lastErrno();
  return copied === 0 ? 0 : readSync(copies.read, buffer, 0, copied, null);
}

function emptyPipe(): typeof copies {
  const fds = Buffer.alloc(8);
  if (libc.pipe2(fds, O_CLOEXEC) !== 0) return null;
  return { read: fds.readInt32LE(0), write: fds.readInt32LE(4) };
}

/** The size of the file, which is where its descriptor writes next. The errno name when it has no end. */
export function seekEnd(file: number): number | string {
  const at = Number(libc.lseek(file, 0, SEEK_END));
  return at < 0 ? libc.lastErrno() : at;
}

const F_GETFL = 3;
const F_SETFL = 4;

/** Takes O_APPEND off, which splice refuses. False when that can't be done. */
export function stopAppending(file: number): boolean {
  const flags = libc.fcntl(file, F_GETFL, "int", 0);
  return flags >= 0 && libc.fcntl(file, F_SETFL, "int", flags & ~constants.O_APPEND) === 0;
}

/** Puts O_APPEND back on. False when that can't be done. */
export function appendAgain(file: number): boolean {
  const flags = libc.fcntl(file, F_GETFL, "int", 0);
  return flags >= 0 && libc.fcntl(file, F_SETFL, "int", flags | constants.O_APPEND) === 0;
}
