/** POST /RPC2: from the body to a method and back. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { decodeText, LogFault } from "../logs/tail.js";
import type { Daemon } from "../rpc/daemon.js";
import { dispatch } from "../rpc/dispatch.js";
import { RpcFault } from "../rpc/fault.js";
import type { Result } from "../rpc/method.js";
import { bytesRepr } from "../wire/python.js";
import {
  decodeCall,
  encodeFault,
  encodeInSteps,
  encodeResponse,
  escapeText,
  type XmlRpcCall,
  type XmlRpcParts,
} from "../wire/xmlrpc.js";
import type { LongAnswer } from "./long-answer.js";
import { send, sendError, sendLongReply } from "./reply.js";

export const BODY_LIMIT_BYTES = 16 * 1024 * 1024;

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Reads the body, then answers; the answer may wait for processes to come up or down. */
export function handleRpc(daemon: Daemon, request: IncomingMessage, response: ServerResponse): void {
  if (isForged(request)) return sendError(response, 403, { Connection: "close" });
  const length = request.headers["content-length"];
  if (length === undefined) return sendError(response, 411, { Connection: "close" });
  if (Number(length) > BODY_LIMIT_BYTES) return sendError(response, 413, { Connection: "close" });
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () =>
    answerCall(daemon, Buffer.concat(chunks), {
      send: (text) => send(response, 200, "text/xml", text),
      sendLong: (answer) => sendLongReply(response, "text/xml", answer),
      fail: (status) => sendError(response, status),
    }),
  );
}

/**
 * Whether a page of another site may be behind it. Such a page can make a browser post any text, XML-RPC too, as
 * long as it does not say that it is XML; for that the browser would have to ask us first. Scripts and programs
 * send no Origin, and may call their XML what they like.
 */
function isForged({ headers }: IncomingMessage): boolean {
  const { origin } = headers;
  if (origin === undefined || XML_TYPE.test(headers["content-type"] ?? "")) return false;
  return headers["sec-fetch-site"] !== "same-origin" && origin.replace(/^https?:\/\//, "") !== headers.host;
}

const XML_TYPE = /^(?:text|application)\/xml\b/i;

/** How the answer goes back. One of them is called once; what a client that is gone should hear is dropped. */
export interface CallReply {
  readonly send: (body: string) => void;
  /** Rejects while another answer is still possible. */
  readonly sendLong: (answer: LongAnswer) => Promise<void>;
  readonly fail: (status: number) => void;
}

/** From the body of a request to its answer. Never throws. */
export function answerCall(daemon: Daemon, body: Buffer, reply: CallReply): void {
  const call = readCall(daemon, body);
  if (call === null) return reply.fail(400);
  const { method, params } = call;
  trace(daemon, () => `XML-RPC method called: ${method.slice(0, 1000)}()`);
  try {
    const value = dispatch(daemon, method, params);
    if (!(value instanceof Promise)) return succeed(daemon, method, encoded(value), reply);
    value
      .then(encodedInTurns)
      .then((answer) => succeed(daemon, method, answer, reply))
      .catch((error: unknown) => fail(daemon, method, error, reply));
  } catch (error) {
    fail(daemon, method, error, reply);
  }
}

function readCall(daemon: Daemon, body: Buffer): XmlRpcCall | null {
  try {
    const call = decodeCall(decoder.decode(body));
    if (call.method !== "") return call;
    daemon.log("error", `XML-RPC request data ${quote(body)} is invalid: no method name`);
  } catch {
    daemon.log("error", `XML-RPC request data ${quote(body)} is invalid: unmarshallable`);
  }
  return null;
}

type Encoded = string | XmlRpcParts | null;

/** No method means to answer with nothing, and clients don't expect it: nil ends as the reference's does. */
function encoded(value: Result): Encoded {
  return value === null ? null : encodeResponse(value);
}

/** How long the writing of an answer may keep others waiting. */
const TURN_MS = 10;

/** What was waited for may be long: many answers in one. */
async function encodedInTurns(value: Result): Promise<Encoded> {
  if (value === null) return null;
  const steps = encodeInSteps(value);
  let turn = performance.now();
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
    if (performance.now() - turn < TURN_MS) continue;
    await new Promise((resolve) => setImmediate(resolve));
    turn = performance.now();
  }
}

function succeed(daemon: Daemon, method: string, answer: Encoded, reply: CallReply): void {
  trace(daemon, () => `XML-RPC method ${method}() returned successfully`);
  if (answer === null) return reply.fail(500);
  daemon.remember();
  if (typeof answer === "string") return reply.send(answer);
  reply
    .sendLong({ parts: answer, reader: () => (slice) => escapeText(decodeText(slice)) })
    .catch((error: unknown) => fail(daemon, method, toFault(error), reply));
}

function toFault(error: unknown): unknown {
  return error instanceof LogFault ? new RpcFault(error.fault, error.detail, { cause: error }) : error;
}

function fail(daemon: Daemon, method: string, error: unknown, reply: CallReply): void {
  daemon.remember();
  if (error instanceof RpcFault) {
    trace(daemon, () => `XML-RPC method ${method}() returned fault: [${error.code}] ${error.message}`);
    return reply.send(encodeFault(error.code, error.message));
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  daemon.log("critical", `Handling XML-RPC request for ${method} raised an unexpected exception: ${text}`);
  reply.fail(500);
}

function trace(daemon: Daemon, text: () => string): void {
  if (daemon.enabled("trace")) daemon.log("trace", text());
}

/** What was sent, short enough for a log. */
function quote(body: Buffer): string {
  return bytesRepr(body.subarray(0, 1000)).slice(1);
}
