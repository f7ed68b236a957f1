/** The HTTP server that the reference is: same paths, same answers, on node:http and what stands before it. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { ServerConfig } from "../core/config.js";
import type { Daemon } from "../rpc/daemon.js";
import { canGoOn, waitingOf } from "../rpc/waiting.js";
import { authorize } from "./auth.js";
import { type Front, type HeldConnection, type Room, standBefore, type TakenConnection } from "./front.js";
import { handleLogtail, handleMainLogtail } from "./logtail.js";
import { createPage, type Page } from "./page/page.js";
import { pathOf, sendError } from "./reply.js";
import { type CallUnderWay, handleRpc } from "./rpc-handler.js";

export interface HttpOptions {
  readonly server: ServerConfig;
  readonly daemon: Daemon;
}

/** More are closed at once, and counted. */
export const CONNECTION_LIMIT = 1024;
const IDLE_MS = 30 * 60 * 1000;
/** How long answers under way may take when the server closes. */
const CLOSE_GRACE_MS = 500;
/** Node's own check of slow clients is a timer that would wake an idle daemon; sockets have timeouts instead. */
const NEVER_MS = 2 ** 31 - 1;

interface Inside {
  readonly closing: AbortController;
  readonly front: Front;
  /** Answers of Node's own server that are under way, and calls that wait; streams have no end and are not among them. */
  readonly answering: ReadonlyMap<ServerResponse, CallUnderWay | null>;
}

const insides = new WeakMap<Server, Inside>();

/** A server that does not listen yet. */
export function createHttpServer({ server: config, daemon }: HttpOptions): Server {
  const closing = new AbortController();
  const answering = new Map<ServerResponse, CallUnderWay | null>();
  const page = createPage(daemon);
  const server = createServer(
    {
      keepAliveTimeout: IDLE_MS,
      requestTimeout: 0,
      headersTimeout: 0,
      connectionsCheckingInterval: NEVER_MS,
    },
    (request, response) => {
      // The reference says nothing about keeping a connection but to HTTP/1.0; what it does is the same.
      if (request.httpVersion === "1.0" && response.shouldKeepAlive)
        response.setHeader("Connection", "Keep-Alive");
      else response.removeHeader("Connection");
      request.on("error", () => undefined);
      response.on("error", () => undefined);
      if (!isStream(pathOf(request))) {
        answering.set(response, null);
        response.on("close", () => answering.delete(response));
      }
      try {
        if (isWelcome(config, request, response))
          route(daemon, page, request, response, closing.signal, (call) => answering.set(response, call));
      } catch (error) {
        const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
        daemon.log("error", `HTTP request failed: ${text}`);
        sendError(response, 500);
      }
      if (daemon.enabled("trace")) response.on("finish", () => logAccess(daemon, request, response));
    },
  );
  const front = standBefore(server, { config, daemon, idleMs: IDLE_MS, closing: closing.signal });
  insides.set(server, { closing, front, answering });
  server.setTimeout(IDLE_MS);
  server.maxConnections = CONNECTION_LIMIT;
  let refused = 0;
  server.on("drop", () => {
    refused += 1;
    // Said at 1, 2, 4, 8 …: a flood of connections must not become a flood of lines.
    if ((refused & (refused - 1)) === 0)
      daemon.log(
        "warn",
        `refused a connection, ${CONNECTION_LIMIT} are open already (${refused} refused so far)`,
      );
  });
  // What is no HTTP is closed without an answer, as the reference does.
  server.on("clientError", (_error, socket) => socket.destroy());
  server.on("checkContinue", (request, response) => {
    response.writeContinue();
    server.emit("request", request, response);
  });
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

/** What another program can go on with. Of the connections of Node's own server, those with calls that wait. */
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

function isWelcome(config: ServerConfig, request: IncomingMessage, response: ServerResponse): boolean {
  const verdict = authorize(config, request.headers.authorization);
  if (verdict === "unreadable") sendError(response, 500);
  else if (verdict === "unauthorized")
    sendError(response, 401, { "WWW-Authenticate": 'Basic realm="default"', Connection: "close" });
  return verdict === "welcome";
}

function route(
  daemon: Daemon,
  page: Page,
  request: IncomingMessage,
  response: ServerResponse,
  closing: AbortSignal,
  onWait: (call: CallUnderWay) => void,
): void {
  const path = pathOf(request);
  const { method } = request;
  if (path.startsWith("/RPC2")) {
    if (method !== "POST") return sendError(response, 400);
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
    `${remoteAddress}:${remotePort} - - [${day}:${time} +0000] "${line}" ${response.statusCode} ${bytes}`,
  );
}
