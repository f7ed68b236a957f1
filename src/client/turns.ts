/** So many calls at once and no more: the others wait for their turn, and none comes once the client is closed. */
export interface Turns {
  /** Runs it when its turn has come. Rejects, without running it, once all is over. */
  run<T>(call: () => Promise<T>): Promise<T>;
  /** Throws once all is over: before a connection is made, however late in a call. */
  check(): void;
  close(): void;
}

export function createTurns(most: number): Turns {
  const waiting: (() => void)[] = [];
  let running = 0;
  let isClosed = false;

  function check(): void {
    if (isClosed) throw new Error("Cannot call: the client is closed");
  }

  return {
    async run(call) {
      check();
      // A finished call hands its turn to the next one, so the order is kept.
      if (running < most) running += 1;
      else await new Promise<void>((next) => waiting.push(next));
      try {
        check();
        return await call();
      } finally {
        const next = waiting.shift();
        if (next === undefined) running -= 1;
        else next();
      }
    },
    check,
    close() {
      isClosed = true;
      for (const next of waiting.splice(0)) next();
    },
  };
}
