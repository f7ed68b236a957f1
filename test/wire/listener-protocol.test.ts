import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createListener, formatEvent, type ListenerFact } from "../../src/wire/listener-protocol.js";

function say(facts: readonly ListenerFact[]): string[] {
  return facts.map((fact) => {
    if (fact.type === "state") return `${fact.from} -> ${fact.to}`;
    return fact.type === "result" ? `result ${fact.bytes}` : `bad ${fact.line}`;
  });
}

describe("a listener", () => {
  test("is ready, busy with an event, and ready again", () => {
    const listener = createListener();
    expect(say(listener.heard(Buffer.from("READY\n")))).toEqual(["ACKNOWLEDGED -> READY"]);
    expect(say(listener.sent())).toEqual(["READY -> BUSY"]);
    expect(say(listener.heard(Buffer.from("RESULT 2\nOKREADY\n")))).toEqual([
      "result OK",
      "BUSY -> ACKNOWLEDGED",
      "ACKNOWLEDGED -> READY",
    ]);
  });

  test.each([
    ["something else than READY", ["hello!\n"], false, ["ACKNOWLEDGED -> UNKNOWN"]],
    ["anything said while READY", ["READY\nx"], false, ["ACKNOWLEDGED -> READY", "READY -> UNKNOWN"]],
    ["a result without a length", ["RESULT x\n"], true, ["bad RESULT x", "BUSY -> UNKNOWN"]],
    [
      "a newline after OK",
      ["RESULT 2\nOK\n", "READY\n"],
      true,
      ["result OK", "BUSY -> ACKNOWLEDGED", "ACKNOWLEDGED -> UNKNOWN"],
    ],
  ] as const)("is UNKNOWN after %s", (_what, said, busy, facts) => {
    const listener = createListener();
    if (busy) {
      listener.heard(Buffer.from("READY\n"));
      listener.sent();
    }
    expect(said.flatMap((text) => say(listener.heard(Buffer.from(text))))).toEqual(facts);
    expect(listener.state).toBe("UNKNOWN");
    expect(listener.heard(Buffer.from("READY\n"))).toEqual([]);
  });

  test("is understood the same however its output is cut", () => {
    const said = "RESULT 4\nFAILREADY\n";
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: said.length - 1 })), (cuts) => {
        const listener = createListener();
        listener.heard(Buffer.from("READY\n"));
        listener.sent();
        const places = [0, ...[...new Set(cuts)].sort((a, b) => a - b), said.length];
        const facts = places.slice(1).flatMap((end, index) => {
          return say(listener.heard(Buffer.from(said.slice(places[index], end))));
        });
        expect(facts).toEqual(["result FAIL", "BUSY -> ACKNOWLEDGED", "ACKNOWLEDGED -> READY"]);
      }),
    );
  });

  test("that says a long result byte by byte costs no more than the bytes", () => {
    const spent = (length: number): number => {
      const listener = createListener();
      listener.heard(Buffer.from("READY\n"));
      listener.sent();
      listener.heard(Buffer.from(`RESULT ${length}\n`));
      const byte = Buffer.from("x");
      const facts: ListenerFact[] = [];
      const start = process.cpuUsage();
      for (let at = 0; at < length; at += 1) facts.push(...listener.heard(byte));
      const { user, system } = process.cpuUsage(start);
      expect(facts.map(({ type }) => type)).toEqual(["result", "state"]);
      return user + system;
    };
    spent(100_000);
    // Sixteen times the length; its square would be 256.
    expect(spent(1_600_000) / Math.max(1, spent(100_000))).toBeLessThan(100);
  });

  test("gets nothing more once its result could not be judged", () => {
    const listener = createListener();
    listener.heard(Buffer.from("READY\n"));
    listener.sent();
    listener.heard(Buffer.from("RESULT 2\nhmREADY\n"));
    expect(listener.broken()).toEqual([{ type: "state", from: "BUSY", to: "UNKNOWN" }]);
    expect(listener.heard(Buffer.from("READY\n"))).toEqual([]);
    expect(listener.state).toBe("UNKNOWN");
  });

  test("may say any bytes without breaking us", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 50 })), (chunks) => {
        const listener = createListener();
        for (const chunk of chunks) {
          if (listener.state === "READY") listener.sent();
          listener.heard(chunk);
        }
      }),
    );
  });
});

test("an event's length counts characters, as the reference does", () => {
  const event = { server: "s", serial: 1, pool: "p", poolserial: 0, eventname: "E" };
  expect(formatEvent({ ...event, payload: "type:t1\nhéllo" })).toBe(
    "ver:3.0 server:s serial:1 pool:p poolserial:0 eventname:E len:13\ntype:t1\nhéllo",
  );
  expect(formatEvent({ ...event, payload: "🎉" })).toContain(" len:1\n");
});
