/** Sending signals. */
import * as libc from "./libc.js";

/** Sends to the process, or to its group. The errno name of a failure, or null. */
export function kill(pid: number, signal: number, asgroup: boolean): string | null {
  if (!Number.isInteger(pid) || pid <= 1) return "ESRCH";
  return libc.kill(asgroup ? -pid : pid, signal) === 0 ? null : libc.lastErrno();
}
