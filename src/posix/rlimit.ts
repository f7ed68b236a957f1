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

/** Node raises its own soft limit of open files to the hard one at start; the parent still has what we were given. */
export function originalNofile(): Limit {
  const own = getLimit("NOFILE");
  if (libc.prlimit(process.ppid, RESOURCES.NOFILE, null, buffer) !== 0) return own;
  const { soft } = decode();
  return { soft: Math.min(soft, own.hard), hard: own.hard };
}

export type Raised =
  | { readonly ok: true; readonly raised: boolean; readonly value: number }
  /** `hard` is what the environment allows. */
  | { readonly ok: false; readonly soft: number; readonly hard: number };

/** Raises the soft limit to `min` where it is lower, and the hard limit with it where that is needed and allowed. */
export function raiseLimit(which: Resource, min: number): Raised {
  const { soft, hard } = getLimit(which);
  if (soft >= min) return { ok: true, raised: false, value: soft };
  const wanted = { soft: min, hard: Math.max(hard, min) };
  if (setLimit(which, wanted) === null) return { ok: true, raised: true, value: min };
  return { ok: false, soft, hard };
}
