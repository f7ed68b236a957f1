/** Lines and secrets, from pipes and from raw bytes. */
import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { createPipeKeyboard, type Typed } from "../../src/ctl/keyboard.js";
import { secretReader } from "../../src/ctl/secret.js";

function secret(...chunks: readonly string[]): Typed | null {
  let typed: Typed | null = null;
  const feed = secretReader((answer) => {
    typed = answer;
  });
  for (const chunk of chunks) feed(Buffer.from(chunk));
  return typed;
}

test.each([
  ["a line", ["se", "cret\r"], { line: "secret" }],
  ["letters of several bytes, one of them taken back", ["pß€\x7f", "x\n"], { line: "pßx" }],
  ["a backspace too many", ["\x7f\b\x7fa\r"], { line: "a" }],
  ["Ctrl-U", ["wrong\x15right\r"], { line: "right" }],
  ["control characters", ["a\x01\x1b\tb\r"], { line: "ab" }],
  ["Ctrl-C", ["half\x03"], "interrupt"],
  ["Ctrl-D at the beginning", ["\x04"], "end"],
  ["Ctrl-D after something", ["half\x04", "\r"], { line: "half" }],
  ["nothing yet", ["half"], null],
] as const)("a secret: %s", (_what, chunks, typed) => {
  expect(secret(...chunks)).toEqual(typed);
});

function pipe(): {
  readonly stdin: PassThrough;
  readonly written: string[];
  readonly keyboard: ReturnType<typeof createPipeKeyboard>;
} {
  const stdin = new PassThrough();
  const written: string[] = [];
  const interrupted = (): { signal: AbortSignal } & Disposable => ({
    signal: new AbortController().signal,
    [Symbol.dispose]: () => undefined,
  });
  const keyboard = createPipeKeyboard({ stdin, stdout: (text) => void written.push(text), interrupted });
  return { stdin, written, keyboard };
}

test("lines of a pipe go to whoever asks next, then the input is at its end", async () => {
  const { stdin, written, keyboard } = pipe();
  stdin.end("one\ntwo\nthree");
  expect(await keyboard.line("> ")).toEqual({ line: "one" });
  expect(await keyboard.line("")).toEqual({ line: "two" });
  expect(await keyboard.secret("? ")).toEqual({ line: "three" });
  expect(await keyboard.line("> ")).toBe("end");
  expect(written.join("")).toBe("> ? > \n");
});

test("a line that is no longer wanted counts as the end, and takes nothing from the next", async () => {
  const { stdin, keyboard } = pipe();
  const over = new AbortController();
  const waiting = keyboard.line("", { signal: over.signal });
  over.abort();
  expect(await waiting).toBe("end");
  stdin.write("later\n");
  expect(await keyboard.line("")).toEqual({ line: "later" });
  keyboard.close();
});
