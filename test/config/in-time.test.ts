import { expect, test } from "vitest";
import { inTime } from "../../src/config/in-time.js";

test("what is ready in time is given as it is, and so is what fails", async () => {
  expect(await inTime(async () => 5)).toBe(5);
  await expect(inTime(() => Promise.reject(new Error("mine")))).rejects.toThrow("mine");
  await expect(inTime(() => Promise.reject(new Error("mine")), 1)).rejects.toThrow("mine");
});

test("what is not ready at the limit is given up", async () => {
  await expect(inTime(() => new Promise(() => undefined), 20)).rejects.toThrow(
    "it is not ready after 0.02 seconds",
  );
});

test("what nothing can end any more is given up at once, and nothing is left behind", async () => {
  const before = process.listenerCount("beforeExit");
  const waiting = inTime(() => new Promise(() => undefined));
  expect(process.listenerCount("beforeExit")).toBe(before + 1);
  const [idle] = process.listeners("beforeExit").slice(-1);
  idle?.(0);
  await expect(waiting).rejects.toThrow("it waits for what never comes");
  expect(process.listenerCount("beforeExit")).toBe(before);
});
