/**
 * Sections and keys that nobody reads. Supervisor passes them over in silence, so that a typo in `autorestart` goes
 * unnoticed until the program is needed; here each has one warning, with the known name that is nearest.
 */
import type { ParseMessage } from "../core/config.js";
import type { Conf, Entry, Section } from "./conf.js";
import { nearest } from "./nearest.js";
import * as options from "./options.js";

const LISTENER = {
  ...options.LISTENER_OPTIONS,
  ...options.LISTENER_EVENT_OPTIONS,
  ...options.LISTENER_STDERR_OPTIONS,
};
const PROGRAM = { ...options.PROGRAM_OPTIONS, ...options.ENVIRONMENT_OPTION, ...options.PROCESS_OPTIONS };

/** By the section's name, or what stands before the colon in it. Null: any key, since plugins have their own. */
const KEYS: ReadonlyMap<string, ReadonlySet<string> | null> = new Map([
  ["supervisord", keys(options.SUPERVISORD_OPTIONS)],
  ["supervisorctl", keys(options.CTL_OPTIONS)],
  ["include", new Set(["files"])],
  [
    "unix_http_server",
    keys({
      ...options.UNIX_SERVER_OPTIONS,
      ...options.AUTHENTICATION_OPTIONS,
      ...options.SOCKET_FILE_OPTIONS,
    }),
  ],
  ["inet_http_server", keys({ ...options.INET_SERVER_OPTIONS, ...options.AUTHENTICATION_OPTIONS })],
  ["program", keys(PROGRAM)],
  ["fcgi-program", keys({ ...PROGRAM, ...options.FCGI_OPTIONS })],
  ["eventlistener", keys({ ...PROGRAM, ...LISTENER })],
  ["group", keys(options.GROUP_OPTIONS)],
  ["rpcinterface", null],
  ["ctlplugin", null],
]);

/** Kinds of sections that have a name behind a colon, and those that may have one. */
const NAMED = new Set(["program", "fcgi-program", "eventlistener", "group", "rpcinterface", "ctlplugin"]);
const MAY_BE_NAMED = new Set(["unix_http_server", "inet_http_server"]);

/** Keys that plugins of Supervisor read from the sections of programs. */
const OF_PLUGINS = /^dependent_startup(_|$)/;

function keys(table: object): ReadonlySet<string> {
  return new Set(Object.keys(table));
}

interface Place {
  readonly section: Section;
  readonly entry: Entry;
}

/** Messages about unknown names: one for each section, and one for each key, however many sections have it. */
export function unknownNames({ sections }: Conf): readonly ParseMessage[] {
  const messages: ParseMessage[] = [];
  const places = new Map<string, Place[]>();
  for (const section of sections.values()) {
    const kind = kindOf(section.name);
    const known = KEYS.get(kind);
    if (known === undefined || !isNamedRight(section.name, kind)) messages.push(unknownSection(section));
    else if (known !== null)
      for (const [key, entry] of section.entries) {
        if (known.has(key) || OF_PLUGINS.test(key)) continue;
        const before = places.get(key);
        if (before === undefined) places.set(key, [{ section, entry }]);
        else before.push({ section, entry });
      }
  }
  for (const [key, found] of places) messages.push(unknownKey(key, found));
  return messages;
}

function kindOf(name: string): string {
  const colon = name.indexOf(":");
  return colon < 0 ? name : name.slice(0, colon);
}

function isNamedRight(name: string, kind: string): boolean {
  return MAY_BE_NAMED.has(kind) || name.includes(":") === NAMED.has(kind);
}

function unknownSection({ name, file, line }: Section): ParseMessage {
  const kind = kindOf(name);
  const meant = nearest(kind, KEYS.keys());
  const rest = name.slice(kind.length);
  const whole = meant === null ? null : `[${meant}${NAMED.has(meant) ? rest || ":NAME" : ""}]`;
  const hint = whole === null ? "" : `; did you mean ${whole}?`;
  return warn(`unknown section [${name}] is ignored (${file}:${line})${hint}`);
}

function unknownKey(key: string, found: readonly Place[]): ParseMessage {
  const [first] = found;
  if (first === undefined) throw new Error("no place");
  const { section, entry } = first;
  const where =
    found.length === 1
      ? `in [${section.name}] is ignored (${entry.file}:${entry.line})`
      : `is ignored in ${found.length} sections, first in [${section.name}] (${entry.file}:${entry.line})`;
  if (key.startsWith("["))
    return warn(`'${key}' ${where}; is it the header of a section, without its closing bracket?`);
  return warn(`unknown key '${key}' ${where}${hintFor(key, section)}`);
}

/** A key of the section that is spelled nearly so, else the kinds of sections that have the very key. */
function hintFor(key: string, section: Section): string {
  const meant = nearest(key, KEYS.get(kindOf(section.name)) ?? []);
  if (meant !== null) return `; did you mean ${meant}?`;
  const homes = [...KEYS].filter(([, known]) => known?.has(key)).map(([kind]) => kind);
  const [home] = homes;
  return home === undefined ? "" : `; it is a key of [${home}${NAMED.has(home) ? ":NAME" : ""}]`;
}

function warn(text: string): ParseMessage {
  return { level: "warn", text, again: true };
}
