import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { killMarked } from "./processes.js";

export interface Scratch extends Disposable {
  readonly dir: string;
}

/** A directory of its own, short enough for a socket's path; ends what still runs in it, then removes it. */
export function scratch(prefix = "sd-"): Scratch {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), prefix)));
  return {
    dir,
    [Symbol.dispose]() {
      killMarked(dir);
      rmSync(dir, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}
