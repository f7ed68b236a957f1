/** The HTTP server that the reference is: same paths, same answers, on node:http and what stands before it. */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { hostAndPort } from "../core/address.js";
import type { ServerConfig } from "../core/config.js";
import type { Daemon } from "../rpc/daemon.js";
import { canGoOn, waitingOf } from "../rpc/waiting.js";
import { createDoor, type Door } from "./door.js";
import { attend, follow, giveUp, type ParseProblem, refuse } from "./exchange.js";
import { type Front, type HeldConnection, type Room, standBefore, type TakenConnection } from "./front.js";
import { handleLogtail, handleMainLogtail } from "./logtail.js";
import { createPage, type Page } from "./page/page.js";
import { pathOf, sendError } from "./reply.js";
import { type CallUnderWay, handleRpc } from "./rpc-handler.js";
import { createSeats, PATIENCE, type Patience } from "./seats.js";
import { tally } from "./tally.js";

export interface HttpOptions {
  readonly server: ServerConfig;
  readonly daemon: Daemon;
  readonly patience?: Patience;
}

/** How long answers under way may take when the server closes. */
const CLOSE_GRACE_MS = 500;
/** Node's own check of slow clients is a timer that would wake an idle daemon; seats have deadlines instead. */
const NEVER_MS = 2 ** 31 - 1;

interface Inside {
  readonly closing: AbortController;
  readonly front: Front;
  /** Answers of Node's own server that are under way, and calls that wait; streams have no end and are not among them. */
  readonly answering: ReadonlyMap<ServerResponse, CallUnderWay | null>;
}

const insides = new WeakMap<Server, Inside>();

/** A server that does not listen yet. */
export function createHttpServer({ server: config, daemon, patience = PATIENCE }: HttpOptions): Server {
  const closing = new AbortController();
  const answering = new Map<ServerResponse, CallUnderWay | null>();
  const door = createDoor(config, daemon);
  const page = createPage(daemon, door.onForeign);
  const seats = createSeats({
    patience,
    locked: config.username !== null,
    onEvicted: tally((count) =>
      daemon.log(
        "warn",
        `closed the connection that was idle longest to make room, ${patience.limit} are open already (${count} closed so far)`,
      ),
    ),
    onRefused: tally((count) =>
      daemon.log(
        "warn",
        `refused a connection, ${patience.limit} are open already (${count} refused so far)`,
      ),
    ),
  });
  /** Until the answer is known; from then on only this program can give it. */
  const note = (response: ServerResponse, call: CallUnderWay): void => {
    // A client that has hung up waits for nothing.
    if (!answering.has(response)) return;
    answering.set(response, call);
    const end = (): void => {
      if (answering.get(response) === call) answering.set(response, null);
    };
    call.answer.then(end, end);
  };
  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    request.on("error", () => undefined);
    response.on("error", () => undefined);
    if (!follow(seats, request, response)) return;
    if (!isStream(pathOf(request))) {
      answering.set(response, null);
      response.on("close", () => answering.delete(response));
    }
    try {
      if (door.admits(request, response)) {
        seats.of(request.socket)?.welcome();
        route(daemon, page, door, request, response, closing.signal, (call) => note(response, call));
      }
    } catch (error) {
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
      daemon.log("error", `HTTP request failed: ${text}`);
      sendError(response, 500);
    }
    if (daemon.enabled("trace")) response.on("finish", () => logAccess(daemon, request, response));
  };
  const server = createServer(
    {
      keepAliveTimeout: 0,
      requestTimeout: 0,
      headersTimeout: 0,
      connectionsCheckingInterval: NEVER_MS,
      requireHostHeader: false,
    },
    handle,
  );
  // A client that expects something first is answered as any other; readBody tells it to go on.
  server.on("checkContinue", handle).on("checkExpectation", handle);
  server.on("connection", (socket: Socket) => attend(seats, socket));
  server.on("clientError", (problem: ParseProblem, socket) => giveUp(seats, problem, socket as Socket));
  server.on("connect", (_request, socket) => refuse(seats, socket as Socket, 400));
  const front = standBefore(server, { config, daemon, seats, closing: closing.signal });
  insides.set(server, { closing, front, answering });
  return server;
}

