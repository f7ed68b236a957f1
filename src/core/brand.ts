/** Numbers that must not meet: each brand has one maker. */
declare const brand: unique symbol;
export type Brand<T, Name extends string> = T & { readonly [brand]: Name };

/** A moment on the monotonic clock, in milliseconds. Only differences mean anything. */
export type Millis = Brand<number, "Millis">;
/** A moment on the wall clock, in whole or fractional seconds since the epoch. Only for reporting. */
export type Epoch = Brand<number, "Epoch">;
/** A process id that the kernel gave us. */
export type Pid = Brand<number, "Pid">;

/** The two clocks, read together. Decisions use `mono`, reports use `wall`. */
export interface Now {
  readonly mono: Millis;
  readonly wall: Epoch;
}

export function millis(value: number): Millis {
  return value as Millis;
}

export function epoch(value: number): Epoch {
  return value as Epoch;
}

export function pid(value: number): Pid {
  return value as Pid;
}

/** The moment `seconds` after `start`. */
export function after(start: Millis, seconds: number): Millis {
  return (start + seconds * 1000) as Millis;
}

/** Marks a branch that no value can reach; a new variant then shows every place that must hear of it. */
export function assertNever(value: never): never {
  throw new Error(`unreachable: ${JSON.stringify(value)}`);
}
