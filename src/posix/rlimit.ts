/** Resource limits: of the daemon itself, and those its children shall have. */
import * as libc from "./libc.js";

const RESOURCES = { NPROC: 6, NOFILE: 7 } as const;
export type Resource = keyof typeof RESOURCES;

export interface Limit {
  readonly soft: number;
  readonly hard: number;
}

const buffer = Buffer.alloc(16);
const INFINITY = 0xffff_ffff_ffff_ffffn;

function decode(): Limit {
  const read = (at: number): number => {
    const value = buffer.readBigUInt64LE(at);
    return value === INFINITY ? Number.POSITIVE_INFINITY : Number(value);
  };
  return { soft: read(0), hard: read(8) };
}

function encode({ soft, hard }: Limit): Buffer {
  buffer.writeBigUInt64LE(Number.isFinite(soft) ? BigInt(soft) : INFINITY, 0);
  buffer.writeBigUInt64LE(Number.isFinite(hard) ? BigInt(hard) : INFINITY, 8);
  return buffer;
}

export function getLimit(which: Resource): Limit {
  libc.getrlimit(RESOURCES[which], buffer);
  return decode();
}

/** The errno name of a failure, or null. */
export function setLimit(which: Resource, limit: Limit): string | null {
  return libc.setrlimit(RESOURCES[which], encode(limit)) === 0 ? null : libc.lastErrno();
}

/** Where the start script writes what it was given; children must not see it. */
const GIVEN_NOFILE = "SUPERVISORD_TS_NOFILE";
/** What nearly every system gives where nothing else is said. */
const USUAL_SOFT = 1024;

/**
 * The soft limit of open files that the daemon was started with: Node raises its own to the hard one before any
 * of our code runs. The start script tells; without it, a parent of the same hard limit still has it.
 */
export function originalNofile(): Limit {
  const { soft: raised, hard } = getLimit("NOFILE");
  const given = process.env[GIVEN_NOFILE];
  if (given !== undefined) {
    const soft = given === "unlimited" ? hard : Number(given);
    return { soft: Number.isFinite(soft) && soft > 0 ? Math.min(soft, hard) : raised, hard };
  }
  const parent = libc.prlimit(process.ppid, RESOURCES.NOFILE, null, buffer) === 0 ? decode() : null;
  const soft = parent !== null && parent.hard === hard ? parent.soft : USUAL_SOFT;
  return { soft: Math.min(soft, hard), hard };
}

/** As `originalNofile`, and takes the start script's word out of the environment. */
export function takeOriginalNofile(): Limit {
  const limit = originalNofile();
  delete process.env[GIVEN_NOFILE];
  return limit;
}

export type Raised =
  | { readonly ok: true; readonly raised: boolean; readonly value: number }
  /** `hard` is what the environment allows. */
  | { readonly ok: false; readonly soft: number; readonly hard: number };

/**
 * Raises the soft limit to `min` where it is lower than that, and the hard limit with it where that is needed and
 * allowed. `given` is the soft limit as it was before anybody raised it.
 */
export function raiseLimit(which: Resource, min: number, given = getLimit(which).soft): Raised {
  const { soft, hard } = getLimit(which);
  if (soft >= min) return { ok: true, raised: given < min, value: min };
  const wanted = { soft: min, hard: Math.max(hard, min) };
  if (setLimit(which, wanted) === null) return { ok: true, raised: true, value: min };
  return { ok: false, soft, hard };
}
