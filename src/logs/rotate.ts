import fs from "node:fs";
import { basename, dirname } from "node:path";
import { codeOf } from "./trouble.js";

/** Up to here each number is tried; beyond, the directory is read, so that a huge `backups` costs nothing. */
const FEW = 64;

/**
 * Makes room for a fresh log: `.N` is replaced, `.i` becomes `.i+1`, the log itself `.1`. What isn't there is
 * passed over, the log too: a clean-up script may have taken it. A link is renamed, not what it points to.
 */
export function shiftBackups(path: string, backups: number): void {
  for (const number of backupNumbers(path, backups)) move(`${path}.${number}`, `${path}.${number + 1}`);
  move(path, `${path}.1`);
}

/** Numbers that may exist and have room above them, highest first. */
function backupNumbers(path: string, backups: number): readonly number[] {
  if (backups <= FEW)
    return Array.from({ length: Math.max(backups - 1, 0) }, (_, index) => backups - 1 - index);
  const prefix = `${basename(path)}.`;
  return fs
    .readdirSync(dirname(path))
    .filter((name) => name.startsWith(prefix) && /^[1-9]\d*$/.test(name.slice(prefix.length)))
    .map((name) => Number(name.slice(prefix.length)))
    .filter((number) => number < backups)
    .sort((a, b) => b - a);
}

function move(from: string, to: string): void {
  try {
    fs.renameSync(from, to);
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
  }
}
