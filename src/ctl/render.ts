/** Tables and columns, laid out as scripts expect them. */
import type { ConfigInfo, ProcessInfo } from "../client/client.js";
import { makeNamespec } from "../core/namespec.js";

const NAME_WIDTH = 30;

/** One line for each process; the name column is as wide as the longest of them. */
export function statusLines(infos: readonly ProcessInfo[]): readonly string[] {
  const names = infos.map(({ group, name }) => makeNamespec(group, name));
  const width = names.reduce((longest, name) => Math.max(longest, lengthOf(name)), NAME_WIDTH) + 3;
  return infos.map(({ statename, description }, index) => {
    return `${pad(names[index] ?? "", width)}${statename.padEnd(10)}${description}`;
  });
}

export function availLine({ group, name, inuse, autostart, group_prio, process_prio }: ConfigInfo): string {
  const use = (inuse ? "in use" : "avail").padEnd(9);
  const start = (autostart ? "auto" : "manual").padEnd(9);
  return `${pad(makeNamespec(group, name), 32)} ${use} ${start} ${group_prio}:${process_prio}`;
}

/** Words in columns, read downwards, as many columns as the width allows. */
export function columns(words: readonly string[], width = 79): readonly string[] {
  for (let rows = 1; rows < words.length; rows += 1) {
    const widths = columnWidths(words, rows);
    if (widths.reduce((sum, each) => sum + each + 2, -2) <= width) return rowsOf(words, rows, widths);
  }
  return words;
}

function columnWidths(words: readonly string[], rows: number): readonly number[] {
  const count = Math.ceil(words.length / rows);
  return Array.from({ length: count }, (_, column) =>
    Math.max(...words.slice(column * rows, (column + 1) * rows).map(lengthOf)),
  );
}

function rowsOf(words: readonly string[], rows: number, widths: readonly number[]): readonly string[] {
  return Array.from({ length: rows }, (_, row) => {
    const cells = widths.map((width, column) => ({ width, word: words[column * rows + row] ?? "" }));
    while (cells.at(-1)?.word === "") cells.pop();
    return cells.map(({ width, word }) => pad(word, width)).join("  ");
  });
}

/** Code points, as Python counts and pads. */
function lengthOf(text: string): number {
  return [...text].length;
}

function pad(text: string, width: number): string {
  return text + " ".repeat(Math.max(0, width - lengthOf(text)));
}
