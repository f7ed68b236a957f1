/** From a name as clients send it to what it names. */
import { splitNamespec } from "../core/namespec.js";
import { compareText, groupOrder, memberOrder } from "../core/order.js";
import type { Daemon, GroupHandle, ProcessHandle } from "./daemon.js";
import { RpcFault } from "./fault.js";

export type Named =
  | { readonly group: GroupHandle; readonly process: ProcessHandle }
  /** The whole group was named. */
  | { readonly group: GroupHandle; readonly process: null };

/** Throws BAD_NAME with the name as sent. */
export function findNamed(daemon: Daemon, name: string): Named {
  const spec = splitNamespec(name);
  const group = daemon.groups.get(spec.group);
  if (group === undefined) throw new RpcFault("BAD_NAME", name);
  if (spec.process === null) return { group, process: null };
  const process = group.processes.get(spec.process);
  if (process === undefined) throw new RpcFault("BAD_NAME", name);
  return { group, process };
}

/** Where a whole group is no answer. */
export function findProcess(daemon: Daemon, name: string): ProcessHandle {
  const { process } = findNamed(daemon, name);
  if (process === null) throw new RpcFault("BAD_NAME", name);
  return process;
}

export function findGroup(daemon: Daemon, name: string): GroupHandle {
  const group = daemon.groups.get(name);
  if (group === undefined) throw new RpcFault("BAD_NAME", name);
  return group;
}

/** Group priority, then process priority: the order in which things are done. */
export function allByPriority(daemon: Daemon): readonly ProcessHandle[] {
  return groupOrder(daemon.groups.values()).flatMap((group) => memberOrder(group.processes.values()));
}

const sorted = new WeakMap<Daemon["groups"], readonly ProcessHandle[]>();

/** Group name, then process name: the order in which things are listed. */
export function allByName({ groups }: Daemon): readonly ProcessHandle[] {
  const known = sorted.get(groups);
  if (known !== undefined) return known;
  const all = [...groups.values()]
    .sort((a, b) => compareText(a.name, b.name))
    .flatMap((group) => [...group.processes.values()].sort((a, b) => compareText(a.name, b.name)));
  sorted.set(groups, all);
  return all;
}
