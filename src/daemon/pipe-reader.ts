/**
 * The near end of a child's stdout or stderr. Where nobody has to see the bytes they go from the pipe to the log
 * inside the kernel, so that even a SIGKILL of the daemon can't lose any on the way; else they pass through one
 * static buffer that all pipes share, and whoever keeps a chunk beyond the call must copy it.
 */
import { readSync } from "node:fs";
import type { Taken } from "../logs/file.js";
import { closeEnd, resizePipe } from "../posix/pipe.js";
import { type Watch, watch } from "../posix/readiness.js";
import { peek } from "../posix/splice.js";
import type { Channel } from "../rpc/daemon.js";
import { describeError } from "./engine.js";
import { readBySocket, type Socketed } from "./socket-reader.js";

export interface PipeReader {
  readonly fd: number;
  /** Takes what is in the pipe right now. */
  drain(): void;
  /** True once every holder of the other end is gone. */
  readonly ended: boolean;
  close(): void;
}

/** Where the bytes of a child's pipes go. */
export interface PipeSink {
  /** The pipe's bytes without a detour, if that may be. */
  takeFrom(channel: Channel, pipe: number): Taken;
  /**
   * Whether somebody has to write down what the bytes mean before they leave the pipe: they are shown first, and
   * `data` must take them.
   */
  shows(channel: Channel): boolean;
  /** The bytes; a promise asks for a pause until it settles. */
  data(channel: Channel, chunk: Buffer, take: TakeShown): Promise<void> | null;
  /** Why bytes can't be read, or what failed with those that were. */
  trouble(channel: Channel, text: string): void;
  /** Called once, at the end or when closed. */
  end(channel: Channel): void;
}

/** Takes so many of the bytes that were shown out of the pipe; where none are shown, they are out already. */
export type TakeShown = (bytes: number) => void;

const READ_BYTES = 128 * 1024;
const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
/** A pipe holds 1 MiB at most; what comes on top arrives while we read, and can wait for the loop. */
const DRAIN_READS = 32;
const OUT_ALREADY: TakeShown = () => undefined;

/** As `readSync`, from where the descriptor stands. */
type Read = (fd: number, buffer: Buffer) => number;
const readOnce: Read = (fd, into) => readSync(fd, into, 0, into.length, null);

/** Takes over `fd`, which is closed with the reader, and also where this throws. `read` is for tests. */
export function readPipe(fd: number, channel: Channel, sink: PipeSink, read: Read = readOnce): PipeReader {
  try {
    return new OnePipe(fd, channel, sink, read);
  } catch (error) {
    closeEnd(fd);
    throw error;
  }
}

/** A class, as each process has one or two. */
class OnePipe implements PipeReader {
  readonly fd: number;
  readonly #channel: Channel;
  readonly #sink: PipeSink;
  readonly #read: Read;
  readonly #pace: Pace;
  readonly #watching: Watch | Socketed;
  #rest: NodeJS.Timeout | null = null;
  /** The sink has no room. */
  #blocked = false;
  /** Bytes may go without a detour, as that has never thrown. */
  #direct = true;
  /** A trouble is said once, until it is over. */
  #troubled = false;
  #ended = false;

