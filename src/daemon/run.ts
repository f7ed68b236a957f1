/** One run of a process once there is a child: its pipes, until the last of them has ended. */
import type { Pid } from "../core/brand.js";
import type { SavedRun } from "../core/saved.js";
import type { Taken } from "../logs/file.js";
import { readsStdin } from "../posix/identity.js";
import { signalPidfd } from "../posix/pidfd.js";
import { closeEnd, waitingBytes } from "../posix/pipe.js";
import { kill } from "../posix/signals.js";
import type { Channel } from "../rpc/daemon.js";
import { describeError } from "./engine.js";
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
  /** Why one of its pipes can't be read; null where all is well. */
  readonly broken: unknown;
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

/** A listening socket that takes the place of the stdin pipe (FastCGI); held as long as the child lives. */
export interface HeldSocket {
  readonly acquire: () => number;
  readonly release: () => void;
}

/** What a run needs of its surroundings. */
export interface RunContext {
  readonly outputs: Outputs;
  readonly socket: HeldSocket | null;
  readonly owner: Owner;
  /** Has the run from its end until the last descendant lets go of its pipes. */
  readonly lingering: Lingering;
}

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
  broken: unknown = null;
  #open = 0;
  #dead = false;

  constructor(saved: SavedRun, ends: RunEnds, context: RunContext, pidfd: number | null) {
    this.saved = saved;
    this.#outputs = context.outputs;
    this.#socket = context.socket;
    this.#owner = context.owner;
    this.#lingering = context.lingering;
    this.#pidfd = pidfd;
    this.#stdin =
      ends.stdin === null
        ? null
        : createStdinWriter(ends.stdin, (text) => this.#outputs.trouble("stdin", text));
    this.#stdout = this.#attach(ends.stdout, "stdout");
    this.#stderr = this.#attach(ends.stderr, "stderr");
  }

  #attach(fd: number | null, channel: Channel): PipeReader | null {
    if (fd === null) return null;
    try {
      const reader = readPipe(fd, channel, this);
      this.#open += 1;
      return reader;
    } catch (error) {
      this.broken = error;
      this.trouble(channel, describeError(error));
      return null;
    }
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
    if (this.#pidfd !== null) closeEnd(this.#pidfd);
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
    try {
      this.#outputs.release();
    } finally {
      this.#lingering.delete(this);
    }
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

  trouble(channel: Channel, text: string): void {
    this.#outputs.trouble(channel, text);
  }

  end(): void {
    this.#open -= 1;
    if (this.#dead && this.#open === 0) this.#done();
  }
}

function fdOf(reader: PipeReader | null): number | null {
  return reader === null || reader.ended ? null : reader.fd;
}
