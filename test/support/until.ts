/** Waiting for something to become true, by looking; the ceiling only ends a test that has gone wrong. */
export async function until<T>(
  look: () => T | Promise<T>,
  what: string | (() => string),
  { everyMs = 50, ceilingMs = 25_000 } = {},
): Promise<Exclude<T, null | undefined | false>> {
  const end = performance.now() + ceilingMs;
  for (;;) {
    const seen = await look();
    if (seen !== null && seen !== undefined && seen !== false)
      return seen as Exclude<T, null | undefined | false>;
    if (performance.now() > end)
      throw new Error(`Cannot see, after ${ceilingMs} ms: ${typeof what === "string" ? what : what()}`);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}
