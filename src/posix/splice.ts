/**
 * Moving bytes from a pipe to a file without holding them: what is taken out of the pipe is in the file, whatever
 * happens to the process in between. Read and write can't promise that.
 */
import { constants } from "node:fs";
import * as libc from "./libc.js";

const SPLICE_F_MOVE = 1;
const SPLICE_F_NONBLOCK = 2;
const SEEK_END = 2;

/** Bytes moved, 0 at the end of the pipe, or the errno name: EAGAIN when the pipe is empty. */
export function splice(pipe: number, file: number, most: number): number | string {
  const moved = Number(libc.splice(pipe, null, file, null, most, SPLICE_F_MOVE | SPLICE_F_NONBLOCK));
  return moved < 0 ? libc.lastErrno() : moved;
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
