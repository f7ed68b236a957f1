/** The pidfile: a number and a newline. Written beside its place and renamed, so that nobody reads half of it. */
import fs from "node:fs";
import { basename, dirname, resolve } from "node:path";
import { type Directory, openGuarded, openParent, readOwnLink } from "./guarded.js";

const { O_CREAT, O_EXCL, O_NOCTTY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = fs.constants;
const MODE = 0o666;
const MOST_LINKS = 40;
/** A pid, a newline and something that is neither. */
const READ_BYTES = 32;

/** A pidfile's content: this pid, something else, or no file. */
export type Holds = "ours" | "another" | "nothing";

/** The errno name of a failure, or null. */
export function writePidfile(path: string, pid: number): string | null {
  try {
    const place = placeOf(path);
    if (place === null || !writeBeside(place, pid)) writeInto(path, pid);
    return null;
  } catch (error) {
    return codeOf(error);
  }
}

/** Removes it if it is still ours: another daemon may have put its own there. */
export function removePidfile(path: string, pid: number): void {
  try {
    if (readPidfile(path, pid) !== "ours") return;
    using directory = openParent(path);
    fs.unlinkSync(directory.at(basename(path)));
  } catch {
    // gone already, or not ours to remove
  }
}

/** The owner of the pidfile by now. Throws when it can't be read. */
export function readPidfile(path: string, pid: number): Holds {
  try {
    const { fd } = openGuarded(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    try {
      const bytes = Buffer.alloc(READ_BYTES);
      const text = bytes.toString("latin1", 0, fs.readSync(fd, bytes, 0, READ_BYTES, null));
      return text.trim() === String(pid) ? "ours" : "another";
    } finally {
      fs.closeSync(fd);
    }
  } catch (error) {
    // A link of another user counts as no file, and is replaced.
    if (codeOf(error) === "ENOENT" || codeOf(error) === "ELOOP") return "nothing";
    throw error;
  }
}

/** Where a file may be put in place of what is there; null where it has to be written into (a device). */
function placeOf(path: string): string | null {
  let at = resolve(path);
  for (let links = 0; links < MOST_LINKS; links += 1) {
    using directory = openParent(at);
    const there = fs.lstatSync(directory.at(basename(at)), { throwIfNoEntry: false });
    if (there === undefined || there.isFile()) return at;
    if (!there.isSymbolicLink()) return null;
    const target = readOwnLink(at);
    // A link of another user is replaced.
    if (target === null) return at;
    at = resolve(dirname(at), target);
  }
  return null;
}

/** False where no file can be put there, though perhaps the one that is there can be written. */
function writeBeside(path: string, pid: number): boolean {
  const name = basename(path);
  const beside = `${name}.${pid}`;
  try {
    using directory = openParent(path);
    try {
      removeFrom(directory, beside);
      const fd = fs.openSync(directory.at(beside), O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW, MODE);
      try {
        fs.writeSync(fd, `${pid}\n`);
      } finally {
        fs.closeSync(fd);
      }
      fs.renameSync(directory.at(beside), directory.at(name));
      return true;
    } catch (error) {
      removeFrom(directory, beside);
      throw error;
    }
  } catch {
    return false;
  }
}

function writeInto(path: string, pid: number): void {
  const { fd, stat } = openGuarded(path, O_WRONLY | O_CREAT | O_NONBLOCK | O_NOCTTY, MODE);
  try {
    if (stat.isFile()) fs.ftruncateSync(fd);
    fs.writeSync(fd, `${pid}\n`);
  } catch (error) {
    // Empty by now, it is of no use to anybody.
    if (stat.isFile()) removeSame(path, stat.ino);
    throw error;
  } finally {
    fs.closeSync(fd);
  }
}

function removeSame(path: string, ino: number): void {
  try {
    using directory = openParent(path);
    if (fs.lstatSync(directory.at(basename(path))).ino === ino) removeFrom(directory, basename(path));
  } catch {
    // not ours to remove
  }
}

function removeFrom(directory: Directory, name: string): void {
  fs.rmSync(directory.at(name), { force: true });
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error);
}
