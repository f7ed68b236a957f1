/** Medians, and taking turns. */

export function median(values) {
  return quantile(values, 0.5);
}

export function quantile(values, q) {
  if (values.length === 0) return Number.NaN;
  const sorted = [...values].sort((a, b) => a - b);
  const at = (sorted.length - 1) * q;
  const low = Math.floor(at);
  return sorted[low] + (sorted[Math.ceil(at)] - sorted[low]) * (at - low);
}

/**
 * Measures A B A B …, so that what else the machine does falls on all alike. `measure(name)` gives one number, or
 * an object of several; what comes back is the medians, by name.
 */
export async function alternate(rounds, names, measure) {
  const taken = new Map(names.map((name) => [name, []]));
  for (let round = 0; round < rounds; round += 1)
    for (const name of names) taken.get(name).push(await measure(name, round));
  return new Map([...taken].map(([name, samples]) => [name, together(samples)]));
}

function together(samples) {
  const [first] = samples;
  if (typeof first === "number") return median(samples);
  return Object.fromEntries(
    Object.keys(first).map((key) => [key, median(samples.map((sample) => sample[key]))]),
  );
}

/** One row of the report from what `alternate` gave. */
export function row(what, unit, medians, key = null, goal = null) {
  const values = Object.fromEntries(
    [...medians].map(([name, value]) => [name, key === null ? value : value[key]]),
  );
  return { what, unit, values, goal };
}

/** Milliseconds that `work` takes. */
export async function timed(work) {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

/** Throws unless an answer about many says of each that it worked. (The reference answers when all are RUNNING.) */
export function succeeded(answer, count) {
  const good = answer.split("<int>80</int>").length - 1;
  if (good !== count) throw new Error(`only ${good} of ${count} came to where they should`);
}
