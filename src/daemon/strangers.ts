/** The end of a process that is not our child: nobody reports it, but its descriptor becomes readable. */
import type { ExitCause } from "../core/process.js";
import type { SavedRun } from "../core/saved.js";
import { identify } from "../posix/identity.js";
import { exitInfo } from "../posix/pidfd.js";
import { watch } from "../posix/readiness.js";
import { decodeWaitStatus } from "../posix/reap.js";

/** `ended` is called once. The descriptor stays open, and must until then. */
export function watchEnd(
  pidfd: number,
  { pid, starttime }: SavedRun,
  ended: (cause: ExitCause) => void,
): void {
  const watching = watch(pidfd, "readable", () => {
    watching?.close();
    const waitStatus = uncollected() ?? exitInfo(pidfd);
    ended(waitStatus === null ? { type: "unknown" } : decodeWaitStatus(waitStatus));
    // Promises that were settled go on when Node runs something of its own next, which on an idle day is never.
    setImmediate(() => undefined);
  });

  /** Until its parent has collected it /proc tells how it ended; afterwards the descriptor does, since Linux 6.15. */
  function uncollected(): number | null {
    const found = pid === null ? null : identify(pid);
    return found?.dead === true && found.starttime === starttime ? found.waitStatus : null;
  }
}
