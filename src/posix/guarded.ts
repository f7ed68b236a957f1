/**
 * Files in places where others have a hand. A link that root or this process' user made is followed, somebody else's only
 * to what is that user's own (`current` of a deployment), be it the last component of a path or a directory on the way.
 * Nothing can be exchanged between the look and the opening.
 *
 * The kernel opens a path in which there is no link at all (openat2 with RESOLVE_NO_SYMLINKS). A path in which there is
 * one is made into another, by what that link says, and tried again.
 */
import fs from "node:fs";
import { basename, dirname, resolve } from "node:path";
import { getSystemErrorMap } from "node:util";
import * as libc from "./libc.js";

export interface Guarded {
  readonly fd: number;
  readonly stat: fs.Stats;
  /** Absolute, and without a link. */
  readonly path: string;
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
 * Opens a file. Throws what the file system says; ELOOP for a link that is not to be followed; EMLINK for a regular file that has
 * another name, in a directory that others can write, as that other name may be anywhere.
 */
export function openGuarded(path: string, flags: number, mode = 0): Guarded {
  return openFollowing(path, flags, mode, { links: MOST_LINKS });
}

/** How many links may still be followed for one path, its links' own paths included. */
interface Budget {
  links: number;
}

function openFollowing(path: string, flags: number, mode: number, budget: Budget): Guarded {
  let at = path;
  for (; budget.links > 0; budget.links -= 1) {
    const fd = openWithoutLinks(at, flags, mode);
    if (fd !== null) return check(fd, path, at);
    const next = follow(at, path, budget);
    if (next === null) return check(fs.openSync(at, flags, mode), path, at);
    at = next;
  }
  throw failure("ELOOP", path);
}

function check(fd: number, path: string, at: string): Guarded {
  try {
    const stat = fs.fstatSync(fd);
    if (stat.isFile() && stat.nlink > 1 && !isNamedByUs(at, stat))
      throw refusal("EMLINK", "it has another name, in a directory that others can write", path);
    return { fd, stat, path: resolve(at) };
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

/** The text of a link; null where there is no link, or one that somebody else made. */
export function readOwnLink(path: string): string | null {
  // Asked first: an exception costs more than all else about opening a log.
  if (fs.lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() !== true) return null;
  try {
    const { fd, stat } = openGuarded(path, O_PATH | O_NOFOLLOW);
    try {
      return stat.isSymbolicLink() && isOwnLink(stat) ? readLink(fd) : null;
    } finally {
      fs.closeSync(fd);
    }
  } catch {
    return null;
  }
}

/** Null where there is a link on the way. */
function openWithoutLinks(path: string, flags: number, mode: number): number | null {
  if (!kernelGuards) return openByParts(path, flags, mode);
  how.writeBigUInt64LE(BigInt(flags | O_CLOEXEC), 0);
  how.writeBigUInt64LE(BigInt((flags & O_CREAT) === 0 ? 0 : mode), 8);
  const fd = Number(libc.syscall(OPENAT2, "int", AT_FDCWD, "str", path, "void *", how, "size_t", how.length));
  if (fd >= 0) return fd;
  const code = libc.lastErrno();
  if (code === "ELOOP") return null;
  // A container's filter may answer EPERM to a call that it doesn't know.
  if (code !== "ENOSYS" && code !== "EPERM") throw failure(code, path);
  kernelGuards = code !== "ENOSYS";
  return openByParts(path, flags, mode);
}

/** The same where the kernel or a container's filter doesn't know openat2. */
function openByParts(path: string, flags: number, mode: number): number | null {
  const names = namesOf(path);
  const last = names.pop() ?? (path === "" ? "" : ".");
  if (last === "") throw failure("ENOENT", path);
  let directory = fs.openSync(path.startsWith("/") ? "/" : ".", O_PATH | O_DIRECTORY);
  try {
    for (const name of names) {
      const next = openPart(inside(directory, name), O_PATH | O_DIRECTORY, 0, path);
      if (next === null) return null;
      fs.closeSync(directory);
      directory = next;
    }
    return openPart(inside(directory, last), flags, mode, path);
  } finally {
    fs.closeSync(directory);
  }
}

function openPart(part: string, flags: number, mode: number, path: string): number | null {
  try {
    const fd = fs.openSync(part, flags | O_NOFOLLOW, mode);
    // Of a link only whoever asks for the link itself gets a descriptor.
    const isAsked =
      (flags & O_PATH) === 0 || (flags & O_NOFOLLOW) !== 0 || !fs.fstatSync(fd).isSymbolicLink();
    if (isAsked) return fd;
    fs.closeSync(fd);
    return null;
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    if (code === "ELOOP") return null;
    // Said of a link that was to be a directory, too.
    const isLink =
      code === "ENOTDIR" && fs.lstatSync(part, { throwIfNoEntry: false })?.isSymbolicLink() === true;
    if (isLink) return null;
    throw failure(code, path);
  }
}

/**
 * The path with its first link replaced by what that says; null when the whole path is a link of the kernel's own,
 * such as /proc/1/fd/1: nobody else can make those, and what they say may be no path.
 */
function follow(at: string, path: string, budget: Budget): string | null {
  const names = namesOf(at);
  let before = at.startsWith("/") ? "" : ".";
  for (const [index, name] of names.entries()) {
    const here = `${before}/${name}`;
    if (fs.lstatSync(here, { throwIfNoEntry: false })?.isSymbolicLink() === true) {
      const rest = names.slice(index + 1).join("/");
      const { text, maker, isKernels } = readLinkOf(here, path);
      const target = text.startsWith("/") ? text : `${before}/${text}`;
      if (!isOwn(maker) && (isKernels || !belongsTo(maker, target, budget)))
        throw refusal("ELOOP", `a link made by uid ${maker} is not followed`, path);
      if (isKernels && rest === "") return null;
      // The kernel's own text may be meant for another process' view of the files.
      if (isKernels && !isSameFile(here, target)) throw failure("ELOOP", path);
      return rest === "" ? target : `${target}/${rest}`;
    }
    before = here;
  }
  // The link is gone by now.
  return at;
}

interface LinkText {
  readonly text: string;
  /** The uid that made the link. */
  readonly maker: number;
  readonly isKernels: boolean;
}

function readLinkOf(link: string, path: string): LinkText {
  const fd = openWithoutLinks(link, O_PATH | O_NOFOLLOW, 0);
  if (fd === null) throw failure("ELOOP", path);
  try {
    const stat = fs.fstatSync(fd);
    if (!stat.isSymbolicLink()) throw failure("ELOOP", path);
    if (stat.nlink !== 1) throw refusal("ELOOP", "a link with another name is not followed", path);
    return { text: readLink(fd), maker: stat.uid, isKernels: link.startsWith("/proc/") && isOnProc(stat) };
  } finally {
    fs.closeSync(fd);
  }
}

/** Whether what stands there is that user's. */
function belongsTo(uid: number, path: string, budget: Budget): boolean {
  try {
    const { fd, stat } = openFollowing(path, O_PATH | O_NOFOLLOW, 0, budget);
    fs.closeSync(fd);
    return stat.uid === uid;
  } catch {
    return false;
  }
}

function isOnProc({ dev }: fs.Stats): boolean {
  return dev === fs.statSync("/proc").dev;
}

function isSameFile(one: string, other: string): boolean {
  const [first, second] = [one, other].map((path) => fs.statSync(path, { throwIfNoEntry: false }));
  return first !== undefined && first.ino === second?.ino && first.dev === second.dev;
}

/** A second name of root's link may have been put there by anybody. */
function isOwnLink({ uid, nlink }: fs.Stats): boolean {
  return isOwn(uid) && nlink === 1;
}

function isOwn(uid: number): boolean {
  return uid === 0 || uid === process.geteuid?.();
}

/** Whether nobody but root and this process' user can have given the file its name here, or they gain nothing by it. */
function isNamedByUs(at: string, file: fs.Stats): boolean {
  const directory = openWithoutLinks(dirname(at), O_PATH | O_DIRECTORY, 0);
  if (directory === null) return false;
  try {
    const there = fs.lstatSync(inside(directory, basename(at)), { throwIfNoEntry: false });
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
