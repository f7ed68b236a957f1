/**
 * Keeping the state file: what changes is added at its end, at once or, where much changes, some milliseconds later
 * and all together; when that has made it long it is written whole beside its place and renamed. When it is removed or
 * something else takes its place it is written whole again. No fsync: it has to outlive the daemon, not the machine,
 * after whose next start it means nothing.
 */
import { randomBytes } from "node:crypto";
import fs from "node:fs";
import { basename } from "node:path";
import { type Directory, openParent } from "../posix/guarded.js";
import { bootId, identify } from "../posix/identity.js";
import { type NameNews, type NameWatch, watchName } from "../posix/inotify.js";
import { VERSION } from "../version.js";
import { encodeStateLine, STATE_FORMAT, type StateHeader, type StateRecord } from "../wire/state-file.js";
import type { Log } from "./log.js";
import { findState, forgetState } from "./resume.js";
import type { StatePlace } from "./state-place.js";

export interface StateFile extends Disposable {
  /** `make` gives the record when it is written; until then a later call about the same thing takes its place. */
  note(thing: object | string, make: () => StateRecord): void;
  /** Writes what was noted. Before something happens that the next supervisor has to know of. */
  flush(): void;
  /** Everything is over: nothing is left to remember. */
  remove(): void;
}

/** Once the added lines are so many times what they stand for, the file is written anew. */
const GROWTH = 6;
const LEAST_BYTES = 256 * 1024;
const MODE = 0o600;
/** What nobody waits for is written no more often than this. */
const PACE_MS = 20;
/** A file that is gone is made again at once, but no more often than this; one that can't be written is tried again. */
const AGAIN_MS = 1000;
/** By and by no sooner than this. */
const LONGEST_MS = 60_000;
/** The loss of the file is said no more often than this. */
const SAY_AGAIN_MS = 60_000;
/** Room for some lines; more is made when there are more. */
const LINES_BYTES = 16 * 1024;

export interface StateFileOptions {
  /** Asked whenever the file is written whole. */
  readonly place: () => StatePlace;
  /** Everything there is to remember. */
  readonly all: () => Iterable<StateRecord>;
  readonly log: Log;
}

export function stateHeader(): StateHeader {
  const { pid } = process;
  const { starttime = 0, sid = 0 } = identify(pid) ?? {};
  return { format: STATE_FORMAT, version: VERSION, boot: bootId(), pid, starttime, sid };
}

/** Replaces what stands there. A file that can't be written is said once, and tried again. */
export function keepStateFile({ place, all, log }: StateFileOptions): StateFile {
  const noted = new Map<object | string, () => StateRecord>();
  const header = stateHeader();
  let fd: number | null = null;
  /** Null until it has been written once. */
  let path: string | null = null;
  let watching: NameWatch | null = null;
  let wholeBytes = 0;
  let bytes = 0;
  let failing = false;
  let due: NodeJS.Timeout | null = null;
  let again: NodeJS.Timeout | null = null;
  let againMs = AGAIN_MS;
  let writtenAt = Number.NEGATIVE_INFINITY;
  let triedAt = Number.NEGATIVE_INFINITY;
  let remadeAt = Number.NEGATIVE_INFINITY;
  let saidAt = Number.NEGATIVE_INFINITY;
  let buffer = Buffer.allocUnsafeSlow(LINES_BYTES);

  function writeWhole(): void {
    noted.clear();
    triedAt = performance.now();
    const { path: to, other, exposed } = place();
    try {
      using directory = openParent(to);
      const written = writeBeside(directory, basename(to), () => {
        const lines = [encodeStateLine({ header })];
        for (const record of all()) lines.push(encodeStateLine(record));
        return Buffer.from(lines.join(""), "utf8");
      });
      if (fd !== null) fs.closeSync(fd);
      fd = written.fd;
      wholeBytes = written.bytes;
      bytes = written.bytes;
    } catch (error) {
      fail(to, error);
      return;
    }
    if (again !== null) clearTimeout(again);
    again = null;
    againMs = AGAIN_MS;
    if (failing) log.log("warn", `can write state file ${to} again`);
    failing = false;
    if (to !== path) settle(to, other, exposed);
  }

  /** The file has a place, or another one than before. */
  function settle(to: string, other: string | null, exposed: boolean): void {
    for (const left of [path, other]) if (left !== null) forgetState(left);
    path = to;
    if (exposed)
      log.log(
        "warn",
        `state file ${to} is in a directory that others can write: whoever removes it there while supervisord is down makes the next one start its processes twice; statefile= names a safer place`,
      );
    watching?.[Symbol.dispose]();
    watching = watchName(to, hear);
    if (watching.problem !== null) sayUnwatched(to, watching.problem);
  }

  function hear(news: NameNews): void {
    if (path === null) return;
    if (news === "unwatched") return sayUnwatched(path, "its directory is lost");
    if (fd === null) {
      if (news === "directory back") writeWhole();
      return;
    }
    // Else it is looked at soon anyway, however much happens until then.
    if (again === null) look(path, fd);
  }

  function look(at: string, mine: number): void {
    if (isInPlace(at, mine)) return;
    const found = findState(at);
    say(found.kind === "running" ? found.pid : null, at);
    // Two that take it away from each other would never come to an end.
    if (found.kind === "running") return;
    const waitMs = remadeAt + AGAIN_MS - performance.now();
    if (waitMs > 0) tryAgain(waitMs);
    else remake();
  }

  function say(rival: number | null, of: string): void {
    const at = performance.now();
    if (at < saidAt + SAY_AGAIN_MS) return;
    saidAt = at;
    if (rival === null) log.log("warn", `state file ${of} was removed or replaced; it is written again`);
    else
      log.log(
        "error",
        `state file ${of} is written by another supervisord (pid ${rival}) now; if this one dies, its processes are lost`,
      );
  }

  function sayUnwatched(of: string, why: string): void {
    log.log("warn", `cannot watch state file ${of}: ${why}; if somebody removes it, that is not seen`);
  }

  function remake(): void {
    remadeAt = performance.now();
    writeWhole();
  }

  function tryAgain(waitMs: number): void {
    again ??= setTimeout(() => {
      again = null;
      if (path !== null && fd !== null) look(path, fd);
      else remake();
    }, waitMs);
  }

  function fail(to: string, error: unknown): void {
    if (fd !== null) fs.closeSync(fd);
    fd = null;
    tryAgain(againMs);
    againMs = Math.min(2 * againMs, LONGEST_MS);
    if (failing) return;
    failing = true;
    const why = error instanceof Error ? error.message : String(error);
    log.log(
      "error",
      `cannot write state file ${to}: ${why}; if supervisord dies now, its processes are lost`,
    );
  }

  function flush(): void {
    if (due !== null) clearTimeout(due);
    due = null;
    if (noted.size === 0) return;
    writtenAt = performance.now();
    if (fd === null) {
      noted.clear();
      if (writtenAt >= triedAt + AGAIN_MS) writeWhole();
      return;
    }
    if (bytes > Math.max(LEAST_BYTES, GROWTH * wholeBytes)) return writeWhole();
    let text = "";
    for (const make of noted.values()) text += encodeStateLine(make());
    noted.clear();
    // A character of UTF-16 has three bytes of UTF-8 at most.
    if (buffer.length < 3 * text.length) buffer = Buffer.allocUnsafeSlow(6 * text.length);
    try {
      const added = buffer.subarray(0, buffer.write(text, "utf8"));
      writeAll(fd, added);
      bytes += added.length;
    } catch (error) {
      fail(path ?? "", error);
    }
  }

  function stop(): void {
    watching?.[Symbol.dispose]();
    watching = null;
    for (const timer of [due, again]) if (timer !== null) clearTimeout(timer);
    due = null;
    again = null;
  }

  writeWhole();
  return {
    note(thing, make) {
      noted.set(thing, make);
      due ??= setTimeout(flush, Math.max(0, writtenAt + PACE_MS - performance.now()));
    },
    flush,
    remove() {
      stop();
      noted.clear();
      if (path === null) return;
      // Also when it can't be written any more: what it says is over.
      if (fd === null) forgetState(path);
      else removeOurs(path, fd);
    },
    [Symbol.dispose]() {
      flush();
      stop();
      if (fd !== null) fs.closeSync(fd);
      fd = null;
    },
  };
}

