import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createAnsiStripper, stripAnsi } from "../../src/wire/ansi.js";

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");
const bytes = (value: string): Uint8Array => Buffer.from(value, "latin1");

/** The rule in one expression: ESC [ up to and including the first terminator, or to the end. */
const byRule = (value: string): string =>
  value.replace(/\x1b\[[^HfABCDRsuJKhlpm]*(?:[HfABCDRsuJKhlpm]|$)/g, "");

const noisy = fc
  .array(fc.constantFrom("\x1b", "[", "3", "1", "m", "H", "x", ";", "\n", "é"), { maxLength: 40 })
  .map((parts) => parts.join(""));

describe("strip_ansi", () => {
  test("drops colours and cursor moves and keeps the rest", () => {
    expect(text(stripAnsi(bytes("\x1b[31mred\x1b[0m \x1b[2Jplain\n")))).toBe("red plain\n");
  });

  test("keeps an ESC that begins no sequence, at the end too", () => {
    expect(text(stripAnsi(bytes("a\x1bb\x1b\x1b[1mc\x1b")))).toBe("a\x1bb\x1bc\x1b");
  });

  test("drops an unfinished sequence at the end", () => {
    expect(text(stripAnsi(bytes("a\x1b[31")))).toBe("a");
  });

  test("gives the very chunk back where there is nothing to strip", () => {
    const chunk = bytes("plain");
    expect(createAnsiStripper().write(chunk)).toBe(chunk);
  });

  test("remembers a sequence that two reads share", () => {
    const stripper = createAnsiStripper();
    expect(["a\x1b", "[3", "1mb"].map((part) => text(stripper.write(bytes(part))))).toEqual(["a", "", "b"]);
  });

  test("is the rule, for any bytes in any pieces", () => {
    fc.assert(
      fc.property(fc.array(noisy), (parts) => {
        const stripper = createAnsiStripper();
        const streamed =
          parts.map((part) => text(stripper.write(bytes(part)))).join("") + text(stripper.end());
        expect(streamed).toBe(byRule(parts.join("")));
        expect(text(stripAnsi(bytes(parts.join(""))))).toBe(streamed);
      }),
    );
  });
});
