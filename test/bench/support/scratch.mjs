/** Directories of a run, on tmpfs where there is one, so that no disk is measured; all gone at the end. */
import { accessSync, constants, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const made = [];

export function scratch(name) {
  const dir = mkdtempSync(join(base(), `sd-bench-${name}-`));
  made.push(dir);
  return dir;
}

export function base() {
  try {
    accessSync("/dev/shm", constants.W_OK);
    return "/dev/shm";
  } catch {
    return tmpdir();
  }
}

export function removeScratch(dir) {
  rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
}

process.on("exit", () => {
  for (const dir of made) removeScratch(dir);
});
