/**
 * Bytes that wait until there are enough of them: added behind, taken from the front, always in one piece. Each byte
 * is copied a bounded number of times, however small the pieces are in which the bytes come.
 */

export interface ByteQueue {
  /** All that wait. The view stays good when more is added or some are dropped. */
  readonly bytes: Buffer;
  /** Copies them. */
  add(bytes: Uint8Array): void;
  /** Forgets so many from the front. */
  drop(count: number): void;
}

const NOTHING = Buffer.alloc(0);

export function createByteQueue(first: Uint8Array = NOTHING): ByteQueue {
  return new OneQueue(first);
}

/** A class, as there is one for each pipe that needs it. */
class OneQueue implements ByteQueue {
  #store: Buffer = NOTHING;
  #start = 0;
  #end = 0;

  constructor(first: Uint8Array) {
    this.add(first);
  }

  get bytes(): Buffer {
    return this.#store.subarray(this.#start, this.#end);
  }

  add(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    if (this.#end + bytes.length > this.#store.length) this.#move(bytes.length);
    this.#store.set(bytes, this.#end);
    this.#end += bytes.length;
  }

  drop(count: number): void {
    this.#start = Math.min(this.#start + count, this.#end);
    if (this.#start < this.#end) return;
    this.#store = NOTHING;
    this.#start = 0;
    this.#end = 0;
  }

  /** To a new place, never within the old one, where views of it may be in use. A first piece gets no more than it needs. */
  #move(more: number): void {
    const { bytes } = this;
    const length = bytes.length === 0 ? more : 2 * (bytes.length + more);
    this.#store = Buffer.allocUnsafe(length);
    this.#store.set(bytes);
    this.#start = 0;
    this.#end = bytes.length;
  }
}
