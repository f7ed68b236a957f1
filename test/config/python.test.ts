/** Where our answers must be Python's, Python is asked. */
import { spawnSync } from "node:child_process";
import fc from "fast-check";
import { expect, test } from "vitest";
import { integer } from "../../src/config/convert.js";
import { decode } from "../../src/config/decode.js";
import { expand } from "../../src/config/expand.js";
import { parseOctal, repr } from "../../src/config/python.js";
import { lexWords, splitWords, type Words } from "../../src/core/words.js";
import { needs } from "../support/needs.js";
import { fixtureFile, python3 } from "./support.js";

const { describe: withPython } = needs("python3");

function ask(questions: readonly (readonly unknown[])[]): readonly unknown[] {
  const ran = spawnSync(python3 ?? "", [fixtureFile("python.py")], {
    input: JSON.stringify(questions),
    encoding: "utf8",
    env: { PYTHONUTF8: "1" },
    maxBuffer: 1 << 28,
  });
  expect(ran.stderr).toBe("");
  return JSON.parse(ran.stdout) as unknown[];
}

/** Texts made of pieces that mean something, the same in each run. */
function texts(pieces: readonly string[], count: number, maxLength = 14): readonly string[] {
  const arbitrary = fc.array(fc.constantFrom(...pieces), { maxLength }).map((parts) => parts.join(""));
  return fc.sample(arbitrary, { numRuns: count, seed: 4 });
}

function compare<T>(
  what: string,
  inputs: readonly T[],
  args: (input: T) => readonly unknown[],
  ours: (input: T) => unknown,
): void {
  const theirs = ask(inputs.map((input) => [what, ...args(input)]));
  expect(inputs.map((input) => ({ input, is: ours(input) }))).toEqual(
    inputs.map((input, index) => ({ input, is: theirs[index] })),
  );
}

const wordsOf = (lexed: Words): unknown => (lexed.ok ? lexed.words : lexed.error);

withPython("as Python does it", () => {
  test("%-formats", () => {
    const names = { a: "text", n: 7, m: -42, "(p)": "paren", 中: "文" };
    const pieces = [
      "%",
      "%",
      "%(a)",
      "%(n)",
      "%(m)",
      "%((p))",
      "%(中)",
      "%(q)",
      "(",
      ")",
      "-",
      "+",
      "0",
      "#",
      " ",
      ".",
      "3",
      "12",
      "*",
    ];
    const types = [
      "s",
      "d",
      "i",
      "u",
      "x",
      "X",
      "o",
      "f",
      "e",
      "g",
      "G",
      "r",
      "c",
      "l",
      "z",
      "Y",
      "文",
      "%%",
    ];
    const own = new Map(Object.entries(names));
    compare(
      "expand",
      texts([...pieces, ...types, ...types], 6000, 7),
      (text) => [text, names],
      (text) => {
        const expanded = expand(text, { own, shared: new Map() }, "x");
        if (expanded.ok) return expanded.value;
        if (expanded.unknown !== undefined) return `KeyError: ${repr(expanded.unknown)}`;
        return `Error: ${expanded.text.slice(expanded.text.indexOf("badly formatted: ") + "badly formatted: ".length)}`;
      },
    );
  });

  const QUOTING = [
    "'",
    '"',
    "\\",
    " ",
    "\n",
    "\t",
    "a",
    "b",
    "=",
    ",",
    "#",
    ";",
    "é",
    "中",
    "$",
    "/",
    "-",
    "~",
    "×",
    "\u00a0",
    "😀",
  ];

  test("words of a command", () => {
    compare(
      "words",
      texts(QUOTING, 3000),
      (text) => [text],
      (text) => wordsOf(splitWords(text)),
    );
  });

  test("words of an environment", () => {
    const isWordChar = (char: string): boolean => /[A-Za-z0-9_ß-öø-ÿÀ-ÖØ-Þ/.+\-():]/.test(char);
    compare(
      "environment",
      texts(QUOTING, 3000),
      (text) => [text],
      (text) => wordsOf(lexWords(text, { isWordChar, comments: true })),
    );
  });

  test("integers", () => {
    const inputs = texts(["1", "0", "9", "_", "+", "-", " ", "\n", "a", "."], 2000, 5);
    compare(
      "integer",
      inputs,
      (text) => [text, 10],
      (text) => {
        const number = integer(text);
        return number.ok ? number.value + 0 : number.text;
      },
    );
  });

  test("octal integers", () => {
    const inputs = texts(["0", "7", "2", "8", "_", "o", "O", "0o", "-", "+", " "], 2000, 5);
    const theirs = ask(inputs.map((text) => ["integer", text, 8]));
    expect(inputs.map((text) => [text, parseOctal(text)])).toEqual(
      inputs.map((text, index) => [text, typeof theirs[index] === "number" ? theirs[index] : null]),
    );
  });

  test("quoted texts", () => {
    const inputs = texts(
      [
        "'",
        '"',
        "\\",
        "\n",
        "\r",
        "\t",
        "\x00",
        "\x7f",
        "\x85",
        "\u00a0",
        "\u00ad",
        "é",
        "中",
        "\u200b",
        "\u2028",
        "\u3000",
        "😀",
        "\u{e0001}",
        "a",
        " ",
      ],
      500,
    );
    compare("repr", inputs, (text) => [text], repr);
  });

  test("bytes that are not UTF-8", () => {
    const byte = fc.constantFrom(
      0x41,
      0x80,
      0xbf,
      0xa0,
      0x9f,
      0x90,
      0x8f,
      0xc1,
      0xc2,
      0xe0,
      0xe4,
      0xed,
      0xef,
      0xf0,
      0xf4,
      0xf5,
      0xff,
    );
    const inputs = fc.sample(fc.array(byte, { maxLength: 6 }), { numRuns: 3000, seed: 4 });
    compare(
      "decode",
      inputs,
      (bytes) => [bytes],
      (bytes) => {
        const { text, problem } = decode(Uint8Array.from(bytes));
        return problem?.text ?? text;
      },
    );
  });
});
