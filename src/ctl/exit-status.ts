import { FAULTS } from "../core/faults.js";

/** Exit statuses of supervisorctl, after those of LSB init scripts. */
export const EXIT = {
  OK: 0,
  GENERIC: 1,
  INVALID_ARGS: 2,
  UNIMPLEMENTED_FEATURE: 3,
  INSUFFICIENT_PRIVILEGES: 4,
  NOT_INSTALLED: 5,
  NOT_RUNNING: 7,
} as const;

/** `status` has its own reading of 3 and 4. */
export const STATUS_EXIT = { NOT_RUNNING: 3, UNKNOWN: 4 } as const;

/** What a fault does to the exit status; null leaves it as it is. */
export function exitOfFault(code: number, ignored: number | null = null): number | null {
  if (code === ignored || code === FAULTS.SUCCESS) return null;
  const dead: readonly number[] = [FAULTS.SPAWN_ERROR, FAULTS.ABNORMAL_TERMINATION, FAULTS.NOT_RUNNING];
  return dead.includes(code) ? EXIT.NOT_RUNNING : EXIT.GENERIC;
}
