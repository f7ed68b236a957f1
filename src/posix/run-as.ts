/**
 * Running a program as another user. kill(2) lets a user signal each process that has the user's id as its real or
 * saved one, so no thread of the daemon may have that id, not even round a spawn. The child changes its own identity:
 * `bin/run-as-ARCH` is started as root, becomes the user, and then becomes the program. The executable is made from
 * `run-as/ARCH.S`, has no libc, and reads nothing of the environment it passes on.
 */
import { openSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { SpawnIdentity, SpawnRequest } from "./spawn.js";

const EXECUTABLE = fileURLToPath(new URL(`../../bin/run-as-${process.arch}`, import.meta.url));
const O_PATH = 0o10000000;

let opened: number | null = null;

/**
 * Holds the executable open, so that the one that belongs to this version is there after another version has been
 * installed in its place. Where it can't be opened, the spawn that needs it says so.
 */
export function prepareRunAs(): void {
  try {
    opened ??= openSync(EXECUTABLE, O_PATH);
  } catch {
    // runAs gives the path, and the spawn fails with the errno
  }
}

/** The command to execute as root, for the program to run as the user in its directory. */
export function runAs(
  { uid, gid, groups }: SpawnIdentity,
  { file, argv, directory }: Pick<SpawnRequest, "file" | "argv" | "directory">,
): Pick<SpawnRequest, "file" | "argv"> {
  prepareRunAs();
  return {
    // By the daemon's pid: the child may have closed the descriptor by the time of the exec.
    file: opened === null ? EXECUTABLE : `/proc/${process.pid}/fd/${opened}`,
    argv: [
      "run-as",
      String(uid),
      String(gid),
      groups.join(","),
      directory === null ? "" : `=${directory}`,
      file,
      ...argv,
    ],
  };
}
