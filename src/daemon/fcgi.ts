/** Sockets of FastCGI programs: made with the first child that needs one, gone with the last. */
import { closeSync } from "node:fs";
import type { FcgiSocket } from "../core/config.js";
import { openSharedSocket } from "../posix/shared-socket.js";
import type { Log } from "./log.js";

export interface FcgiProgram {
  readonly socket: FcgiSocket;
  readonly socket_backlog: number | null;
}

export interface FcgiSockets extends Disposable {
  /** For one more child. Throws what the system says, with `code`. */
  acquire(program: FcgiProgram): number;
  /** Makes and closes the socket, so that what is wrong with it is said before a child needs it. */
  probe(program: FcgiProgram): void;
  /** One child less. */
  release(program: FcgiProgram): void;
}

export function createFcgiSockets(log: Log): FcgiSockets {
  const open = new Map<string, { readonly fd: number; users: number }>();

  function close(url: string): void {
    const known = open.get(url);
    if (known === undefined) return;
    open.delete(url);
    log.log("info", `Closing socket ${url}`);
    closeSync(known.fd);
  }

  const sockets: FcgiSockets = {
    probe(program) {
      const { url } = program.socket;
      if (open.has(url)) return;
      try {
        sockets.acquire(program);
        close(url);
      } catch (error) {
        const text = error instanceof Error ? error.message : String(error);
        log.log("critical", `Could not create FastCGI socket ${url}: ${text}`);
      }
    },
    acquire({ socket, socket_backlog }) {
      const { url } = socket;
      let known = open.get(url);
      if (known === undefined) {
        log.log("info", `Creating socket ${url}`);
        known = { fd: openSharedSocket(socket, socket_backlog), users: 0 };
        open.set(url, known);
      }
      known.users += 1;
      return known.fd;
    },
    release({ socket }) {
      const known = open.get(socket.url);
      if (known === undefined) return;
      known.users -= 1;
      if (known.users === 0) close(socket.url);
    },
    [Symbol.dispose]() {
      for (const url of [...open.keys()]) close(url);
    },
  };
  return sockets;
}
