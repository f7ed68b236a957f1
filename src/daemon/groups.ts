/** Groups under supervision: made from configuration, added and removed while the daemon runs. */
import type { Config, GroupConfig, ProcessConfig } from "../core/config.js";
import { groupOrder } from "../core/order.js";
import { isStoppedClass } from "../core/process.js";
import type { SavedGroup, SavedLogs } from "../core/saved.js";
import type { Engine } from "./engine.js";
import { createEntry, type Entry, type Group } from "./entry.js";
import type { Outputs } from "./outputs.js";

export interface Groups {
  /** By priority, then name. Another map once a group or a member has come or gone. */
  readonly active: ReadonlyMap<string, Group>;
  /** As they came, which is how a reread lists those that are to go. */
  readonly arrived: Iterable<Group>;
  /** All of it or, where something throws, nothing. False when a group of that name is active already. */
  add(config: GroupConfig, held: ReadonlySet<string>, saved?: SavedGroup): boolean;
  remove(name: string): "removed" | "running" | "unknown";
  /** One more process in an active group of programs; null when there is none, or one of that name already. */
  addMember(group: string, config: ProcessConfig, held: boolean, logs?: SavedLogs): Entry | null;
  /** Forgets a process that is down. */
  removeMember(entry: Entry): "removed" | "running";
}

export interface GroupsOptions {
  readonly engine: Engine;
  /** `entry` gives the process the outputs are for; it exists by the time anything is written. */
  readonly outputs: (
    group: GroupConfig,
    config: ProcessConfig,
    entry: () => Entry,
    logs: SavedLogs | undefined,
  ) => Outputs;
  /** `resumed`: an earlier supervisor had it already. */
  readonly onAdded: (group: Group, resumed: boolean) => void;
  readonly onRemoved: (group: Group) => void;
}

export function createGroups({ engine, outputs, onAdded, onRemoved }: GroupsOptions): Groups {
  const active = new Map<string, Group>();
  let ordered: ReadonlyMap<string, Group> | null = null;
  /** The members of each group, as they can be changed. */
  const members = new WeakMap<Group, Map<string, Entry>>();

  function create(group: GroupConfig, member: ProcessConfig, isHeld: boolean, logs?: SavedLogs): Entry {
    const output = outputs(group, member, () => entry, logs);
    const entry: Entry = createEntry(group.name, member, output, isHeld);
    return entry;
  }

  function drop(group: Group): void {
    active.delete(group.name);
    ordered = null;
    for (const entry of group.processes.values()) engine.forget(entry);
  }

  return {
    get active() {
      ordered ??= new Map(groupOrder(active.values()).map((group) => [group.name, group]));
      return ordered;
    },
    get arrived() {
      return active.values();
    },
    add(config, held, saved) {
      if (active.has(config.name)) return false;
      const processes = new Map<string, Entry>();
      for (const member of config.processes) {
        const isHeld = held.has(heldKey(config.name, member.name));
        processes.set(member.name, create(config, member, isHeld, saved?.logs[member.name]));
      }
      const group: Group = { name: config.name, config, processes };
      members.set(group, processes);
      active.set(config.name, group);
      ordered = null;
      for (const entry of processes.values()) engine.adopt(entry);
      try {
        onAdded(group, saved !== undefined);
      } catch (error) {
        drop(group);
        throw error;
      }
      return true;
    },
    remove(name) {
      const group = active.get(name);
      if (group === undefined) return "unknown";
      const entries = [...group.processes.values()];
      if (!entries.every((entry) => isStoppedClass(entry.process.state.name))) return "running";
      drop(group);
      onRemoved(group);
      return "removed";
    },
    addMember(name, config, isHeld, logs) {
      const group = active.get(name);
      const known = group === undefined ? undefined : members.get(group);
      if (group?.config.kind !== "program" || known === undefined || known.has(config.name)) return null;
      const entry = create(group.config, config, isHeld, logs);
      engine.adopt(entry);
      known.set(config.name, entry);
      ordered = null;
      return entry;
    },
    removeMember(entry) {
      if (!isStoppedClass(entry.process.state.name)) return "running";
      const group = active.get(entry.group);
      if (group !== undefined) members.get(group)?.delete(entry.name);
      ordered = null;
      engine.forget(entry);
      entry.outputs.close();
      return "removed";
    },
  };
}

/** The name under which a purposely stopped process is remembered. */
export function heldKey(group: string, process: string): string {
  return `${group}:${process}`;
}

/** Every process name that a configuration knows, as `heldKey` spells it. */
export function knownKeys(config: Config): ReadonlySet<string> {
  const keys = new Set<string>();
  for (const group of config.groups)
    for (const member of group.processes) keys.add(heldKey(group.name, member.name));
  return keys;
}
