/** AUTO logs: named by the daemon, in childlogdir, and swept away by the next start. */
import { randomInt } from "node:crypto";
import fs from "node:fs";
import { join } from "node:path";
import { type Directory, openDirectory, openGuarded } from "../posix/guarded.js";
import { codeOf } from "./trouble.js";

const { O_CREAT, O_EXCL, O_WRONLY } = fs.constants;
const ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789_";
const RANDOM_CHARS = 8;
const MOST_TRIES = 100;
/** Nobody but the daemon's user reads a log nobody asked for. */
export const AUTO_MODE = 0o600;

export interface AutoLog {
  readonly childlogdir: string;
  readonly identifier: string;
  readonly process: string;
  readonly channel: "stdout" | "stderr";
}

/** Creates the empty file and gives its path. Throws what the file system says. */
export function createAutoLog(log: AutoLog): string {
  for (let tries = 1; ; tries += 1) {
    const path = join(log.childlogdir, autoLogName(log));
    try {
      fs.closeSync(openGuarded(path, O_CREAT | O_EXCL | O_WRONLY, AUTO_MODE).fd);
      return path;
    } catch (error) {
      if (codeOf(error) !== "EEXIST" || tries === MOST_TRIES) throw error;
    }
  }
}

function autoLogName(log: AutoLog): string {
  const random = Array.from({ length: RANDOM_CHARS }, () => ALPHABET.charAt(randomInt(ALPHABET.length)));
  return `${log.process}-${log.channel}---${log.identifier}-${random.join("")}.log`;
}

/**
 * Removes the AUTO logs an earlier daemon of this identifier left, rotated copies too, and gives what is to be
 * warned of. The pattern is Supervisor's, which does not look beyond `.log`, except that the identifier stands
 * for itself here. What is `inUse` stays.
 */
export function cleanAutoLogs(
  childlogdir: string,
  identifier: string,
  inUse: ReadonlySet<string> = new Set(),
): readonly string[] {
  const pattern = new RegExp(`^.+?---${identifier.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&")}-\\S+\\.log`);
  try {
    using directory = openDirectory(childlogdir);
    const names = fs.readdirSync(directory.at(".")).filter((name) => pattern.test(name));
    return names
      .filter((name) => !isPartOf(join(childlogdir, name), inUse))
      .flatMap((name) => remove(directory, name, childlogdir));
  } catch {
    return ["Could not clear childlog dir"];
  }
}

/** One of the logs, or a rotated copy of one. */
function isPartOf(path: string, logs: ReadonlySet<string>): boolean {
  return logs.has(path) || logs.has(path.replace(/\.\d+$/, ""));
}

function remove(directory: Directory, name: string, childlogdir: string): readonly string[] {
  try {
    fs.unlinkSync(directory.at(name));
    return [];
  } catch {
    return [`Failed to clean up ${quote(join(childlogdir, name))}`];
  }
}

/** As Python shows a string. */
function quote(text: string): string {
  const mark = text.includes("'") && !text.includes('"') ? '"' : "'";
  const inner = text.replaceAll("\\", "\\\\");
  return `${mark}${mark === "'" ? inner.replaceAll("'", "\\'") : inner}${mark}`;
}
