/** The environment of children: the daemon's own, what Supervisor tells each process of itself, and environment=. */
import type { Entry } from "./entry.js";

/** Gives a child's environment, each variable as `NAME=value`. */
export type Environment = (entry: Pick<Entry, "group" | "name" | "config">) => readonly string[];

/** The daemon's variables are read once: each look at `process.env` goes through all of them. */
export function createEnvironment(own: NodeJS.ProcessEnv = process.env): Environment {
  const inherited: (readonly [name: string, text: string])[] = [];
  for (const [name, value] of Object.entries(own))
    if (value !== undefined) inherited.push([name, `${name}=${value}`]);

  return ({ group, name, config }) => {
    const added: Record<string, string> = {
      SUPERVISOR_ENABLED: "1",
      ...(config.serverurl === null ? {} : { SUPERVISOR_SERVER_URL: config.serverurl }),
      SUPERVISOR_PROCESS_NAME: name,
      SUPERVISOR_GROUP_NAME: group,
      ...config.environment,
    };
    const texts: string[] = [];
    for (const [key, text] of inherited) if (!Object.hasOwn(added, key)) texts.push(text);
    for (const key of Object.keys(added)) texts.push(`${key}=${added[key]}`);
    return texts;
  };
}
