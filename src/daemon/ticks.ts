/** TICK events: at multiples of their period on the wall clock, and no timer at all while nobody wants one. */
import { TICKS } from "../core/event.js";

export type TickName = keyof typeof TICKS;

export interface Ticks extends Disposable {
  want(names: ReadonlySet<TickName>): void;
}

/** `tick` gets the multiple of the period that has just passed, in seconds since the epoch. */
export function createTicks(tick: (name: TickName, when: number) => void): Ticks {
  const slices = new Map<TickName, number>();
  let timer: NodeJS.Timeout | null = null;

  function arm(): void {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    if (slices.size === 0) return;
    const seconds = Date.now() / 1000;
    const waits = [...slices.keys()].map((name) => sliceOf(name, seconds) + TICKS[name] - seconds);
    timer = setTimeout(fire, Math.ceil(Math.min(...waits) * 1000));
  }

  function fire(): void {
    const seconds = Date.now() / 1000;
    try {
      for (const [name, last] of slices) {
        const slice = sliceOf(name, seconds);
        if (slice === last) continue;
        slices.set(name, slice);
        tick(name, slice);
      }
    } finally {
      arm();
    }
  }

  return {
    want(names) {
      for (const name of slices.keys()) if (!names.has(name)) slices.delete(name);
      for (const name of names) if (!slices.has(name)) slices.set(name, sliceOf(name, Date.now() / 1000));
      arm();
    },
    [Symbol.dispose]() {
      slices.clear();
      arm();
    },
  };
}

function sliceOf(name: TickName, seconds: number): number {
  return Math.floor(seconds / TICKS[name]) * TICKS[name];
}
