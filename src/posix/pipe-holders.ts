/** The pipes that other processes hold: found by inode under /proc/PID/fd, and opened anew from there. */
import { closeSync, constants, fstatSync, openSync, readdirSync, statSync } from "node:fs";
import { asProcess } from "./file-ids.js";

/** A descriptor; or `none`: it doesn't hold that pipe; `hidden`: the kernel doesn't let us look. */
export type HeldPipe = number | "none" | "hidden";

const O_PATH = 0o10000000;

/** Whether a process holds a pipe. */
export function holdsPipe(pid: number, inode: number): "yes" | "no" | "hidden" {
  const found = findPipe(pid, inode);
  if (found.fd === null) return found.hidden ? "hidden" : "no";
  closeSync(found.fd);
  return "yes";
}

/** A new descriptor of that pipe, non-blocking. Whatever the process does meanwhile, it is no other file. */
export function openHeldPipe(pid: number, inode: number, flags: number): HeldPipe {
  const { fd, hidden } = findPipe(pid, inode);
  if (fd === null) return hidden ? "hidden" : "none";
  const open = (): number | null =>
    attempt(() => openSync(`/proc/self/fd/${fd}`, flags | constants.O_NONBLOCK));
  try {
    // The pipe is the daemon's or that of the program's user.
    return open() ?? asProcess(pid, open) ?? "hidden";
  } finally {
    closeSync(fd);
  }
}

interface Found {
  /** Names the pipe, and can neither read nor write. */
  readonly fd: number | null;
  readonly hidden: boolean;
}

function findPipe(pid: number, inode: number): Found {
  const found = lookThrough(pid, inode);
  return found.hidden ? (asProcess(pid, () => lookThrough(pid, inode)) ?? found) : found;
}

function lookThrough(pid: number, inode: number): Found {
  let hidden = false;
  try {
    for (const name of readdirSync(`/proc/${pid}/fd`)) {
      const path = `/proc/${pid}/fd/${name}`;
      const is = isPipe(path, inode);
      if (is === "hidden") return { fd: null, hidden: true };
      const fd = is ? openPath(path, inode) : null;
      if (fd !== null) return { fd, hidden };
    }
  } catch (error) {
    hidden = isRefusal(error);
  }
  return { fd: null, hidden };
}

/** A look first: to open what isn't meant would cost more, and may do something. */
function isPipe(path: string, inode: number): boolean | "hidden" {
  try {
    const stat = statSync(path);
    return stat.isFIFO() && stat.ino === inode;
  } catch (error) {
    return isRefusal(error) ? "hidden" : false;
  }
}

/** The process may have put another file there since. */
function openPath(path: string, inode: number): number | null {
  const fd = attempt(() => openSync(path, O_PATH));
  if (fd === null) return null;
  const stat = fstatSync(fd);
  if (stat.isFIFO() && stat.ino === inode) return fd;
  closeSync(fd);
  return null;
}

function isRefusal(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === "EACCES" || code === "EPERM";
}

function attempt(open: () => number): number | null {
  try {
    return open();
  } catch {
    return null;
  }
}
