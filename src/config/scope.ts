/** Reading the options of one section: look up, expand, convert, and note what is wrong with each. */
import type { ParseMessage } from "../core/config.js";
import { type Conf, type Entry, lookup, type Section } from "./conf.js";
import { type Expansions, expand } from "./expand.js";
import type { ConfigHost } from "./host.js";
import type { Issues } from "./issues.js";
import type { GroupMemory } from "./memory.js";
import type { NameSet, Option, OptionTable, Values } from "./options.js";

/** What reading needs, apart from the section. */
export interface Reading {
  readonly conf: Conf;
  readonly host: ConfigHost;
  readonly issues: Issues;
  /** `ENV_X` of the daemon's environment and of `[supervisord] environment`. */
  readonly environment: ReadonlyMap<string, string>;
  /** `[supervisord] environment` could not be read: a name missing for that reason is no second mistake. */
  readonly environmentUnknown: boolean;
  /** Directory of the main file. */
  readonly here: string;
  /** Takes warnings about values that can be used. */
  readonly say?: (message: ParseMessage) => void;
  /** What the reading before made of each section. */
  readonly memory?: GroupMemory;
}

export interface Scope {
  readonly reading: Reading;
  readonly section: Section;
  /** What is added to the text of each mistake. */
  readonly suffix: string;
  readonly names: (set: NameSet) => Expansions;
  /** The section's own environment could not be read, so its names are missing too. */
  readonly environmentUnknown: boolean;
}

/** The scope of a section whose values only know `here` and the environment. */
export function sectionScope(reading: Reading, section: Section): Scope {
  const env: Expansions = { own: new Map(), shared: reading.environment };
  const here: Expansions = { own: new Map([["here", reading.here]]), shared: reading.environment };
  return {
    reading,
    section,
    suffix: "",
    names: (set) => (set === "env" ? env : here),
    environmentUnknown: reading.environmentUnknown,
  };
}

export function entryOf({ reading, section }: Scope, key: string): Entry | undefined {
  return lookup(reading.conf, section, key);
}

/** Notes a mistake about a key; where the key is missing, the section header is the place. */
export function mistake(scope: Scope, key: string, text: string, id?: string, hint?: string): void {
  const { file, line } = entryOf(scope, key) ?? scope.section;
  const place = { file, line, section: scope.section.name, key };
  const issue = { text: text + scope.suffix, ...place, ...(hint === undefined ? {} : { hint }) };
  scope.reading.issues.add(issue, id);
}

/** Warns of a value that can be used, but may not mean what its author meant. */
function doubt({ reading, section }: Scope, key: string, text: string): void {
  const { file, line } = lookup(reading.conf, section, key) ?? section;
  reading.say?.({ level: "warn", text: `[${section.name}] ${key}: ${text} (${file}:${line})`, again: true });
}

/** The value as text, expanded; null when absent or not expandable. */
function textOf(scope: Scope, key: string, option: Option<unknown>): string | null {
  const value = entryOf(scope, key)?.value;
  if (value === undefined || option.names === "verbatim") return value ?? null;
  const label = option.label ?? `${scope.section.name}.${key}`;
  const once = expandHere(scope, key, value, option.names, label);
  return once === null || option.twice !== true ? once : expandHere(scope, key, once, option.names, key);
}

/** Expands a text that belongs to a key; null, and a mistake noted, when that fails. */
export function expandHere(
  scope: Scope,
  key: string,
  value: string,
  names: NameSet,
  label: string,
): string | null {
  const expanded = expand(value, scope.names(names), label);
  if (expanded.ok) return expanded.value;
  const excused = scope.environmentUnknown && (expanded.unknown?.startsWith("ENV_") ?? false);
  if (!excused) mistake(scope, key, expanded.text);
  return null;
}

/** One option's value. A mistake is noted, and the default stands in so that reading can go on. */
export function readOption<T>(scope: Scope, key: string, option: Option<T>): T | null {
  const { host } = scope.reading;
  const written = textOf(scope, key, option);
  if (written !== null) {
    const converted = option.convert(written, host);
    if (converted.ok) {
      if (converted.doubt !== undefined) doubt(scope, key, converted.doubt);
      return converted.value;
    }
    mistake(scope, key, converted.text, undefined, converted.hint);
  }
  return defaultOf(option, host);
}

const defaults = new WeakMap<Option<unknown>, { readonly value: unknown }>();

/** Defaults mean the same on every host, so each is converted once. */
function defaultOf<T>(option: Option<T>, host: ConfigHost): T | null {
  if (option.default === null) return null;
  let known = defaults.get(option);
  if (known === undefined) {
    const converted = option.convert(option.default, host);
    known = { value: converted.ok ? converted.value : null };
    defaults.set(option, known);
  }
  return known.value as T | null;
}

const rowsOf = new WeakMap<OptionTable, readonly (readonly [string, Option<unknown>])[]>();

function rows(table: OptionTable): readonly (readonly [string, Option<unknown>])[] {
  const known = rowsOf.get(table) ?? Object.entries(table);
  rowsOf.set(table, known);
  return known;
}

/** All options of a table, in the table's order. */
export function readOptions<const Table extends OptionTable>(scope: Scope, table: Table): Values<Table> {
  const values: Record<string, unknown> = {};
  for (const [key, option] of rows(table)) values[key] = readOption(scope, key, option);
  return values as Values<Table>;
}
