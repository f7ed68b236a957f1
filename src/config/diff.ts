/** What a reread found: which groups came, went or changed. */
import { isDeepStrictEqual } from "node:util";
import type { GroupConfig, ProcessConfig } from "../core/config.js";

/** Group names: what went in the order of what runs, the others in that of the files, by priority and then name. */
export interface ConfigDiff {
  readonly added: readonly string[];
  readonly changed: readonly string[];
  readonly removed: readonly string[];
}

/** Compares what runs with what the files now say. */
export function diffConfig(active: readonly GroupConfig[], available: readonly GroupConfig[]): ConfigDiff {
  const before = new Map(active.map((group) => [group.name, group]));
  const after = new Map(available.map((group) => [group.name, group]));
  const added: string[] = [];
  const changed: string[] = [];
  for (const [name, group] of after) {
    const known = before.get(name);
    if (known === undefined) added.push(name);
    else if (!sameGroup(known, group)) changed.push(name);
  }
  const removed = [...before.keys()].filter((name) => !after.has(name));
  return { added, changed, removed };
}

/** Whether a running group is what the files say. */
export function sameGroup(a: GroupConfig, b: GroupConfig): boolean {
  if (a === b || lastSame.get(b) === a) return true;
  const same = isSame(a, b);
  if (same) lastSame.set(b, a);
  return same;
}

/** Readings share what they take over from each other: then the answer is known. Configurations never change. */
const lastSame = new WeakMap<GroupConfig, GroupConfig>();

function isSame(a: GroupConfig, b: GroupConfig): boolean {
  if (a.priority !== b.priority || a.processes.length !== b.processes.length) return false;
  if (!a.processes.every((process, index) => sameProcess(process, b.processes[index]))) return false;
  if (a.kind === "eventlistener" && b.kind === "eventlistener")
    return (
      a.buffer_size === b.buffer_size &&
      a.result_handler === b.result_handler &&
      isDeepStrictEqual(a.events, b.events)
    );
  // Owner, mode and backlog of the socket are not looked at: so it is in Supervisor.
  if (a.kind === "fcgi" && b.kind === "fcgi") return a.socket.url === b.socket.url;
  return a.kind === b.kind;
}

function sameProcess(a: ProcessConfig, b: ProcessConfig | undefined): boolean {
  return (
    b !== undefined &&
    // Of the user only the number counts, of the socket its URL.
    a.user?.uid === b.user?.uid &&
    a.fcgi?.socket.url === b.fcgi?.socket.url &&
    lastingUrl(a) === lastingUrl(b) &&
    samePlainFields(a, b)
  );
}

/** The daemon keeps its servers until it is restarted, so a URL that was found out is no change. */
function lastingUrl({ serverurl, serverurl_auto }: ProcessConfig): string | null {
  return serverurl_auto === true ? null : serverurl;
}

const COMPARED_ABOVE: ReadonlySet<string> = new Set(["user", "fcgi", "serverurl", "serverurl_auto"]);

/** All others. Both have the same ones, since every process is made in one place. */
function samePlainFields(a: ProcessConfig, b: ProcessConfig): boolean {
  for (const name in a) {
    if (COMPARED_ABOVE.has(name)) continue;
    const [one, other] = [a[name as keyof ProcessConfig], b[name as keyof ProcessConfig]];
    // Most are texts and numbers; only lists and the environment have to be looked into.
    if (one !== other && !(typeof one === "object" && isDeepStrictEqual(one, other))) return false;
  }
  return true;
}
