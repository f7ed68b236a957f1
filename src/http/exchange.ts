/**
 * Requests and answers of Node's own server as they follow each other on a connection: which answer is the last, and
 * what becomes of bytes that are no request.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { hasBody } from "./body.js";
import { errorPage, parseNoMore, SERVER } from "./reply.js";
import type { Seats } from "./seats.js";

/** The newest request of a connection. */
const newest = new WeakMap<Socket, ServerResponse>();

/** Answers of a connection that are not over yet. Node keeps those that stand behind another, and forgets them with it. */
const unanswered = new WeakMap<Socket, Set<ServerResponse>>();

/** Connections that bring no more requests. */
const broken = new WeakSet<Socket>();

/** To be called once Node's server has the connection. */
export function attend(seats: Seats, socket: Socket): void {
  const seat = seats.of(socket);
  if (seat === undefined) return;
  let total = 0;
  socket.on("data", (chunk: Buffer) => {
    total += chunk.length;
    seat.reading(total);
  });
  // Node's server calls this after the last answer, and would close with bytes unread.
  socket.destroySoon = () => {
    parseNoMore(socket);
    seat.end();
  };
  const answers = new Set<ServerResponse>();
  unanswered.set(socket, answers);
  socket.on("close", () => {
    // Node tells only the answer whose turn it is.
    for (const answer of answers) if (answer.socket === null) answer.destroy().emit("close");
  });
}

/**
 * Follows a request to the end of its answer; false when it stands behind the last answer of its connection, and gets
 * none. An answer that comes before the whole body has is the last one: only the client knows what it will still send.
 */
export function follow(seats: Seats, request: IncomingMessage, response: ServerResponse): boolean {
  const { socket } = request;
  const seat = seats.of(socket);
  const before = newest.get(socket);
  // The handler that wants the body listens to it before it flows.
  request.resume();
  if (seat === undefined || seat.ended() || (before?.headersSent === true && !before.shouldKeepAlive))
    return false;
  newest.set(socket, response);
  const answers = unanswered.get(socket);
  answers?.add(response);
  response.on("close", () => answers?.delete(response));
  let begun = false;
  const begin = (): void => {
    begun = true;
    seat.begin();
  };
  response.once("close", () => begun && seat.done());
  if (!hasBody(request)) {
    sayConnection(request, response);
    begin();
    return true;
  }
  const keep = response.shouldKeepAlive;
  response.shouldKeepAlive = false;
  response.setHeader("Connection", "close");
  request.on("end", () => {
    begin();
    if (response.headersSent) return;
    response.shouldKeepAlive = keep;
    sayConnection(request, response);
  });
  return true;
}

/** The reference says nothing about keeping a connection but to HTTP/1.0; what it does is the same. */
function sayConnection(request: IncomingMessage, response: ServerResponse): void {
  if (request.httpVersion === "1.0" && response.shouldKeepAlive)
    response.setHeader("Connection", "Keep-Alive");
  else response.removeHeader("Connection");
}

export interface ParseProblem {
  readonly code?: string;
  readonly rawPacket?: Buffer;
}

/** Node's parser gives up on a connection: with an answer if what came began as a request, as the reference does. */
export function giveUp(seats: Seats, problem: ParseProblem, socket: Socket): void {
  const seat = seats.of(socket);
  if (seat === undefined) return void socket.destroy();
  // Node tells of each further piece.
  if (seat.ended() || broken.has(socket)) return;
  broken.add(socket);
  const last = newest.get(socket);
  // A request that came before the fault has a right to its answer.
  if (last !== undefined && !last.destroyed) return void last.once("close", () => seat.end());
  const status = statusOf(problem);
  if (status === null) socket.destroy();
  else refuse(seats, socket, status);
}

/** Answers a request that no handler can have with an error page, and ends the connection. */
export function refuse(seats: Seats, socket: Socket, status: number): void {
  const { reason, page } = errorPage(status);
  socket.write(
    `HTTP/1.1 ${status} ${reason}\r\nServer: ${SERVER}\r\nContent-Type: text/html\r\nContent-Length: ${page.length}\r\nConnection: close\r\nDate: ${new Date().toUTCString()}\r\n\r\n${page}`,
  );
  seats.of(socket)?.end();
}

/** Problems with the first line, of which it has to be seen whether it meant to be one. */
const LINE_PROBLEM = /^HPE_INVALID_(?:METHOD|URL|VERSION|CONSTANT)$/;
const REQUEST_LINE = /^[^\s]+ [^\s]+ HTTP\/\d\.\d\r?\n/;
const LONGEST_LINE_BYTES = 16 * 1024;

function statusOf({ code = "", rawPacket }: ParseProblem): number | null {
  // The socket's own errors, and a client that left in the middle.
  if (!code.startsWith("HPE_") || code === "HPE_INVALID_EOF_STATE") return null;
  if (code === "HPE_HEADER_OVERFLOW") return 431;
  if (!LINE_PROBLEM.test(code)) return 400;
  return REQUEST_LINE.test(rawPacket?.toString("latin1", 0, LONGEST_LINE_BYTES) ?? "") ? 400 : null;
}
