/** A call that waits, as data: the program that takes the daemon's place over an upgrade can go on with it. */
import type { Result, Value } from "./method.js";

/** Where a call stands. It names what is awaited, never how: that is known to the method that goes on. */
export type Waiting =
  /** For a process to be up or down; `called` is the name as the client sent it, for faults. */
  | { readonly for: "start" | "stop"; readonly group: string; readonly name: string; readonly called: string }
  /** For some of many; the outcomes that are known stand in `results`. */
  | { readonly for: "each"; readonly results: readonly Value[]; readonly open: readonly WaitingOne[] }
  /** For one call of several that are made one after the other; null between two of them. */
  | {
      readonly for: "calls";
      readonly results: readonly Value[];
      readonly now: Waiting | null;
      readonly rest: readonly Value[];
    }
  /** For a reload to begin (plugins are being loaded), or for the upgrade itself. */
  | { readonly for: "reload" | "upgrade" }
  /** For what only the program before could know. */
  | { readonly for: "lost" };

export interface WaitingOne {
  readonly group: string;
  readonly name: string;
  readonly waiting: Waiting;
}

const known = new WeakMap<Promise<Result>, () => Waiting>();

/** Notes of an answer that is still to come what it waits for, asked only when somebody has to go on with it. */
export function waiting<T extends Result>(answer: Promise<T>, describe: () => Waiting): Promise<T> {
  known.set(answer, describe);
  return answer;
}

/** The thing that an answer waits for; `lost` where nobody has noted it. */
export function waitingOf(answer: Promise<Result>): Waiting {
  return known.get(answer)?.() ?? { for: "lost" };
}

/** Whether another program can go on with all of it. */
export function canGoOn(state: Waiting): boolean {
  switch (state.for) {
    case "lost":
      return false;
    case "each":
      return state.open.every((one) => canGoOn(one.waiting));
    case "calls":
      return state.now === null || canGoOn(state.now);
    default:
      return true;
  }
}
