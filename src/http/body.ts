/** The body of a request, whole and within a limit, or an answer that says why not. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { sendError } from "./reply.js";

/** Whether something follows the head. */
export function hasBody({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) !== 0;
}

function expectsContinue({ headers, httpVersion }: IncomingMessage): boolean {
  return httpVersion === "1.1" && /^100-continue$/i.test(headers.expect ?? "");
}

/** `use` must not throw: nobody would catch it. */
export function readBody(
  request: IncomingMessage,
  response: ServerResponse,
  limitBytes: number,
  use: (body: Buffer) => void,
): void {
  const length = request.headers["content-length"];
  if (length === undefined) return sendError(response, 411, { Connection: "close" });
  if (Number(length) > limitBytes) return sendError(response, 413, { Connection: "close" });
  // A client that asks first is told to go on only once nothing else stands against its request.
  if (expectsContinue(request)) response.writeContinue();
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => use(Buffer.concat(chunks)));
}
