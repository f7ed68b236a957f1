/** The interactive shell: a status first, then a prompt for every line. */
import { readFileSync, writeFileSync } from "node:fs";
import { runLine } from "./commands.js";
import { complete as completions } from "./completion.js";
import type { Controller } from "./controller.js";

const HISTORY_LINES = 1000;

/** Runs until quit, the end of input or Ctrl-C at the prompt. */
export async function runShell(ctl: Controller): Promise<void> {
  const keyboard = await ctl.keyboard();
  ctl.busy = keyboard.terminal ? keyboard.busy : null;
  const { history_file, prompt } = ctl.config;
  const history = [...readHistory(history_file)].reverse();
  const typed: string[] = [];
  const complete = async (line: string): Promise<readonly [readonly string[], string]> => {
    const { candidates, word } = await completions(line, () => ctl.client.getAllProcessInfo(), ctl.plugins);
    return [candidates, word];
  };
  await runLine(ctl, "status");
  while (!ctl.done) {
    const answer = await keyboard.line(`${prompt}> `, { history, complete });
    if (typeof answer === "string") break;
    const { line } = answer;
    if (line.trim() !== "") {
      typed.push(line);
      if (history[0] !== line) history.unshift(line);
    }
    await runLine(ctl, line);
  }
  writeHistory(history_file, typed);
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
