/** The beginning of a run: from the command line to a child with its pipes, or to the reason why there is none. */
import type { Pid } from "../core/brand.js";
import type { ProcessConfig } from "../core/config.js";
import type { SavedRun } from "../core/saved.js";
import { identify, ticksNow } from "../posix/identity.js";
import { closeEnd, inodeOf, inputPipe, outputPipe, type PipeEnds } from "../posix/pipe.js";
import { kill } from "../posix/signals.js";
import { type SpawnFailure, type SpawnIdentity, spawn } from "../posix/spawn.js";
import { failedExecStandIn } from "../posix/stand-in.js";
import { resolveCommand } from "./command.js";
import { createRun, type Run, type RunContext, type RunEnds } from "./run.js";

export type SpawnOutcome =
  | { readonly ok: true; readonly run: Run }
  /** `killed` is a child that came to be and could not be supervised; it has been killed, and is to be collected. */
  | { readonly ok: false; readonly spawnerr: string; readonly killed: Pid | null };

export interface SpawnContext extends RunContext {
  readonly config: ProcessConfig;
  /** Supplementary groups included; null runs it as the daemon. */
  readonly identity: SpawnIdentity | null;
  /** `NAME=value` each. */
  readonly env: readonly string[];
  /** Soft limit of open files for the child; null leaves the daemon's. */
  readonly nofile: number | null;
  /** The pipes are there and the spawn comes next: what is noted now will find the child if we don't live to. */
  readonly onSpawn: (pipes: SavedRun) => void;
  /** Whether the child holds its own pipes, so that they outlive the daemon. */
  readonly keepPipes: boolean;
  /** For tests; that of `run.ts` otherwise. */
  readonly createRun?: typeof createRun;
}

/** Starts the child. Each way it can fail has the reference's text. */
export function startRun(context: SpawnContext): SpawnOutcome {
  const { config, outputs } = context;
  const command = resolveCommand(config, process.env["PATH"]);
  if (!command.ok) return refuse(command.problem.text);

  let pipes: Pipes | null = null;
  let socketFd: number | null = null;
  let planned: SavedPipes;
  try {
    pipes = openPipes(context);
    socketFd = context.socket?.acquire() ?? null;
    outputs.open();
    planned = context.keepPipes ? describePipes(nearEnds(pipes)) : UNKNOWN_PIPES;
    context.onSpawn({ pid: null, starttime: null, ...planned });
  } catch (error) {
    if (pipes !== null) closePipes(pipes, "all");
    if (socketFd !== null) context.socket?.release();
    return refuse(describePipeProblem(config.name, error));
  }

  const request = {
    file: command.file,
    argv: command.argv,
    env: context.env,
    directory: config.directory,
    umask: config.umask,
    user: context.identity,
    stdin: pipes.stdin?.child ?? socketFd ?? 0,
    stdout: pipes.stdout.child,
    stderr: pipes.stderr?.child ?? pipes.stdout.child,
    nofile: context.nofile,
  };
  const before = context.keepPipes ? ticksNow() : null;
  let result = spawn(request);
  if (!result.ok && result.step !== "fork") {
    // The reference finds these out in the forked child, so they look like a child that ends with 127.
    const standIn = failedExecStandIn(failureLines(context, command.argv[0] ?? "", result));
    // As the daemon, so nothing that the program's environment names may act on it.
    result = spawn({ ...request, ...standIn, env: [], directory: null, user: null });
  }
  closePipes(pipes, "child");
  if (!result.ok) {
    closePipes(pipes, "near");
    context.socket?.release();
    outputs.release();
    return refuse(describeForkProblem(config.name, result.errno));
  }
  const ends = nearEnds(pipes);
  let run: Run | null = null;
  try {
    const starttime = before === null ? null : startOf(result.pid, before);
    run = (context.createRun ?? createRun)({ pid: result.pid, starttime, ...planned }, ends, context);
    if (run.broken === null) return { ok: true, run };
    throw run.broken;
  } catch (error) {
    // A child that nobody reads would stop at a full pipe, and one that nobody knows would run twice.
    kill(result.pid, SIGKILL, true);
    if (run !== null) run.finish();
    else {
      closePipes(pipes, "near");
      context.socket?.release();
      outputs.release();
    }
    return refuse(describePipeProblem(config.name, error), result.pid);
  }
}

