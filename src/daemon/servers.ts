/** The HTTP servers of one life of the daemon: opened together, closed together. */
import { rmSync } from "node:fs";
import type { Server } from "node:http";
import { constants } from "node:os";
import type { ServerConfig } from "../core/config.js";
import { closeServer, createHttpServer } from "../http/server.js";
import { type ListenOutcome, listenTcp, listenUnix } from "../posix/listen.js";
import { lookupUser } from "../posix/user.js";
import type { Daemon } from "../rpc/daemon.js";
import { STANDARD_FACTORY } from "../rpc/dispatch.js";
import type { Log } from "./log.js";

/** Why the servers could not be opened, in the reference's words. */
export class ServerProblem extends Error {
  override readonly name = "ServerProblem";
}

export interface OpenServers extends AsyncDisposable {
  readonly count: number;
}

/** Opens all servers or none. Throws `ServerProblem`. */
export async function openServers(
  configs: readonly ServerConfig[],
  daemon: Daemon,
  log: Log,
  stderr: (text: string) => void,
): Promise<OpenServers> {
  const open: { readonly server: Server; readonly config: ServerConfig }[] = [];
  const closeAll = async (): Promise<void> => {
    // The names go first, so that nobody connects to a server that will not answer any more.
    for (const { config } of open) if (config.kind === "unix") rmSync(config.file, { force: true });
    await Promise.all(open.map(({ server }) => closeServer(server)));
  };
  for (const config of configs) {
    for (const { name, factory, options, module } of daemon.rpcinterfaces) {
      // A Python factory was named in a warning; nothing of it is there.
      if (factory !== STANDARD_FACTORY && module === undefined) continue;
      // Supervisor's own factory takes no options, and says no more than this when it gets some.
      if (factory === STANDARD_FACTORY && Object.keys(options).length > 0)
        throw new ServerProblem(`Could not make ${name} rpc interface`);
      log.log("info", `RPC interface '${name}' initialized`);
    }
    const server = createHttpServer({ server: config, daemon });
    const outcome = await listen(server, config);
    if (!outcome.ok) {
      await closeAll();
      throw new ServerProblem(describeProblem(config, outcome));
    }
    if (outcome.staleUnlinked === true && config.kind === "unix")
      stderr(`Unlinking stale socket ${config.file}\n`);
    open.push({ server, config });
    if (config.username === null) {
      const text = `Server '${config.section}' running without any HTTP authentication checking`;
      log.log("critical", text);
    }
  }
  return { count: open.length, [Symbol.asyncDispose]: closeAll };
}

const RESOLVING: Readonly<Record<string, number>> = { ENOTFOUND: -2, EAI_AGAIN: -3, EAI_FAIL: -4 };

function listen(server: Server, config: ServerConfig): Promise<ListenOutcome> {
  return config.kind === "unix" ? listenUnix(server, config) : listenTcp(server, config);
}

function describeProblem(
  config: ServerConfig,
  problem: Extract<ListenOutcome, { readonly ok: false }>,
): string {
  if (problem.chownDenied === true && config.kind === "unix" && config.chown !== null) {
    const { uid, gid } = config.chown;
    const self = process.geteuid?.() ?? 0;
    const user = lookupUser(String(self))?.name ?? self;
    return `Not permitted to chown ${config.file} to uid/gid (${uid}, ${gid}); adjust "sockchown" value in config file or on command line to values that the current user (${user}) can successfully chown`;
  }
  if (problem.code === "EADDRINUSE")
    return "Another program is already listening on a port that one of our HTTP servers is configured to use.  Shut this program down first before starting supervisord.";
  // What getaddrinfo says is no errno, and the reference prints its number.
  const resolving = RESOLVING[problem.code];
  if (resolving !== undefined) return `Cannot open an HTTP server: socket.error reported ${resolving}`;
  const number = (constants.errno as Readonly<Record<string, number>>)[problem.code];
  return number === undefined
    ? `Cannot open an HTTP server: socket.error reported ${problem.code}`
    : `Cannot open an HTTP server: socket.error reported errno.${problem.code} (${number})`;
}
