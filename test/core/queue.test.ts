import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { append, dequeue, prepend, type Queue, queueOf } from "../../src/core/queue.js";

describe("a queue", () => {
  test("is what an array would be, and every version stays what it was", () => {
    const moves = fc.array(
      fc.record({ move: fc.constantFrom("append", "prepend", "dequeue", "back"), of: fc.nat(1000) }),
      { maxLength: 200 },
    );
    fc.assert(
      fc.property(moves, (script) => {
        const versions: { readonly queue: Queue<number>; readonly items: readonly number[] }[] = [
          { queue: queueOf<number>([]), items: [] },
        ];
        script.forEach(({ move, of }, number) => {
          const from = versions[of % versions.length];
          if (from === undefined) return;
          const { queue, items } = from;
          if (move === "append") versions.push({ queue: append(queue, number), items: [...items, number] });
          else if (move === "prepend")
            versions.push({ queue: prepend(queue, number), items: [number, ...items] });
          else {
            const [item, rest] = dequeue(queue);
            expect(item).toBe(items[0] ?? null);
            if (move === "dequeue" || item === null) versions.push({ queue: rest, items: items.slice(1) });
            else versions.push({ queue: prepend(rest, item), items });
          }
        });
        for (const { queue, items } of versions) {
          expect([...queue]).toEqual(items);
          expect(queue.length).toBe(items.length);
        }
      }),
    );
  });

  test("shares its array, and lets go of what is behind it", () => {
    let queue = queueOf<number>([]);
    let longest = 0;
    for (let number = 0; number < 10_000; number += 1) {
      queue = append(queue, number);
      if (number >= 100) [, queue] = dequeue(queue);
      longest = Math.max(longest, (queue as unknown as { readonly items: readonly number[] }).items.length);
    }
    expect(queue.length).toBe(100);
    expect(longest).toBeLessThan(300);
  });
});
