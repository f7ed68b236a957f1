import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { millis } from "../../src/core/brand.js";
import { createDeadlines } from "../../src/daemon/deadlines.js";

describe("deadlines", () => {
  let now = 0;
  beforeEach(() => {
    now = 0;
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  function pass(ms: number): void {
    now += ms;
    vi.advanceTimersByTime(ms);
  }

  test("each owner is called once, when its latest deadline has come", () => {
    const called: string[] = [];
    const a = { name: "a" };
    const b = { name: "b" };
    using deadlines = createDeadlines<{ readonly name: string }>(
      () => millis(now),
      (owner) => called.push(`${owner.name}@${now}`),
    );
    deadlines.set(a, millis(100));
    deadlines.set(b, millis(50));
    deadlines.set(a, millis(200));
    pass(60);
    expect(called).toEqual(["b@60"]);
    pass(100);
    expect(called).toEqual(["b@60"]);
    pass(100);
    expect(called).toEqual(["b@60", "a@260"]);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("without a deadline there is no timer", () => {
    const a = {};
    using deadlines = createDeadlines<object>(
      () => millis(now),
      () => undefined,
    );
    deadlines.set(a, millis(100));
    expect(vi.getTimerCount()).toBe(1);
    deadlines.set(a, null);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("a deadline that throws takes none of the others with it", () => {
    const called: string[] = [];
    const a = { name: "a" };
    const b = { name: "b" };
    const c = { name: "c" };
    using deadlines = createDeadlines<{ readonly name: string }>(
      () => millis(now),
      (owner) => {
        called.push(owner.name);
        if (owner === a) throw new Error("a is broken");
      },
    );
    for (const [at, owner] of [a, b, c].entries()) deadlines.set(owner, millis(10 + Math.floor(at / 2)));
    expect(() => pass(20)).toThrow("a is broken");
    pass(0);
    expect(called).toEqual(["a", "b", "c"]);
  });

  test("any script of settings fires what is due, earliest first, and nothing else", () => {
    const step = fc.record({
      owner: fc.integer({ min: 0, max: 20 }),
      in: fc.option(fc.integer({ min: 0, max: 50 })),
      wait: fc.integer({ min: 0, max: 20 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        now = 0;
        const owners = Array.from({ length: 21 }, (_, index) => ({ index }));
        const wanted = new Map<number, number>();
        let last = 0;
        using deadlines = createDeadlines<{ readonly index: number }>(
          () => millis(now),
          ({ index }) => {
            const at = wanted.get(index) ?? Number.POSITIVE_INFINITY;
            expect(at).toBeLessThanOrEqual(now);
            expect(at).toBeGreaterThanOrEqual(last);
            last = at;
            wanted.delete(index);
          },
        );
        for (const { owner, in: delay, wait } of steps) {
          const it = owners[owner];
          if (it === undefined) continue;
          if (delay === null) wanted.delete(owner);
          else wanted.set(owner, now + delay);
          last = 0;
          deadlines.set(it, delay === null ? null : millis(now + delay));
          pass(wait);
          for (const at of wanted.values()) expect(at).toBeGreaterThan(now - 1);
        }
      }),
      { numRuns: 200 },
    );
  });
});
