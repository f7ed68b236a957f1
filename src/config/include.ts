/** The main file and what its `[include]` names. */
import { posix } from "node:path";
import type { ParseMessage } from "../core/config.js";
import { addFile, type Conf, type ConfMemory, createConf, lookup, settleHere } from "./conf.js";
import { type Expansions, expand } from "./expand.js";
import { dirname, hasMagic } from "./glob.js";
import { absolute, type ConfigHost, NoConfiguration } from "./host.js";
import type { Issues } from "./issues.js";
import { splitBlanks } from "./python.js";

export interface Sources {
  readonly conf: Conf;
  readonly files: readonly string[];
  readonly includedirs: readonly string[];
  readonly messages: readonly ParseMessage[];
}

/** Reads the main file alone. Null, and an issue, when it can't be opened. */
export function readMain(path: string, host: ConfigHost, issues: Issues, memory?: ConfMemory): Conf | null {
  const file = absolute(path, host);
  const fail = (text: string): null => {
    issues.add({ text, file, line: null, section: null, key: null });
    return null;
  };
  if (!isThere(file, host)) return fail(`could not find config file ${path}`);
  const bytes = bytesOf(file, host);
  if (!(bytes instanceof Uint8Array))
    return fail(`could not read config file ${path}${bytes === null ? "" : `: ${bytes.message}`}`);
  const conf = createConf();
  addFile(conf, { path: file, name: path }, bytes, issues, memory);
  return conf;
}

/** Null where the file system refuses. */
function bytesOf(path: string, host: ConfigHost): Uint8Array | NoConfiguration | null {
  try {
    return host.readFile(path);
  } catch (error) {
    return error instanceof NoConfiguration ? error : null;
  }
}

function isThere(path: string, host: ConfigHost): boolean {
  try {
    return host.exists(path);
  } catch {
    return false;
  }
}

/** Reads the main file and its includes. `names` is what `[include] files` may use. */
export function readSources(
  path: string,
  names: Expansions,
  host: ConfigHost,
  issues: Issues,
  memory?: ConfMemory,
): Sources | null {
  const conf = readMain(path, host, issues, memory);
  if (conf === null) return null;
  const main = absolute(path, host);
  const here = posix.dirname(main);
  const include = conf.sections.get("include");
  if (include === undefined) return { conf, files: [main], includedirs: [], messages: [] };

  const everything = new Map([...conf.sections.values()].map((s) => [s, [...s.entries.keys()]] as const));
  settleHere(conf, { touched: everything, created: [], touchedDefaults: true }, here);
  const files = new Set([main]);
  const warnings: ParseMessage[] = [];
  const infos: ParseMessage[] = [];
  const directories = new Set<string>();
  for (const pattern of includePatterns(conf, names, issues)) {
    const whole = pattern.startsWith("/") ? pattern : `${here === "/" ? "" : here}/${pattern}`;
    const directory = dirname(whole);
    const places = hasMagic(directory)
      ? [fixedPart(directory), ...host.glob(directory).filter((path) => host.isDirectory(path))]
      : [directory];
    for (const place of places) directories.add(posix.resolve(place));
    const found = host.glob(whole);
    if (found.length === 0) warnings.push({ level: "warn", text: `No file matches via include "${whole}"` });
    for (const name of found) {
      infos.push({ level: "info", text: `Included extra file "${name}" during parsing` });
      const file = posix.resolve(name);
      const bytes = bytesOf(file, host);
      if (bytes === null) continue; // a directory, or a file we may not read, is passed over in silence
      if (bytes instanceof NoConfiguration) {
        const { line } = lookup(conf, include, "files") ?? include;
        const text = `could not read config file ${name}: ${bytes.message}`;
        issues.add({ text, file: include.file, line, section: "include", key: "files" });
        continue;
      }
      settleHere(conf, addFile(conf, { path: file, name }, bytes, issues, memory), posix.dirname(file));
      files.add(file);
    }
  }
  return { conf, files: [...files], includedirs: [...directories], messages: [...warnings, ...infos] };
}

function includePatterns(conf: Conf, names: Expansions, issues: Issues): readonly string[] {
  const include = conf.sections.get("include");
  if (include === undefined) return [];
  const entry = lookup(conf, include, "files");
  const fail = (text: string): readonly string[] => {
    const { file, line } = entry ?? include;
    issues.add({ text, file, line, section: "include", key: "files" });
    return [];
  };
  if (entry === undefined) return fail(".ini file has [include] section, but no files setting");
  const files = expand(entry.value, names, "include.files");
  return files.ok ? splitBlanks(files.value) : fail(files.text);
}

/** The directories before the first one that is a pattern. */
function fixedPart(directory: string): string {
  const parts = directory.split("/");
  const first = parts.findIndex(hasMagic);
  return parts.slice(0, first).join("/") || "/";
}
