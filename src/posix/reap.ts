/** Collecting the dead: exit status, and what they used. */
import { type Pid, pid } from "../core/brand.js";
import type { ExitCause } from "../core/process.js";
import * as libc from "./libc.js";

export interface Reaped {
  readonly pid: Pid;
  readonly waitStatus: number;
  readonly rusage: Usage;
}

/** What a process and the descendants it waited for have used. */
export interface Usage {
  readonly userMicros: number;
  readonly systemMicros: number;
  readonly maxRssBytes: number;
}

const WNOHANG = 1;
const ANY = -1;
const status = Buffer.alloc(4);
/** Two timevals and fourteen longs on every 64-bit Linux. */
const rusage = Buffer.alloc(144);

/** One dead child of any kind; null when there is none to collect now. */
export function reap(): Reaped | null {
  return collect(ANY);
}

/** This child, if it is dead: for programs that have other children which are not ours to collect. */
export function reapOne(wanted: number): Reaped | null {
  return collect(wanted);
}

function collect(wanted: number): Reaped | null {
  const dead = libc.wait4(wanted, status, WNOHANG, rusage);
  if (dead <= 0) return null;
  return { pid: pid(dead), waitStatus: status.readInt32LE(0), rusage: readUsage() };
}

function readUsage(): Usage {
  const micros = (at: number): number => readLong(at) * 1e6 + readLong(at + 8);
  return { userMicros: micros(0), systemMicros: micros(16), maxRssBytes: readLong(32) * 1024 };
}

function readLong(at: number): number {
  return rusage.readUInt32LE(at) + rusage.readInt32LE(at + 4) * 2 ** 32;
}

/** What a wait status says, as the macros of <sys/wait.h> read it on Linux. */
export function decodeWaitStatus(waitStatus: number): ExitCause {
  const signal = waitStatus & 0x7f;
  if (signal === 0) return { type: "exit", status: (waitStatus >> 8) & 0xff };
  if (signal === 0x7f) return { type: "other", waitStatus };
  return { type: "signal", signal, core: (waitStatus & 0x80) !== 0 };
}
