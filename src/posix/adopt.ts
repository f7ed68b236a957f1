/**
 * Taking over the child of a supervisor that is gone: its identity is looked at through a descriptor, so that it
 * can't become another process in between, and the daemon's ends of its pipes are opened anew, since the child
 * holds the pipes themselves.
 */
import { closeSync, constants, openSync } from "node:fs";
import type { SavedRun } from "../core/saved.js";
import {
  allPids,
  environmentOf,
  findPipe,
  identify,
  isAlive,
  type ProcessIdentity,
  pipeInode,
} from "./identity.js";
import { lastErrno } from "./libc.js";
import { copyDescriptor, openPidfd } from "./pidfd.js";

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

/** Its pidfd, three ends and a socket, and one to look through /proc with. */
const ROOM = 6;

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
    if (pidfd !== null) closeSync(pidfd);
    return null;
  }
  if (pidfd === null) throw cannotTakeOver(name, `no pidfd of ${pid}: ${errno}`);
  const open = (inode: number | null, flags: number): number | null =>
    inode === null ? null : openPipe(pid, inode, flags);
  const ends = {
    stdin: open(run.stdin, constants.O_WRONLY),
    stdout: open(run.stdout, constants.O_RDONLY),
    stderr: open(run.stderr, constants.O_RDONLY),
  };
  return { run: { ...run, pid }, ends, pidfd };
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
 * Beyond pid and start time: it still holds one of its pipes, or it is an orphan that its environment names, or that
 * is where one of that supervisor must be. No file, however it came about, makes a stranger ours.
 */
function isOurs({ stdin, stdout, stderr }: SavedRun, pid: number, { group, name, sid }: ChildName): boolean {
  if ([stdin, stdout, stderr].some((inode) => inode !== null && findPipe(pid, inode) !== null)) return true;
  const found = identify(pid);
  if (found === null || !isOrphan(found, sid)) return false;
  const environment = environmentOf(pid);
  if (environment.has(`SUPERVISOR_PROCESS_NAME=${name}`) && environment.has(`SUPERVISOR_GROUP_NAME=${group}`))
    return true;
  return found.pgid === pid && found.sid === sid && sid !== pid;
}

/**
 * A child begins in its supervisor's session, which it can't leave, since it leads a group. So a parent in the same
 * session may be a supervisor that lives, while one in another is the reaper that orphans go to. Init may be both:
 * in a container whose one session all are in, the session of ours tells.
 */
function isOrphan({ ppid, sid }: ProcessIdentity, ours: number): boolean {
  return identify(ppid)?.sid !== sid || (ppid === 1 && sid === ours);
}

/** The child of a spawn whose outcome nobody wrote down: the oldest leader of a group that has its pipes. */
function findSpawned(saved: SavedRun): SavedRun | null {
  const inodes = [saved.stdin, saved.stdout, saved.stderr].filter((inode) => inode !== null);
  let oldest: SavedRun | null = null;
  for (const pid of allPids()) {
    const found = identify(pid);
    if (found === null || found.dead || found.pgid !== pid) continue;
    if (!inodes.some((inode) => [0, 1, 2].some((fd) => pipeInode(`/proc/${pid}/fd/${fd}`) === inode)))
      continue;
    if (oldest === null || found.starttime < (oldest.starttime ?? 0))
      oldest = { ...saved, pid, starttime: found.starttime };
  }
  return oldest;
}

/** From the child itself, or whoever of its descendants has the pipe by now. */
function openPipe(pid: number, inode: number, flags: number): number | null {
  const path = findPipe(pid, inode) ?? findAnywhere(inode);
  try {
    return path === null ? null : openSync(path, flags | constants.O_NONBLOCK);
  } catch {
    return null;
  }
}

function findAnywhere(inode: number): string | null {
  for (const pid of allPids()) {
    const path = pid === process.pid ? null : findPipe(pid, inode);
    if (path !== null) return path;
  }
  return null;
}
