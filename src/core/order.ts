/** Who comes first. */
import type { GroupConfig, ProcessConfig } from "./config.js";

interface Ranked {
  readonly priority: number;
  readonly name: string;
}

/** Ascending priority, then name in text order. */
export function byPriority(a: Ranked, b: Ranked): number {
  return a.priority - b.priority || compareText(a.name, b.name);
}

/** Text order by code point, as Supervisor sorts names. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Shutdown takes groups one by one, highest priority first, last name first. */
export function shutdownOrder<G extends { readonly config: GroupConfig }>(groups: Iterable<G>): G[] {
  return [...groups].sort((a, b) => byPriority(b.config, a.config));
}

/** Groups ascending, as the daemon starts them and lists them. */
export function groupOrder<G extends { readonly config: GroupConfig }>(groups: Iterable<G>): G[] {
  return [...groups].sort((a, b) => byPriority(a.config, b.config));
}

/**
 * Members of a group, ascending: the order of `start g:*` and `stop g:*`. Equal priorities stay in the order of
 * `programs=`, in which a group has its members.
 */
export function memberOrder<P extends { readonly config: ProcessConfig }>(members: Iterable<P>): P[] {
  return [...members].sort((a, b) => a.config.priority - b.config.priority);
}
