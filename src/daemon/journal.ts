/** What a later supervisor has to know of this one, put into words; state-file.ts keeps what is noted here. */
import type { SavedPool, SavedRun } from "../core/saved.js";
import type { StateRecord } from "../wire/state-file.js";
import type { Entry, Group } from "./entry.js";
import type { StateFile } from "./state-file.js";

export interface Journal extends Disposable {
  /** Begins to keep what is noted; until then, and without, it goes nowhere. */
  keep(file: StateFile): void;
  daemon(): void;
  group(group: Group): void;
  groupRemoved(name: string): void;
  /** Members came or went. */
  members(group: Group): void;
  process(entry: Entry): void;
  /** Lasts when this returns: if nobody lives to see the child, its pipes will tell which one it is. */
  spawning(entry: Entry, pipes: SavedRun): void;
  pool(name: string, save: () => SavedPool): void;
  poolRemoved(name: string): void;
  /** What was noted lasts when this returns. */
  flush(): void;
  /** Everything that is known now; `whole` with what listeners have said of long answers, which is not kept in a file. */
  all(whole: boolean): Iterable<StateRecord>;
  /** Nothing is left to remember. */
  over(): void;
}

export interface JournalOptions {
  readonly daemon: () => Omit<Extract<StateRecord, { readonly is: "daemon" }>, "is">;
  readonly groups: () => Iterable<Group>;
  readonly pools: (whole: boolean) => readonly SavedPool[];
  readonly isUpdating: (entry: Entry) => boolean;
}

export function createJournal(options: JournalOptions): Journal {
  let file: StateFile | null = null;

  const sayDaemon = (): StateRecord => ({ is: "daemon", ...options.daemon() });

  function sayProcess(entry: Entry, run: SavedRun | null): StateRecord {
    const { group, name, process } = entry;
    const updating = options.isUpdating(entry);
    return { is: "process", process: { group, name, process, run, updating } };
  }

  const journal: Journal = {
    keep(kept) {
      file = kept;
    },
    daemon: () => file?.note("daemon", sayDaemon),
    group: (group) => file?.note(`group ${group.name}`, () => sayGroup(group)),
    groupRemoved: (name) => file?.note(`group ${name}`, () => ({ is: "group", name, group: null })),
    members(group) {
      // A group's record stands for it anew, so those of its processes must follow.
      file?.flush();
      journal.group(group);
      for (const entry of group.processes.values()) journal.process(entry);
      file?.flush();
    },
    process: (entry) => file?.note(entry, () => sayProcess(entry, entry.run?.saved ?? null)),
    spawning(entry, pipes) {
      file?.note(entry, () => sayProcess(entry, pipes));
      file?.flush();
    },
    pool: (name, save) => file?.note(`pool ${name}`, () => ({ is: "pool", name, pool: save() })),
    poolRemoved: (name) => file?.note(`pool ${name}`, () => ({ is: "pool", name, pool: null })),
    flush: () => file?.flush(),
    *all(whole) {
      yield sayDaemon();
      for (const group of options.groups()) {
        yield sayGroup(group);
        for (const entry of group.processes.values()) yield sayProcess(entry, entry.run?.saved ?? null);
      }
      for (const pool of options.pools(whole)) yield { is: "pool", name: pool.name, pool };
    },
    over: () => file?.remove(),
    [Symbol.dispose]() {
      file?.[Symbol.dispose]();
      file = null;
    },
  };
  return journal;
}

function sayGroup({ name, config, processes }: Group): StateRecord {
  const logs = Object.fromEntries(
    [...processes.values()].map((entry) => [
      entry.name,
      { stdout: entry.logfile("stdout"), stderr: entry.logfile("stderr") },
    ]),
  );
  const known = new Set(config.processes.map((member) => member.name));
  const added = [...processes.values()].flatMap((entry) => (known.has(entry.name) ? [] : [entry.config]));
  return { is: "group", name, group: { config, logs, ...(added.length === 0 ? {} : { added }) } };
}
