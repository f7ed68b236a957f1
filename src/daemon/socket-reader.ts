/** Reading a pipe through Node's own socket: where readiness can't be had (a worker thread), and it must read itself. */
import { type OnReadOpts, Socket, type SocketConstructorOpts } from "node:net";
import type { Watch } from "../posix/readiness.js";

export interface Socketed extends Watch {
  readonly socket: Socket;
}

const buffer = Buffer.allocUnsafeSlow(128 * 1024);

/** Takes over `fd`. `onEnd` is called at the end of the pipe, with an errno name where it could not be read any more. */
export function readBySocket(
  fd: number,
  onData: (chunk: Buffer) => Promise<void> | null,
  onEnd: (errno: string | null) => void,
): Socketed {
  const options: SocketConstructorOpts & { readonly onread: OnReadOpts } = {
    fd,
    readable: true,
    writable: false,
    onread: {
      buffer,
      callback: (bytes) => {
        const full = onData(buffer.subarray(0, bytes));
        if (full === null) return true;
        const resume = (): void => void socket.resume();
        full.then(resume, resume);
        return false;
      },
    },
  };
  const socket = new Socket(options);
  socket.on("error", (error: NodeJS.ErrnoException) => onEnd(error.code ?? error.message));
  socket.on("end", () => onEnd(null));
  socket.on("close", () => onEnd(null));
  socket.resume();
  return {
    socket,
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    close: () => void socket.destroy(),
  };
}
