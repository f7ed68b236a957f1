/**
 * pidproxy: supervises a program that puts itself into the background and writes a pidfile, by passing signals on
 * to whatever pid stands there.
 */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";

export interface Io {
  readonly stdout: (text: string) => void;
}

const PASSED_ON = ["SIGTERM", "SIGHUP", "SIGINT", "SIGUSR1", "SIGUSR2", "SIGQUIT"] as const;
const LAST: ReadonlySet<string> = new Set(["SIGTERM", "SIGINT", "SIGQUIT"]);

/** `argv[0]` is the name the program was called by. Settles with the exit status, when it is time to exit. */
export function main(argv: readonly string[], io: Io): Promise<number> {
  const [name = "pidproxy-ts", pidfile, command, ...args] = argv;
  if (pidfile === undefined || command === undefined) {
    io.stdout(`Usage: ${name} <pidfile name> <command> [<cmdarg1> ...]\n`);
    return Promise.resolve(1);
  }
  return new Promise((exit) => {
    for (const signal of PASSED_ON)
      process.on(signal, () => {
        passOn(pidfile, signal, io);
        if (LAST.has(signal)) exit(0);
      });
    // The command is looked up where we are, not along PATH.
    const child = spawn(resolve(command), args, { stdio: "inherit", argv0: command });
    child.on("exit", () => exit(0));
    child.on("error", (error) => {
      io.stdout(`Can't execute ${command}: ${error.message}\n`);
      exit(127);
    });
  });
}

function passOn(pidfile: string, signal: NodeJS.Signals, io: Io): void {
  const pid = readPid(pidfile);
  if (pid === null) return io.stdout(`Can't read child pidfile ${pidfile}!\n`);
  try {
    process.kill(pid, signal);
  } catch {
    // gone already
  }
}

function readPid(pidfile: string): number | null {
  try {
    const text = readFileSync(pidfile, "utf8").trim();
    return /^\d+$/.test(text) && Number(text) > 1 ? Number(text) : null;
  } catch {
    return null;
  }
}
