/** State changes as an async iterator, with a stated limit on what a slow reader can pile up. */
import type { Notify, StateName } from "../core/process.js";
import type { Entry } from "./entry.js";

/** One change of state of one process. */
export interface StateChange {
  readonly group: string;
  readonly name: string;
  readonly from: StateName;
  readonly to: StateName;
  /** Pid the change is about; 0 when there is none. */
  readonly pid: number;
  /** STARTING and BACKOFF: failed starts so far. */
  readonly tries: number;
  /** EXITED: whether the exit status was among `exitcodes`. */
  readonly expected: boolean;
  /** Wall clock. */
  readonly when: Date;
  /** Changes that this reader was too slow for and that were dropped just before this one. */
  readonly missed: number;
}

export const CHANGES_LIMIT = 10_000;

export interface ChangeQueue extends AsyncIterableIterator<StateChange> {
  push(entry: Entry, change: Notify): void;
  end(): void;
}

/** `onEnd` is called once, whoever ends it. */
export function createChangeQueue(onEnd: () => void): ChangeQueue {
  const queued: StateChange[] = [];
  const readers: ((result: IteratorResult<StateChange, undefined>) => void)[] = [];
  let ended = false;

  function end(): void {
    if (ended) return;
    ended = true;
    onEnd();
    for (const reader of readers.splice(0)) reader({ done: true, value: undefined });
  }

  const queue: ChangeQueue = {
    push(entry, { from, to, pid, tries, expected }) {
      if (ended) return;
      const { group, name } = entry;
      const change = { group, name, from, to, pid, tries, expected, when: new Date(), missed: 0 };
      const reader = readers.shift();
      if (reader !== undefined) return reader({ done: false, value: change });
      if (queued.length === CHANGES_LIMIT) {
        const dropped = queued.shift();
        const next = queued[0];
        if (next !== undefined) queued[0] = { ...next, missed: (dropped?.missed ?? 0) + next.missed + 1 };
      }
      queued.push(change);
    },
    end,
    next() {
      const value = queued.shift();
      if (value !== undefined) return Promise.resolve({ done: false, value });
      if (ended) return Promise.resolve({ done: true, value: undefined });
      return new Promise((resolve) => readers.push(resolve));
    },
    return() {
      queued.length = 0;
      end();
      return Promise.resolve({ done: true, value: undefined });
    },
    [Symbol.asyncIterator]: () => queue,
  };
  return queue;
}
