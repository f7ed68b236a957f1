/**
 * Real pipes between the daemon and a child. The child's end is opened read-write, so the child holds its own
 * pipe: when the daemon dies, what it writes waits in the pipe instead of failing, and its stdin has no end.
 */
import { closeSync, constants, fstatSync, openSync } from "node:fs";
import * as libc from "./libc.js";

export interface PipeEnds {
  /** The daemon's end, non-blocking. */
  readonly near: number;
  /** The child's end, blocking, close-on-exec until the spawn hands it over. */
  readonly child: number;
}

/** Who will own the child's end, so that it can open `/dev/stdout` as another user. */
export interface PipeOwner {
  readonly uid: number;
  readonly gid: number;
}

const O_CLOEXEC = 0o2000000;
const fds = Buffer.alloc(8);

/** A pipe the child writes to, and holds itself if `kept`. Throws with `code` EMFILE or ENFILE. */
export function outputPipe(owner: PipeOwner | null, kept = true): PipeEnds {
  const { read, write } = open(owner);
  return reopened(read, constants.O_RDONLY, write, kept ? constants.O_RDWR : constants.O_WRONLY);
}

/** A pipe the child reads from, and holds itself if `kept`. Throws with `code` EMFILE or ENFILE. */
export function inputPipe(owner: PipeOwner | null, kept = true): PipeEnds {
  const { read, write } = open(owner);
  return reopened(write, constants.O_WRONLY, read, kept ? constants.O_RDWR : constants.O_RDONLY);
}

function open(owner: PipeOwner | null): { readonly read: number; readonly write: number } {
  if (libc.pipe2(fds, O_CLOEXEC) !== 0) throw libc.systemError("pipe2", libc.lastErrno());
  const read = fds.readInt32LE(0);
  const write = fds.readInt32LE(4);
  if (owner !== null) libc.fchown(read, owner.uid, owner.gid);
  return { read, write };
}

/** Both ends again, as new open files: flags set on the old ones would be shared with whoever inherits them. */
function reopened(near: number, nearFlags: number, child: number, childFlags: number): PipeEnds {
  const opened: number[] = [];
  try {
    opened.push(openSync(`/proc/self/fd/${near}`, nearFlags | constants.O_NONBLOCK));
    opened.push(openSync(`/proc/self/fd/${child}`, childFlags));
    return { near: opened[0] as number, child: opened[1] as number };
  } catch (error) {
    for (const fd of opened) closeSync(fd);
    throw error;
  } finally {
    closeSync(near);
    closeSync(child);
  }
}

const F_SETPIPE_SZ = 1031;

/** Makes room for more in a pipe. What it holds now, in bytes; null where the kernel won't (a user's share is used up). */
export function resizePipe(fd: number, bytes: number): number | null {
  const size = libc.fcntl(fd, F_SETPIPE_SZ, "int", bytes);
  return size < 0 ? null : size;
}

const FIONREAD = 0x541bn;
const count = Buffer.alloc(4);

/** Bytes that wait in a pipe, asked at either end. */
export function waitingBytes(fd: number): number {
  return libc.ioctl(fd, FIONREAD, "void *", count) === 0 ? count.readInt32LE(0) : 0;
}

const stat = Buffer.alloc(256);
/** Where `struct stat` has it, on x64 and arm64 alike. */
const INODE_AT = 8;

/** The inode of an open pipe. Node's own fstat makes four dates of it, which is most of its cost. */
export function inodeOf(fd: number): number {
  if (libc.fstat === null || libc.fstat(fd, stat) !== 0) return fstatSync(fd).ino;
  return stat.readUInt32LE(INODE_AT) + stat.readUInt32LE(INODE_AT + 4) * 2 ** 32;
}

/** Closes an end for good. A descriptor that is gone already, or that the system complains about, is closed too. */
export function closeEnd(fd: number): void {
  try {
    closeSync(fd);
  } catch {
    // nothing more can be done about it
  }
}
