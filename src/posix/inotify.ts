/**
 * Names that are removed, told by the kernel: one inotify instance for the process, one watch a directory, however many
 * names in it somebody asks about. Writing to a file and making one wake nobody.
 *
 * A directory that is not there is waited for in the nearest one that is.
 */
import { closeSync, readSync, statSync } from "node:fs";
import { basename, dirname, resolve } from "node:path";
import * as libc from "./libc.js";
import { type Watch, watch } from "./readiness.js";

export type NameNews =
  | "deleted"
  | "moved away"
  /** Something else was renamed to the name. */
  | "replaced"
  /** Removed, moved away or unmounted. */
  | "directory gone"
  | "directory back"
  /** The kernel dropped news: anything may have happened. */
  | "overflow"
  /** From now on nothing will be told: its directory can't be watched any more. */
  | "unwatched";

export interface NameWatch extends Disposable {
  /** The errno name of why nothing will be told; null when all is well, and where there is no watching at all. */
  readonly problem: string | null;
  /** Looks after the directory itself, for whoever found it gone: in use, it leaves without a word. */
  verify(): void;
}

/** A directory as callers name it. */
interface Place {
  readonly directory: string;
  readonly names: Map<string, readonly Listener[]>;
  /** Where its news comes from; null when it can't be watched. */
  at: Watched | null;
  /** The name in `at` that has to appear first; null when `at` is the directory itself. */
  missing: string | null;
}

/** A directory as the kernel knows it: several places may be the same one. */
interface Watched {
  readonly number: number;
  readonly path: string;
  readonly places: Set<Place>;
}

interface Instance {
  readonly fd: number;
  readonly readiness: Watch;
  lookedAt: number;
  rest: NodeJS.Timeout | null;
}

const IN_MOVED_FROM = 0x40;
const IN_MOVED_TO = 0x80;
const IN_CREATE = 0x100;
const IN_DELETE = 0x200;
const IN_DELETE_SELF = 0x400;
const IN_MOVE_SELF = 0x800;
const IN_UNMOUNT = 0x2000;
const IN_Q_OVERFLOW = 0x4000;
const IN_IGNORED = 0x8000;
const IN_ONLYDIR = 0x1000000;
const GONE = IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT | IN_IGNORED;
const WATCHED = IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
const IN_NONBLOCK = 0o4000;
const IN_CLOEXEC = 0o2000000;
/** struct inotify_event without its name: watch, mask, cookie, length of the name. */
const HEAD_BYTES = 16;
/** A thousand events or so at a time. */
const READ_BYTES = 32 * 1024;
/** As many as the kernel keeps by default, then others have a turn. */
const MOST_READS = 16;
/** News that follow each other closer than this are gathered: whoever removes files in a loop wakes nobody each time. */
const REST_MS = 50;
/** A directory may come and go while its watch is made. */
const MOST_TRIES = 8;

const places = new Map<string, Place>();
const watched = new Map<number, Watched>();
let instance: Instance | null = null;

/** Tells what becomes of the name until disposed. The name need not exist. */
export function watchName(path: string, tell: (news: NameNews) => void): NameWatch {
  const resolved = resolve(path);
  // The name below is a slice that keeps its whole path: better the caller's than a copy of it.
  const absolute = resolved === path ? path : resolved;
  const directory = dirname(absolute);
  const opened = open();
  if (typeof opened === "string") return notWatching(opened);
  if (opened === null) return notWatching(null);
  const place = places.get(directory) ?? { directory, names: new Map(), at: null, missing: null };
  places.set(directory, place);
  return new Listener(place, basename(absolute), tell);
}

/** A class, as each log has one. */
class Listener implements NameWatch {
  readonly problem: string | null;
  readonly tell: (news: NameNews) => void;
  readonly #place: Place;
  readonly #name: string;
  closed = false;

  constructor(place: Place, name: string, tell: (news: NameNews) => void) {
    this.#place = place;
    this.#name = name;
    this.tell = tell;
    this.problem = place.at === null ? settle(place) : null;
    const others = place.names.get(name);
    // An array that is spread into has room for more, which thousands of names would pay for.
    place.names.set(name, others === undefined ? [this] : [...others, this]);
    if (this.problem !== null) this[Symbol.dispose]();
  }

  verify(): void {
    const place = this.#place;
    if (places.get(place.directory) === place && place.at !== null && !arm(place.at)) move(place);
  }

