/** Counts what may come in floods, and speaks at the 1st, 2nd, 4th, 8th … time only. */
export function tally<Details extends readonly unknown[]>(
  say: (count: number, ...details: Details) => void,
): (...details: Details) => void {
  let count = 0;
  return (...details) => {
    count += 1;
    if ((count & (count - 1)) === 0) say(count, ...details);
  };
}
