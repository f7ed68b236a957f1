/** Reading a pipe through Node's own socket: where readiness can't be had (a worker thread), and it must read itself. */
import { type OnReadOpts, Socket, type SocketConstructorOpts } from "node:net";
import type { Watch } from "../posix/readiness.js";

export interface Socketed extends Watch {
  readonly socket: Socket;
}

const buffer = Buffer.allocUnsafeSlow(128 * 1024);

/** Takes over `fd`. `onEnd` is called at the end of the pipe. */
export function readBySocket(
  fd: number,
  onData: (chunk: Buffer) => Promise<void> | null,
  onEnd: () => void,
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
  socket.on("error", onEnd);
  socket.on("end", onEnd);
  socket.on("close", onEnd);
  socket.resume();
  return {
    socket,
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    close: () => void socket.destroy(),
  };
}
