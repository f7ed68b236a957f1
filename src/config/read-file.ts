/** The bytes of a configuration, within bounds: what never ends is refused, and nobody waits for ever for what never comes. */
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { NoConfiguration } from "./host.js";

/** Ten thousand programs take a tenth of it. */
const MOST_BYTES = 64 * 1024 * 1024;
const PIECE_BYTES = 64 * 1024;
/** So long a pipe may be silent: a shell's `<(command)` is one. */
const SILENCE_MS = 5000;
const AGAIN_MS = 10;

/** Throws `NoConfiguration`, or what the file system says. */
export function readBounded(path: string, { mostBytes = MOST_BYTES, silenceMs = SILENCE_MS } = {}): Buffer {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  try {
    const stat = fstatSync(fd);
    if (stat.size > mostBytes) throw tooLarge(mostBytes);
    const pieces: Buffer[] = [];
    let bytes = 0;
    let until = performance.now() + silenceMs;
    for (;;) {
      const piece = Buffer.allocUnsafe(Math.max(PIECE_BYTES, stat.size - bytes + 1));
      const count = readSome(fd, piece);
      // A pipe ends once it has been written to; before that, nobody may have come to write yet.
      if (count === 0 && (bytes > 0 || !stat.isFIFO())) return Buffer.concat(pieces, bytes);
      if (count !== null && count > 0) {
        pieces.push(piece.subarray(0, count));
        bytes += count;
        if (bytes > mostBytes) throw tooLarge(mostBytes);
        until = performance.now() + silenceMs;
        continue;
      }
      if (performance.now() > until)
        throw new NoConfiguration(`nothing has come from that pipe for ${silenceMs / 1000} seconds`);
      Atomics.wait(nap, 0, 0, AGAIN_MS);
    }
  } finally {
    closeSync(fd);
  }
}

function tooLarge(mostBytes: number): NoConfiguration {
  return new NoConfiguration(`it has more than ${mostBytes / 1024 / 1024} MiB`);
}

const nap = new Int32Array(new SharedArrayBuffer(4));

/** Null where nothing is there to be read yet. */
function readSome(fd: number, into: Buffer): number | null {
  try {
    return readSync(fd, into);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EAGAIN") return null;
    throw error;
  }
}
