/**
 * Files in places where others have a hand. A link is followed only if root or this process' user made it, be it the
 * last component of a path or a directory on the way, and nothing can be exchanged between the look and the opening.
 *
 * The kernel does it all in one call where there is no link at all (openat2 with RESOLVE_NO_SYMLINKS). Otherwise the
 * path is walked, each directory by the descriptor of the one before.
 */
import fs from "node:fs";
import { dirname, resolve } from "node:path";
import { getSystemErrorMap } from "node:util";
import * as libc from "./libc.js";

export interface Guarded {
  readonly fd: number;
  readonly stat: fs.Stats;
  /** There was no link on the way. */
  readonly straight: boolean;
}

/** A directory that stays the same one whatever becomes of its path. */
export interface Directory extends Disposable {
  /** A path for a name in it, for calls that don't follow a link in the last component: lstat, rename, unlink. */
  at(name: string): string;
  readonly stat: fs.Stats;
}

const { O_CREAT, O_DIRECTORY, O_NOFOLLOW } = fs.constants;
/** Opens nothing: the descriptor only says which file is meant. */
export const O_PATH = 0o10000000;
const O_CLOEXEC = 0o2000000;
/** The same number on all processors. */
const OPENAT2 = 437;
const AT_FDCWD = -100;
const RESOLVE_NO_SYMLINKS = 4n;
/** As many as the kernel follows. */
const MOST_LINKS = 40;
const LINK_BYTES = 4096;
const OTHERS_WRITE = 0o022;
/** Entries of such a directory are only for their owners to remove and rename. */
const STICKY = 0o1000;

/** struct open_how: flags, mode, resolve. */
const how = Buffer.alloc(24);
how.writeBigUInt64LE(RESOLVE_NO_SYMLINKS, 16);
const linkText = Buffer.allocUnsafeSlow(LINK_BYTES);
let kernelGuards = true;

/**
 * Opens a file. Throws what the file system says; ELOOP for a link of somebody else; EMLINK for a regular file that has
 * another name, in a directory that others can write, as that other name may be anywhere.
 */
export function openGuarded(path: string, flags: number, mode = 0): Guarded {
  const direct = openWithoutLinks(path, flags, mode);
  const fd = direct ?? openByWalking(path, flags, mode);
  try {
    const stat = fs.fstatSync(fd);
    if (stat.isFile() && stat.nlink > 1 && !isOurs(path, stat))
      throw refusal("EMLINK", "it has another name, in a directory that others can write", path);
    return { fd, stat, straight: direct !== null };
  } catch (error) {
    fs.closeSync(fd);
    throw error;
  }
}

export function openDirectory(path: string): Directory {
  const { fd, stat } = openGuarded(path, O_PATH | O_DIRECTORY);
  return {
    stat,
    at: (name) => inside(fd, name),
    [Symbol.dispose]: () => fs.closeSync(fd),
  };
}

/** The directory of a path. */
export function openParent(path: string): Directory {
  return openDirectory(dirname(path));
}

/** What a link says; null for what is no link, not there, or made by somebody else. */
export function readOwnLink(path: string): string | null {
  let end: End | null = null;
  try {
    // Asked first: an exception costs more than all else about opening a log.
    if (fs.lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() !== true) return null;
    end = walk(path, false);
    const fd = fs.openSync(inside(end.directory, end.name), O_PATH | O_NOFOLLOW);
    try {
      const stat = fs.fstatSync(fd);
      return stat.isSymbolicLink() && isOwnLink(stat) ? readLink(fd) : null;
    } finally {
      fs.closeSync(fd);
    }
  } catch {
    return null;
  } finally {
    if (end !== null) fs.closeSync(end.directory);
  }
}

/** Null where the path has to be walked. */
function openWithoutLinks(path: string, flags: number, mode: number): number | null {
  if (!kernelGuards) return null;
  how.writeBigUInt64LE(BigInt(flags | O_CLOEXEC), 0);
  how.writeBigUInt64LE(BigInt((flags & O_CREAT) === 0 ? 0 : mode), 8);
  const fd = Number(libc.syscall(OPENAT2, "int", AT_FDCWD, "str", path, "void *", how, "size_t", how.length));
  if (fd >= 0) return fd;
  const code = libc.lastErrno();
  if (code === "ENOSYS") kernelGuards = false;
  // A container's filter may answer EPERM to a call that it doesn't know.
  if (code === "ENOSYS" || code === "EPERM" || code === "ELOOP") return null;
  throw failure(code, path);
}

function openByWalking(path: string, flags: number, mode: number): number {
  let end: End | null = null;
  try {
    end = walk(path, true);
    return fs.openSync(inside(end.directory, end.name), flags | (end.magic ? 0 : O_NOFOLLOW), mode);
  } catch (error) {
    const { code, path: tried } = error as NodeJS.ErrnoException;
    throw code === undefined || tried === path ? error : failure(code, path);
  } finally {
    if (end !== null) fs.closeSync(end.directory);
  }
}

