/**
 * Going to the background without fork, which a process with threads can't survive: the front process starts
 * the same program again, detached, and waits for its word that it is ready. Until then the second one still has
 * the terminal for its errors, and its exit status becomes that of the first.
 */
import { closeSync, openSync, writeSync } from "node:fs";
import * as libc from "./libc.js";

const MARK = "SUPERVISORD_TS_BACKGROUND";
const READY_FD = 3;

/** Starts this program again in the background. Gives the exit status for this one. */
export async function spawnBackground(): Promise<number> {
  const { spawn } = await import("node:child_process");
  const child = spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1)], {
    detached: true,
    env: { ...process.env, [MARK]: "1" },
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
  return { readyFd: READY_FD };
}

/** Leaves the terminal: descriptors 0 to 2 become /dev/null, and the umask is set. */
export function detach({ umask }: { readonly umask: number }): void {
  const none = openSync("/dev/null", "r+");
  for (const fd of [0, 1, 2]) libc.dup2(none, fd);
  if (none > 2) closeSync(none);
  if (libc.getsid(0) !== process.pid) libc.setsid();
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
