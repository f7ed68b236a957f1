/** One run of a process: from the command line to a child with its pipes, until the last pipe has ended. */
import { closeSync } from "node:fs";
import type { Pid } from "../core/brand.js";
import type { ProcessConfig } from "../core/config.js";
import type { SavedRun } from "../core/saved.js";
import type { Taken } from "../logs/file.js";
import { identify, readsStdin, ticksNow } from "../posix/identity.js";
import { signalPidfd } from "../posix/pidfd.js";
import { inodeOf, inputPipe, outputPipe, type PipeEnds, waitingBytes } from "../posix/pipe.js";
import { kill } from "../posix/signals.js";
import { type SpawnFailure, type SpawnIdentity, spawn } from "../posix/spawn.js";
import { failedExecStandIn } from "../posix/stand-in.js";
import type { Channel } from "../rpc/daemon.js";
import { resolveCommand } from "./command.js";
import type { Lingering, Owner } from "./lingering.js";
import type { Outputs } from "./outputs.js";
import { type PipeReader, type PipeSink, readPipe, type TakeShown } from "./pipe-reader.js";
import { createStdinWriter, type StdinWriter, type WriteOutcome } from "./stdin-writer.js";

export interface Run {
  readonly pid: Pid;
  /** It is no child of ours. */
  readonly adopted: boolean;
  /** How another supervisor finds this child. */
  readonly saved: SavedRun;
  /** Its descriptors as they are now. */
  ends(): RunEnds;
  /** Text that its stdin has not taken yet. */
  unwritten(): Buffer;
  writeStdin(text: string): WriteOutcome;
  /** It has read all that was written to it, and waits for more. */
  waitsForInput(): boolean;
  /** The errno name of a failure, or null. */
  kill(signal: number, asgroup: boolean): string | null;
  /** Takes what is in its pipes right now. */
  drain(): void;
  /** The child is dead: takes what it left; a pipe that a descendant still holds is read on. */
  finish(): void;
  close(): void;
}

/** The daemon's ends of a child's pipes; null is none, or closed. */
export interface RunEnds {
  readonly stdin: number | null;
  readonly stdout: number | null;
  readonly stderr: number | null;
}

export type SpawnOutcome =
  | { readonly ok: true; readonly run: Run }
  | { readonly ok: false; readonly spawnerr: string };

export interface SpawnContext {
  readonly config: ProcessConfig;
  readonly outputs: Outputs;
  /** Supplementary groups included; null runs it as the daemon. */
  readonly identity: SpawnIdentity | null;
  /** `NAME=value` each. */
  readonly env: readonly string[];
  /** Soft limit of open files for the child; null leaves the daemon's. */
  readonly nofile: number | null;
  /** A listening socket that takes the place of the stdin pipe (FastCGI); held as long as the child lives. */
  readonly socket: { readonly acquire: () => number; readonly release: () => void } | null;
  /** The pipes are there and the spawn comes next: what is noted now will find the child if we don't live to. */
  readonly onSpawn: (pipes: SavedRun) => void;
  /** Whether the child holds its own pipes, so that they outlive the daemon. */
  readonly keepPipes: boolean;
  readonly owner: Owner;
  /** Has the run from its end until the last descendant lets go of its pipes. */
  readonly lingering: Lingering;
}

/** Starts the child. Each way it can fail has the reference's text. */
export function startRun(context: SpawnContext): SpawnOutcome {
  const { config, outputs } = context;
  const command = resolveCommand(config, process.env["PATH"]);
  if (!command.ok) return { ok: false, spawnerr: command.problem.text };

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
    return { ok: false, spawnerr: describePipeProblem(config.name, error) };
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
    result = spawn({ ...request, ...standIn, directory: null, user: null });
  }
  closePipes(pipes, "child");
  if (!result.ok) {
    closePipes(pipes, "near");
    context.socket?.release();
    outputs.release();
    return { ok: false, spawnerr: describeForkProblem(config.name, result.errno) };
  }
  const ends = nearEnds(pipes);
  const saved = {
    pid: result.pid,
    starttime: before === null ? null : startOf(result.pid, before),
    ...planned,
  };
  return { ok: true, run: createRun(saved, ends, context) };
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
  if (which !== "near") closeSync(ends.child);
  if (which !== "child") closeSync(ends.near);
}

