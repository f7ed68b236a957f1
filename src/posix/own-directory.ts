/** Directories in which nobody but root and this user can remove, rename or replace anything. */
import { chmodSync, lstatSync, mkdirSync, realpathSync, type Stats } from "node:fs";
import { dirname } from "node:path";

const STICKY = 0o1000;
const GROUP_WRITE = 0o020;
const OTHERS_WRITE = 0o002;
const MODE = 0o700;

/**
 * Whether others can change what stands in a directory, there or by way of a directory or link that leads to it. A
 * sticky bit on the directory itself counts only with `shielded`: it keeps others away from what is there, but not from
 * making new names, and cleaners of temporary files not at all.
 */
export function othersMayChange(directory: string, shielded = false): boolean {
  try {
    return [directory, realpathSync(directory)].some((path) => isOpen(path, shielded));
  } catch {
    return false; // it is not there
  }
}

function isOpen(directory: string, isShielded: boolean): boolean {
  for (let at = directory, sticky = isShielded; ; at = dirname(at), sticky = true) {
    const stat = lstatSync(at);
    if (!isTrusted(stat.uid)) return true;
    const shielded = stat.isSymbolicLink() || (sticky && (stat.mode & STICKY) !== 0);
    if (!shielded && isWritableByOthers(stat)) return true;
    if (at === dirname(at)) return false;
  }
}

function isTrusted(uid: number): boolean {
  return uid === 0 || uid === process.geteuid?.();
}

function isWritableByOthers({ mode, gid }: Stats): boolean {
  return (mode & OTHERS_WRITE) !== 0 || ((mode & GROUP_WRITE) !== 0 && !isOwnGroup(gid));
}

/** Root's, or the group that a user has for himself, which has the user's number. */
function isOwnGroup(gid: number): boolean {
  return gid === 0 || (gid === process.getegid?.() && gid === process.geteuid?.());
}

/** True when it is a directory of this user's that nobody else can look into; made if it isn't there. Follows no link. */
export function ownDirectory(path: string): boolean {
  try {
    mkdirSync(path, { mode: MODE });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") return false;
  }
  try {
    const stat = lstatSync(path);
    if (!stat.isDirectory() || stat.uid !== process.geteuid?.() || othersMayChange(dirname(path), true))
      return false;
    if ((stat.mode & 0o777) !== MODE) chmodSync(path, MODE);
    return true;
  } catch {
    return false;
  }
}
