/** What a child writes and how it ends, gathered while it runs. */
import type { ChildProcess } from "node:child_process";
import type { Readable } from "node:stream";

/** The exit status, or the signal's name. */
export type End = number | string;

export interface Overheard {
  out(): string;
  err(): string;
  ended(): boolean;
  /** Rejects where there was nothing to run, as `closed` does. */
  readonly exited: Promise<End>;
  /** When all that was written is here too; a descendant that lives on may hold that up. */
  readonly closed: Promise<End>;
}

export function overhear(child: ChildProcess): Overheard {
  let ended = false;
  child.on("exit", () => {
    ended = true;
  });
  return {
    out: gather(child.stdout),
    err: gather(child.stderr),
    ended: () => ended,
    exited: endOf(child, "exit"),
    closed: endOf(child, "close"),
  };
}

function gather(stream: Readable | null): () => string {
  let all = "";
  stream?.setEncoding("utf8").on("data", (text: string) => {
    all += text;
  });
  return () => all;
}

function endOf(child: ChildProcess, event: "exit" | "close"): Promise<End> {
  const end = new Promise<End>((resolve, reject) => {
    child.on("error", reject);
    child.on(event, (code: number | null, signal: string | null) => resolve(code ?? signal ?? "unknown"));
  });
  // Nobody has to wait for both.
  end.catch(() => undefined);
  return end;
}
