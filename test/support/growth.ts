/** How the processor time of a piece of work grows with what it is given. Other work on the machine has no say. */

const TIMES = 8;
/** Eightfold work is 8 times the time when it is linear, and 64 times when it is quadratic. */
const MOST_TIMES = 24;
/** Shorter times can't be compared. */
const FLOOR_MS = 5;
const RUNS = 3;

/**
 * Runs `work` for a size and for its eightfold. Gives a sentence when that took out of all proportion, else null.
 * The size must be one whose eightfold takes a quadratic reader more than 120 ms.
 */
export function superlinear(size: number, work: (size: number) => void): string | null {
  const small = Math.max(quickest(work, size, FLOOR_MS), FLOOR_MS);
  const limit = small * MOST_TIMES;
  const large = quickest(work, size * TIMES, limit, limit * 4);
  return large <= limit
    ? null
    : `${size} took at most ${small.toFixed(1)} ms, ${size * TIMES} took ${large.toFixed(1)} ms`;
}

/** The least of several runs, of which there are no more once one takes no longer than `enough`, or is `hopeless`. */
function quickest(
  work: (size: number) => void,
  size: number,
  enough: number,
  hopeless = Number.POSITIVE_INFINITY,
): number {
  let least = Number.POSITIVE_INFINITY;
  for (let run = 0; run < RUNS && least > enough && !(least > hopeless && run > 0); run += 1) {
    const before = process.cpuUsage();
    work(size);
    const { user, system } = process.cpuUsage(before);
    least = Math.min(least, (user + system) / 1000);
  }
  return least;
}