const SIGKILL = 9;

function refuse(spawnerr: string, killed: Pid | null = null): SpawnOutcome {
  return { ok: false, spawnerr, killed };
}

/** When a child started that was spawned since `before`: mostly that is one tick, and nobody has to be asked. */
function startOf(pid: Pid, before: number): number | null {
  return ticksNow() === before ? before : (identify(pid)?.starttime ?? null);
}

function nearEnds({ stdin, stdout, stderr }: Pipes): RunEnds {
  return { stdin: stdin?.near ?? null, stdout: stdout.near, stderr: stderr?.near ?? null };
}

type SavedPipes = Pick<SavedRun, "stdin" | "stdout" | "stderr">;

/** Where nobody will look for them. */
const UNKNOWN_PIPES: SavedPipes = { stdin: null, stdout: null, stderr: null };

function describePipes({ stdin, stdout, stderr }: RunEnds): SavedPipes {
  const inode = (fd: number | null): number | null => (fd === null ? null : inodeOf(fd));
  return { stdin: inode(stdin), stdout: inode(stdout), stderr: inode(stderr) };
}

interface Pipes {
  readonly stdin: PipeEnds | null;
  readonly stdout: PipeEnds;
  /** Null: stderr goes where stdout goes. */
  readonly stderr: PipeEnds | null;
}

function openPipes({ config, identity, socket, keepPipes }: SpawnContext): Pipes {
  const opened: PipeEnds[] = [];
  const open = (make: typeof outputPipe): PipeEnds => {
    const ends = make(identity, keepPipes);
    opened.push(ends);
    return ends;
  };
  try {
    return {
      stdin: socket === null ? open(inputPipe) : null,
      stdout: open(outputPipe),
      stderr: config.redirect_stderr ? null : open(outputPipe),
    };
  } catch (error) {
    for (const ends of opened) closeEnds(ends, "all");
    throw error;
  }
}

function closePipes(pipes: Pipes, which: "child" | "near" | "all"): void {
  for (const ends of [pipes.stdin, pipes.stdout, pipes.stderr]) if (ends !== null) closeEnds(ends, which);
}

function closeEnds(ends: PipeEnds, which: "child" | "near" | "all"): void {
  if (which !== "near") closeEnd(ends.child);
  if (which !== "child") closeEnd(ends.near);
}

function failureLines(context: SpawnContext, argv0: string, failure: SpawnFailure): readonly string[] {
  return [whatFailed(context, argv0, failure), "supervisor: child process was not spawned"];
}

function whatFailed({ config, identity }: SpawnContext, argv0: string, failure: SpawnFailure): string {
  switch (failure.step) {
    case "setuid":
      return `supervisor: couldn't setuid to ${identity?.uid}: ${failure.reason ?? failure.errno}`;
    case "chdir":
      return `supervisor: couldn't chdir to ${config.directory}: ${failure.errno}`;
    default:
      return `supervisor: couldn't exec ${argv0}: ${failure.errno}`;
  }
}

function describePipeProblem(name: string, error: unknown): string {
  const { code } = error as NodeJS.ErrnoException;
  if (code === "EMFILE" || code === "ENFILE") return `too many open files to spawn '${name}'`;
  return `unknown error making dispatchers for '${name}': ${code ?? String(error)}`;
}

function describeForkProblem(name: string, errno: string): string {
  if (errno === "EAGAIN") return `Too many processes in process table to spawn '${name}'`;
  return `unknown error during fork for '${name}': ${errno}`;
}
