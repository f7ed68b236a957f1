/**
 * The INI dialect of Supervisor's files: Python's RawConfigParser, not strict, with inline comments.
 *
 * A thin step turns that dialect into plain lines in which every name and value is a JSON string; the `ini`
 * package reads those and so gives each value verbatim. Each name and value carries a full stop at its end, so
 * that `true`, `__proto__` and `key[]`, to which `ini` gives a meaning, are never seen by it.
 */
import ini from "ini";
import { indentation, isSpace, strip, stripRight } from "./python.js";

export interface IniEntry {
  readonly value: string;
  /** 1-based line of the key; of the last one when it is repeated. */
  readonly line: number;
}

export interface IniSection {
  readonly name: string;
  /** 1-based line of the first header. */
  readonly line: number;
  /** By key, lower case, in order of first appearance. */
  readonly entries: ReadonlyMap<string, IniEntry>;
}

/** A line that is neither header, key nor comment, as it stands in the file. */
export interface BadLine {
  readonly line: number;
  readonly text: string;
}

export interface IniFile {
  readonly sections: readonly IniSection[];
  readonly bad: readonly BadLine[];
  /** The first line with content before any section header; what follows it up to a header is skipped. */
  readonly headerless: BadLine | null;
}

/** What a section's text was read as, and at which line it began. */
interface Block extends IniFile {
  readonly line: number;
}

/** The blocks of a file as it was read last, by their text. */
export type IniMemory = Map<string, Block>;

/**
 * Reads a file's text. Never throws: what can't be read is listed. With a memory, only sections whose text is not
 * as it was are read; those that are, and stand where they stood, are the very objects of before.
 */
export function readIni(text: string, memory?: IniMemory): IniFile {
  const texts = memory === undefined ? null : splitSections(text);
  return memory === undefined || texts === null ? readBlock(text) : readBlocks(texts, memory);
}

function readBlocks(texts: readonly string[], memory: IniMemory): IniFile {
  const sections = new Map<string, IniSection>();
  const bad: BadLine[] = [];
  let headerless: BadLine | null = null;
  const now: [string, Block][] = [];
  let line = 1;
  for (const text of texts) {
    const known = memory.get(text) ?? { ...readBlock(text), line: 1 };
    const block = known.line === line ? known : moved(known, line);
    now.push([text, block]);
    for (const section of block.sections) {
      const before = sections.get(section.name);
      sections.set(section.name, before === undefined ? section : merged(before, section));
    }
    bad.push(...block.bad);
    headerless ??= block.headerless;
    line += countLines(text);
  }
  memory.clear();
  for (const [text, block] of now) memory.set(text, block);
  return { sections: [...sections.values()], bad, headerless };
}

/** The later value counts, at the place of the earlier. */
function merged(a: IniSection, b: IniSection): IniSection {
  return { ...a, entries: new Map([...a.entries, ...b.entries]) };
}

function moved(block: Block, line: number): Block {
  const by = line - block.line;
  const move = <T extends { readonly line: number }>(there: T): T => ({ ...there, line: there.line + by });
  return {
    line,
    sections: block.sections.map((section) => ({
      ...move(section),
      entries: new Map([...section.entries].map(([key, entry]) => [key, move(entry)])),
    })),
    bad: block.bad.map(move),
    headerless: block.headerless === null ? null : move(block.headerless),
  };
}

function countLines(text: string): number {
  let count = 0;
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) count += 1;
  return count;
}

