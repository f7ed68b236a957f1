/**
 * Seeing files as another process does: the calling thread takes that process's file-system ids for a moment. These
 * decide what may be opened and looked into, and nothing else: signals go by the real and saved ids, which stay.
 */
import { readFileSync } from "node:fs";
import * as libc from "./libc.js";

interface FileIds {
  readonly uid: number;
  readonly gid: number;
}

const SYSCALLS = {
  x64: { setfsuid: 122, setfsgid: 123, prctl: 157 },
  arm64: { setfsuid: 151, setfsgid: 152, prctl: 167 },
} as const;
const PR_SET_PDEATHSIG = 1;
const PR_GET_PDEATHSIG = 2;
const PR_GET_DUMPABLE = 3;
const PR_SET_DUMPABLE = 4;
/** No id: the call changes nothing and says what is set. */
const ASK = 0xff_ff_ff_ff;

const numbers = SYSCALLS[process.arch as keyof typeof SYSCALLS];
const signal = Buffer.alloc(4);

/** Runs `act` with the file-system ids of a process; null where the daemon can't take them, or has them already. */
export function asProcess<T>(pid: number, act: () => T): T | null {
  if (numbers === undefined || process.geteuid?.() !== 0) return null;
  const ids = idsOf(pid);
  const own = { uid: 0, gid: process.getegid?.() ?? 0 };
  if (ids === null || (ids.uid === own.uid && ids.gid === own.gid)) return null;
  const thread = threadState(numbers.prctl);
  try {
    // The group first: only root may change either.
    return setIds(numbers.setfsgid, ids.gid) && setIds(numbers.setfsuid, ids.uid) ? act() : null;
  } finally {
    const back = setIds(numbers.setfsuid, own.uid) && setIds(numbers.setfsgid, own.gid);
    if (!back) process.abort();
    thread.restore();
  }
}

/** The kernel looks at a process's effective, saved and real ids alike, so one that has several is nobody's. */
function idsOf(pid: number): FileIds | null {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "latin1");
    const uid = onlyId(status, "Uid");
    const gid = onlyId(status, "Gid");
    return uid === null || gid === null ? null : { uid, gid };
  } catch {
    return null;
  }
}

/** Real, effective, saved and file-system id, when they are one. */
function onlyId(status: string, field: "Uid" | "Gid"): number | null {
  const ids = new RegExp(`^${field}:\\t(\\d+)\\t(\\d+)\\t(\\d+)\\t`, "m").exec(status)?.slice(1) ?? [];
  return new Set(ids).size === 1 ? Number(ids[0]) : null;
}

/** The call itself never fails; asking tells whether it did anything. */
function setIds(number: number, id: number): boolean {
  libc.syscall(number, "uint", id);
  return Number(libc.syscall(number, "uint", ASK)) === id;
}

/** A change of ids takes away that the process may be looked into, and the signal at its parent's death. */
function threadState(prctl: number): { restore(): void } {
  const dumpable = Number(libc.syscall(prctl, "int", PR_GET_DUMPABLE));
  const known = Number(libc.syscall(prctl, "int", PR_GET_PDEATHSIG, "void *", signal)) === 0;
  return {
    restore() {
      if (dumpable === 1) libc.syscall(prctl, "int", PR_SET_DUMPABLE, "int", 1);
      if (known && signal.readInt32LE(0) > 0)
        libc.syscall(prctl, "int", PR_SET_PDEATHSIG, "int", signal.readInt32LE(0));
    },
  };
}
