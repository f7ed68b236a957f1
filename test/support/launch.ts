/** Starts a supervisord in the foreground and knows when it listens and how it ended. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { overhear } from "./overhear.js";
import { environment, supervisord, type Which } from "./programs.js";
import { until } from "./until.js";
import { call } from "./xmlrpc.js";

export interface Launched {
  readonly pid: number;
  /** The exit status, or the name of the signal that ended it. */
  readonly exited: Promise<number | string>;
  ended(): boolean;
  stdout(): string;
  stderr(): string;
  kill(signal: NodeJS.Signals): void;
}

export interface LaunchOptions {
  readonly dir: string;
  readonly conf: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Path of the socket that must answer before this is done; null: do not wait. */
  readonly socket: string | null;
  readonly auth?: string;
  /** Path of our daemon, where it is not this repository's own. */
  readonly program?: string;
  /** Words to put before the command: something that ends in exec, such as prlimit. */
  readonly through?: readonly string[];
}

export async function launch(which: Which, options: LaunchOptions): Promise<Launched> {
  const { dir, conf, args = [], env = {}, cwd = dir, socket, auth, through = [], program } = options;
  const command = program === undefined ? supervisord(which) : ["/bin/sh", program];
  const [file = "", ...first] = [...through, ...command];
  const child = spawn(file, [...first, "-n", "-c", conf, ...args], {
    cwd,
    env: environment(dir, env),
    stdio: ["ignore", "pipe", "pipe"],
  });
  const { out: stdout, err: stderr, ended, exited } = overhear(child);
  const launched: Launched = {
    pid: child.pid ?? 0,
    exited,
    ended,
    stdout,
    stderr,
    kill: (signal) => child.kill(signal),
  };
  if (socket === null) return launched;
  await until(async () => {
    if (ended()) throw new Error(`Cannot start ${which}: ${stderr() || stdout()}`);
    return existsSync(socket) && (await answers(socket, auth));
  }, `${which} answering on its socket`);
  return launched;
}

async function answers(socketPath: string, auth: string | undefined): Promise<boolean> {
  try {
    await call({ socketPath, ...(auth === undefined ? {} : { auth }) }, "system.listMethods");
    return true;
  } catch {
    return false;
  }
}