/** Ends streams and idle connections, gives answers under way a moment, then closes whatever is left. */
export async function closeServer(server: Server): Promise<void> {
  const { closing, front } = insides.get(server) ?? {};
  closing?.abort();
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const timer = setTimeout(() => {
    front?.destroy();
    server.closeAllConnections();
  }, CLOSE_GRACE_MS);
  await closed;
  clearTimeout(timer);
}

/** Requests under way that another program can't go on with. */
export function unfinishedRequests(server: Server): number {
  const { front, answering } = insides.get(server) ?? {};
  const others = [...(answering ?? [])].filter(([response, call]) => underWay(response, call) === null);
  return (front?.unfinished() ?? 0) + others.length;
}

/** The call that an answer of Node's own server waits for; null where nobody else can wait for it. */
function underWay(response: ServerResponse, call: CallUnderWay | null): CallUnderWay | null {
  return call === null || response.headersSent || !canGoOn(waitingOf(call.answer)) ? null : call;
}

/** The connections that another program can go on with; of those of Node's own server, the ones with calls that wait. */
export function heldConnections(server: Server, room: Room): readonly HeldConnection[] {
  const { front, answering } = insides.get(server) ?? {};
  const nothing = Buffer.alloc(0);
  const waiting = [...(answering ?? [])].flatMap(([response, call]) => {
    const fd = (response.socket as unknown as { _handle?: { fd: number } | null } | null)?._handle?.fd ?? -1;
    if (fd < 0 || call === null || response.headersSent) return [];
    // The head of this request is forgotten, and with it how its client wants the connection to go on.
    return [{ fd, bytes: nothing, unsent: nothing, call, last: true }];
  });
  return [...(front?.held(room) ?? []), ...waiting];
}

/** A connection of the program before this one. */
export function takeConnection(server: Server, connection: TakenConnection): void {
  insides.get(server)?.front.take(connection);
}

function isStream(path: string): boolean {
  return path.startsWith("/logtail") || path.startsWith("/mainlogtail");
}

function route(
  daemon: Daemon,
  page: Page,
  door: Door,
  request: IncomingMessage,
  response: ServerResponse,
  closing: AbortSignal,
  onWait: (call: CallUnderWay) => void,
): void {
  const path = pathOf(request);
  const { method } = request;
  if (path.startsWith("/RPC2")) {
    if (method !== "POST") return sendError(response, 400);
    if (door.isForeign(request)) return sendError(response, 403, { Connection: "close" });
    return handleRpc(daemon, request, response, onWait);
  }
  if (path.startsWith("/logtail")) {
    if (method !== "GET") return sendError(response, 400);
    return handleLogtail(daemon, path, response, closing);
  }
  if (path.startsWith("/mainlogtail")) {
    if (method !== "GET") return sendError(response, 400);
    return handleMainLogtail(daemon, response, closing);
  }
  if (page.handle(path, request, response, onWait)) return;
  if (method !== "GET" && method !== "HEAD") return sendError(response, 400);
  sendError(response, 404);
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

function logAccess(daemon: Daemon, request: IncomingMessage, response: ServerResponse): void {
  const { remoteAddress = "localhost", remotePort = 0 } = request.socket;
  const now = new Date();
  const day = `${String(now.getUTCDate()).padStart(2, "0")}/${MONTHS[now.getUTCMonth()]}/${now.getUTCFullYear()}`;
  const time = now.toISOString().slice(11, 19);
  const line = `${request.method} ${request.url} HTTP/${request.httpVersion}`;
  const bytes = response.getHeader("content-length") ?? 0;
  daemon.log(
    "trace",
    `${hostAndPort(remoteAddress.replace(/^::ffff:(?=\d+\.)/, ""), remotePort)} - - [${day}:${time} +0000] "${line}" ${response.statusCode} ${bytes}`,
  );
}
