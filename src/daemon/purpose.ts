/**
 * Who was stopped on purpose, and stays stopped over `reload` and `update` (keep_stopped). `update` stops a group
 * by the very call that `stop group:*` makes; what tells them apart is that an update has just read the files and
 * found that group changed or gone.
 */
import type { Config } from "../core/config.js";
import type { ConfigChange } from "../rpc/daemon.js";
import type { Entry, Group } from "./entry.js";
import { heldKey, knownKeys } from "./groups.js";

export interface Purpose {
  /** Processes that are not under supervision now and are to stay down when they come back, by `group:process`. */
  readonly held: ReadonlySet<string>;
  /** What an earlier supervisor knew. */
  restore(held: Iterable<string>): void;
  /** The files were read: what they say, and what of that is new. */
  read(config: Config, change: ConfigChange): void;
  /** Somebody stops these members of a group in one call. */
  stopping(group: string, members: ReadonlySet<string>): void;
  /** Whether it was stopped by an update of its group, which will start it again. */
  isUpdating(entry: Entry): boolean;
  /**
   * A group is no longer supervised. What was stopped in it on purpose stays so only where it is removed for an update:
   * ours, or that of a client, which stops a group after a reading that found it changed or gone.
   */
  removed(group: Group, isUpdate: boolean): void;
  /** Everything stopped on purpose, supervised or not. */
  all(groups: Iterable<Group>): ReadonlySet<string>;
}

/** `earlier` are those of the life before, as `all` gave them. */
export function createPurpose(earlier: ReadonlySet<string>, config: Config): Purpose {
  let keeps = config.supervisord.keep_stopped;
  let held: ReadonlySet<string> = keeps ? earlier : new Set();
  let change: ConfigChange = { added: [], changed: [], removed: [] };
  /** Counts readings: a stop belongs to the one it follows. */
  let readings = 0;
  const stops = new Map<string, { readonly reading: number; readonly members: ReadonlySet<string> }>();

  function stoppedSinceReading({ group, name }: Entry): boolean {
    const stop = stops.get(group);
    return stop?.reading === readings && stop.members.has(name);
  }

  /** Stopped as a whole since a reading that found it changed or gone. */
  function isUpdated(group: string): boolean {
    const wasStopped = stops.get(group)?.reading === readings;
    return wasStopped && (change.changed.includes(group) || change.removed.includes(group));
  }

  return {
    get held() {
      return held;
    },
    restore(keys) {
      if (keeps) held = new Set([...held, ...keys]);
    },
    read(config, found) {
      keeps = config.supervisord.keep_stopped;
      change = found;
      readings += 1;
      // Mostly there are none, and thousands of names need not be made.
      if (held.size === 0) return;
      const known = knownKeys(config);
      held = new Set([...held].filter((key) => known.has(key)));
    },
    stopping: (group, members) => void stops.set(group, { reading: readings, members }),
    isUpdating: (entry) => stoppedSinceReading(entry) && isUpdated(entry.group),
    removed(group, isUpdate) {
      if (!keeps) return;
      const staysHeld = isUpdate || isUpdated(group.name);
      const next = new Set(held);
      for (const entry of group.processes.values()) {
        const key = heldKey(group.name, entry.name);
        if (staysHeld && entry.process.held && !stoppedSinceReading(entry)) next.add(key);
        else next.delete(key);
      }
      stops.delete(group.name);
      held = next;
    },
    all(groups) {
      const keys = new Set(held);
      for (const group of groups)
        for (const entry of group.processes.values()) {
          const key = heldKey(group.name, entry.name);
          if (entry.process.held) keys.add(key);
          else keys.delete(key);
        }
      return keys;
    },
  };
}
