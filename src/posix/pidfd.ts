/** Processes that are not our children, by a descriptor: it stays this one process whatever becomes of the pid. */
import * as libc from "./libc.js";

const PIDFD_SEND_SIGNAL = 424;
const PIDFD_OPEN = 434;
const PIDFD_GETFD = 438;
/** _IOWR(0xFF, 11, struct pidfd_info) in its first size. */
const PIDFD_GET_INFO = 0xc040ff0bn;
const PIDFD_INFO_EXIT = 1n << 3n;
const INFO_BYTES = 64;
const EXIT_CODE_AT = 60;

const info = Buffer.alloc(256);

/** The descriptor, close-on-exec; null when there is no such process or the kernel is older than 5.3. */
export function openPidfd(pid: number): number | null {
  const fd = libc.syscall(PIDFD_OPEN, "int", pid, "uint", 0);
  return fd < 0 ? null : Number(fd);
}

/** The errno name of a failure, or null. */
export function signalPidfd(pidfd: number, signal: number): string | null {
  const failed =
    libc.syscall(PIDFD_SEND_SIGNAL, "int", pidfd, "int", signal, "void *", null, "uint", 0) !== 0;
  return failed ? libc.lastErrno() : null;
}

/** A copy of one of its descriptors, close-on-exec; null when that isn't allowed or not there. */
export function copyDescriptor(pidfd: number, fd: number): number | null {
  const copy = Number(libc.syscall(PIDFD_GETFD, "int", pidfd, "int", fd, "uint", 0));
  return copy < 0 ? null : copy;
}

/** The wait status of a process that has been collected by its parent; null where the kernel can't tell (yet). */
export function exitInfo(pidfd: number): number | null {
  info.fill(0, 0, INFO_BYTES);
  info.writeBigUInt64LE(PIDFD_INFO_EXIT, 0);
  if (libc.ioctl(pidfd, PIDFD_GET_INFO, "void *", info) !== 0) return null;
  return (info.readBigUInt64LE(0) & PIDFD_INFO_EXIT) === 0n ? null : info.readInt32LE(EXIT_CODE_AT);
}
