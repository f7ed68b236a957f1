/** Rotated copies: `.1` is the newest. */
import fs from "node:fs";
import { basename } from "node:path";
import { type Directory, openParent } from "../posix/guarded.js";
import { codeOf } from "./trouble.js";

/** Up to here each number is tried; beyond, the directory is read, so that a huge `backups` costs nothing. */
const FEW = 64;

/**
 * Makes room for a fresh log: `.N` is replaced, `.i` becomes `.i+1`, the log itself `.1`. What isn't there is
 * passed over, the log too: a clean-up script may have taken it. A link is renamed, not what it points to.
 */
export function shiftBackups(path: string, backups: number): void {
  using directory = openParent(path);
  const name = basename(path);
  for (const number of backupNumbers(directory, name, backups))
    move(directory, `${name}.${number}`, `${name}.${number + 1}`);
  move(directory, name, `${name}.1`);
}

/** Numbers that may exist and have room above them, highest first. */
function backupNumbers(directory: Directory, name: string, backups: number): readonly number[] {
  if (backups <= FEW)
    return Array.from({ length: Math.max(backups - 1, 0) }, (_, index) => backups - 1 - index);
  const prefix = `${name}.`;
  return fs
    .readdirSync(directory.at("."))
    .filter((each) => each.startsWith(prefix) && /^[1-9]\d*$/.test(each.slice(prefix.length)))
    .map((each) => Number(each.slice(prefix.length)))
    .filter((number) => number < backups)
    .sort((a, b) => b - a);
}

function move(directory: Directory, from: string, to: string): void {
  try {
    fs.renameSync(directory.at(from), directory.at(to));
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
  }
}
