/**
 * Processes that a stop has left behind: members of a child's process group that the stop signal was not sent to, as
 * `stopasgroup` is not set. They are named in the log, once the child's end has had a moment to end them too.
 */
import type { Notify } from "../core/process.js";
import { groupMembers, hasGroup } from "../posix/identity.js";
import type { Entry } from "./entry.js";
import type { Log } from "./log.js";

export interface LeftBehind extends Disposable {
  /** To be called for each change of each process. */
  changed(entry: Entry, change: Notify): void;
}

/** Children of a prefork server end a moment after it. */
const GRACE_MS = 1000;
/** So many are named, the others counted. */
const MOST_NAMED = 5;

export function createLeftBehind(log: Log): LeftBehind {
  const looks = new Map<NodeJS.Timeout, () => void>();

  function look(name: string, pid: number): void {
    const members = groupMembers(pid);
    if (members.length === 0) return;
    const named = members.slice(0, MOST_NAMED).map((member) => `${member.pid} (${member.command})`);
    const more = members.length > MOST_NAMED ? ` and ${members.length - MOST_NAMED} more` : "";
    const what = members.length === 1 ? "a process of its group lives" : "processes of its group live";
    log.log(
      "warn",
      `${name} (${pid}) was stopped, but ${what} on: ${named.join(", ")}${more}; stopasgroup=true and killasgroup=true end them too`,
    );
  }

  return {
    changed({ name, config }, { from, to, pid }) {
      if (from !== "STOPPING" || to !== "STOPPED" || config.stopasgroup || pid <= 1 || !hasGroup(pid)) return;
      const act = (): void => look(name, pid);
      const timer = setTimeout(() => {
        looks.delete(timer);
        act();
      }, GRACE_MS);
      looks.set(timer, act);
    },
    /** Pending checks run now, since the timers end with the daemon. */
    [Symbol.dispose]() {
      for (const [timer, act] of looks) {
        clearTimeout(timer);
        act();
      }
      looks.clear();
    },
  };
}
