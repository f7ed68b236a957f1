/**
 * Going to the background without fork, which a process with threads can't survive: the front process starts
 * the same program again, detached, and waits for its word that it is ready. Until then the second one still has
 * the terminal for its errors, and its exit status becomes that of the first.
 */
import { closeSync, openSync, writeSync } from "node:fs";
import { setAside } from "./aside.js";
import * as libc from "./libc.js";

const MARK = "SUPERVISORD_TS_BACKGROUND";
/** Set by the script that starts the daemon again when it crashes: where that script is. */
const RESPAWN = "SUPERVISORD_TS_RESPAWN";
const READY_FD = 3;

/** The script that keeps this daemon running, if one does; children must not see it. */
export function takeRespawn(): string | null {
  const script = process.env[RESPAWN] ?? null;
  delete process.env[RESPAWN];
  return script;
}

/**
 * Starts this program again in the background, through `respawn` if that is to keep it running. Gives the exit
 * status for this one.
 */
export async function spawnBackground(respawn: string | null): Promise<number> {
  const { spawn } = await import("node:child_process");
  const [file, first] =
    respawn === null ? [process.execPath, process.execArgv] : (["/bin/sh", [respawn]] as const);
  const child = spawn(file, [...first, ...process.argv.slice(1)], {
    detached: true,
    env: { ...setAside(process.env), [MARK]: "1" },
    stdio: ["inherit", "inherit", "inherit", "pipe"],
  });
  return await new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (status) => resolve(status ?? 1));
    child.stdio[READY_FD]?.once("data", () => {
      child.unref();
      resolve(0);
    });
  });
}

export interface BackgroundMark {
  readonly readyFd: number;
}

/** Whether this is the second process; children must not see the mark, so it is taken away. */
export function takeBackgroundMark(): BackgroundMark | null {
  if (process.env[MARK] === undefined) return null;
  delete process.env[MARK];
  // Before anything says which session is ours; under --respawn it is still that of the script.
  if (libc.getsid(0) !== process.pid) libc.setsid();
  return { readyFd: READY_FD };
}

/** Leaves the terminal: descriptors 0 to 2 become /dev/null, and the umask is set. */
export function detach({ umask }: { readonly umask: number }): void {
  const none = openSync("/dev/null", "r+");
  for (const fd of [0, 1, 2]) libc.dup2(none, fd);
  if (none > 2) closeSync(none);
  process.umask(umask);
}

/** Lets the front process go. */
export function announceReady({ readyFd }: BackgroundMark): void {
  try {
    writeSync(readyFd, "ready");
  } catch {
    // nobody waits any more
  }
  closeSync(readyFd);
}
