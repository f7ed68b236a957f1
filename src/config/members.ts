/** What all groups have in common. */
import type { ParseMessage, ProcessConfig } from "../core/config.js";
import type { Surroundings } from "./program.js";

/** What all groups of a configuration share. */
export type Common = Omit<Surroundings, "group" | "fcgi">;

export function warning(text: string): ParseMessage {
  return { level: "warn", text };
}

/** Two processes of one name in a group: the place of the first, the configuration of the last. */
export function distinct(
  processes: readonly ProcessConfig[],
  group: string,
  { say }: Common,
): readonly ProcessConfig[] {
  const byName = new Map<string, ProcessConfig>();
  for (const process of processes) {
    if (byName.has(process.name))
      say(warning(`Two processes of group ${group} are named ${process.name}, only the last is used`));
    byName.set(process.name, process);
  }
  return [...byName.values()];
}
