/**
 * Local time as libc knows it. Node asks ICU, which takes the POSIX forms of TZ (`CET-1CEST,M3.5.0,M10.5.0/3`,
 * `<+0330>-3:30`) for UTC.
 */
import { localtime_r, tzset } from "../posix/libc.js";

const time = Buffer.alloc(8);
/** struct tm: nine ints, four bytes of padding, tm_gmtoff, tm_zone. */
const broken = Buffer.alloc(64);
const GMTOFF_AT = 40;
let isSet = false;

/** Seconds that local time is ahead of UTC at a moment given in seconds since the epoch. */
export function utcOffset(epoch: number): number {
  if (!isSet) tzset();
  isSet = true;
  time.writeBigInt64LE(BigInt(Math.trunc(epoch)));
  return BigInt(localtime_r(time, broken)) === 0n ? 0 : Number(broken.readBigInt64LE(GMTOFF_AT));
}

/** A date whose UTC fields are those of local time at that moment. */
export function localTime(epoch: number): Date {
  return new Date((epoch + utcOffset(epoch)) * 1000);
}
