/** From a pipe to a file inside the kernel, when the loop says so; and processes known by more than their pids. */
import { spawn } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ancestors, identify, isAlive } from "../../src/posix/identity.js";
import { openPidfd, signalPidfd } from "../../src/posix/pidfd.js";
import { outputPipe } from "../../src/posix/pipe.js";
import { holdsPipe } from "../../src/posix/pipe-holders.js";
import { watch } from "../../src/posix/readiness.js";
import { seekEnd, splice, stopAppending } from "../../src/posix/splice.js";

test("what is spliced is in the file and out of the pipe", () => {
  const dir = mkdtempSync(join(tmpdir(), "sd-"));
  const path = join(dir, "log");
  const pipe = outputPipe(null, false);
  const file = openSync(path, "a");
  try {
    writeSync(file, "old\n");
    writeSync(pipe.child, "new\n");
    // Not where the kernel itself would have to seek the end.
    expect(splice(pipe.near, file, 100)).toBe("EINVAL");
    expect(stopAppending(file)).toBe(true);
    expect(seekEnd(file)).toBe(4);
    expect(splice(pipe.near, file, 2)).toBe(2);
    expect(splice(pipe.near, file, 100)).toBe(2);
    expect(splice(pipe.near, file, 100)).toBe("EAGAIN");
    closeSync(pipe.child);
    expect(splice(pipe.near, file, 100)).toBe(0);
    expect(readFileSync(path, "utf8")).toBe("old\nnew\n");
  } finally {
    closeSync(pipe.near);
    closeSync(file);
    rmSync(dir, { recursive: true });
  }
});

test("readiness is told for as long as there is something, and not while paused", async () => {
  const pipe = outputPipe(null, false);
  let told = 0;
  let heard: (() => void) | null = null;
  const watching = watch(pipe.near, "readable", () => {
    told += 1;
    heard?.();
  });
  const next = (): Promise<void> => new Promise((resolve) => (heard = resolve));
  writeSync(pipe.child, "x");
  await next();
  await next();
  watching?.pause();
  const before = told;
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  expect(told).toBe(before);
  watching?.resume();
  await next();
  watching?.close();
  closeSync(pipe.near);
  closeSync(pipe.child);
});

test("a process is known by its start time, its pipes and its ancestors", async () => {
  const child = spawn("/bin/cat", { stdio: ["pipe", "ignore", "ignore"] });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  const pid = child.pid ?? 0;
  const found = identify(pid);
  expect(found).toMatchObject({ pid, ppid: process.pid, dead: false });
  expect(isAlive(pid, found?.starttime ?? 0)).toBe(true);
  expect(isAlive(pid, (found?.starttime ?? 0) + 1)).toBe(false);
  expect(ancestors(pid).slice(0, 3)).toEqual([pid, process.pid, process.ppid]);
  expect(holdsPipe(pid, 1)).toBe("no");
  const pidfd = openPidfd(pid) ?? -1;
  expect(signalPidfd(pidfd, 0)).toBeNull();
  expect(signalPidfd(pidfd, 9)).toBeNull();
  await ended;
  expect(signalPidfd(pidfd, 0)).toBe("ESRCH");
  expect(identify(pid)).toBeNull();
  closeSync(pidfd);
});
