/** The keyboard as commands see it: lines, secrets and Ctrl-C. This file reads a pipe, terminal.ts a terminal. */
import { createInterface } from "node:readline";

/** A line, the end of input (Ctrl-D), or Ctrl-C. */
export type Typed = { readonly line: string } | "end" | "interrupt";

export interface LineOptions {
  /** Earlier lines, the newest first. */
  readonly history?: readonly string[];
  /** Completions of the line so far, and the part of the line that they replace. */
  readonly complete?: (line: string) => Promise<readonly [candidates: readonly string[], word: string]>;
  /** Aborted: the line is no longer wanted, which counts as the end of input. */
  readonly signal?: AbortSignal;
}

export interface Interruption extends Disposable {
  readonly signal: AbortSignal;
}

/**
 * Handling of keys that are typed while no line is asked for: `keep` them for the next line; `drop` them; `own`: keep
 * them for the lines that this command asks for, and drop the rest at its end.
 */
export type Destiny = "keep" | "drop" | "own";

export interface Keyboard {
  /** Whether somebody sits at it. */
  readonly terminal: boolean;
  line(prompt: string, options?: LineOptions): Promise<Typed>;
  /** A line that is not shown. */
  secret(prompt: string): Promise<Typed>;
  /** Until disposed, Ctrl-C aborts the signal; the innermost of several. */
  busy(typed: Destiny): Interruption;
  /** Shows text while somebody may be typing a line. */
  print(text: string): void;
  /** Gives the terminal back as it was. */
  close(): void;
}

export interface PipeOptions {
  readonly stdin: NodeJS.ReadableStream;
  readonly stdout: (text: string) => void;
  readonly interrupted: () => Interruption;
}

/** Lines of a pipe or a file. Nothing is read before the first line is asked for. */
export function createPipeKeyboard({ stdin, stdout, interrupted }: PipeOptions): Keyboard {
  let next: LineReader | null = null;

  async function line(prompt: string, { signal }: LineOptions = {}): Promise<Typed> {
    stdout(prompt);
    next ??= createLineReader(stdin);
    const typed = await next.read(signal);
    if (typeof typed === "string" && prompt !== "") stdout("\n");
    return typed;
  }

  return {
    terminal: false,
    line,
    secret: (prompt) => line(prompt),
    busy: interrupted,
    print: stdout,
    close: () => next?.close(),
  };
}

interface LineReader {
  read(signal: AbortSignal | undefined): Promise<Typed>;
  close(): void;
}

function createLineReader(stdin: NodeJS.ReadableStream): LineReader {
  const reader = createInterface({ input: stdin, terminal: false });
  const lines: string[] = [];
  let ended = false;
  let wake = (): void => undefined;
  reader.on("line", (line) => {
    lines.push(line);
    wake();
  });
  reader.on("close", () => {
    ended = true;
    wake();
  });
  return {
    async read(signal) {
      while (lines.length === 0 && !ended && signal?.aborted !== true) {
        await new Promise<void>((resolve) => {
          wake = resolve;
          signal?.addEventListener("abort", () => resolve(), { once: true });
        });
      }
      const line = signal?.aborted === true ? undefined : lines.shift();
      return line === undefined ? "end" : { line };
    },
    close: () => reader.close(),
  };
}
