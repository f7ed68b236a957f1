/**
 * A queue as a value: each version stays what it was. The versions share one array, of which each is a window, so that
 * an item costs the same however many wait.
 */

export type Queue<T> = Window<T>;

/** A class, as each event makes one. */
class Window<T> implements Iterable<T> {
  readonly items: T[];
  readonly from: number;
  readonly to: number;

  constructor(items: T[], from: number, to: number) {
    this.items = items;
    this.from = from;
    this.to = to;
  }

  get length(): number {
    return this.to - this.from;
  }

  *[Symbol.iterator](): Iterator<T> {
    for (let at = this.from; at < this.to; at += 1) yield this.items[at] as T;
  }
}

/** The items in this order, oldest first. */
export function queueOf<T>(items: Iterable<T>): Queue<T> {
  const own = [...items];
  return new Window(own, 0, own.length);
}

/** The queue with one more item behind all others. */
export function append<T>(queue: Queue<T>, item: T): Queue<T> {
  const { items, from, to } = queue;
  // Another version has appended already: what it appended must not be seen through this one.
  if (items.length !== to) return queueOf([...queue, item]);
  items.push(item);
  return new Window(items, from, to + 1);
}

/** The queue with one more item before all others. */
export function prepend<T>(queue: Queue<T>, item: T): Queue<T> {
  const { items, from, to } = queue;
  // The usual case: an item that was taken comes back, and still stands there.
  if (from > 0 && items[from - 1] === item) return new Window(items, from - 1, to);
  return queueOf([item, ...queue]);
}

/** The array is cut once so many of its items, and more than half of them, are behind the window. */
const LEAST_CUT = 32;

/** The oldest item, or null, and the queue without it. */
export function dequeue<T>(queue: Queue<T>): readonly [item: T | null, rest: Queue<T>] {
  const { items, from, to } = queue;
  if (from === to) return [null, queue];
  const next = from + 1;
  const isLong = next > LEAST_CUT && next * 2 > to;
  const rest = isLong ? queueOf(items.slice(next, to)) : new Window(items, next, to);
  return [items[from] as T, rest];
}
