import { epoch, millis, type Now } from "../core/brand.js";

/** From this process' own clock to the machine's, which goes on from one supervisor to the next. */
const SINCE_BOOT_MS = Number(process.hrtime.bigint()) / 1e6 - performance.now();

/** Both clocks, read together: the monotonic one decides, the wall clock reports. */
export function now(): Now {
  return { mono: millis(performance.now() + SINCE_BOOT_MS), wall: epoch(Date.now() / 1000) };
}
