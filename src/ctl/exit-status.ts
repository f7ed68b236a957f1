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

/** Fault codes that commands look at. */
export const FAULT = {
  UNKNOWN_METHOD: 1,
  SHUTDOWN_STATE: 6,
  BAD_NAME: 10,
  BAD_SIGNAL: 11,
  NO_FILE: 20,
  NOT_EXECUTABLE: 21,
  FAILED: 30,
  ABNORMAL_TERMINATION: 40,
  SPAWN_ERROR: 50,
  ALREADY_STARTED: 60,
  NOT_RUNNING: 70,
  SUCCESS: 80,
  ALREADY_ADDED: 90,
  STILL_RUNNING: 91,
  CANT_REREAD: 92,
} as const;

/** What a fault does to the exit status; null leaves it as it is. */
export function exitOfFault(code: number, ignored: number | null = null): number | null {
  if (code === ignored || code === FAULT.SUCCESS) return null;
  const dead: readonly number[] = [FAULT.SPAWN_ERROR, FAULT.ABNORMAL_TERMINATION, FAULT.NOT_RUNNING];
  return dead.includes(code) ? EXIT.NOT_RUNNING : EXIT.GENERIC;
}
