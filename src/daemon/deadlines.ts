/**
 * Many deadlines, one timer. Each owner has at most one deadline; setting it again replaces it, null takes it
 * away. A binary heap with lazy removal: an entry counts only while it is still what its owner asked for.
 */
import type { Millis } from "../core/brand.js";

export interface Deadlines<Owner extends object> extends Disposable {
  set(owner: Owner, at: Millis | null): void;
}

interface Entry<Owner> {
  readonly at: Millis;
  readonly owner: Owner;
}

/** Longest wait one timer can be asked for. */
const LONGEST_MS = 2 ** 31 - 1;

/** `due` is called for each owner whose deadline has come, once, earliest first. */
export function createDeadlines<Owner extends object>(
  clock: () => Millis,
  due: (owner: Owner) => void,
): Deadlines<Owner> {
  const wanted = new Map<Owner, Millis>();
  const heap: Entry<Owner>[] = [];
  let timer: NodeJS.Timeout | null = null;
  let timerAt = Number.POSITIVE_INFINITY;

  function arm(): void {
    dropStale(heap, wanted);
    const next = heap[0];
    const at = next === undefined ? Number.POSITIVE_INFINITY : next.at;
    if (at === timerAt) return;
    if (timer !== null) clearTimeout(timer);
    timer = null;
    timerAt = at;
    if (next === undefined) return;
    timer = setTimeout(fire, Math.min(LONGEST_MS, Math.max(0, Math.ceil(at - clock()))));
  }

  function fire(): void {
    timer = null;
    timerAt = Number.POSITIVE_INFINITY;
    const moment = clock();
    const served = new Set<Owner>();
    try {
      for (;;) {
        dropStale(heap, wanted);
        const next = heap[0];
        // An owner whose next deadline has passed already waits for the next round: it must not hold the event loop.
        if (next === undefined || next.at > moment || served.has(next.owner)) break;
        served.add(next.owner);
        pop(heap);
        wanted.delete(next.owner);
        due(next.owner);
      }
    } finally {
      // A throw of `due` goes on to the loop. The other deadlines must not be lost with it.
      arm();
    }
  }

  return {
    set(owner, at) {
      if (wanted.get(owner) === (at ?? undefined)) return;
      if (at === null) wanted.delete(owner);
      else {
        wanted.set(owner, at);
        push(heap, { at, owner });
        if (heap.length > 64 && heap.length > 4 * wanted.size) rebuild(heap, wanted);
      }
      arm();
    },
    [Symbol.dispose]() {
      wanted.clear();
      heap.length = 0;
      arm();
    },
  };
}

function dropStale<Owner>(heap: Entry<Owner>[], wanted: ReadonlyMap<Owner, Millis>): void {
  for (let top = heap[0]; top !== undefined && wanted.get(top.owner) !== top.at; top = heap[0]) pop(heap);
}

function rebuild<Owner>(heap: Entry<Owner>[], wanted: ReadonlyMap<Owner, Millis>): void {
  heap.length = 0;
  for (const [owner, at] of wanted) push(heap, { at, owner });
}

function push<Owner>(heap: Entry<Owner>[], entry: Entry<Owner>): void {
  let index = heap.length;
  heap.push(entry);
  while (index > 0) {
    const up = (index - 1) >> 1;
    const parent = heap[up];
    if (parent === undefined || parent.at <= entry.at) break;
    heap[index] = parent;
    heap[up] = entry;
    index = up;
  }
}

function pop<Owner>(heap: Entry<Owner>[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let index = 0;
  for (;;) {
    let down = 2 * index + 1;
    const left = heap[down];
    const right = heap[down + 1];
    if (left === undefined) break;
    const child = right !== undefined && right.at < left.at ? right : left;
    if (child === right) down += 1;
    if (last.at <= child.at) break;
    heap[index] = child;
    index = down;
  }
  heap[index] = last;
}
