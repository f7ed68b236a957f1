/** File name patterns as `[include] files` has them: `*`, `?`, `[…]`, no recursion, dot files only when asked for. */
import { compareText } from "../core/order.js";
import { trimRight } from "../core/trim.js";

/** How a pattern meets the file system. */
export interface GlobFiles {
  exists(path: string): boolean;
  isDirectory(path: string): boolean;
  /** Names in a directory; empty when it can't be listed. */
  list(directory: string): readonly string[];
}

const MAGIC = /[*?[]/;

/** Whether a text is a pattern rather than a plain path. */
export function hasMagic(text: string): boolean {
  return MAGIC.test(text);
}

/** Directory part as Python's `os.path.dirname` gives it: no trailing slash, except for the root. */
export function dirname(path: string): string {
  const head = path.slice(0, path.lastIndexOf("/") + 1);
  return trimRight(head, "/") || head;
}

/** Paths that match an absolute pattern, sorted; their directory part is spelled as in the pattern. */
export function glob(pattern: string, files: GlobFiles): readonly string[] {
  return [...search(pattern, files)].sort(compareText);
}

function search(pattern: string, files: GlobFiles): readonly string[] {
  const directory = dirname(pattern);
  const name = pattern.slice(pattern.lastIndexOf("/") + 1);
  if (!hasMagic(pattern)) {
    const there = name === "" ? files.isDirectory(directory) : files.exists(pattern);
    return there ? [pattern] : [];
  }
  const directories = hasMagic(directory) ? search(directory, files) : [directory];
  return directories.flatMap((place) =>
    hasMagic(name)
      ? matching(files.list(place === "" ? "." : place), name).map((found) => join(place, found))
      : (name === "" ? files.isDirectory(place) : files.exists(join(place, name)))
        ? [join(place, name)]
        : [],
  );
}

function join(directory: string, name: string): string {
  return directory === "" || directory.endsWith("/") ? directory + name : `${directory}/${name}`;
}

function matching(names: readonly string[], pattern: string): readonly string[] {
  const expression = toRegExp(pattern);
  const hidden = pattern.startsWith(".");
  return names.filter((name) => (hidden || !name.startsWith(".")) && expression.test(name));
}

/**
 * The pattern of one path component as a regular expression. What stands between two stars is taken where it is
 * found first and stays there, or n stars would be tried at all their places together.
 */
export function toRegExp(pattern: string): RegExp {
  /** The texts between the stars. */
  const parts: string[] = [];
  let source = "";
  for (let at = 0; at < pattern.length; at += 1) {
    const char = pattern[at] ?? "";
    if (char === "*") {
      parts.push(source);
      source = "";
    } else if (char === "?") source += ".";
    else if (char === "[") {
      const end = classEnd(pattern, at);
      if (end < 0) source += "\\[";
      else {
        source += classSource(pattern.slice(at + 1, end));
        at = end;
      }
    } else source += literal(char);
  }
  const [first, ...between] = parts;
  const begin = first === undefined ? "" : `${first}${between.map(foundFirst).join("")}.*`;
  try {
    return new RegExp(`^${begin}${source}$`, "su");
  } catch {
    return /^(?!)/; // a range that runs backwards matches nothing
  }
}

/** A group in a look-ahead is not entered again once it has matched. */
function foundFirst(source: string, index: number): string {
  return `(?=(.*?${source}))\\${index + 1}`;
}

/** Index of the bracket that ends a class: not the first character after `[` or `[!`. */
function classEnd(pattern: string, open: number): number {
  const first = pattern[open + 1] === "!" ? open + 2 : open + 1;
  return pattern.indexOf("]", first + 1);
}

function classSource(content: string): string {
  const negated = content.startsWith("!");
  const members = (negated ? content.slice(1) : content).replace(/[\\\]^[]/g, "\\$&");
  return `[${negated ? "^" : ""}${members}]`;
}

function literal(char: string): string {
  return /[\\^$.*+?()[\]{}|/]/.test(char) ? `\\${char}` : char;
}
