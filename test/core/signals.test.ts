import { expect, test } from "vitest";
import { parseSignal } from "../../src/core/signals.js";

test.each([
  ["TERM", 15],
  ["sigterm", 15],
  [" Usr1 ", 10],
  ["SIGCLD", 17],
  ["CHLD", 17],
  ["iot", 6],
  ["POLL", 29],
  ["io", 29],
  ["RTMIN", 34],
  ["SIGRTMAX", 64],
  ["9", 9],
  ["+1", 1],
])("%j is signal %i", (text, signal) => {
  expect(parseSignal(text)).toBe(signal);
});

test("numbers are those that have a name, and 0", () => {
  const known = Array.from({ length: 70 }, (_, number) => number).filter(
    (n) => parseSignal(String(n)) !== null,
  );
  expect(known).toEqual([...Array.from({ length: 32 }, (_, number) => number), 34, 64]);
});

test.each(["", "SIG", "FOO", "SIGSIGTERM", "-1", "1.5", "TERM KILL", "toString", "__proto__"])(
  "%j is no signal",
  (text) => {
    expect(parseSignal(text)).toBe(null);
  },
);
