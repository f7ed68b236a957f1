/** Programs of the tests' own, wherever the clone lies: as words of a `command=`, and as paths. */
import { fileURLToPath } from "node:url";

const PROGRAMS = new URL("../fixtures/programs/", import.meta.url);

/** The path of a fixture program. */
export function fixturePath(name: string): string {
  return fileURLToPath(new URL(name, PROGRAMS));
}

/** The same as a word of a command in a conf: `command=${fixture("ignore-sigterm")}`. */
export function fixture(name: string): string {
  return confWord(fixturePath(name));
}

/** A word as `command=` reads it: doubled percent signs, and quotes where blanks would split it. */
export function confWord(text: string): string {
  const doubled = text.replaceAll("%", "%%");
  return /^[\w@%+=:,./-]+$/.test(doubled) ? doubled : `'${doubled.replaceAll("'", `'"'"'`)}'`;
}
