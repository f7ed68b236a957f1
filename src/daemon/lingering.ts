/**
 * Runs that have ended while a descendant still holds their pipes. The reference stops reading here, so that
 * descendant's writes fail; our children hold their pipes themselves and would block, so we read on, for a
 * stated number of runs.
 */
import type { Log } from "./log.js";
import type { Run } from "./run.js";

/** Whose run it was. */
export interface Owner {
  readonly group: string;
  readonly name: string;
}

export interface Lingering extends Disposable {
  readonly runs: ReadonlyMap<Run, Owner>;
  add(run: Run, owner: Owner): void;
  delete(run: Run): void;
}

const LIMIT = 256;

export function createLingering(log: Log): Lingering {
  const runs = new Map<Run, Owner>();
  let dropped = 0;

  return {
    runs,
    add(run, owner) {
      runs.set(run, owner);
      const oldest = runs.entries().next().value;
      if (runs.size <= LIMIT || oldest === undefined) return;
      dropped += 1;
      const text = `no longer reading what descendants of '${oldest[1].name}' (${oldest[0].pid}) write: more than ${LIMIT} ended processes have left such descendants behind (${dropped} given up so far)`;
      log.log("warn", text);
      oldest[0].close();
    },
    delete: (run) => void runs.delete(run),
    [Symbol.dispose]() {
      for (const [run, { name }] of [...runs]) {
        const text = `no longer reading what descendants of '${name}' (${run.pid}) write; they go on, and wait once their pipe is full`;
        log.log("warn", text);
        run.close();
      }
    },
  };
}
