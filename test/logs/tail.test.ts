import { execFileSync } from "node:child_process";
import { truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isPassage, type Passage } from "../../src/core/passage.js";
import { decodeText, findPassage, LogFault, readLog, SLICE_BYTES, tailLog } from "../../src/logs/tail.js";
import { useScratch } from "./scratch.js";

const scratch = useScratch();

function logWith(text: string): string {
  const path = join(scratch(), "log");
  writeFileSync(path, text);
  return path;
}

/** What an answer or a fault comes to. */
function asked(read: () => Uint8Array | Passage): string {
  try {
    const answer = read();
    return isPassage(answer) ? `${answer.start} to ${answer.end}` : Buffer.from(answer).toString("utf8");
  } catch (error) {
    if (error instanceof LogFault) return `${error.fault} ${error.detail}`;
    throw error;
  }
}

describe("readLog", () => {
  test.each([
    [-3, 0, "lo\n"],
    [-100, 0, "héllo\n"],
    [-3, 1, "BAD_ARGUMENTS null"],
    [-3, -1, "BAD_ARGUMENTS null"],
    [0, -1, "BAD_ARGUMENTS null"],
    [5, -1, "BAD_ARGUMENTS null"],
    [0, 0, "héllo\n"],
    [3, 0, "llo\n"],
    [3, 2, "ll"],
    [3, 100, "llo\n"],
    [7, 5, ""],
    [100, 0, ""],
    [100, 10, ""],
  ])("offset %i, length %i", (offset, length, answer) => {
    const path = logWith("héllo\n");
    expect(asked(() => readLog(path, offset, length))).toBe(answer);
  });

  test("a log that is missing or not configured is NO_FILE, even with bad arguments", () => {
    const path = join(scratch(), "no");
    expect(asked(() => readLog(path, 0, -1))).toBe(`NO_FILE ${path}`);
    expect(asked(() => readLog(null, 0, 0))).toBe("NO_FILE null");
  });

  test("what cannot be read is FAILED; a device has no past", () => {
    const directory = scratch();
    execFileSync("mkfifo", [join(directory, "fifo")]);
    const paths = [directory, join(directory, "fifo"), "/dev/null"];
    expect(paths.map((path) => asked(() => readLog(path, 0, 0)))).toEqual(["FAILED null", "FAILED null", ""]);
  });

  test("more than one answer can carry is FAILED, a window of it is not", () => {
    const path = logWith("");
    truncateSync(path, 1 << 30);
    expect(asked(() => readLog(path, 0, 0))).toBe("FAILED null");
    expect(readLog(path, -5, 0)).toEqual(Buffer.alloc(5));
  });
});

test("what is long is found and not read", () => {
  const path = logWith("x".repeat(SLICE_BYTES + 1));
  expect(asked(() => readLog(path, 1, 0))).toHaveLength(SLICE_BYTES);
  expect(asked(() => readLog(path, 0, 0))).toBe(`0 to ${SLICE_BYTES + 1}`);
  expect(asked(() => tailLog(path, 0, 1 << 30).bytes)).toBe(`0 to ${SLICE_BYTES + 1}`);
  expect(asked(() => findPassage(path, -5, 0))).toBe(`${SLICE_BYTES - 4} to ${SLICE_BYTES + 1}`);
  expect(asked(() => findPassage(path, 1 << 20, 5))).toBe(`${1 << 20} to ${1 << 20}`);
});

describe("tailLog", () => {
  test.each([
    [0, 0, ["", 7, true]],
    [0, 3, ["lo\n", 7, true]],
    [0, 100, ["héllo\n", 7, false]],
    [5, 3, ["lo\n", 7, false]],
    [4, 3, ["lo\n", 7, false]],
    [7, 3, ["", 7, false]],
    [100, 10, ["", 7, false]],
    [0, -1, ["", 7, true]],
    [-5, 3, ["lo\n", 7, true]],
    [100, -100, ["", 7, true]],
  ])("offset %i, length %i", (offset, length, answer) => {
    const { bytes, offset: next, overflow } = tailLog(logWith("héllo\n"), offset, length);
    expect([asked(() => bytes), next, overflow]).toEqual(answer);
  });

  test("a log that is missing or not configured is empty", () => {
    const nothing = { bytes: Buffer.alloc(0), offset: 0, overflow: false };
    expect([tailLog(null, 5, 5), tailLog(join(scratch(), "no"), 5, 5)]).toEqual([nothing, nothing]);
  });

  test("what cannot be read is empty and keeps the caller's offset", () => {
    expect(tailLog(scratch(), 5, 5)).toEqual({ bytes: Buffer.alloc(0), offset: 5, overflow: false });
  });

  test("answers as the reference's own steps would, for any window", () => {
    const path = logWith("0123456789");
    fc.assert(
      fc.property(fc.integer({ min: -15, max: 15 }), fc.integer({ min: -15, max: 15 }), (offset, length) => {
        const size = 10;
        let [start, count, overflow] = [offset, length, false];
        if (size > start + count) [start, overflow] = [size - 1, true];
        if (start + count > size) {
          if (start > size - 1) count = 0;
          start = size - count;
        }
        const from = Math.max(start, 0);
        const bytes = Buffer.from("0123456789".slice(from, from + Math.max(count, 0)));
        expect(tailLog(path, offset, length)).toEqual({ bytes, offset: size, overflow });
      }),
    );
  });
});

describe("decodeText", () => {
  test("keeps text, tabs and line ends; replaces what XML or UTF-8 does not allow", () => {
    expect(decodeText(Buffer.from("\uFEFFé\t\r\n\u{1F600}"))).toBe("\uFEFFé\t\r\n\u{1F600}");
    expect(decodeText(Buffer.from([0x1b, 0x5b, 0x6d, 0x00, 0x0b]))).toBe("\uFFFD[m\uFFFD\uFFFD");
    expect(decodeText(Buffer.from("é!").subarray(1))).toBe("\uFFFD!");
    expect(decodeText(Buffer.from("\uFFFE\uFFFF"))).toBe("\uFFFD\uFFFD");
  });

  test("gives XML-legal text for any bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(decodeText(bytes)).toMatch(/^[\t\n\r\x20-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]*$/u);
      }),
    );
  });
});