/** What is a header whatever comes before it: it begins its line, and no comment can begin in it. */
const CERTAIN_HEADER = /\[[^\]\n;#]+\]/y;

/** The text cut before each header; null where lines end in other ways than the usual. */
function splitSections(text: string): readonly string[] | null {
  if (text.includes("\r")) return null;
  const texts: string[] = [];
  let begin = 0;
  for (let at = text.indexOf("\n["); at >= 0; at = text.indexOf("\n[", at + 1)) {
    CERTAIN_HEADER.lastIndex = at + 1;
    if (!CERTAIN_HEADER.test(text)) continue;
    texts.push(text.slice(begin, at + 1));
    begin = at + 1;
  }
  texts.push(text.slice(begin));
  return texts;
}

function readBlock(text: string): IniFile {
  const { lines, sections, bad, headerless } = normalise(text);
  const parsed = ini.parse(lines.join("\n"));
  return {
    sections: [...sections].map(([name, { line, keys }]) => {
      const values = parsed[`${name}.`] ?? {};
      const entries = new Map<string, IniEntry>();
      for (const [key, at] of keys)
        entries.set(key, { value: (values[`${key}.`] ?? ".").slice(0, -1), line: at });
      return { name, line, entries };
    }),
    bad,
    headerless,
  };
}

interface Normal {
  readonly lines: string[];
  readonly sections: Map<string, { readonly line: number; readonly keys: Map<string, number> }>;
  readonly bad: BadLine[];
  headerless: BadLine | null;
}

const HEADER = /^\[(.+)\]/s;

function normalise(text: string): Normal {
  const normal: Normal = { lines: [], sections: new Map(), bad: [], headerless: null };
  let keys: Map<string, number> | null = null;
  /** The key whose value may go on, and its lines so far. */
  let open: { readonly key: string; readonly parts: string[] } | null = null;
  let level = 0;

  const close = (): void => {
    if (open !== null) normal.lines.push(`${quote(open.key)}=${quote(stripRight(open.parts.join("\n")))}`);
    open = null;
  };

  for (const { line, number, ended } of physicalLines(text)) {
    const comment = commentStart(line);
    const content = strip(comment < 0 ? line : line.slice(0, comment));
    if (content === "") {
      // A blank line stays part of a value that goes on after it; a comment line leaves nothing.
      if (comment < 0 && open !== null) open.parts.push("");
      continue;
    }
    const indent = indentation(line);
    if (open !== null && indent > level) {
      open.parts.push(content);
      continue;
    }
    level = indent;
    const asBad: BadLine = { line: number, text: ended ? `${line}\n` : line };
    const header = HEADER.exec(content)?.[1];
    if (header !== undefined) {
      close();
      normal.lines.push(`[${quote(header.replaceAll(".", "\\."), true)}]`);
      const section = normal.sections.get(header) ?? { line: number, keys: new Map<string, number>() };
      normal.sections.set(header, section);
      keys = section.keys;
    } else if (keys === null) {
      normal.headerless ??= asBad;
    } else {
      const separator = content.search(/[=:]/);
      if (separator <= 0) {
        normal.bad.push(asBad);
        // A line without a key ends the value before it; one without a separator doesn't.
        if (separator === 0) close();
        continue;
      }
      close();
      const key = stripRight(content.slice(0, separator)).toLowerCase();
      open = { key, parts: [strip(content.slice(separator + 1))] };
      keys.set(key, number);
    }
  }
  close();
  return normal;
}

/** As a JSON string that `ini` takes whole: no line separators, and in a header no bracket or bare dot. */
function quote(text: string, header = false): string {
  const json = JSON.stringify(`${text}${header ? "\\." : "."}`)
    .replaceAll("\u2028", "\\u2028")
    .replaceAll("\u2029", "\\u2029");
  return header ? json.replaceAll("]", "\\u005d") : json;
}

interface PhysicalLine {
  readonly line: string;
  readonly number: number;
  /** Whether a line end followed. */
  readonly ended: boolean;
}

function* physicalLines(text: string): Generator<PhysicalLine> {
  const lines = text.split(/\r\n|\r|\n/);
  const last = lines.length - 1;
  for (const [index, line] of lines.entries()) {
    if (index === last && line === "") return;
    yield { line, number: index + 1, ended: index < last };
  }
}

/**
 * Where a comment starts, or -1. The n-th `;` and the n-th `#` are looked at together, and the first pair with a
 * blank before either of them decides: so in `a;b ;c #d` the comment starts at `#`. That is Python's rule.
 */
function commentStart(line: string): number {
  const first = line[indentation(line)];
  if (first === "#" || first === ";") return 0;
  let semicolon = line.indexOf(";");
  let hash = line.indexOf("#");
  while (semicolon >= 0 || hash >= 0) {
    const starts = [semicolon, hash].filter((at) => at === 0 || (at > 0 && isSpace(line[at - 1])));
    if (starts.length > 0) return Math.min(...starts);
    if (semicolon >= 0) semicolon = line.indexOf(";", semicolon + 1);
    if (hash >= 0) hash = line.indexOf("#", hash + 1);
  }
  return -1;
}
