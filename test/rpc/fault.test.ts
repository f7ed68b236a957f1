import { expect, test } from "vitest";
import { RpcFault } from "../../src/rpc/fault.js";
import { integer, text } from "../../src/rpc/method.js";

test("a fault repeats what was sent, up to a length", () => {
  expect(new RpcFault("BAD_NAME", "x").message).toBe("BAD_NAME: x");
  const { message } = new RpcFault("BAD_NAME", "x".repeat(1 << 20));
  expect([message.length, message.slice(0, 12), message.at(-1)]).toEqual([10_001, "BAD_NAME: xx", "…"]);
});

test("so does what the log says of a wrong type", () => {
  expect(() => text(5)).toThrow("string expected, 5 found");
  expect(() => text(["x"])).toThrow("string expected, array found");
  expect(() => integer("x")).toThrow('int expected, "x" found');
  const long = "x".repeat(1 << 20);
  expect(() => integer(long)).toThrow(/^int expected, "x{999} found$/);
});
