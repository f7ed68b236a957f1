/**
 * The name of a unix server. When somebody removes it the server listens anew under the same name, in addition: who
 * was connected stays so, and nobody can connect to what has no name.
 */

import type { Server } from "node:http";
import { createServer, type Server as Listener } from "node:net";
import type { UnixServerConfig } from "../core/config.js";
import { keepName, type Restored } from "../posix/keep-name.js";
import { type Identity, identify, isSame, listenUnix, unlinkSocket } from "../posix/listen.js";
import type { Log } from "./log.js";

export interface UnixListener extends AsyncDisposable {
  readonly identity: Identity | null;
  /** The listening socket that has the name. */
  readonly listening: Listener;
  /** Takes the name away, if it is still this server's, and gives it back no more. */
  unlink(): void;
}

/** Looks after the name of a server that listens; without an `identity` what stands there is taken for it. */
export function keepListening(
  server: Server,
  config: UnixServerConfig,
  log: Log,
  known: Identity | null,
): UnixListener {
  const { file } = config;
  let identity = known ?? identify(file);
  let again: Listener | null = null;
  let closed = false;

  async function restore(): Promise<Restored> {
    const there = identify(file);
    if (isSame(there, identity)) return "fine";
    if (there !== null) return { problem: "is something else by now, and is left alone" };
    const next = createServer({ allowHalfOpen: true }, (socket) => server.emit("connection", socket));
    const outcome = await listenUnix(next, { ...config, replacing: false });
    if (!outcome.ok) throw Object.assign(new Error(outcome.code), { code: outcome.code });
    if (closed) {
      next.close();
      unlinkSocket(file, outcome.identity);
      return "fine";
    }
    again?.close();
    again = next;
    identity = outcome.identity;
    return "made again";
  }

  const kept = keepName({ path: file, what: "socket", restore, say: (text) => log.log("warn", text) });
  // The name may have gone before it was watched, for example during an upgrade.
  kept.look();

  function unlink(): void {
    if (closed) return;
    closed = true;
    kept[Symbol.dispose]();
    unlinkSocket(file, identity);
  }

  return {
    get identity() {
      return identity;
    },
    get listening() {
      return again ?? server;
    },
    unlink,
    async [Symbol.asyncDispose]() {
      unlink();
      if (again !== null) await new Promise<void>((resolve) => again?.close(() => resolve()));
    },
  };
}
