/** A daemon's program of a test's own, which the test can replace while it runs, as an installation does. */
import { cpSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { OUR_SUPERVISORD } from "./programs.js";

/** Relative to the directory that it was installed in. */
export const INSTALLED = "installed/bin/supervisord-ts.js";

/** Puts the program under test there. */
export function install(dir: string): void {
  const bin = dirname(OUR_SUPERVISORD);
  mkdirSync(join(dir, "installed"), { recursive: true });
  rmSync(join(dir, "installed/bin"), { recursive: true, force: true });
  cpSync(bin, join(dir, "installed/bin"), { recursive: true });
  rmSync(join(dir, "installed/dist"), { force: true });
  symlinkSync(join(dirname(bin), "dist"), join(dir, "installed/dist"));
}

/** Replaces it by a version that does this (JavaScript, CommonJS), and gives way to `install` again. */
export function installVersion(dir: string, script: string): void {
  const path = join(dir, INSTALLED);
  writeFileSync(`${path}.new`, script);
  renameSync(`${path}.new`, path);
}

/** The script of a version that does this when it is asked whether it can take over, and then is the one under test. */
export function askedFirst(script: string): string {
  const asked = `if (process.env.SUPERVISORD_TS_HANDOVER_CHECK !== undefined) {\n${script}\n}`;
  return `${asked}\nelse require(${JSON.stringify(OUR_SUPERVISORD)});\n`;
}
