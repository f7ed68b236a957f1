import fc from "fast-check";
import { expect, test } from "vitest";
import { createByteQueue } from "../../src/wire/byte-queue.js";

test("gives the bytes in their order, whatever is added and dropped, and leaves earlier views as they were", () => {
  const move = fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.nat(50));
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 10 }), fc.array(move), (first, moves) => {
      const queue = createByteQueue(first);
      let expected = [...first];
      const views: (readonly [Buffer, readonly number[]])[] = [];
      for (const move of moves) {
        if (typeof move === "number") {
          queue.drop(move);
          expected = expected.slice(move);
        } else {
          queue.add(move);
          expected = [...expected, ...move];
        }
        views.push([queue.bytes, expected]);
      }
      for (const [view, bytes] of views) expect([...view]).toEqual(bytes);
    }),
  );
});

test("keeps no memory for what was dropped", () => {
  const queue = createByteQueue(Buffer.alloc(1 << 20));
  queue.drop(1 << 20);
  expect(queue.bytes.buffer.byteLength).toBe(0);
});
