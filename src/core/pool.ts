/**
 * An event listener pool: which events it still owes to its listeners, in order, within its limit. Pure: what
 * is sent where is decided by the caller, who knows which listener is ready.
 */
import { type SupervisorEvent, subscribes } from "./event.js";
import { append, dequeue, prepend, type Queue, queueOf } from "./queue.js";

/** An event on its way to a pool; both serials stay the same however often it is sent. */
export interface PooledEvent {
  readonly event: SupervisorEvent;
  readonly serial: number;
  readonly poolserial: number;
}

export interface Pool {
  readonly name: string;
  readonly wanted: ReadonlySet<string>;
  readonly buffer_size: number;
  /** Oldest first. */
  readonly buffer: Queue<PooledEvent>;
  readonly poolserial: number;
  /** Events thrown away because the buffer was full. */
  readonly discarded: number;
}

export function newPool(name: string, events: readonly string[], buffer_size: number): Pool {
  return {
    name,
    wanted: new Set(events),
    buffer_size,
    buffer: queueOf<PooledEvent>([]),
    poolserial: 0,
    discarded: 0,
  };
}

export function wants(pool: Pool, event: SupervisorEvent): boolean {
  return subscribes(pool.wanted, event.type);
}

/** A pool with one more event, and the event that had to go for it, if one had to. */
export type Buffered = readonly [pool: Pool, discarded: PooledEvent | null];

/** A new event, to the end of the queue. */
export function accept(pool: Pool, event: SupervisorEvent, serial: number): Buffered {
  const pooled = { event, serial, poolserial: pool.poolserial };
  const [room, discarded] = makeRoom({ ...pool, poolserial: pool.poolserial + 1 });
  return [{ ...room, buffer: append(room.buffer, pooled) }, discarded];
}

/** An event that was rejected, or whose listener died over it, back to the head. */
export function rebuffer(pool: Pool, pooled: PooledEvent): Buffered {
  const [room, discarded] = makeRoom(pool);
  return [{ ...room, buffer: prepend(room.buffer, pooled) }, discarded];
}

/** The next event to send. */
export function takeNext(pool: Pool): readonly [pool: Pool, next: PooledEvent | null] {
  const [next, rest] = dequeue(pool.buffer);
  return next === null ? [pool, null] : [{ ...pool, buffer: rest }, next];
}

/** The oldest goes when the buffer is full, also when an event comes back. */
function makeRoom(pool: Pool): Buffered {
  if (pool.buffer.length < pool.buffer_size) return [pool, null];
  const [oldest, rest] = dequeue(pool.buffer);
  return [{ ...pool, buffer: rest, discarded: pool.discarded + 1 }, oldest];
}
