/** Runs a command to its end and gives what it wrote and how it ended. */
import { spawn } from "node:child_process";
import { overhear } from "./overhear.js";

export interface Ran {
  readonly out: string;
  readonly err: string;
  /** The exit status, or the signal's name. */
  readonly exit: number | string;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  readonly ceilingMs?: number;
}

export async function runCommand(command: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const [file = "", ...args] = command;
  const { cwd, env, stdin = "", ceilingMs = 90_000 } = options;
  const child = spawn(file, args, {
    ...(cwd === undefined ? {} : { cwd }),
    ...(env === undefined ? {} : { env }),
    stdio: "pipe",
    timeout: ceilingMs,
    killSignal: "SIGKILL",
  });
  const { out, err, closed } = overhear(child);
  child.stdin.on("error", () => undefined); // it may end without reading what it was given
  child.stdin.end(stdin);
  const exit = await closed;
  return { out: out(), err: err(), exit };
}
