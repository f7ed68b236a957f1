/** POST /RPC2: from the body to a method and back. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Daemon } from "../rpc/daemon.js";
import { dispatch } from "../rpc/dispatch.js";
import { RpcFault } from "../rpc/fault.js";
import type { Answer, Value } from "../rpc/method.js";
import { bytesRepr } from "../wire/python.js";
import { decodeCall, encodeFault, encodeResponse, type XmlRpcCall } from "../wire/xmlrpc.js";
import { readBody } from "./body.js";
import { send, sendError } from "./reply.js";

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
      fail: (status) => sendError(response, status),
    }),
  );
}

/** A call whose answer is still to come. */
export interface CallUnderWay {
  readonly method: string;
  readonly answer: Promise<Value>;
  /** A button of the page made it, and its client waits for a page. */
  readonly page?: true;
}

/** How the answer goes back. One of send and fail is called once; what a client that is gone should hear is dropped. */
export interface CallReply {
  /** Called before them when the answer has to wait. */
  readonly wait: (call: CallUnderWay) => void;
  readonly send: (body: string) => void;
  readonly fail: (status: number) => void;
}

/** From the body of a request to its answer. Never throws. */
export function answerCall(daemon: Daemon, body: Buffer, reply: CallReply): void {
  const call = readCall(daemon, body);
  if (call === null) return reply.fail(400);
  const { method, params } = call;
  trace(daemon, () => `XML-RPC method called: ${method}()`);
  answerWith(daemon, method, () => dispatch(daemon, method, params), reply);
}

/** Answers a call of this method with what `ask` gives or throws, now or later. Never throws. */
export function answerWith(daemon: Daemon, method: string, ask: () => Answer, reply: CallReply): void {
  try {
    const value = ask();
    if (!(value instanceof Promise)) return succeed(daemon, method, value, reply);
    reply.wait({ method, answer: value });
    value.then(
      (settled) => succeed(daemon, method, settled, reply),
      (error: unknown) => fail(daemon, method, error, reply),
    );
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

function succeed(daemon: Daemon, method: string, value: Value, reply: CallReply): void {
  trace(daemon, () => `XML-RPC method ${method}() returned successfully`);
  // No method means to answer with nothing, and clients don't expect it: nil ends as the reference's does.
  if (value === null) return reply.fail(500);
  daemon.remember();
  reply.send(encodeResponse(value));
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
