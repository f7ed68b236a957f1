import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type EventType, groupEvent, remoteEvent, stateEvent, subscribes } from "../../src/core/event.js";
import { accept, newPool, type Pool, rebuffer, takeNext, wants } from "../../src/core/pool.js";

const event = remoteEvent("t", "x");

describe("subscribing", () => {
  test.each([
    ["EVENT", "TICK_5", true],
    ["TICK", "TICK_60", true],
    ["TICK_5", "TICK_60", false],
    ["PROCESS_STATE", "PROCESS_STATE_FATAL", true],
    ["PROCESS_STATE", "PROCESS_LOG_STDOUT", false],
  ] as const)("%s hears of %s: %s", (wanted, type: EventType, heard) => {
    expect(subscribes(new Set([wanted]), type)).toBe(heard);
  });
});

describe("payloads", () => {
  const p = { group: "g", name: "p" };
  test.each([
    [{ from: "STOPPED", to: "STARTING", tries: 0 }, "processname:p groupname:g from_state:STOPPED tries:0"],
    [{ from: "STARTING", to: "RUNNING", pid: 7 }, "processname:p groupname:g from_state:STARTING pid:7"],
    [
      { from: "RUNNING", to: "EXITED", pid: 7, expected: true },
      "processname:p groupname:g from_state:RUNNING expected:1 pid:7",
    ],
    [{ from: "BACKOFF", to: "FATAL" }, "processname:p groupname:g from_state:BACKOFF"],
  ] as const)("of %o", (change, payload) => {
    const full = { type: "notify", tries: 0, pid: 0, expected: false, ...change } as const;
    expect(stateEvent(p, full).payload).toBe(payload);
  });

  test("only group payloads end with a newline", () => {
    expect(groupEvent("ADDED", "g")).toEqual({ type: "PROCESS_GROUP_ADDED", payload: "groupname:g\n" });
    expect(remoteEvent("a", "b").payload).toBe("type:a\nb");
  });
});

describe("a pool", () => {
  test("drops the oldest when it is full, and counts it", () => {
    let pool: Pool = newPool("p", ["EVENT"], 2);
    const gone: (number | null)[] = [];
    for (const serial of [10, 11, 12]) {
      const [next, discarded] = accept(pool, event, serial);
      pool = next;
      gone.push(discarded?.serial ?? null);
    }
    expect(gone).toEqual([null, null, 10]);
    expect(pool.discarded).toBe(1);
    expect([...pool.buffer].map(({ serial, poolserial }) => [serial, poolserial])).toEqual([
      [11, 1],
      [12, 2],
    ]);
  });

  test("gives a rejected event back at the head, with its serials", () => {
    let [pool] = accept(newPool("p", ["EVENT"], 10), event, 5);
    [pool] = accept(pool, event, 6);
    const [rest, first] = takeNext(pool);
    if (first === null) throw new Error("nothing buffered");
    const [back] = rebuffer(rest, first);
    expect([...back.buffer].map(({ serial }) => serial)).toEqual([5, 6]);
  });

  test("never holds more than buffer_size, and only what it wants", () => {
    const script = fc.array(fc.constantFrom("accept", "take", "back"), { maxLength: 100 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 }), script, (size, moves) => {
        let pool = newPool("p", ["REMOTE_COMMUNICATION"], size);
        let hand = takeNext(pool)[1];
        moves.forEach((move, serial) => {
          if (move === "accept" && wants(pool, event)) [pool] = accept(pool, event, serial);
          else if (move === "take" && hand === null) [pool, hand] = takeNext(pool);
          else if (move === "back" && hand !== null) {
            [pool] = rebuffer(pool, hand);
            hand = null;
          }
          expect(pool.buffer.length).toBeLessThanOrEqual(size);
        });
      }),
    );
  });
});
