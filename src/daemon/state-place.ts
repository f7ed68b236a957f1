/**
 * Where the state file lies: beside the pidfile, or where others could remove it from there, in a directory of this
 * user's own.
 */
import { createHash } from "node:crypto";
import { dirname, isAbsolute, join } from "node:path";
import type { SupervisordConfig } from "../core/config.js";
import { othersMayChange, ownDirectory } from "../posix/own-directory.js";

export interface StatePlace {
  readonly path: string;
  /** Where it was, or will have been, when `path` could not be had; null when that is the same. */
  readonly other: string | null;
  /** Other users can remove or replace the file in this directory. */
  readonly exposed: boolean;
}

/** Root's, for what must not lie where others can write. */
export const RUN_DIRECTORY = "/run/supervisord-ts";
const HASH_CHARS = 32;

/** May change while the daemon runs: a user's runtime directory goes with the last login. */
export function placeState({
  statefile,
  pidfile,
}: Pick<SupervisordConfig, "statefile" | "pidfile">): StatePlace {
  const beside = statefile ?? `${pidfile}.state`;
  if (!othersMayChange(dirname(beside))) return { path: beside, other: null, exposed: false };
  const directory = statefile === null ? safeDirectory() : null;
  if (directory === null) return { path: beside, other: null, exposed: true };
  const hash = createHash("sha256").update(pidfile).digest("hex").slice(0, HASH_CHARS);
  return { path: join(directory, `${hash}.state`), other: beside, exposed: false };
}

function safeDirectory(): string | null {
  const uid = process.geteuid?.();
  if (uid === 0) return ownDirectory(RUN_DIRECTORY) ? RUN_DIRECTORY : null;
  const named = process.env["XDG_RUNTIME_DIR"] ?? "";
  for (const runtime of [named, `/run/user/${uid}`]) {
    const directory = join(runtime, "supervisord-ts");
    if (isAbsolute(runtime) && !othersMayChange(runtime) && ownDirectory(directory)) return directory;
  }
  return null;
}
