/**
 * The near end of a child's stdin. A write goes straight into the pipe; only what the pipe doesn't take is
 * queued, up to a limit, and follows when the child reads.
 */
import { closeSync, writeSync } from "node:fs";
import { Socket } from "node:net";

/** `written` includes queued; `closed`: the child has closed its stdin; `full`: too much is queued already. */
export type WriteOutcome = "written" | "closed" | "full";

export interface StdinWriter {
  write(text: string): WriteOutcome;
  close(): void;
}

const QUEUE_LIMIT_BYTES = 16 * 1024 * 1024;

/** Takes over `fd`. */
export function createStdinWriter(fd: number): StdinWriter {
  let socket: Socket | null = null;
  let closed = false;

  function close(): void {
    if (closed) return;
    closed = true;
    if (socket === null) closeSync(fd);
    else socket.destroy();
  }

  function queue(rest: Buffer): WriteOutcome {
    if (socket === null) {
      socket = new Socket({ fd, readable: false, writable: true });
      socket.on("error", close);
    }
    if (socket.writableLength + rest.length > QUEUE_LIMIT_BYTES) return "full";
    socket.write(rest);
    return "written";
  }

  return {
    write(text) {
      if (closed) return "closed";
      const bytes = Buffer.from(text, "utf8");
      if (socket !== null && socket.writableLength > 0) return queue(bytes);
      try {
        const taken = writeSync(fd, bytes);
        return taken === bytes.length ? "written" : queue(bytes.subarray(taken));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "EAGAIN") return queue(bytes);
        return "closed";
      }
    },
    close,
  };
}
