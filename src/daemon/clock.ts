import { epoch, millis, type Now } from "../core/brand.js";

/** Both clocks, read together: the monotonic one decides, the wall clock reports. */
export function now(): Now {
  return { mono: millis(performance.now()), wall: epoch(Date.now() / 1000) };
}
