/**
 * The near end of a child's stdout or stderr. Bytes go from the pipe to `onData` in one static buffer that all
 * pipes share, so whoever keeps a chunk beyond the call must copy it.
 */
import { readSync } from "node:fs";
import { type OnReadOpts, Socket, type SocketConstructorOpts } from "node:net";

export interface PipeReader {
  /** Takes what is in the pipe right now. */
  drain(): void;
  /** True once every holder of the other end is gone. */
  readonly ended: boolean;
  close(): void;
}

const READ_BYTES = 128 * 1024;
const liveBuffer = Buffer.allocUnsafeSlow(READ_BYTES);
const drainBuffer = Buffer.allocUnsafeSlow(READ_BYTES);
/** A pipe holds 1 MiB at most; what comes on top arrives while we read, and can wait for the loop. */
const DRAIN_READS = 32;

/** What takes the bytes; a promise asks for a pause until it settles. */
export type OnData = (chunk: Buffer) => Promise<void> | null;

/** Takes over `fd`, which is closed with the reader. `onEnd` is called once, at the end or when closed. */
export function readPipe(fd: number, onData: OnData, onEnd: () => void): PipeReader {
  let ended = false;
  const options: SocketConstructorOpts & { readonly onread: OnReadOpts } = {
    fd,
    readable: true,
    writable: false,
    onread: {
      buffer: liveBuffer,
      callback: (bytes) => {
        const full = onData(liveBuffer.subarray(0, bytes));
        if (full === null) return true;
        const resume = (): void => void socket.resume();
        full.then(resume, resume);
        return false;
      },
    },
  };
  const socket = new Socket(options);
  socket.on("error", finish);
  socket.on("end", finish);
  socket.on("close", finish);
  socket.resume();

  function finish(): void {
    if (ended) return;
    ended = true;
    socket.destroy();
    onEnd();
  }

  return {
    get ended() {
      return ended;
    },
    drain() {
      for (let reads = 0; reads < DRAIN_READS && !ended; reads += 1) {
        const bytes = readNow(fd);
        if (bytes === null) return;
        if (bytes === 0) return finish();
        onData(drainBuffer.subarray(0, bytes));
      }
    },
    close: finish,
  };
}

/** Bytes read into `drainBuffer`; 0 at the end, null when there is nothing now. */
function readNow(fd: number): number | null {
  try {
    return readSync(fd, drainBuffer, 0, READ_BYTES, null);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EAGAIN" ? null : 0;
  }
}
