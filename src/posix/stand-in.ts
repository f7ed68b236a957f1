/** A child that only says why the real one could not be: where the reference finds out in the forked child. */
import { existsSync } from "node:fs";

export interface StandIn {
  readonly file: string;
  readonly argv: readonly string[];
}

/** Writes the lines to its stderr and exits with 127. */
export function failedExecStandIn(lines: readonly string[]): StandIn {
  const shell = "/bin/sh";
  if (existsSync(shell))
    return { file: shell, argv: [shell, "-c", `printf '%s\\n' "$@" >&2; exit 127`, shell, ...lines] };
  const script = "process.stderr.write(process.argv.slice(1).join('\\n') + '\\n'); process.exitCode = 127";
  return { file: process.execPath, argv: [process.execPath, "-e", script, ...lines] };
}
