/** The pidfile: a number and a newline. */
import { readFileSync, rmSync, writeFileSync } from "node:fs";

/** The errno name of a failure, or null. */
export function writePidfile(path: string, pid: number): string | null {
  try {
    writeFileSync(path, `${pid}\n`);
    return null;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
}

/** Removes it if it is still ours: another daemon may have put its own there. */
export function removePidfile(path: string, pid: number): void {
  try {
    if (readFileSync(path, "utf8").trim() === String(pid)) rmSync(path);
  } catch {
    // gone already, or never written
  }
}