/** What a run needs of its surroundings once there is a child. */
export type RunContext = Pick<SpawnContext, "outputs" | "socket" | "owner" | "lingering">;

/**
 * A child with its pipes; `pidfd` is for one that is not our own, and is closed with it. `outputs` are open for it
 * already, and its socket is held.
 */
export function createRun(
  saved: SavedRun,
  ends: RunEnds,
  context: RunContext,
  pidfd: number | null = null,
  unwritten: Buffer | null = null,
): Run {
  const run = new LiveRun(saved, ends, context, pidfd);
  if (unwritten !== null && unwritten.length > 0) run.write(unwritten);
  return run;
}

/** A class, as each process has one; it holds of its spawn's context only what outlives the spawn. */
class LiveRun implements Run, PipeSink {
  readonly saved: SavedRun;
  readonly #outputs: Outputs;
  readonly #socket: RunContext["socket"];
  readonly #owner: Owner;
  readonly #lingering: Lingering;
  readonly #pidfd: number | null;
  readonly #stdin: StdinWriter | null;
  readonly #stdout: PipeReader | null;
  readonly #stderr: PipeReader | null;
  #open = 0;
  #dead = false;

  constructor(saved: SavedRun, ends: RunEnds, context: RunContext, pidfd: number | null) {
    this.saved = saved;
    this.#outputs = context.outputs;
    this.#socket = context.socket;
    this.#owner = context.owner;
    this.#lingering = context.lingering;
    this.#pidfd = pidfd;
    this.#stdin = ends.stdin === null ? null : createStdinWriter(ends.stdin);
    this.#stdout = this.#attach(ends.stdout, "stdout");
    this.#stderr = this.#attach(ends.stderr, "stderr");
  }

  #attach(fd: number | null, channel: Channel): PipeReader | null {
    if (fd === null) return null;
    this.#open += 1;
    return readPipe(fd, channel, this);
  }

  get pid(): Pid {
    return this.saved.pid as Pid;
  }

  get adopted(): boolean {
    return this.#pidfd !== null;
  }

  ends(): RunEnds {
    return { stdin: this.#stdin?.fd ?? null, stdout: fdOf(this.#stdout), stderr: fdOf(this.#stderr) };
  }

  unwritten(): Buffer {
    return this.#stdin?.pending() ?? Buffer.alloc(0);
  }

  write(bytes: Buffer): WriteOutcome {
    return this.#stdin?.write(bytes) ?? "closed";
  }

  writeStdin(text: string): WriteOutcome {
    return this.write(Buffer.from(text, "utf8"));
  }

  waitsForInput(): boolean {
    const fd = this.#stdin?.fd ?? null;
    return fd !== null && waitingBytes(fd) === 0 && readsStdin(this.pid);
  }

  kill(signal: number, asgroup: boolean): string | null {
    if (this.#pidfd === null) return kill(this.pid, signal, asgroup);
    // Not our child, so its pid may be somebody else's the moment it ends: the descriptor can't be.
    const problem = signalPidfd(this.#pidfd, asgroup ? 0 : signal);
    return problem === null && asgroup ? kill(this.pid, signal, true) : problem;
  }

  drain(): void {
    this.#stdout?.drain();
    this.#stderr?.drain();
  }

  finish(): void {
    this.#stdin?.close();
    this.#socket?.release();
    if (this.#pidfd !== null) closeSync(this.#pidfd);
    this.drain();
    this.#dead = true;
    if (this.#open === 0) this.#done();
    else this.#lingering.add(this, this.#owner);
  }

  close(): void {
    this.#stdin?.close();
    this.#stdout?.close();
    this.#stderr?.close();
  }

  #done(): void {
    this.#outputs.release();
    this.#lingering.delete(this);
  }

  takeFrom(channel: Channel, pipe: number): Taken {
    return this.#outputs.takeFrom(channel, pipe);
  }

  shows(channel: Channel): boolean {
    return this.#outputs.shows(channel);
  }

  data(channel: Channel, chunk: Buffer, take: TakeShown): Promise<void> | null {
    return this.#outputs.write(channel, chunk, take);
  }

  end(): void {
    this.#open -= 1;
    if (this.#dead && this.#open === 0) this.#done();
  }
}

function fdOf(reader: PipeReader | null): number | null {
  return reader === null || reader.ended ? null : reader.fd;
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
