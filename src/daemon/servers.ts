/** The HTTP servers of one life of the daemon: opened together, closed together. */
import { closeSync } from "node:fs";
import type { Server } from "node:http";
import { Socket } from "node:net";
import { constants } from "node:os";
import type { ServerConfig } from "../core/config.js";
import { SERVER } from "../http/reply.js";
import {
  busyRequests,
  closeServer,
  createHttpServer,
  heldConnections,
  holdServer,
  takeConnection,
} from "../http/server.js";
import {
  type Identity,
  identify,
  type ListenOutcome,
  listenOn,
  listenTcp,
  listenUnix,
  unlinkSocket,
} from "../posix/listen.js";
import { lookupUser } from "../posix/user.js";
import type { Daemon } from "../rpc/daemon.js";
import { STANDARD_FACTORY } from "../rpc/dispatch.js";
import type { HandedServer } from "./handover.js";
import type { Log } from "./log.js";
import { keepListening, type UnixListener } from "./unix-listener.js";

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

interface OpenServer {
  readonly server: Server;
  readonly config: ServerConfig;
  /** Null on TCP. */
  readonly unix: UnixListener | null;
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
  const open: OpenServer[] = [];
  const closeAll = async (): Promise<void> => {
    // The names go first, so that nobody connects to a server that will not answer any more.
    for (const { unix } of open) unix?.unlink();
    await Promise.all(
      open.flatMap(({ server, unix }) => [closeServer(server), unix?.[Symbol.asyncDispose]()]),
    );
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
    const key = `${config.section} ${addressOf(config)}`;
    const before = known.get(key);
    known.delete(key);
    const outcome = await (before === undefined ? listen(server, config) : takeOver(server, before));
    if (!outcome.ok) {
      await closeAll();
      throw new ServerProblem(describeProblem(config, outcome), outcome.code);
    }
    if (outcome.staleUnlinked === true && config.kind === "unix")
      stderr(`Unlinking stale socket ${config.file}\n`);
    const unix = config.kind === "unix" ? keepListening(server, config, log, outcome.identity ?? null) : null;
    open.push({ server, config, unix });
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
  for (const { fd, file, identity, connections } of known.values()) {
    if (file !== null) unlinkSocket(file, identity ?? identify(file));
    for (const each of [fd, ...connections.map((connection) => connection.fd)]) closeSync(each);
  }
  return {
    count: open.length,
    hold: (on) => {
      for (const { server } of open) holdServer(server, on);
    },
    busy: () => open.reduce((sum, { server }) => sum + busyRequests(server), 0),
    hand: () => open.map(handServer),
    answerOwed(body) {
      const size = Buffer.byteLength(body);
      const head = `HTTP/1.1 200 OK\r\nServer: ${SERVER}\r\nContent-Type: text/xml\r\nContent-Length: ${size}\r\n\r\n`;
      for (const socket of owed.splice(0)) socket.write(head + body);
    },
    [Symbol.asyncDispose]: closeAll,
  };
}

function addressOf(config: ServerConfig): string {
  return config.kind === "unix" ? config.file : `${config.host}:${config.port}`;
}

function handServer({ server, config, unix }: OpenServer): HandedServer {
  const listening = unix?.listening ?? server;
  const { fd } = (listening as unknown as { readonly _handle: { readonly fd: number } })._handle;
  const connections = heldConnections(server).map(({ fd, bytes, owed }) => ({
    fd,
    bytes: bytes.toString("base64"),
    owed,
  }));
  const file = config.kind === "unix" ? config.file : null;
  const identity = unix?.identity ?? null;
  return { section: config.section, address: addressOf(config), file, identity, fd, connections };
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
