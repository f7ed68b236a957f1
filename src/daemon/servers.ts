/** The HTTP servers of one life of the daemon: opened together, closed together. */
import { closeSync, rmSync } from "node:fs";
import type { Server } from "node:http";
import { Socket } from "node:net";
import { constants } from "node:os";
import type { ServerConfig } from "../core/config.js";
import { SERVER } from "../http/reply.js";
import { PATIENCE, type Patience } from "../http/seats.js";
import {
  busyRequests,
  closeServer,
  createHttpServer,
  heldConnections,
  holdServer,
  takeConnection,
} from "../http/server.js";
import { type ListenOutcome, listenOn, listenTcp, listenUnix } from "../posix/listen.js";
import { getLimit } from "../posix/rlimit.js";
import { lookupUser } from "../posix/user.js";
import type { Daemon } from "../rpc/daemon.js";
import { STANDARD_FACTORY } from "../rpc/dispatch.js";
import type { HandedServer } from "./handover.js";
import type { Log } from "./log.js";

/** Why the servers could not be opened, in the reference's words; `code` is the errno's name where there was one. */
export class ServerProblem extends Error {
  override readonly name = "ServerProblem";
  readonly code: string | undefined;

  constructor(text: string, code?: string) {
    super(text);
    this.code = code;
  }
}

export interface OpenServers extends AsyncDisposable {
  readonly count: number;
  /** Begins no more requests, or goes on again. */
  hold(on: boolean): void;
  /** Requests whose answers are not yet with their clients. */
  busy(): number;
  /** Every listening socket and connection, for the program that this one becomes. Only while held. */
  hand(): readonly HandedServer[];
  /** Answers what the program that this one was has left unanswered. */
  answerOwed(body: string): void;
}

/** Opens all servers or none. Throws `ServerProblem`. */
export async function openServers(
  configs: readonly ServerConfig[],
  daemon: Daemon,
  log: Log,
  stderr: (text: string) => void,
  inherited: readonly HandedServer[] = [],
): Promise<OpenServers> {
  const owed: Socket[] = [];
  const known = new Map(inherited.map((server) => [`${server.section} ${server.address}`, server]));
  const open: { readonly server: Server; readonly config: ServerConfig }[] = [];
  const closeAll = async (): Promise<void> => {
    // The names go first, so that nobody connects to a server that will not answer any more.
    for (const { config } of open) if (config.kind === "unix") rmSync(config.file, { force: true });
    await Promise.all(open.map(({ server }) => closeServer(server)));
  };
  const patience = patienceFor(configs.length);
  for (const config of configs) {
    for (const { name, factory, options, module } of daemon.rpcinterfaces) {
      // A Python factory was named in a warning; nothing of it is there.
      if (factory !== STANDARD_FACTORY && module === undefined) continue;
      // Supervisor's own factory takes no options, and says no more than this when it gets some.
      if (factory === STANDARD_FACTORY && Object.keys(options).length > 0)
        throw new ServerProblem(`Could not make ${name} rpc interface`);
      log.log("info", `RPC interface '${name}' initialized`);
    }
    const server = createHttpServer({ server: config, daemon, patience });
    const key = `${config.section} ${addressOf(config)}`;
    const before = known.get(key);
    known.delete(key);
    const outcome = before === undefined ? await listen(server, config) : await listenOn(server, before.fd);
    if (!outcome.ok) {
      await closeAll();
      throw new ServerProblem(describeProblem(config, outcome), outcome.code);
    }
    if (outcome.staleUnlinked === true && config.kind === "unix")
      stderr(`Unlinking stale socket ${config.file}\n`);
    open.push({ server, config });
    for (const { fd, bytes, owed: unanswered } of before?.connections ?? []) {
      const socket = new Socket({ fd, readable: true, writable: true });
      if (unanswered) owed.push(socket);
      takeConnection(server, socket, Buffer.from(bytes, "base64"));
    }
    if (config.username === null) {
      const text = `Server '${config.section}' running without any HTTP authentication checking`;
      log.log("critical", text);
    }
  }
  // What the configuration no longer has.
  for (const { fd, file, connections } of known.values()) {
    if (file !== null) rmSync(file, { force: true });
    for (const each of [fd, ...connections.map((connection) => connection.fd)]) closeSync(each);
  }
  return {
    count: open.length,
    hold: (on) => {
      for (const { server } of open) holdServer(server, on);
    },
    busy: () => open.reduce((sum, { server }) => sum + busyRequests(server), 0),
    hand: () => open.map(({ server, config }) => handServer(server, config)),
    answerOwed(body) {
      const size = Buffer.byteLength(body);
      const head = `HTTP/1.1 200 OK\r\nServer: ${SERVER}\r\nContent-Type: text/xml\r\nContent-Length: ${size}\r\n\r\n`;
      for (const socket of owed.splice(0)) socket.write(head + body);
    },
    [Symbol.asyncDispose]: closeAll,
  };
}

/** Connections take at most half of the descriptors: without one, nothing can be accepted or started. */
function patienceFor(servers: number): Patience {
  const share = Math.floor(getLimit("NOFILE").soft / 2 / servers);
  return { ...PATIENCE, limit: Math.max(1, Math.min(PATIENCE.limit, share)) };
}

function addressOf(config: ServerConfig): string {
  return config.kind === "unix" ? config.file : `${config.host}:${config.port}`;
}

function handServer(server: Server, config: ServerConfig): HandedServer {
  const { fd } = (server as unknown as { readonly _handle: { readonly fd: number } })._handle;
  const connections = heldConnections(server).map(({ fd, bytes, owed }) => ({
    fd,
    bytes: bytes.toString("base64"),
    owed,
  }));
  const file = config.kind === "unix" ? config.file : null;
  return { section: config.section, address: addressOf(config), file, fd, connections };
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
