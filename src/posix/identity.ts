/** Which process is which: what /proc says, so that a recycled pid is never taken for the one that had it. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import * as libc from "./libc.js";

export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks after boot. */
  readonly starttime: number;
  readonly ppid: number;
  readonly pgid: number;
  readonly sid: number;
  /** It has ended and waits to be collected. */
  readonly dead: boolean;
  /** Of a dead one. */
  readonly waitStatus: number;
}

const CLOCK_BOOTTIME = 7;
/** `USER_HZ`, the unit of /proc, is the same on every machine that Node runs on. */
const TICKS_PER_SECOND = 100;
const time = Buffer.alloc(16);

/** Clock ticks since boot, as `starttime` counts them: what starts between two equal readings starts then. */
export function ticksNow(): number {
  libc.clock_gettime(CLOCK_BOOTTIME, time);
  const seconds = time.readUInt32LE(0) + time.readUInt32LE(4) * 2 ** 32;
  return seconds * TICKS_PER_SECOND + Math.trunc((time.readUInt32LE(8) * TICKS_PER_SECOND) / 1e9);
}

/** Null when there is no such process. */
export function identify(pid: number): ProcessIdentity | null {
  const text = read(`/proc/${pid}/stat`);
  if (text === null) return null;
  // The command stands in brackets and may hold anything, brackets too: what counts comes after the last.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const number = (at: number): number => Number(fields[at]);
  return {
    pid,
    ppid: number(1),
    pgid: number(2),
    sid: number(3),
    starttime: number(19),
    dead: fields[0] === "Z" || fields[0] === "X",
    waitStatus: number(49),
  };
}

/** True while this very process lives. */
export function isAlive(pid: number, starttime: number): boolean {
  const found = identify(pid);
  return found !== null && !found.dead && found.starttime === starttime;
}

const READ: Readonly<Record<string, string>> = { x64: "0", arm64: "63" };

/** Whether it sits in a read of its stdin right now. False also where the kernel doesn't tell. */
export function readsStdin(pid: number): boolean {
  const [call, fd] = read(`/proc/${pid}/syscall`)?.split(" ") ?? [];
  return call !== undefined && call === READ[process.arch] && fd === "0x0";
}

/** Changes with each start of the machine. */
export function bootId(): string {
  return read("/proc/sys/kernel/random/boot_id")?.trim() ?? "";
}

/** Its environment as it was given; processes may have written over it. */
export function environmentOf(pid: number): ReadonlySet<string> {
  return new Set((read(`/proc/${pid}/environ`) ?? "").split("\0"));
}

/** The descriptor under which a process holds a pipe; null when it doesn't. */
export function findPipe(pid: number, inode: number): string | null {
  for (const fd of list(`/proc/${pid}/fd`)) {
    const path = `/proc/${pid}/fd/${fd}`;
    if (pipeInode(path) === inode) return path;
  }
  return null;
}

/** Every process there is. */
export function allPids(): readonly number[] {
  return list("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

/** The inode of a pipe; null for anything else. */
export function pipeInode(path: string): number | null {
  try {
    const stat = statSync(path);
    return stat.isFIFO() ? stat.ino : null;
  } catch {
    return null;
  }
}

function read(path: string): string | null {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return null;
  }
}

function list(path: string): readonly string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}