  constructor(fd: number, channel: Channel, sink: PipeSink, read: Read) {
    this.fd = fd;
    this.#channel = channel;
    this.#sink = sink;
    this.#read = read;
    this.#pace = new Pace(fd);
    this.#watching =
      watch(fd, "readable", () => this.#onReadable()) ??
      readBySocket(
        fd,
        (chunk) => this.#give(chunk, null),
        (errno) => (errno === null ? this.close() : this.#lose(errno)),
      );
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** One round: bytes that came, 0 when there is nothing more for now. */
  #step(): number {
    if (this.#ended) return 0;
    const { fd } = this;
    const taken = this.#takeFrom();
    if (taken !== "unfit") return taken === "empty" ? 0 : this.#came(taken);
    const shown = this.#sink.shows(this.#channel) ? show(fd) : null;
    const bytes = shown ?? readInto(fd, buffer, this.#read);
    if (typeof bytes === "string") return this.#nothing(bytes);
    if (this.#came(bytes) === 0) return 0;
    const full = this.#give(buffer.subarray(0, bytes), shown === null ? null : bytes);
    if (full !== null) this.#block(full);
    // Whoever looks at the bytes wants them as they come.
    this.#pace.reset();
    return bytes;
  }

  #takeFrom(): Taken {
    if (!this.#direct) return "unfit";
    try {
      return this.#sink.takeFrom(this.#channel, this.fd);
    } catch (error) {
      this.#direct = false;
      this.#complain(describeError(error));
      return "unfit";
    }
  }

  /** Passes bytes on. Those that were only `shown` leave the pipe in any case, or they would be shown for ever. */
  #give(chunk: Buffer, shown: number | null): Promise<void> | null {
    let left = shown ?? 0;
    const take: TakeShown =
      shown === null
        ? OUT_ALREADY
        : (bytes) => {
            left -= bytes;
            drop(this.fd, bytes, this.#read);
          };
    try {
      const full = this.#sink.data(this.#channel, chunk, take);
      this.#troubled = false;
      return full;
    } catch (error) {
      this.#complain(describeError(error));
      if (left > 0) drop(this.fd, left, this.#read);
      return null;
    }
  }

  /** Why nothing could be read. */
  #nothing(errno: string): 0 {
    if (errno === "EAGAIN") return 0;
    if (!PASSING.has(errno)) this.#lose(errno);
    else if (this.#rest === null) {
      this.#complain(`cannot be read for now: ${errno}`);
      this.#watching.pause();
      this.#rest = setTimeout(() => this.#onRested(), RETRY_MS);
    }
    return 0;
  }

  /** The pipe can't be read any more, although the other end may be open. */
  #lose(errno: string): void {
    if (this.#ended) return;
    const text = `cannot be read any more: ${errno}; what the process writes there is lost`;
    this.#sink.trouble(this.#channel, text);
    this.close();
  }

  #complain(text: string): void {
    if (this.#troubled) return;
    this.#troubled = true;
    this.#sink.trouble(this.#channel, text);
  }

  #came(bytes: number): number {
    if (bytes === 0) this.close();
    else this.#pace.round(bytes);
    return bytes;
  }

  #block(full: Promise<void>): void {
    const unblock = (): void => {
      this.#blocked = false;
      this.#watching.resume();
    };
    this.#blocked = true;
    this.#watching.pause();
    full.then(unblock, unblock);
  }

  #onReadable(): void {
    this.#step();
    if (!this.#pace.hasty || this.#rest !== null || this.#ended) return;
    this.#watching.pause();
    this.#rest = setTimeout(() => this.#onRested(), REST_MS);
  }

  /** While it goes on like that it is looked at from time to time, and nobody has to be told. */
  #onRested(): void {
    this.#rest = null;
    const bytes = this.#step();
    if (this.#ended || this.#rest !== null) return;
    if (bytes > 0 && this.#pace.hasty) this.#rest = setTimeout(() => this.#onRested(), REST_MS);
    else if (!this.#blocked) this.#watching.resume();
  }

  drain(): void {
    for (let reads = 0; reads < DRAIN_READS; reads += 1) if (this.#step() === 0) return;
  }

  close(): void {
    if (this.#ended) return;
    this.#ended = true;
    if (this.#rest !== null) clearTimeout(this.#rest);
    this.#watching.close();
    if (!("socket" in this.#watching)) closeEnd(this.fd);
    this.#sink.end(this.#channel);
  }
}

function drop(fd: number, bytes: number, read: Read): void {
  readInto(fd, Buffer.allocUnsafe(bytes), read);
}

/** Shortages of the system, which may be over soon. */
const PASSING: ReadonlySet<string> = new Set(["ENOMEM", "ENOBUFS"]);
const RETRY_MS = 100;

/** A round with so little was hardly worth it; when many follow each other within moments, the next ones can wait. */
const LITTLE_BYTES = 8 * 1024;
const HASTE_MS = 1;
const HASTY_ROUNDS = 16;
/** So much later the log has what was written; a pipe holds far more than a child writes in lines meanwhile. */
const REST_MS = 2;
/** What a pipe holds by default, and what it gets once a child has filled three quarters of that. */
const PIPE_BYTES = 64 * 1024;
const LARGE_PIPE_BYTES = 256 * 1024;

/** How a child writes: in a hurry with little, or so much that its pipe should be larger. */
class Pace {
  readonly #fd: number;
  #capacity = PIPE_BYTES;
  #hasty = 0;
  #lastAt = 0;

  constructor(fd: number) {
    this.#fd = fd;
  }

  /** Many small rounds have followed each other, and no pipe has been nearly full since. */
  get hasty(): boolean {
    return this.#hasty >= HASTY_ROUNDS;
  }

  round(bytes: number): void {
    if (bytes >= this.#capacity - this.#capacity / 4) {
      if (this.#capacity === PIPE_BYTES) this.#enlarge();
      else this.#hasty = 0;
      return;
    }
    if (this.hasty) return;
    const at = performance.now();
    this.#hasty = bytes <= LITTLE_BYTES && at - this.#lastAt < HASTE_MS ? this.#hasty + 1 : 0;
    this.#lastAt = at;
  }

  /** Tried once: where the kernel won't, the pipe counts as full where it is. */
  #enlarge(): void {
    this.#capacity = resizePipe(this.#fd, LARGE_PIPE_BYTES) ?? PIPE_BYTES + 1;
  }

  reset(): void {
    this.#hasty = 0;
  }
}

/** Bytes copied into `buffer`; 0 at the end, EAGAIN where there are none, null where a pipe can't be looked into. */
function show(fd: number): number | "EAGAIN" | null {
  const copied = peek(fd, buffer);
  if (typeof copied === "number") return copied;
  return copied === "EAGAIN" || copied === "EINTR" ? "EAGAIN" : null;
}

/** Bytes read, 0 at the end, or the errno name. */
function readInto(fd: number, into: Buffer, read: Read): number | string {
  for (;;) {
    try {
      return read(fd, into);
    } catch (error) {
      const { code = String(error) } = error as NodeJS.ErrnoException;
      if (code !== "EINTR") return code;
    }
  }
}
