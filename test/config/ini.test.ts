import { spawnSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readIni } from "../../src/config/ini.js";
import { repr } from "../../src/config/python.js";
import { needs } from "../support/needs.js";
import { fixtureFile, python3 } from "./support.js";

const { describe: withPython } = needs("python3");

/** Sections, keys and values alone. */
function read(text: string): Record<string, Record<string, string>> {
  return Object.fromEntries(
    readIni(text).sections.map(({ name, entries }) => [
      name,
      Object.fromEntries([...entries].map(([key, { value }]) => [key, value])),
    ]),
  );
}

describe("values", () => {
  const value = (text: string): string | undefined => read(`[a]\n${text}\n`)["a"]?.["k"];

  test.each([
    ["k=v", "v"],
    ["k = v", "v"],
    ["k: v", "v"],
    ["K=v", "v"],
    ["k=a=b:c", "a=b:c"],
    ["k:a=b", "a=b"],
    ["k=", ""],
    ["k=a;b#c", "a;b#c"],
    ["k=;b", ";b"],
    ["k= ;b", ""],
    ["k=a ;b", "a"],
    ["k=a\t#b", "a"],
    ["k=a　; 全角空格也算空白", "a"],
    ['k=sh -c "a ; b"', 'sh -c "a'],
    ["k=a;b ;c #d", "a;b ;c"],
    ["k=true", "true"],
    ["k=null", "null"],
    ['k="quoted"', '"quoted"'],
    ["k='quoted'", "'quoted'"],
    ["k=\\; \\\\ \\n", "\\; \\\\ \\n"],
    ["k=[a]", "[a]"],
    ["k=1\nk=2", "2"],
    ["k=1\n[b]\n[a]\nk=3", "3"],
    ["k=1\n  2\n\t3", "1\n2\n3"],
    ["k=1\n  x=2\n  [b]", "1\nx=2\n[b]"],
    ["k=1\n\n  2\n\n\n", "1\n\n2"],
    ["k=1\n  ; comment\n  2", "1\n2"],
    ["k=1\n# comment\n  2", "1\n2"],
    ["  k=1\n  l=2", "1"],
    ["k=\u2028x\u2029y", "x\u2029y"],
    ["k=a\u0085b", "a\u0085b"],
  ])("%j is %j", (text, expected) => {
    expect(value(text)).toBe(expected);
  });
});

test("names that JavaScript or ini would take for something else are only names", () => {
  const text =
    "[__proto__]\n__proto__=1\nhasownproperty=2\na[]=3\ntoString=4\n[a.b]\nx.y=5\n[a]\nb=6\n[1]\n2=7\n[a\\.b]\n";
  const sections = readIni(text).sections.map(({ name, entries }) => [name, [...entries.keys()]]);
  expect(sections).toEqual([
    ["__proto__", ["__proto__", "hasownproperty", "a[]", "tostring"]],
    ["a.b", ["x.y"]],
    ["a", ["b"]],
    ["1", ["2"]],
    ["a\\.b", []],
  ]);
  expect(readIni(text).sections[0]?.entries.get("a[]")?.value).toBe("3");
});

test.each([
  ["[a]b]c", "a]b"],
  ["[a] rest", "a"],
  ["[ a ]", " a "],
  ["[program: x]", "program: x"],
  ['["q"]', '"q"'],
])("the section of %j is %j", (header, name) => {
  expect(readIni(`${header}\n`).sections.map((section) => section.name)).toEqual([name]);
});

test("sections and keys know their lines", () => {
  const file = readIni("\n[a]\r\nx=1\r\n  more\r\n; comment\ry=2\n[b]\n[a]\nx=3\n");
  expect(file.sections).toEqual([
    {
      name: "a",
      line: 2,
      entries: new Map([
        ["x", { value: "3", line: 9 }],
        ["y", { value: "2", line: 6 }],
      ]),
    },
    { name: "b", line: 7, entries: new Map() },
  ]);
});

test("every bad line is told, and what stands around it is read", () => {
  expect(readIni("[a]\nbad\nx=1\n=2\n[]\nlast")).toEqual({
    sections: [{ name: "a", line: 1, entries: new Map([["x", { value: "1", line: 3 }]]) }],
    bad: [
      { line: 2, text: "bad\n" },
      { line: 4, text: "=2\n" },
      { line: 5, text: "[]\n" },
      { line: 6, text: "last" },
    ],
    headerless: null,
  });
});

test("content before the first header is told once", () => {
  expect(readIni("; fine\nx=1\ny=2\n[a]\n").headerless).toEqual({ line: 2, text: "x=1\n" });
});

test("no text makes the reader throw, and every value survives ini", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), (name, value) => {
      readIni(name + value);
      const [line = ""] = value.split(/[\r\n]/);
      const plain = line.replace(/[;#]/g, "");
      const got = readIni(`[s]\nk=x${plain}x\n`).sections[0]?.entries.get("k")?.value;
      expect(got).toBe(`x${plain}x`);
    }),
  );
});

/** Pieces that the dialect gives a meaning, put together at random. */
const text = fc
  .array(
    fc.oneof(
      {
        weight: 6,
        arbitrary: fc.constantFrom("\n", "\n", "\n", " ", "  ", "\t", "\r\n", "=", ":", ";", "#"),
      },
      {
        weight: 4,
        arbitrary: fc.constantFrom("[a]", "[b.c]", "[DEFAULT]", "[", "]", "k", "l.m", "K", "v", "中"),
      },
      {
        weight: 2,
        arbitrary: fc.constantFrom("k=v", "\nk = v ; c\n", "\n  more\n", '"', "'", "\\", "true", "%(here)s"),
      },
      {
        weight: 2,
        arbitrary: fc.constantFrom("é", "\u00a0", "\u2028", "\u0085", "\x1c", "\u3000", "😀", "\x07", "\v"),
      },
    ),
    { maxLength: 40 },
  )
  .map((pieces) => `[a]\n${pieces.join("")}`);

withPython("beside Python's own parser", () => {
  test("random texts mean the same to both", () => {
    const texts = fc.sample(text, { numRuns: 3000, seed: 20 });
    const ran = spawnSync(python3 ?? "", [fixtureFile("sections.py")], {
      input: JSON.stringify(texts),
      encoding: "utf8",
      maxBuffer: 1 << 28,
    });
    expect(ran.stderr).toBe("");
    const theirs = JSON.parse(ran.stdout) as unknown[];
    expect(theirs.length).toBe(texts.length);
    for (const [index, sample] of texts.entries())
      expect({ sample, is: ours(sample) }).toEqual({ sample, is: theirs[index] });
  });
});

/** Our reading in the shape of Python's, errors included. */
function ours(sample: string): unknown {
  const { sections, bad } = readIni(sample);
  if (bad.length > 0) {
    const lines = bad.map(
      ({ line, text: shown }) => `\n\t[line ${String(line).padStart(2)}]: ${repr(shown)}`,
    );
    return { error: `Source contains parsing errors: 'x.conf'${lines.join("")}` };
  }
  const plain = Object.fromEntries(
    sections.map(({ name, entries }) => [
      name,
      Object.fromEntries([...entries].map(([key, { value }]) => [key, value])),
    ]),
  );
  const { DEFAULT: defaults = {}, ...rest } = plain;
  return { defaults, sections: rest };
}
