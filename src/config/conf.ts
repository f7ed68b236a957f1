/** Sections and keys of one or more files, laid over each other, each knowing where it stands. */

import { decode } from "./decode.js";
import { type IniFile, type IniMemory, type IniSection, readIni } from "./ini.js";
import type { Issues } from "./issues.js";
import { repr } from "./python.js";

export interface Entry {
  readonly value: string;
  /** Absolute path. */
  readonly file: string;
  readonly line: number;
}

export interface Section {
  readonly name: string;
  /** Absolute path and line of the first header. */
  readonly file: string;
  readonly line: number;
  /** The file that first had this section, as error texts name it. */
  readonly origin: string;
  readonly entries: Map<string, Entry>;
}

export interface Conf {
  /** In order of first appearance; without `[DEFAULT]`. */
  readonly sections: Map<string, Section>;
  /** `[DEFAULT]`: what every section has unless it says otherwise. */
  readonly defaults: Map<string, Entry>;
}

export function createConf(): Conf {
  return { sections: new Map(), defaults: new Map() };
}

export function lookup(conf: Conf, section: Section, key: string): Entry | undefined {
  return section.entries.get(key) ?? conf.defaults.get(key);
}

/** A section's keys, those of `[DEFAULT]` included. */
export function keysOf(conf: Conf, section: Section): ReadonlySet<string> {
  return new Set([...section.entries.keys(), ...conf.defaults.keys()]);
}

/** A file as it is opened, and as texts name it. */
export interface ConfFile {
  readonly path: string;
  readonly name: string;
}

/** What one file brought. */
export interface Layer {
  readonly touched: ReadonlyMap<Section, readonly string[]>;
  readonly created: readonly Section[];
  readonly touchedDefaults: boolean;
}

const DEFAULT_SECTION = "DEFAULT";

/** Files as they were read last. What is in it is never changed, only replaced. */
export interface ConfMemory {
  readonly files: Map<string, IniMemory>;
  readonly sections: WeakMap<IniSection, Section>;
}

export function createConfMemory(): ConfMemory {
  return { files: new Map(), sections: new WeakMap() };
}

/** Lays a file over what is there. */
export function addFile(
  conf: Conf,
  file: ConfFile,
  bytes: Uint8Array,
  issues: Issues,
  memory?: ConfMemory,
): Layer {
  const { text, problem } = decode(bytes);
  const note = (message: string, line: number): void =>
    issues.add({ text: message, file: file.path, line, section: null, key: null });
  if (problem !== null) note(problem.text, problem.line);

  const ini = readIni(text, memory === undefined ? undefined : linesOf(memory, file));
  const keeping = memory !== undefined && isAlone(conf, ini) ? memory.sections : null;
  if (ini.headerless !== null) {
    const { line, text: shown } = ini.headerless;
    note(`File contains no section headers.\nfile: ${repr(file.name)}, line: ${line}\n${repr(shown)}`, line);
  }
  // Supervisor lists all bad lines of a file in a single message.
  const [firstBad] = ini.bad;
  if (firstBad !== undefined) {
    const lines = ini.bad.map((bad) => `\n\t[line ${String(bad.line).padStart(2)}]: ${repr(bad.text)}`);
    note(`Source contains parsing errors: ${repr(file.name)}${lines.join("")}`, firstBad.line);
  }

  const touched = new Map<Section, readonly string[]>();
  const created: Section[] = [];
  let touchedDefaults = false;
  for (const iniSection of ini.sections) {
    const { name, line, entries } = iniSection;
    const known = keeping?.get(iniSection);
    if (known !== undefined && known.file === file.path && known.origin === file.name) {
      conf.sections.set(name, known);
      continue;
    }
    const placed = [...entries].map(([key, entry]) => [key, { ...entry, file: file.path }] as const);
    if (name === DEFAULT_SECTION) {
      touchedDefaults = true;
      for (const [key, entry] of placed) conf.defaults.set(key, entry);
      continue;
    }
    let section = conf.sections.get(name);
    if (section === undefined) {
      section = { name, file: file.path, line, origin: file.name, entries: new Map() };
      conf.sections.set(name, section);
      created.push(section);
      keeping?.set(iniSection, section);
    }
    for (const [key, entry] of placed) section.entries.set(key, entry);
    touched.set(section, [...entries.keys()]);
  }
  return { touched, created, touchedDefaults };
}

function linesOf(memory: ConfMemory, { path }: ConfFile): IniMemory {
  const known = memory.files.get(path) ?? new Map();
  memory.files.set(path, known);
  return known;
}

/**
 * Whether no other file will be laid over these sections or under them, so that they stay as they are. (Nobody asks
 * then which of them were touched either.)
 */
function isAlone(conf: Conf, ini: IniFile): boolean {
  return conf.sections.size === 0 && ini.sections.every(({ name }) => name !== "include");
}

const HERE = "%(here)s";

/**
 * Puts a directory in for `%(here)s`, as text, in what a file brought: with an `[include]`, each file's `here` is
 * its own directory. Defaults stay as they are, but each section takes its copy with the `here` of the moment.
 */
export function settleHere(conf: Conf, layer: Layer, here: string): void {
  const settle = (section: Section, key: string, entry: Entry | undefined): void => {
    if (entry?.value.includes(HERE))
      section.entries.set(key, { ...entry, value: entry.value.replaceAll(HERE, () => here) });
  };
  for (const [section, keys] of layer.touched)
    for (const key of keys) settle(section, key, section.entries.get(key));
  const defaults = [...conf.defaults].filter(([, entry]) => entry.value.includes(HERE));
  if (defaults.length === 0) return;
  const sections = layer.touchedDefaults ? conf.sections.values() : layer.created;
  for (const section of sections)
    for (const [key, entry] of defaults) if (!section.entries.has(key)) settle(section, key, entry);
}
