/** The beginning of a run: from the command line to a child with its pipes, or to the reason why there is none. */
import type { Pid } from "../core/brand.js";
import type { ProcessConfig } from "../core/config.js";
import type { SavedRun } from "../core/saved.js";
import { identify, ticksNow } from "../posix/identity.js";
import { closeEnd, inodeOf, inputPipe, outputPipe, type PipeEnds } from "../posix/pipe.js";
import { kill } from "../posix/signals.js";
import { type SpawnFailure, type SpawnIdentity, type SpawnResult, spawn } from "../posix/spawn.js";
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
  let isOpen = false;
  const giveUp = (which: "near" | "all", spawnerr: string, killed: Pid | null = null): SpawnOutcome => {
    if (pipes !== null) closePipes(pipes, which);
    if (socketFd !== null) context.socket?.release();
    if (isOpen) outputs.release();
    return refuse(spawnerr, killed);
  };

  let planned: SavedPipes;
  let before: number | null;
  let result: SpawnResult;
  try {
    pipes = openPipes(context);
    socketFd = context.socket?.acquire() ?? null;
    outputs.open();
    isOpen = true;
    planned = context.keepPipes ? describePipes(nearEnds(pipes)) : UNKNOWN_PIPES;
    context.onSpawn({ pid: null, starttime: null, ...planned });
    before = context.keepPipes ? ticksNow() : null;
    result = spawnWith(context, command, pipes, socketFd);
  } catch (error) {
    return giveUp("all", describePipeProblem(config.name, error));
  }
  closePipes(pipes, "child");
  if (!result.ok) return giveUp("near", describeForkProblem(config.name, result.errno));

  let run: Run | null = null;
  try {
    const starttime = before === null ? null : startOf(result.pid, before);
    const saved = { pid: result.pid, starttime, ...planned };
    run = (context.createRun ?? createRun)(saved, nearEnds(pipes), context);
    if (run.broken === null) return { ok: true, run };
    throw run.broken;
  } catch (error) {
    // A child that nobody reads would stop at a full pipe, and one that nobody knows would run twice.
    kill(result.pid, SIGKILL, true);
    const spawnerr = describePipeProblem(config.name, error);
    if (run === null) return giveUp("near", spawnerr, result.pid);
    run.finish();
    return refuse(spawnerr, result.pid);
  }
}

function spawnWith(
  context: SpawnContext,
  { file, argv }: { readonly file: string; readonly argv: readonly string[] },
  { stdin, stdout, stderr }: Pipes,
  socketFd: number | null,
): SpawnResult {
  const { config, env, identity, nofile } = context;
  const request = {
    file,
    argv,
    env,
    directory: config.directory,
    umask: config.umask,
    user: identity,
    stdin: stdin?.child ?? socketFd ?? 0,
    stdout: stdout.child,
    stderr: stderr?.child ?? stdout.child,
    nofile,
  };
  const result = spawn(request);
  if (result.ok || result.step === "fork") return result;
  // The reference finds these out in the forked child, so they look like a child that ends with 127. This one runs as
  // the daemon, so nothing that the program's environment names may act on it.
  const standIn = failedExecStandIn(failureLines(context, argv[0] ?? "", result));
  return spawn({ ...request, ...standIn, env: [], directory: null, user: null });
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
