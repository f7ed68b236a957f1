/** The two supervisors under test and their clients, as commands. */
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { find } from "./counterparts.mjs";
import { MARK } from "./processes.js";

export type Which = "reference" | "ours";
export type Client = "python" | "ours";

const bin = (name: string): string => fileURLToPath(new URL(`../../bin/${name}`, import.meta.url));

export const OUR_SUPERVISORD = bin("supervisord-ts.js");
export const OUR_SUPERVISORCTL = bin("supervisorctl-ts.js");
export const REFERENCE_SUPERVISORD = find("supervisord") ?? "/usr/bin/supervisord";
export const REFERENCE_SUPERVISORCTL = find("supervisorctl") ?? "/usr/bin/supervisorctl";

export function supervisord(which: Which): readonly string[] {
  // Through sh, as its first line has it: that is where the limit of open files is still to be seen.
  return which === "ours" ? ["/bin/sh", OUR_SUPERVISORD] : [REFERENCE_SUPERVISORD];
}

export function supervisorctl(client: Client): readonly string[] {
  return client === "ours" ? [process.execPath, OUR_SUPERVISORCTL] : [REFERENCE_SUPERVISORCTL];
}

/** The same small environment for both, so that what a child inherits can be compared. */
export function environment(
  dir: string,
  extra: Readonly<Record<string, string>> = {},
): Record<string, string> {
  return {
    PATH: `/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:${dirname(process.execPath)}`,
    HOME: "/root",
    LANG: "C.UTF-8",
    TERM: "dumb",
    PWD: dir, // as every shell that starts them sets it
    [MARK]: dir,
    ...extra,
  };
}
