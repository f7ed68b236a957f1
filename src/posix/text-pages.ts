/**
 * Giving back pages of program text. A start runs through most of what Node brings, a daemon afterwards through
 * little of it; the rest stays mapped, and counts, until the kernel is short of memory.
 */
import { readFileSync } from "node:fs";
import * as libc from "./libc.js";

const MADV_DONTNEED = 4;
/** Not worth a call. */
const LEAST_KB = 64;

/**
 * Unmaps the pages of files that are mapped to be read or run, and that nobody has written to; whatever is needed
 * again is found in the page cache. Gives the KiB that were resident there.
 */
export function releaseText(): number {
  let released = 0;
  for (const { from, to, kb } of textMappings(readFileSync("/proc/self/smaps", "latin1")))
    if (libc.madvise(from, Number(to - from), MADV_DONTNEED) === 0) released += kb;
  return released;
}

export interface Mapping {
  readonly from: bigint;
  readonly to: bigint;
  /** Resident, in KiB. */
  readonly kb: number;
}

const HEAD = /^([0-9a-f]+)-([0-9a-f]+) r-[x-]p \S+ \S+ \S+ +\/.*$/;

/** From `/proc/PID/smaps`. A page that was relocated, or that a debugger has changed, is nowhere but in memory. */
export function textMappings(smaps: string): readonly Mapping[] {
  const found: Mapping[] = [];
  for (const block of smaps.split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m)) {
    const end = block.indexOf("\n");
    const head = HEAD.exec(block.slice(0, end));
    if (head === null) continue;
    const field = (name: string): number => Number(new RegExp(`^${name}: +(\\d+) kB$`, "m").exec(block)?.[1]);
    const kb = field("Rss");
    if (kb < LEAST_KB || field("Private_Dirty") !== 0 || field("Anonymous") !== 0) continue;
    found.push({ from: BigInt(`0x${head[1]}`), to: BigInt(`0x${head[2]}`), kb });
  }
  return found;
}