/** Where a path leads: a name that was no link, in a directory, as a descriptor. */
interface End {
  readonly directory: number;
  readonly name: string;
  /** A link of the kernel's own, such as /proc/1/fd/1: what it says is no path, and nobody else can make one. */
  readonly magic: boolean;
}

function walk(path: string, followLast: boolean): End {
  if (path === "") throw failure("ENOENT", path);
  const ahead = namesOf(path).reverse();
  let directory = openPlain(path.startsWith("/") ? "/" : ".");
  let links = 0;
  try {
    for (;;) {
      const name = ahead.pop();
      if (name === undefined) return { directory, name: ".", magic: false };
      const here = inside(directory, name);
      const isLast = ahead.length === 0;
      const stat = fs.lstatSync(here, { throwIfNoEntry: false });
      if (isLast && (stat === undefined || !stat.isSymbolicLink() || !followLast))
        return { directory, name, magic: false };
      const fd = fs.openSync(here, O_PATH | O_NOFOLLOW);
      const next = enter(fd, path);
      if (next === null) {
        directory = replace(directory, fd);
        continue;
      }
      fs.closeSync(fd);
      links += 1;
      if (links > MOST_LINKS) throw failure("ELOOP", path);
      if (next === MAGIC) {
        if (isLast) return { directory, name, magic: true };
        directory = replace(directory, openPlain(here));
        continue;
      }
      if (next.startsWith("/")) directory = replace(directory, openPlain("/"));
      ahead.push(...namesOf(next).reverse());
    }
  } catch (error) {
    fs.closeSync(directory);
    throw error;
  }
}

const MAGIC = Symbol("a link of the kernel's own");

/** What a link says; null for what is none. Throws, closing it, for a link that is not to be followed. */
function enter(fd: number, path: string): string | typeof MAGIC | null {
  try {
    const stat = fs.fstatSync(fd);
    if (!stat.isSymbolicLink()) return null;
    if (!isOwnLink(stat)) throw refusal("ELOOP", `a link made by uid ${stat.uid} is not followed`, path);
    return stat.dev === fs.statSync("/proc").dev ? MAGIC : readLink(fd);
  } catch (error) {
    fs.closeSync(fd);
    throw error;
  }
}

/** A second name of root's link may have been put there by anybody. */
function isOwnLink({ uid, nlink }: fs.Stats): boolean {
  return isOwn(uid) && nlink === 1;
}

function isOwn(uid: number): boolean {
  return uid === 0 || uid === process.geteuid?.();
}

/** Whether nobody but root and this process' user can have given the file its name here, or they gain nothing by it. */
function isOurs(path: string, file: fs.Stats): boolean {
  const { directory, name } = walk(path, true);
  try {
    const there = fs.lstatSync(inside(directory, name), { throwIfNoEntry: false });
    const { uid, mode } = fs.fstatSync(directory);
    const isSame = there !== undefined && there.ino === file.ino && there.dev === file.dev;
    return isSame && (mode & OTHERS_WRITE) === 0 && (isOwn(uid) || uid === file.uid);
  } finally {
    fs.closeSync(directory);
  }
}

/** Whether nobody but root and this process' user can change where the path of a directory leads. */
export function isOursAlone(directory: string): boolean {
  for (let at = resolve(directory); ; at = dirname(at)) {
    const stat = fs.lstatSync(at, { throwIfNoEntry: false });
    if (stat === undefined || !stat.isDirectory() || !isOwn(stat.uid)) return false;
    if ((stat.mode & OTHERS_WRITE) !== 0 && (stat.mode & STICKY) === 0) return false;
    if (at === "/") return true;
  }
}

function readLink(fd: number): string {
  const size = Number(libc.readlinkat(fd, "", linkText, LINK_BYTES));
  if (size < 0) throw failure(libc.lastErrno(), "");
  return linkText.toString("utf8", 0, size);
}

function namesOf(path: string): string[] {
  return path.split("/").filter((name) => name !== "" && name !== ".");
}

function inside(directory: number, name: string): string {
  return `/proc/self/fd/${directory}/${name}`;
}

function openPlain(path: string): number {
  return fs.openSync(path, O_PATH | O_DIRECTORY);
}

function replace(before: number, after: number): number {
  fs.closeSync(before);
  return after;
}

const NUMBERS: ReadonlyMap<string, readonly [number, string]> = new Map(
  [...getSystemErrorMap()].map(([errno, [code, text]]) => [code, [errno, text]]),
);

/** As Node's own functions fail. */
function failure(code: string, path: string): NodeJS.ErrnoException {
  const [errno, text] = NUMBERS.get(code) ?? [undefined, "unknown error"];
  const error = new Error(`${code}: ${text}, open '${path}'`);
  return Object.assign(error, { code, syscall: "open", path }, errno === undefined ? {} : { errno });
}

/** Without a number: what the system has to say of the code is not the reason. */
function refusal(code: string, why: string, path: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: ${why}`), { code, path });
}
