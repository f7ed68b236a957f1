/**
 * Opening what a logfile value names. A regular file is appended to and may be rotated; anything else (a fifo,
 * a terminal, /dev/null, what the daemon inherited as /dev/stdout) is a stream: never rotated, never removed,
 * and never allowed to make a write wait.
 */
import fs from "node:fs";
import { dirname, resolve } from "node:path";

export type Opened = { readonly kind: "file"; readonly fd: number; readonly size: number } | OpenedStream;

export interface OpenedStream {
  readonly kind: "stream";
  readonly fd: number;
  /** The descriptor is somebody else's and stays open. */
  readonly borrowed: boolean;
  /** The same for the same device. */
  readonly key: string;
}

const { O_APPEND, O_CREAT, O_NOCTTY, O_NONBLOCK, O_RDWR, O_TRUNC, O_WRONLY } = fs.constants;
const MOST_LINKS = 8;
const STANDARD: Readonly<Record<string, number>> = { stdin: 0, stdout: 1, stderr: 2 };

/** Opens for append. Throws what the file system says. */
export function openLog(path: string, mode: number, truncate = false): Opened {
  const inherited = inheritedFd(path);
  if (inherited !== null) {
    fs.statSync(path); // ENOENT as for any other path, when that descriptor isn't open
    return openFd(inherited);
  }
  const fd = openPath(path, mode, truncate ? O_TRUNC : 0);
  try {
    const stat = fs.fstatSync(fd);
    if (stat.isFile()) return { kind: "file", fd, size: stat.size };
    return { kind: "stream", fd, borrowed: false, key: keyOf(stat) };
  } catch (error) {
    fs.closeSync(fd);
    throw error;
  }
}

/** A descriptor the daemon was started with, as a log. Throws EBADF when it is closed. */
export function openFd(fd: number): OpenedStream {
  const stat = fs.fstatSync(fd);
  const key = keyOf(stat);
  // Opened anew, it can be non-blocking without that changing for whoever shares the descriptor.
  const again = stat.isFIFO() || stat.isCharacterDevice() ? openAgain(`/proc/self/fd/${fd}`) : null;
  // A regular file keeps its one offset this way: a second one would write over what the first wrote.
  return { kind: "stream", fd: again ?? fd, borrowed: again === null, key };
}

/** The descriptor that `/dev/stdout`, `/dev/fd/N` or a link to them stands for; null for any other path. */
export function inheritedFd(path: string): number | null {
  let at = resolve(path);
  for (let links = 0; links < MOST_LINKS; links += 1) {
    const name = /^\/dev\/(stdin|stdout|stderr)$/.exec(at)?.[1];
    if (name !== undefined) return STANDARD[name] ?? null;
    const number = /^(?:\/dev\/fd|\/proc\/self\/fd)\/(\d+)$/.exec(at)?.[1];
    if (number !== undefined) return Number(number);
    const target = readLink(at);
    if (target === null) return null;
    at = resolve(dirname(at), target);
  }
  return null;
}

function openPath(path: string, mode: number, extra: number): number {
  const common = O_APPEND | O_NONBLOCK | O_NOCTTY;
  // Reading too, a fifo opens at once and keeps what is written until a reader comes.
  if (isFifo(path)) {
    const fd = openAgain(path);
    if (fd !== null) return fd;
  }
  return fs.openSync(path, O_WRONLY | O_CREAT | common | extra, mode);
}

function openAgain(path: string): number | null {
  for (const access of [O_RDWR, O_WRONLY]) {
    try {
      return fs.openSync(path, access | O_APPEND | O_NONBLOCK | O_NOCTTY);
    } catch {
      // Not ours to open (a pipe belongs to whoever made it): the next way, or the descriptor itself.
    }
  }
  return null;
}

function isFifo(path: string): boolean {
  return fs.statSync(path, { throwIfNoEntry: false })?.isFIFO() ?? false;
}

function readLink(path: string): string | null {
  try {
    // Asked first: an exception costs more than all else about opening a log.
    if (fs.lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() !== true) return null;
    return fs.readlinkSync(path);
  } catch {
    return null;
  }
}

function keyOf(stat: fs.Stats): string {
  return stat.isCharacterDevice() ? `device ${stat.rdev}` : `${stat.dev}:${stat.ino}`;
}
