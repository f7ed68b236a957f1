/** Answers that are not XML-RPC's own. */
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import { type LongAnswer, sendLong } from "./long-answer.js";

export const SERVER = "Medusa/1.12";

/** The small page that the reference sends with every error. `message` is HTML. */
export function errorPage(
  status: number,
  message?: string,
): { readonly reason: string; readonly page: string } {
  const reason = STATUS_CODES[status] ?? "Error";
  const page = `<head>\r\n<title>Error response</title>\r\n</head>\r\n<body>\r\n<h1>Error response</h1>\r\n<p>Error code ${status}.\r\n<p>Message: ${message ?? `${reason}.`}\r\n</body>\r\n`;
  return { reason, page };
}

export function sendError(
  response: ServerResponse,
  status: number,
  headers: Record<string, string> = {},
  message?: string,
): void {
  send(response, status, "text/html", errorPage(status, message).page, headers);
}

/** One whole answer. Silently nothing when the client is gone or has its answer already. */
export function send(
  response: ServerResponse,
  status: number,
  type: string,
  body: string,
  headers: Record<string, string> = {},
): void {
  if (response.headersSent || response.destroyed) return;
  // Requests that came behind this one are told from those that may still be answered.
  if (headers["Connection"] === "close") {
    response.shouldKeepAlive = false;
    parseNoMore(response.req.socket);
  }
  response.writeHead(status, {
    Server: SERVER,
    "Content-Type": type,
    "Content-Length": Buffer.byteLength(body),
    ...headers,
  });
  response.end(response.req.method === "HEAD" ? undefined : body);
}

/** For a connection that has its last answer: bytes that still come are dropped, as to parse them could make thousands of requests. */
export function parseNoMore(socket: Socket): void {
  socket.removeAllListeners("data");
}

/** As `send`, for an answer that is made while it is sent. */
export async function sendLongReply(
  response: ServerResponse,
  type: string,
  answer: LongAnswer,
  headers: Record<string, string> = {},
): Promise<void> {
  await sendLong(answer, response, (length) =>
    response.writeHead(200, { Server: SERVER, "Content-Type": type, "Content-Length": length, ...headers }),
  );
  response.end();
}

/** The path of a request, decoded, without its query. */
export function pathOf(request: IncomingMessage): string {
  const [path = ""] = (request.url ?? "").split(/[?#]/, 1);
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
