/** Changes in the files that only a reload puts into force: `update` looks at groups alone. */
import { isDeepStrictEqual } from "node:util";
import type { Config, ServerConfig } from "../core/config.js";
import { compareText } from "../core/order.js";
import { SUPERVISORD_OPTIONS } from "./options.js";

/** In force from each reading on, or part of what `update` compares in the programs. */
const AT_ONCE: ReadonlySet<string> = new Set([
  "keep_stopped",
  "environment",
  "identifier",
  "strip_ansi",
  "childlogdir",
]);

/** `[section] key` each, or `[section]` where it is new or gone; never a value, as some are secrets. */
export function needsReload(running: Config, available: Config): readonly string[] {
  const places: string[] = [];
  for (const key of Object.keys(SUPERVISORD_OPTIONS) as (keyof typeof SUPERVISORD_OPTIONS)[])
    if (!AT_ONCE.has(key) && !isDeepStrictEqual(running.supervisord[key], available.supervisord[key]))
      places.push(`[supervisord] ${key}`);
  places.push(...changes(running.servers, available.servers, ({ section }) => section));
  places.push(
    ...changes(running.rpcinterfaces, available.rpcinterfaces, ({ name }) => `rpcinterface:${name}`),
  );
  return places.sort(compareText);
}

function changes<T extends ServerConfig | Config["rpcinterfaces"][number]>(
  before: readonly T[],
  after: readonly T[],
  sectionOf: (each: T) => string,
): readonly string[] {
  const older = new Map(before.map((each) => [sectionOf(each), each]));
  const newer = new Map(after.map((each) => [sectionOf(each), each]));
  const sections = new Set([...older.keys(), ...newer.keys()]);
  return [...sections].flatMap((section) => {
    const [old, now] = [older.get(section), newer.get(section)];
    if (old === undefined || now === undefined) return [`[${section}]`];
    const keys = new Set([...Object.keys(old), ...Object.keys(now)]) as ReadonlySet<string>;
    const field = (each: T, key: string): unknown => (each as unknown as Record<string, unknown>)[key];
    const changed = [...keys].filter((key) => !isDeepStrictEqual(field(old, key), field(now, key)));
    return [...new Set(changed.map((key) => `[${section}] ${key === "host" ? "port" : key}`))];
  });
}
