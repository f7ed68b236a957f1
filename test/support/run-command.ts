/** Runs a command to its end and gives what it wrote and how it ended. */
import { spawn } from "node:child_process";

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

export function runCommand(command: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const [file = "", ...args] = command;
  const { cwd, env, stdin = "", ceilingMs = 90_000 } = options;
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      ...(cwd === undefined ? {} : { cwd }),
      ...(env === undefined ? {} : { env }),
      stdio: "pipe",
      timeout: ceilingMs,
      killSignal: "SIGKILL",
    });
    let out = "";
    let err = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      out += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      err += text;
    });
    child.on("error", reject);
    child.stdin.on("error", () => undefined); // it may end without reading what it was given
    child.on("close", (code, signal) => resolve({ out, err, exit: code ?? signal ?? "unknown" }));
    child.stdin.end(stdin);
  });
}
