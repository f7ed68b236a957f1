/** Asking the installed version, in a process of its own and for a bounded time, whether it can take over. */
import { closeSync } from "node:fs";
import { constants } from "node:os";
import type { Pid } from "../core/brand.js";
import { describeExit, type ExitCause } from "../core/process.js";
import { outputPipe } from "../posix/pipe.js";
import { kill } from "../posix/signals.js";
import { spawn } from "../posix/spawn.js";
import { readPipe } from "./pipe-reader.js";

export interface Question {
  /** The program's path, and the words after it. */
  readonly command: readonly [string, ...string[]];
  /** `NAME=value` each. */
  readonly env: readonly string[];
  /** The state it shall look at. */
  readonly stdin: number;
  readonly patienceMs: number;
  /** Aborted, with an error as reason, when an answer is of no use any more. */
  readonly signal: AbortSignal;
  /** How a child ends. */
  readonly helperEnd: (pid: Pid) => Promise<ExitCause>;
}

/** Comes back when the answer is yes; throws what speaks against it. Nothing of the child's group lives on. */
export async function preflight(question: Question): Promise<void> {
  const { patienceMs, signal } = question;
  signal.throwIfAborted();
  const output = outputPipe(null, false);
  const said = keepTail(output.near);
  try {
    const child = start(question, output.child);
    const end = await within(question.helperEnd(child), patienceMs, signal);
    // A leader that has ended may have left members. One that can't end at once is not waited for.
    kill(child, constants.signals.SIGKILL, true);
    signal.throwIfAborted();
    if (end?.type === "exit" && end.status === 0) return;
    const how = end === null ? [`no answer within ${patienceMs / 1000} seconds`] : [];
    const words = [...how, ...said.lines()];
    const why = words.length === 0 && end !== null ? describeExit(end) : words.join("; ");
    throw new Error(`the installed version cannot take over: ${why}`);
  } finally {
    said.close();
    closeSync(output.child);
  }
}

function start({ command, env, stdin }: Question, output: number): Pid {
  const [file] = command;
  const child = spawn({
    file,
    argv: command,
    env,
    directory: null,
    umask: null,
    user: null,
    stdin,
    stdout: output,
    stderr: output,
    nofile: null,
  });
  if (!child.ok) throw new Error(`cannot run ${file}: ${child.errno}`);
  return child.pid;
}

/** The outcome, or null when time is up or nobody wants it any more. */
function within<T>(outcome: Promise<T>, ms: number, signal: AbortSignal): Promise<T | null> {
  return new Promise((resolve) => {
    const giveUp = (): void => settle(null);
    const timer = setTimeout(giveUp, ms);
    signal.addEventListener("abort", giveUp);
    outcome.then(settle, giveUp);
    function settle(value: T | null): void {
      clearTimeout(timer);
      signal.removeEventListener("abort", giveUp);
      resolve(value);
    }
  });
}

/** The reason stands last in what a program says that can't start. */
const KEPT_BYTES = 4 * 1024;

interface Said {
  /** The last lines so far, without what a terminal or XML would not take. */
  lines(): readonly string[];
  close(): void;
}

/** Takes over a pipe, and keeps the end of what comes. */
function keepTail(fd: number): Said {
  let tail: Buffer = Buffer.alloc(0);
  const reader = readPipe(fd, "stdout", {
    takeFrom: () => "unfit",
    shows: () => false,
    data(_channel, chunk) {
      tail = Buffer.concat([tail, chunk.subarray(-KEPT_BYTES)]).subarray(-KEPT_BYTES);
      return null;
    },
    // An output that can't be read decides nothing: the exit status does.
    trouble: () => undefined,
    end: () => undefined,
  });
  return {
    lines() {
      reader.drain();
      return tail
        .toString("utf8")
        .split("\n")
        .map((line) => line.replaceAll(CONTROL, "").trim())
        .filter((line) => line !== "");
    },
    close: () => reader.close(),
  };
}

const CONTROL = /\p{Cc}/gu;
