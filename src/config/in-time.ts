/** Waiting for a plugin to get ready, with an end. */

/** Time enough for a plugin that asks a slow disk or a database; an operator waits that long, and no longer. */
export const READY_LIMIT_MS = 30_000;

/**
 * What `work` comes to. Rejects after the limit, or as soon as nothing is going on any more that could end it: Node
 * would leave then with status 0, as if all was well.
 */
export async function inTime<T>(work: () => Promise<T>, limitMs = READY_LIMIT_MS): Promise<T> {
  let giveUp: (why: Error) => void = () => undefined;
  const late = new Promise<never>((_resolve, reject) => {
    giveUp = reject;
  });
  const idle = (): void => giveUp(new Error("it waits for what never comes"));
  const timer = setTimeout(
    () => giveUp(new Error(`it is not ready after ${limitMs / 1000} seconds`)),
    limitMs,
  );
  // Not what keeps the process going, or nobody would hear that nothing else does.
  timer.unref();
  process.once("beforeExit", idle);
  try {
    return await Promise.race([work(), late]);
  } finally {
    clearTimeout(timer);
    process.off("beforeExit", idle);
  }
}
