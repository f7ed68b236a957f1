/** The HTTP servers of one life of the daemon: opened together, closed together. */
import { closeSync } from "node:fs";
import type { Server } from "node:http";
import { constants } from "node:os";
import type { ServerConfig } from "../core/config.js";
import { PATIENCE, type Patience } from "../http/seats.js";
import { closeServer, createHttpServer, takeConnection, unfinishedRequests } from "../http/server.js";
import {
  type Identity,
  identify,
  type ListenOutcome,
  listenOn,
  listenTcp,
  listenUnix,
  unlinkSocket,
} from "../posix/listen.js";
import { getLimit } from "../posix/rlimit.js";
import { lookupUser } from "../posix/user.js";
import type { Daemon } from "../rpc/daemon.js";
import { STANDARD_FACTORY } from "../rpc/dispatch.js";
import {
  addressOf,
  goOnWithCalls,
  handServer,
  type Inherited,
  newRoom,
  type OpenServer,
} from "./hand-servers.js";
import type { HandedServer } from "./handover.js";
import type { Log } from "./log.js";
import { StartProblem } from "./start-problem.js";
import { keepListening } from "./unix-listener.js";

export interface OpenServers extends AsyncDisposable {
  readonly count: number;
  /** Requests under way that a successor can't go on with. */
  unfinished(): number;
  /** Every listening socket and connection, for the program that this one becomes. Changes nothing. */
  hand(): readonly HandedServer[];
}

/** Opens all servers or none. Throws `StartProblem`. */
export async function openServers(
  configs: readonly ServerConfig[],
  daemon: Daemon,
  log: Log,
  stderr: (text: string) => void,
  inherited: Inherited | null = null,
): Promise<OpenServers> {
  // Calls that wait go on waiting before anything else happens, so that they miss nothing.
  const take = goOnWithCalls(daemon, inherited);
  const known = new Map(inherited?.servers.map((server) => [`${server.section} ${server.address}`, server]));
  const open: OpenServer[] = [];
  const closeAll = async (): Promise<void> => {
    // The names go first, so that nobody connects to a server that will not answer any more.
    for (const { unix } of open) unix?.unlink();
    await Promise.all(
      open.flatMap(({ server, unix }) => [closeServer(server), unix?.[Symbol.asyncDispose]()]),
    );
  };
  const patience = patienceFor(configs.length);
  for (const config of configs) {
    for (const { name, factory, options, module } of daemon.rpcinterfaces) {
      // A Python factory was named in a warning; nothing of it is there.
      if (factory !== STANDARD_FACTORY && module === undefined) continue;
      // Supervisor's own factory takes no options, and says no more than this when it gets some.
      if (factory === STANDARD_FACTORY && Object.keys(options).length > 0)
        throw new StartProblem(`Could not make ${name} rpc interface`);
      log.log("info", `RPC interface '${name}' initialized`);
    }
    const server = createHttpServer({ server: config, daemon, patience });
    const key = `${config.section} ${addressOf(config)}`;
    const before = known.get(key);
    known.delete(key);
    const outcome = await (before === undefined ? listen(server, config) : takeOver(server, before));
    if (!outcome.ok) {
      await closeAll();
      throw new StartProblem(describeProblem(config, outcome), outcome.code, describeHolder(config, outcome));
    }
    if (outcome.staleUnlinked === true && config.kind === "unix")
      stderr(`Unlinking stale socket ${config.file}\n`);
    const unix = config.kind === "unix" ? keepListening(server, config, log, outcome.identity ?? null) : null;
    open.push({ server, config, unix });
    for (const connection of before?.connections ?? []) takeConnection(server, take(connection));
    if (config.username === null) {
      const text = `Server '${config.section}' running without any HTTP authentication checking`;
      log.log("critical", text);
    }
  }
  // Servers that the configuration no longer has end. Clients that wait there, the caller of the upgrade too, are answered first.
  for (const { fd, file, identity, connections } of known.values()) {
    if (file !== null) unlinkSocket(file, identity ?? identify(file));
    closeSync(fd);
    for (const connection of connections) {
      const [other] = open;
      const isOwed = connection.call !== undefined || connection.unsent !== undefined;
      if (isOwed && other !== undefined) takeConnection(other.server, { ...take(connection), last: true });
      else closeSync(connection.fd);
    }
  }
  return {
    count: open.length,
    unfinished: () => open.reduce((sum, { server }) => sum + unfinishedRequests(server), 0),
    hand() {
      const room = newRoom();
      return open.map((each) => handServer(each, room));
    },
    [Symbol.asyncDispose]: closeAll,
  };
}

/** Connections take at most half of the descriptors: without one, nothing can be accepted or started. */
function patienceFor(servers: number): Patience {
  const share = Math.floor(getLimit("NOFILE").soft / 2 / servers);
  return { ...PATIENCE, limit: Math.max(1, Math.min(PATIENCE.limit, share)) };
}

const RESOLVING: Readonly<Record<string, number>> = { ENOTFOUND: -2, EAI_AGAIN: -3, EAI_FAIL: -4 };

type Outcome = ListenOutcome & { readonly identity?: Identity | null };

async function takeOver(server: Server, { fd, identity }: HandedServer): Promise<Outcome> {
  const outcome = await listenOn(server, fd);
  return outcome.ok ? { ...outcome, identity: identity ?? null } : outcome;
}

function listen(server: Server, config: ServerConfig): Promise<Outcome> {
  return config.kind === "unix" ? listenUnix(server, config) : listenTcp(server, config);
}

/** Where Supervisor says only that somebody is there. */
function describeHolder(
  config: ServerConfig,
  { code, holder }: Extract<ListenOutcome, { readonly ok: false }>,
): readonly string[] {
  if (code !== "EADDRINUSE") return [];
  const where = `${addressOf(config).replace(/^:/, "*:")} of [${config.section}] is in use`;
  if (holder === undefined || holder === null) return [where];
  const { pid, uid, command } = holder;
  if (pid === null) return [`${where} by a process of user ${lookupUser(String(uid))?.name ?? uid}`];
  return [`${where} by pid ${pid}${command === "" ? "" : ` (${command})`}`];
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
