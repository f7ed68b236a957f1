/** Root's daemons note where their configuration is: `/run/supervisord-ts/PID` holds its path while that one runs. */
import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { identify } from "../posix/identity.js";
import { ownDirectory } from "../posix/own-directory.js";
import { RUN_DIRECTORY } from "./state-place.js";

const NOTHING: Disposable = { [Symbol.dispose]: () => undefined };
const MODE = 0o600;

/** Sweeps the notes of daemons that are gone. Where there is no such directory to be had, nothing is noted. */
export function noteConf(configuration: string): Disposable {
  if (process.geteuid?.() !== 0 || !ownDirectory(RUN_DIRECTORY)) return NOTHING;
  const note = join(RUN_DIRECTORY, String(process.pid));
  try {
    sweep();
    rmSync(note, { force: true });
    writeFileSync(note, `${configuration}\n`, { flag: "wx", mode: MODE });
  } catch {
    return NOTHING; // a full disk; nobody depends on it
  }
  return { [Symbol.dispose]: () => rmSync(note, { force: true }) };
}

function sweep(): void {
  for (const name of readdirSync(RUN_DIRECTORY))
    if (/^\d+$/.test(name) && identify(Number(name)) === null)
      rmSync(join(RUN_DIRECTORY, name), { force: true });
}