interface Fresh {
  readonly fd: number;
  readonly name: string;
}

/** Writes a new file whole and puts it in the place of that name. The descriptor stays open. */
function writeBeside(
  directory: Directory,
  name: string,
  make: () => Buffer,
): { readonly fd: number; readonly bytes: number } {
  const fresh = createBeside(directory, name);
  try {
    const bytes = make();
    writeAll(fresh.fd, bytes);
    putInPlace(directory, fresh, name);
    return { fd: fresh.fd, bytes: bytes.length };
  } catch (error) {
    discard(directory, fresh);
    throw error;
  }
}

/** Removes a new file that could not be finished: it would only fill a full disk further. */
function discard(directory: Directory, { fd, name }: Fresh): void {
  fs.closeSync(fd);
  try {
    fs.rmSync(directory.at(name), { force: true });
  } catch {
    // its directory takes nothing any more
  }
}

/** A new file that nobody else has made, and that no link leads to. */
function createBeside(directory: Directory, name: string): Fresh {
  const usual = `${name}.new`;
  const open = (fresh: string): Fresh => ({ fd: fs.openSync(directory.at(fresh), "wx", MODE), name: fresh });
  try {
    fs.rmSync(directory.at(usual), { force: true });
    return open(usual);
  } catch {
    // Something is there that can't be removed.
    return open(`${name}.${randomBytes(6).toString("hex")}.new`);
  }
}

function putInPlace(directory: Directory, fresh: Fresh, name: string): void {
  const from = directory.at(fresh.name);
  const to = directory.at(name);
  fs.fchmodSync(fresh.fd, MODE);
  try {
    fs.renameSync(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EISDIR") throw error;
    makeWay(to);
    fs.renameSync(from, to);
  }
  if (!isThere(to, fresh.fd)) throw new Error("something else was put in its place");
}

/** A directory that somebody has made there is removed, or moved aside when something is in it. */
function makeWay(path: string): void {
  try {
    fs.rmdirSync(path);
  } catch {
    fs.renameSync(path, `${path}.old`);
  }
}

/** Whether the name leads to this open file. */
function isInPlace(path: string, fd: number): boolean {
  try {
    using directory = openParent(path);
    return isThere(directory.at(basename(path)), fd);
  } catch {
    return false;
  }
}

function removeOurs(path: string, fd: number): void {
  try {
    using directory = openParent(path);
    const name = directory.at(basename(path));
    if (isThere(name, fd)) fs.rmSync(name);
  } catch {
    // gone, with its directory perhaps
  }
}

function isThere(path: string, fd: number): boolean {
  const there = fs.lstatSync(path, { bigint: true, throwIfNoEntry: false });
  const ours = fs.fstatSync(fd, { bigint: true });
  return there !== undefined && there.ino === ours.ino && there.dev === ours.dev;
}

function writeAll(fd: number, bytes: Buffer): void {
  for (let at = 0; at < bytes.length; ) at += fs.writeSync(fd, bytes, at);
}
