/**
 * Taking over the child of a supervisor that is gone: its identity is looked at through a descriptor, so that it
 * can't become another process in between, and the daemon's ends of its pipes are opened anew, since the child
 * holds the pipes themselves.
 */
import { closeSync, constants, openSync } from "node:fs";
import type { LostEnd, SavedRun } from "../core/saved.js";
import { allPids, ancestors, identify, isAlive, type ProcessIdentity } from "./identity.js";
import { lastErrno } from "./libc.js";
import { copyDescriptor, openPidfd, signalPidfd } from "./pidfd.js";
import { holdsPipe, openHeldPipe } from "./pipe-holders.js";

/** A living child, and the daemon's ends of what connects it. */
export interface Child {
  readonly run: SavedRun & { readonly pid: number };
  readonly ends: {
    readonly stdin: number | null;
    readonly stdout: number | null;
    readonly stderr: number | null;
  };
  /** Null for a child of our own. */
  readonly pidfd: number | null;
}

/** Who it should be, as its environment says. */
export interface ChildName {
  readonly group: string;
  readonly name: string;
  /** Session of the supervisor that started it. */
  readonly sid: number;
}

/** Descriptors for one child: a pidfd, three ends and a socket, and two to look through /proc with. */
const ROOM = 7;

/**
 * Null when it is gone, or when somebody else has its pid. Throws when it may be there but can't be held: whoever
 * took it for gone would start a second one.
 */
export function adoptChild(saved: SavedRun, name: ChildName): Child | null {
  const problem = openProblem(ROOM);
  if (problem !== null) throw cannotTakeOver(name, problem);
  const run = saved.pid === null ? findSpawned(saved) : saved;
  if (run === null || run.pid === null || run.starttime === null || run.pid === process.pid) return null;
  const { pid } = run;
  const pidfd = openPidfd(pid);
  const errno = lastErrno(); // of that call, before there is another
  if (!isAlive(pid, run.starttime) || !isOurs(run, pid, name)) {
    const unseen = pidfd !== null && identify(pid) === null && signalPidfd(pidfd, 0) === null;
    if (pidfd !== null) closeSync(pidfd);
    if (unseen) throw cannotTakeOver(name, `/proc does not show process ${pid}, which may be it`);
    return null;
  }
  if (pidfd === null) throw cannotTakeOver(name, `no pidfd of ${pid}: ${errno}`);
  const lost: LostEnd[] = [];
  const open = (which: "stdin" | "stdout" | "stderr", flags: number): number | null => {
    const inode = run[which];
    const found = inode === null ? null : openPipe(pid, inode, flags);
    if (found !== "lost") return found;
    lost.push(which);
    return null;
  };
  const ends = {
    stdin: open("stdin", constants.O_WRONLY),
    stdout: open("stdout", constants.O_RDONLY),
    stderr: open("stderr", constants.O_RDONLY),
  };
  const { lost: _before, ...rest } = run;
  return { run: { ...rest, pid, ...(lost.length === 0 ? {} : { lost }) }, ends, pidfd };
}

/** Why so many descriptors can't be opened; null when they can. Without, everything in /proc looks like gone. */
function openProblem(count: number): string | null {
  const opened: number[] = [];
  try {
    while (opened.length < count) opened.push(openSync("/proc", constants.O_RDONLY));
    return null;
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    return code === "EMFILE" || code === "ENFILE" ? "too many open files" : `cannot open /proc: ${code}`;
  } finally {
    for (const fd of opened) closeSync(fd);
  }
}

function cannotTakeOver({ group, name }: ChildName, why: string): Error {
  return new Error(`Cannot take over '${group}:${name}': ${why}`);
}

/** The listening socket it was given as stdin. */
export function copySocket({ pidfd }: Child): number | null {
  return pidfd === null ? null : copyDescriptor(pidfd, 0);
}

/**
 * Pid, start time and boot stand in a file that nobody else can write, which is proof enough that this is the child.
 * A copy of that file proves nothing about a child that another supervisor has adopted since.
 */
function isOurs({ stdin, stdout, stderr }: SavedRun, pid: number, { sid }: ChildName): boolean {
  if ([stdin, stdout, stderr].some((inode) => inode !== null && holdsPipe(pid, inode) === "yes")) return true;
  const found = identify(pid);
  return found !== null && isOrphan(found, sid);
}

/**
 * A child begins in its supervisor's session. So a parent in the same session may be a supervisor that lives, while
 * one in another is the reaper that orphans go to. A reaper may share the session, too: then this process descends
 * from it as the supervisor before did, or it is the init of a container whose one session all are in.
 */
function isOrphan({ ppid, sid }: ProcessIdentity, ours: number): boolean {
  if (identify(ppid)?.sid !== sid) return true;
  return sid === ours && (ppid === 1 || ancestors(process.pid).includes(ppid));
}

/** The child of a spawn whose outcome nobody wrote down: the oldest leader of a group that has its pipes. */
function findSpawned(saved: SavedRun): SavedRun | null {
  const inodes = [saved.stdin, saved.stdout, saved.stderr].filter((inode) => inode !== null);
  let oldest: SavedRun | null = null;
  for (const pid of allPids()) {
    const found = identify(pid);
    if (found === null || found.dead || found.pgid !== pid) continue;
    if (!inodes.some((inode) => holdsPipe(pid, inode) === "yes")) continue;
    if (oldest === null || found.starttime < (oldest.starttime ?? 0))
      oldest = { ...saved, pid, starttime: found.starttime };
  }
  return oldest;
}

/**
 * From the child itself, or whoever of its descendants has the pipe by now. Null when nobody has; lost when somebody
 * of the child's group may have it and can't be looked into.
 */
function openPipe(pid: number, inode: number, flags: number): number | "lost" | null {
  const own = openHeldPipe(pid, inode, flags);
  if (typeof own === "number") return own;
  let lost = own === "hidden";
  for (const other of allPids()) {
    if (other === pid || other === process.pid) continue;
    const found = openHeldPipe(other, inode, flags);
    if (typeof found === "number") return found;
    if (found === "hidden" && !lost) lost = identify(other)?.pgid === pid;
  }
  return lost ? "lost" : null;
}
