/** A command that is spoken with while it runs. */
import { spawn } from "node:child_process";
import { overhear } from "./overhear.js";
import type { Ran } from "./run-command.js";
import { until } from "./until.js";

export interface Conversation {
  readonly exited: Promise<Ran>;
  out(): string;
  /** Waits until its stdout holds this. */
  said(text: string): Promise<void>;
  write(text: string): void;
  end(): void;
  kill(signal: NodeJS.Signals): void;
}

export function converse(
  command: readonly string[],
  options: { readonly cwd: string; readonly env: Readonly<Record<string, string>> },
): Conversation {
  const [file = "", ...words] = command;
  const child = spawn(file, words, { ...options, stdio: "pipe" });
  const { out, err, closed } = overhear(child);
  child.stdin.on("error", () => undefined); // it may end without reading what it was told
  return {
    exited: closed.then((exit) => ({ out: out(), err: err(), exit })),
    out,
    said: async (text) => {
      await until(
        () => out().includes(text),
        () => `${text} in:\n${out()}`,
      );
    },
    write: (text) => void child.stdin.write(text),
    end: () => void child.stdin.end(),
    kill: (signal) => void child.kill(signal),
  };
}
