/** What shows through of Python in Supervisor's configuration: its blanks, its numbers, its way to quote. */
import { repr } from "../core/python-repr.js";

export { repr };

const SPACE = "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
const NONSPACE = new RegExp(`[^${SPACE}]`);
const SPACES = new RegExp(`[${SPACE}]+`);
const INTEGER = /^[+-]?[0-9](_?[0-9])*$/;
const OCTAL = /^[+-]?(0[oO]_?)?[0-7](_?[0-7])*$/;

/** Without blanks at both ends. Differs from `trim` in a few control characters and the byte order mark. */
export function strip(text: string): string {
  const start = text.search(NONSPACE);
  return start < 0 ? "" : stripRight(text.slice(start));
}

export function stripRight(text: string): string {
  let end = text.length;
  while (end > 0 && isSpace(text[end - 1])) end -= 1;
  return text.slice(0, end);
}

export function isSpace(char: string | undefined): boolean {
  return char !== undefined && !NONSPACE.test(char);
}

/** Index of the first character that is not blank; -1 when there is none. */
export function indentation(line: string): number {
  return line.search(NONSPACE);
}

/** The words of a text, split at blanks. */
export function splitBlanks(text: string): readonly string[] {
  return text.split(SPACES).filter((word) => word !== "");
}

/** A decimal integer as Python's `int` takes it, or null. */
export function parseInteger(text: string): number | null {
  const digits = strip(text);
  return INTEGER.test(digits) ? Number(digits.replaceAll("_", "")) : null;
}

/** An octal integer as Python's `int(text, 8)` takes it, or null. */
export function parseOctal(text: string): number | null {
  const digits = strip(text);
  if (!OCTAL.test(digits)) return null;
  const value = Number.parseInt(digits.replaceAll("_", "").replace(/^([+-]?)0[oO]/, "$1"), 8);
  return value === 0 ? 0 : value;
}

/** `['a', 'b']`: a list of texts as Python writes it. */
export function reprList(texts: readonly string[]): string {
  return `[${texts.map(repr).join(", ")}]`;
}
