import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { passage } from "../../src/core/passage.js";
import { openPassage, readPassage } from "../../src/logs/passage.js";
import { decodeText, LogFault, SLICE_BYTES } from "../../src/logs/tail.js";
import { useScratch } from "./scratch.js";

const scratch = useScratch();

function logWith(bytes: Uint8Array): string {
  const path = join(scratch(), "log");
  writeFileSync(path, bytes);
  return path;
}

async function texts(path: string, start: number, end: number): Promise<readonly string[]> {
  const opened = openPassage(passage(path, start, end));
  try {
    const found: string[] = [];
    for await (const slice of opened.slices()) found.push(decodeText(slice));
    return found;
  } finally {
    opened.close();
  }
}

const openHere = (): number => readdirSync("/proc/self/fd").length;

/** Characters that a slice may end in the middle of, or seem to. */
const bytes = fc.array(
  fc.constantFrom(0x41, 0x0a, 0x80, 0xbf, 0xc3, 0xa9, 0xe2, 0x82, 0xac, 0xf0, 0x9f, 0x90, 0xff, 0xed, 0xa0),
  { minLength: 12, maxLength: 24 },
);

test("slices are the text in pieces, whatever the bytes are and wherever they are cut", async () => {
  await fc.assert(
    fc.asyncProperty(bytes, fc.nat(12), async (around, before) => {
      const log = Buffer.concat([Buffer.alloc(SLICE_BYTES - before, "x"), Buffer.from(around)]);
      const found = await texts(logWith(log), 0, log.length);
      expect(found.join("")).toBe(decodeText(log));
      expect(found.length).toBeLessThanOrEqual(2);
    }),
  );
});

test("a passage is what lies between its ends, as often as it is read", async () => {
  const path = logWith(Buffer.from("0123456789"));
  expect(await texts(path, 3, 7)).toEqual(["3456"]);
  expect(await texts(path, 3, 100)).toEqual(["3456789"]);
  expect(await texts(path, 30, 100)).toEqual([]);
  expect((await readPassage(passage(path, 0, 4))).toString()).toBe("0123");
});

test("no more than 64 are open at a time, and none stays open", () => {
  const path = logWith(Buffer.alloc(0));
  const before = openHere();
  const opened = Array.from({ length: 64 }, () => openPassage(passage(path, 0, 0)));
  expect(() => openPassage(passage(path, 0, 0))).toThrow(LogFault);
  for (const each of opened) each.close();
  openPassage(passage(path, 0, 0)).close();
  expect(() => openPassage(passage(join(path, "no"), 0, 0))).toThrow(LogFault);
  expect(openHere()).toBe(before);
});
