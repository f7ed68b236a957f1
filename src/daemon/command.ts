/** From a `command=` to a file that can be executed, with the reference's texts where it can't. */
import { accessSync, constants, type Stats, statSync } from "node:fs";
import { join } from "node:path";
import type { ProcessConfig } from "../core/config.js";
import { splitWords } from "../core/words.js";
import type { CommandProblem } from "../rpc/daemon.js";

export type ResolvedCommand =
  | { readonly ok: true; readonly file: string; readonly argv: readonly string[] }
  | { readonly ok: false; readonly problem: CommandProblem };

const DEFAULT_PATH = "/bin:/usr/bin:/usr/local/bin";

/** `daemonPath` is the daemon's own PATH, used unless the program's environment sets one. */
export function resolveCommand(config: ProcessConfig, daemonPath: string | undefined): ResolvedCommand {
  const split = splitWords(config.command);
  if (!split.ok) return refuse("NOT_EXECUTABLE", `can't parse command '${config.command}': ${split.error}`);
  const word = split.words[0];
  if (word === undefined) return refuse("NOT_EXECUTABLE", "command is empty");
  const candidates = word.includes("/")
    ? relativePlaces(word, config.directory)
    : searchPath(word, config.environment["PATH"] ?? daemonPath ?? DEFAULT_PATH);
  for (const file of candidates) {
    const stats = statOf(file);
    if (stats !== null) return judge(file, stats, split.words);
  }
  return refuse("NO_FILE", `can't find command '${word}'`);
}

/**
 * A relative path with a slash is looked for in `directory` first, since that is where it will run; the
 * reference only looks in the daemon's own directory and then fails to execute what it found.
 */
function relativePlaces(word: string, directory: string | null): readonly string[] {
  if (word.startsWith("/") || directory === null) return [word];
  return [join(directory, word), join(process.cwd(), word)];
}

function searchPath(word: string, path: string): readonly string[] {
  return path.split(":").map((directory) => join(directory, word));
}

function statOf(file: string): Stats | null {
  try {
    return statSync(file, { throwIfNoEntry: false }) ?? null;
  } catch {
    return null; // ENOTDIR, EACCES on the way, ELOOP: for the search, it isn't there
  }
}

function judge(file: string, stats: Stats, argv: readonly string[]): ResolvedCommand {
  if (stats.isDirectory()) return refuse("NOT_EXECUTABLE", `command at '${file}' is a directory`);
  if ((stats.mode & 0o111) === 0) return refuse("NOT_EXECUTABLE", `command at '${file}' is not executable`);
  try {
    accessSync(file, constants.X_OK);
  } catch {
    return refuse("NOT_EXECUTABLE", `no permission to run command '${file}'`);
  }
  return { ok: true, file, argv };
}

function refuse(fault: CommandProblem["fault"], text: string): ResolvedCommand {
  return { ok: false, problem: { fault, text } };
}
