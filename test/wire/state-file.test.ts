import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { SavedEvent } from "../../src/core/saved.js";
import {
  encodeStateLine,
  readStateFile,
  STATE_FORMAT,
  type StateReading,
} from "../../src/wire/state-file.js";

const FORMAT_1 = readFileSync(new URL("../fixtures/state/format-1.state", import.meta.url));

function good(reading: StateReading): Extract<StateReading, { ok: true }> {
  if (!reading.ok) throw new Error(reading.why);
  return reading;
}

describe("a state file", () => {
  test("of format 1 is read, later lines in the place of earlier ones", () => {
    const { header, state, torn } = good(readStateFile(FORMAT_1.toString()));
    expect(torn).toBe(false);
    expect(header).toMatchObject({ format: 1, pid: 4711, starttime: 859_053 });
    expect(state).toMatchObject({ mood: "RUNNING", serial: 8, held: ["gone:gone"] });
    expect(state.groups.map(({ config }) => config.name)).toEqual(["cat", "ears"]);
    expect(state.processes.map(({ name, process, run }) => [name, process.state.name, run?.pid])).toEqual([
      ["cat", "RUNNING", 4712],
      ["ears", "STARTING", null],
    ]);
    expect(state.pools[0]?.listeners[0]).toMatchObject({ state: "BUSY", busyWith: { serial: 6 } });
  });

  test("comes back as it was written", () => {
    const { header, state } = good(readStateFile(FORMAT_1.toString()));
    const { mood, serial, held, groups, processes, pools } = state;
    const again = [
      encodeStateLine({ header }),
      encodeStateLine({ is: "daemon", mood, serial, held }),
      ...groups.map((group) => encodeStateLine({ is: "group", name: group.config.name, group })),
      ...processes.map((process) => encodeStateLine({ is: "process", process })),
      ...pools.map((pool) => encodeStateLine({ is: "pool", name: pool.name, pool })),
    ].join("");
    expect(good(readStateFile(again)).state).toEqual(state);
  });

  test("knows an event that a later line leaves out by the one before", () => {
    const event = { type: "E", payload: "large", serial: 9, poolserial: 2 };
    const left = { ...event, payload: "", asBefore: true };
    const listener = { name: "ears", state: "BUSY", pending: "", resultBytes: null };
    const pool = (buffer: readonly SavedEvent[], busyWith: SavedEvent | null): string =>
      encodeStateLine({
        is: "pool",
        name: "ears",
        pool: { name: "ears", poolserial: 3, discarded: 0, buffer, listeners: [{ ...listener, busyWith }] },
      });
    const last = (...lines: readonly string[]): unknown =>
      good(readStateFile(FORMAT_1.toString() + lines.join(""))).state.pools[0]?.listeners[0]?.busyWith;
    expect(last(pool([], event), pool([], left))).toEqual(event);
    expect(last(pool([], event), pool([], left), pool([], left))).toEqual(event);
    expect(last(pool([event], null), pool([], left))).toEqual(event);
    expect(last(pool([], null), pool([], left))).toBeNull();
  });

  test("forgets a group with its processes", () => {
    const gone = encodeStateLine({ is: "group", name: "cat", group: null });
    const { state } = good(readStateFile(FORMAT_1.toString() + gone));
    expect(state.processes.map(({ name }) => name)).toEqual(["ears"]);
  });

  test("cut at any byte is its beginning, or said to be damaged", () => {
    for (let length = 0; length < FORMAT_1.length; length += 1) {
      const reading = readStateFile(FORMAT_1.toString("utf8", 0, length));
      const atLine = length > 0 && FORMAT_1[length - 1] === 0x0a;
      if (reading.ok) expect(reading.torn).toBe(!atLine);
      else expect(reading).toEqual({ ok: false, newer: false, why: "its first line is damaged" });
    }
  });

  test("with any bit flipped is never believed", () => {
    const whole = JSON.stringify(good(readStateFile(FORMAT_1.toString())).state);
    for (let at = 0; at < FORMAT_1.length; at += 1)
      for (const bit of [0, 3, 7]) {
        const flipped = Buffer.from(FORMAT_1);
        flipped[at] = (flipped[at] ?? 0) ^ (1 << bit);
        const reading = readStateFile(flipped.toString());
        // The last newline is the one byte that only says that the line is whole.
        if (reading.ok)
          expect([JSON.stringify(reading.state) === whole, reading.torn]).not.toEqual([true, false]);
        else expect(reading.why).toMatch(/damaged/);
      }
  });

  test("of a newer format is refused, whatever follows", () => {
    const header = { ...good(readStateFile(FORMAT_1.toString())).header, format: STATE_FORMAT + 1 };
    expect(readStateFile(`${encodeStateLine({ header })}what nobody knows\n`)).toMatchObject({
      ok: false,
      newer: true,
    });
  });
});
