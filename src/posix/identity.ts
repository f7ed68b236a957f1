/** Which process is which: what /proc says, so that a recycled pid is never taken for the one that had it. */
import { readdirSync, readFileSync } from "node:fs";
import { asProcess } from "./file-ids.js";
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
  const path = `/proc/${pid}/syscall`;
  const [call, fd] = (read(path) ?? asProcess(pid, () => read(path)))?.split(" ") ?? [];
  return call !== undefined && call === READ[process.arch] && fd === "0x0";
}

/** Changes with each start of the machine. */
export function bootId(): string {
  return read("/proc/sys/kernel/random/boot_id")?.trim() ?? "";
}

/** A process, its parent, and so on up to init. */
export function ancestors(pid: number): readonly number[] {
  const line: number[] = [];
  for (let at = pid; at > 0 && !line.includes(at); at = identify(at)?.ppid ?? 0) line.push(at);
  return line;
}

/** Every process there is. */
export function allPids(): readonly number[] {
  return list("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

/** Whether a process group has members, dead ones that nobody has collected included. */
export function hasGroup(pgid: number): boolean {
  return libc.kill(-pgid, 0) === 0 || libc.lastErrno() === "EPERM";
}

/** The living members of a process group, each with its command line, shortened. */
export function groupMembers(pgid: number): readonly { readonly pid: number; readonly command: string }[] {
  if (!hasGroup(pgid)) return [];
  return allPids().flatMap((pid) => {
    const found = identify(pid);
    return found === null || found.dead || found.pgid !== pgid ? [] : [{ pid, command: commandOf(pid) }];
  });
}

const COMMAND_CHARS = 60;

/** How it was started. A program can write anything there, so only what prints is given. */
function commandOf(pid: number): string {
  const shown = (file: string): string =>
    (read(`/proc/${pid}/${file}`) ?? "").replace(/[^\x20-\x7e]/g, " ").trim();
  const command = shown("cmdline") || shown("comm");
  return command.length > COMMAND_CHARS ? `${command.slice(0, COMMAND_CHARS)}...` : command;
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
