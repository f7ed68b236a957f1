/** The interactive shell: a status first, then a prompt for every line. */
import { readFileSync, writeFileSync } from "node:fs";
import { createInterface, type Interface } from "node:readline";
import { runLine } from "./commands.js";
import { complete } from "./completion.js";
import type { Controller } from "./controller.js";

const HISTORY_LINES = 1000;

/** Runs until quit, the end of input or Ctrl-C at the prompt. */
export async function runShell(ctl: Controller): Promise<void> {
  const { stdin } = ctl.io;
  const terminal = "isTTY" in stdin && stdin.isTTY === true;
  const { history_file } = ctl.config;
  const shell = createInterface({
    input: stdin,
    output: process.stdout,
    terminal,
    prompt: `${ctl.config.prompt}> `,
    historySize: HISTORY_LINES,
    history: [...readHistory(history_file)].reverse(),
    completer: (line: string, done: (error: Error | null, result: [string[], string]) => void) => {
      complete(line, () => ctl.client.getAllProcessInfo(), ctl.plugins).then(
        ({ candidates, word }) => done(null, [[...candidates], word]),
        () => done(null, [[], line]),
      );
    },
  });
  const typed: string[] = [];
  const next = lineReader(shell);
  ctl.ask = async (question, silent) => {
    ctl.io.stdout(question);
    using _muted = silent && terminal ? mute(shell) : null;
    return next();
  };
  await runLine(ctl, "status");
  while (!ctl.done) {
    if (terminal) shell.prompt();
    else ctl.io.stdout(`${ctl.config.prompt}> `);
    const line = await next();
    if (line === null) {
      ctl.output("");
      break;
    }
    if (line.trim() !== "") typed.push(line);
    await runLine(ctl, line);
  }
  shell.close();
  writeHistory(history_file, typed);
}

/** Lines one by one; null at the end of input, and at Ctrl-C. */
function lineReader(shell: Interface): () => Promise<string | null> {
  const lines: (string | null)[] = [];
  const waiting: ((line: string | null) => void)[] = [];
  const give = (line: string | null): void => {
    const wake = waiting.shift();
    if (wake === undefined) lines.push(line);
    else wake(line);
  };
  shell.on("line", give);
  shell.on("close", () => give(null));
  shell.on("SIGINT", () => shell.close());
  let ended = false;
  return async () => {
    if (ended) return null;
    const line =
      lines.length > 0 ? (lines.shift() ?? null) : await new Promise<string | null>((r) => waiting.push(r));
    ended = line === null;
    return line;
  };
}

/** Readline writes what is typed through this method of its interface. */
function mute(shell: Interface): Disposable {
  const writer = shell as Interface & { _writeToOutput?: (text: string) => void };
  const original = writer._writeToOutput;
  writer._writeToOutput = () => undefined;
  return {
    [Symbol.dispose]() {
      if (original !== undefined) writer._writeToOutput = original;
    },
  };
}

function readHistory(file: string | null): readonly string[] {
  if (file === null) return [];
  try {
    return readFileSync(file, "utf8").split("\n").filter(Boolean).slice(-HISTORY_LINES);
  } catch {
    return []; // a history that can't be read is no history
  }
}

function writeHistory(file: string | null, typed: readonly string[]): void {
  if (file === null) return;
  const lines = [...readHistory(file), ...typed].slice(-HISTORY_LINES);
  try {
    writeFileSync(file, lines.map((line) => `${line}\n`).join(""), { mode: 0o600 });
  } catch {
    // nor is one that can't be written worth a word
  }
}
