/**
 * Opening what a logfile value names. A regular file is appended to and may be rotated; anything else (a fifo,
 * a terminal, /dev/null, what the daemon inherited as /dev/stdout) is a stream: never rotated, never removed,
 * and never allowed to make a write wait. No link is followed that somebody else made.
 */
import fs from "node:fs";
import { dirname, resolve } from "node:path";
import { type Guarded, openGuarded, readOwnLink } from "../posix/guarded.js";
import { codeOf } from "./trouble.js";

export type Opened = OpenedFile | OpenedStream;

export interface OpenedFile {
  readonly kind: "file";
  readonly fd: number;
  readonly size: number;
  /** The path of the file once every link is followed. */
  readonly place: string;
}

export interface OpenedStream {
  readonly kind: "stream";
  readonly fd: number;
  /** The descriptor is somebody else's and stays open. */
  readonly borrowed: boolean;
  /** The same for the same device. */
  readonly key: string;
}

const { O_APPEND, O_CREAT, O_NOCTTY, O_NONBLOCK, O_RDWR, O_WRONLY } = fs.constants;
const COMMON = O_APPEND | O_NONBLOCK | O_NOCTTY;
const MOST_LINKS = 8;
const STANDARD: Readonly<Record<string, number>> = { stdin: 0, stdout: 1, stderr: 2 };

/** Opens for append, creating a file. Throws what the file system says. */
export function openLog(path: string, mode: number): Opened {
  const inherited = inheritedFd(path);
  if (inherited !== null) {
    fs.statSync(path); // ENOENT as for any other path, when that descriptor isn't open
    return openFd(inherited);
  }
  const { fd, stat, path: place } = openPath(path, mode);
  if (stat.isFile()) return { kind: "file", fd, size: stat.size, place };
  // Reading too, a fifo keeps what is written until a reader comes.
  const again = stat.isFIFO() ? openAgain(fd) : null;
  if (again !== null) fs.closeSync(fd);
  return { kind: "stream", fd: again ?? fd, borrowed: false, key: keyOf(stat) };
}

function openPath(path: string, mode: number): Guarded {
  try {
    return openGuarded(path, O_WRONLY | O_CREAT | COMMON, mode);
  } catch (error) {
    // A fifo that nobody reads.
    if (codeOf(error) !== "ENXIO") throw error;
    return openGuarded(path, O_RDWR | COMMON);
  }
}

/** A descriptor the daemon was started with, as a log. Throws EBADF when it is closed. */
export function openFd(fd: number): OpenedStream {
  const stat = fs.fstatSync(fd);
  const key = keyOf(stat);
  // Opened anew, it can be non-blocking without that changing for whoever shares the descriptor.
  const again = stat.isFIFO() || stat.isCharacterDevice() ? openAgain(fd) : null;
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
    const target = readOwnLink(at);
    if (target === null) return null;
    at = resolve(dirname(at), target);
  }
  return null;
}

/** Another descriptor for the same file. */
function openAgain(fd: number): number | null {
  for (const access of [O_RDWR, O_WRONLY]) {
    try {
      return fs.openSync(`/proc/self/fd/${fd}`, access | COMMON);
    } catch {
      // Not ours to open (a pipe belongs to whoever made it): the next way, or the descriptor itself.
    }
  }
  return null;
}

function keyOf(stat: fs.Stats): string {
  return stat.isCharacterDevice() ? `device ${stat.rdev}` : `${stat.dev}:${stat.ino}`;
}