  [Symbol.dispose](): void {
    this.closed = true;
    const place = this.#place;
    const listeners = place.names.get(this.#name) ?? [];
    const rest = listeners.filter((each) => each !== this);
    if (rest.length > 0) place.names.set(this.#name, rest);
    else place.names.delete(this.#name);
    if (place.names.size > 0 || places.get(place.directory) !== place) return;
    places.delete(place.directory);
    leave(place);
    closeUnused();
  }
}

function notWatching(problem: string | null): NameWatch {
  return { problem, verify() {}, [Symbol.dispose]() {} };
}

/** The errno name of a failure; null where the loop can't be told of descriptors. */
function open(): Instance | string | null {
  if (instance !== null) return instance;
  const fd = libc.inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  if (fd < 0) return libc.lastErrno();
  const readiness = watch(fd, "readable", look);
  if (readiness === null) {
    closeSync(fd);
    return null;
  }
  instance = { fd, readiness, lookedAt: Number.NEGATIVE_INFINITY, rest: null };
  return instance;
}

function closeUnused(): void {
  if (instance === null || places.size > 0) return;
  if (instance.rest !== null) clearTimeout(instance.rest);
  instance.readiness.close();
  closeSync(instance.fd);
  instance = null;
  watched.clear();
}

/** Watches the directory, or where it is going to appear. The errno name of why neither can be done, or null. */
function settle(place: Place): string | null {
  leave(place);
  let at = place.directory;
  let missing: string | null = null;
  for (let tries = 0; ; ) {
    const found = enter(place, at, missing);
    if (found === "ENOENT" || found === "ENOTDIR") {
      missing = basename(at);
      at = dirname(at);
      continue;
    }
    if (found !== null) return found;
    tries += 1;
    // The name may have appeared before its watch was there.
    if (missing === null || tries === MOST_TRIES || !isDirectory(resolve(at, missing))) return null;
    leave(place);
    at = place.directory;
    missing = null;
  }
}

function enter(place: Place, path: string, missing: string | null): string | null {
  if (instance === null) return "EBADF";
  const number = libc.inotify_add_watch(instance.fd, path, maskFor(missing !== null));
  if (number < 0) return libc.lastErrno();
  const known = watched.get(number) ?? { number, path, places: new Set() };
  watched.set(number, known);
  known.places.add(place);
  place.at = known;
  place.missing = missing;
  // The newest mask has replaced the one before.
  if (known.places.size > 1) arm(known);
  return null;
}

function leave(place: Place): void {
  const { at } = place;
  if (at === null) return;
  place.at = null;
  at.places.delete(place);
  if (watched.get(at.number) !== at) return;
  if (at.places.size > 0) {
    arm(at);
    return;
  }
  watched.delete(at.number);
  if (instance !== null) libc.inotify_rm_watch(instance.fd, at.number);
}

/** New names are only told of where somebody waits for one. */
function maskFor(waiting: boolean): number {
  return waiting ? WATCHED | IN_CREATE : WATCHED;
}

/** Sets the mask anew. False when the path leads to another directory by now, or to none. */
function arm({ number, path, places: here }: Watched): boolean {
  if (instance === null) return false;
  const waiting = [...here].some(({ missing }) => missing !== null);
  const found = libc.inotify_add_watch(instance.fd, path, maskFor(waiting));
  if (found >= 0 && found !== number && !watched.has(found)) libc.inotify_rm_watch(instance.fd, found);
  return found === number;
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

const buffer = Buffer.allocUnsafeSlow(READ_BYTES);

function look(): void {
  const now = instance;
  if (now === null) return;
  const at = performance.now();
  const isHasty = at - now.lookedAt < REST_MS;
  now.lookedAt = at;
  for (let reads = 0; reads < MOST_READS && instance === now && read(now.fd); ) reads += 1;
  if (!isHasty || instance !== now || now.rest !== null) return;
  now.readiness.pause();
  now.rest = setTimeout(() => {
    now.rest = null;
    now.readiness.resume();
  }, REST_MS);
  now.rest.unref();
}

/** Whether there may be more at once. */
function read(fd: number): boolean {
  let size = 0;
  try {
    size = readSync(fd, buffer, 0, READ_BYTES, null);
  } catch {
    return false;
  }
  for (let at = 0; at + HEAD_BYTES <= size && instance?.fd === fd; ) {
    const number = buffer.readInt32LE(at);
    const mask = buffer.readUInt32LE(at + 4);
    const start = at + HEAD_BYTES;
    const end = start + buffer.readUInt32LE(at + 12);
    at = end;
    if ((mask & IN_Q_OVERFLOW) !== 0) overflow();
    const here = watched.get(number);
    if (here === undefined) continue;
    if ((mask & GONE) !== 0) gone(here);
    else happened(here, nameAt(start, end), mask);
  }
  // An event is far smaller than what is left of the buffer, so the kernel had no other.
  return size > READ_BYTES / 2;
}

function nameAt(start: number, end: number): string {
  const nul = buffer.indexOf(0, start);
  return buffer.toString("utf8", start, nul < 0 || nul > end ? end : nul);
}

function happened(here: Watched, name: string, mask: number): void {
  for (const place of [...here.places]) {
    if (place.missing === null) {
      const listeners = place.names.get(name);
      if (listeners !== undefined) tellAll(listeners, newsOf(mask));
    } else if (place.missing === name && (mask & (IN_CREATE | IN_MOVED_TO)) !== 0) move(place);
  }
}

function newsOf(mask: number): NameNews {
  if ((mask & IN_DELETE) !== 0) return "deleted";
  return (mask & IN_MOVED_FROM) !== 0 ? "moved away" : "replaced";
}

/** The kernel has dropped the watch, or it has gone elsewhere with the directory. */
function gone(here: Watched): void {
  watched.delete(here.number);
  if (instance !== null) libc.inotify_rm_watch(instance.fd, here.number);
  for (const place of [...here.places]) move(place);
}

/** Looks for the directory anew and tells what has changed about it. */
function move(place: Place): void {
  const wasThere = place.missing === null;
  const problem = settle(place);
  const news: NameNews[] = [];
  if (wasThere) news.push("directory gone");
  if (problem !== null) news.push("unwatched");
  else if (place.missing === null) news.push("directory back");
  const listeners = [...place.names.values()].flat();
  for (const each of news) tellAll(listeners, each);
}

function overflow(): void {
  for (const place of [...places.values()]) {
    if (place.at !== null && (place.missing !== null || !arm(place.at))) move(place);
    for (const listeners of [...place.names.values()]) tellAll(listeners, "overflow");
  }
}

/** A listener that throws keeps no other from hearing. */
function tellAll(listeners: readonly Listener[], news: NameNews): void {
  for (const listener of listeners) {
    try {
      if (!listener.closed) listener.tell(news);
    } catch (error) {
      queueMicrotask(() => {
        throw error;
      });
    }
  }
}
