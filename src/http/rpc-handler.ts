/** POST /RPC2: from the body to a method and back. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { decodeText, LogFault } from "../logs/tail.js";
import type { Daemon } from "../rpc/daemon.js";
import { dispatch } from "../rpc/dispatch.js";
import { RpcFault } from "../rpc/fault.js";
import type { Answer, Result } from "../rpc/method.js";
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
import { readBody } from "./body.js";
import type { LongAnswer } from "./long-answer.js";
import { send, sendError, sendLongReply } from "./reply.js";

export const BODY_LIMIT_BYTES = 16 * 1024 * 1024;

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Reads the body, then answers; the answer may wait for processes to come up or down. */
export function handleRpc(
  daemon: Daemon,
  request: IncomingMessage,
  response: ServerResponse,
  onWait: (call: CallUnderWay) => void,
): void {
  readBody(request, response, BODY_LIMIT_BYTES, (body) =>
    answerCall(daemon, body, {
      wait: onWait,
      send: (text) => send(response, 200, "text/xml", text),
      sendLong: (answer) => sendLongReply(response, "text/xml", answer),
      fail: (status) => sendError(response, status),
    }),
  );
}

/** A call whose answer is still to come. */
export interface CallUnderWay {
  readonly method: string;
  readonly answer: Promise<Result>;
  /** A button of the page made it, and its client waits for a page. */
  readonly page?: true;
}

/** How the answer goes back. One of them is called once; what a client that is gone should hear is dropped. */
export interface CallReply {
  /** Called before them when the answer has to wait. */
  readonly wait: (call: CallUnderWay) => void;
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
  answerWith(daemon, method, () => dispatch(daemon, method, params), reply);
}

/** Answers a call of this method with what `ask` gives or throws, now or later. Never throws. */
export function answerWith(daemon: Daemon, method: string, ask: () => Answer, reply: CallReply): void {
  try {
    const value = ask();
    if (!(value instanceof Promise)) return succeed(daemon, method, encoded(value), reply);
    reply.wait({ method, answer: value });
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

/** An answer that had to wait may be long: many answers in one. */
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
