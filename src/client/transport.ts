/** HTTP to a supervisord, over TCP or a unix socket, with connections kept open. */
import type { Agent, ClientRequest, IncomingMessage, RequestOptions } from "node:http";
import { HttpStatusError, UnknownProtocolError } from "./errors.js";
import { createTurns } from "./turns.js";
import { createUnixCaller } from "./unix-caller.js";

export { HttpStatusError, UnknownProtocolError } from "./errors.js";

export interface ServerAddress {
  /** `http://host[:port]` or `unix:///path`. */
  readonly serverurl: string;
  readonly username?: string | null;
  readonly password?: string | null;
}

export interface Transport {
  /** Posts an XML-RPC call and gives the answer's body. Rejects with `HttpStatusError`, or with the socket's error. */
  post(body: string, signal?: AbortSignal): Promise<string>;
  /** Reads an endless answer until it ends or is aborted; `onChunk` may ask to be waited for. */
  stream(path: string, onChunk: (chunk: Buffer) => void | Promise<void>, signal?: AbortSignal): Promise<void>;
  /** Ends what is under way; what waits for its turn, and what comes later, rejects without a connection. */
  close(): void;
}

const MOST_SOCKETS = 8;
/** A call may wait for hours, so only TCP itself can tell that nobody is there any more. */
const KEEPALIVE_MS = 120_000;
const PATH = "/RPC2";

/** Throws `UnknownProtocolError`, and an error for a path that no socket can have. */
export function createTransport({ serverurl, username, password }: ServerAddress): Transport {
  const target = targetOf(serverurl);
  const headers: Record<string, string> = { "User-Agent": "supervisorctl-ts", Host: target.headerHost };
  if (username && password)
    headers["Authorization"] = `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
  const posting = { ...headers, "Content-Type": "text/xml", Accept: "text/xml" };

  const closing = new AbortController();
  const stream: Transport["stream"] = (path, onChunk, signal) => {
    const until = signal === undefined ? closing.signal : AbortSignal.any([signal, closing.signal]);
    return follow({ ...target.options, path, headers, signal: until }, onChunk);
  };
  const endStreams = (): void => closing.abort(new Error("the client is closed"));

  const { socketPath } = target.options;
  if (typeof socketPath === "string") {
    const caller = createUnixCaller(socketPath, PATH, posting, MOST_SOCKETS);
    return {
      post: caller.post,
      stream,
      close() {
        caller.close();
        endStreams();
      },
    };
  }

  // The agent's own queue would open connections for what waits in it after its end.
  const turns = createTurns(MOST_SOCKETS);
  let agent: Agent | null = null;
  async function call(body: string, signal?: AbortSignal): Promise<string> {
    const http = await import("node:http");
    turns.check();
    agent ??= new http.Agent({ keepAlive: true, keepAliveMsecs: KEEPALIVE_MS });
    const length = { "Content-Length": Buffer.byteLength(body) };
    const response = await open(
      { ...target.options, agent, method: "POST", path: PATH, headers: { ...posting, ...length }, signal },
      body,
    );
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks).toString("utf8");
  }
  return {
    post: (body, signal) => turns.run(() => call(body, signal)),
    stream,
    close() {
      turns.close();
      agent?.destroy();
      endStreams();
    },
  };
}

async function follow(
  options: RequestOptions,
  onChunk: (chunk: Buffer) => void | Promise<void>,
): Promise<void> {
  // Supervisor's own server sends to those who would close only what fills 64 KiB.
  const headers = { ...options.headers, Connection: "keep-alive" } as Record<string, string>;
  const response = await open({ ...options, headers, method: "GET", agent: false }, null);
  for await (const chunk of response) await onChunk(chunk as Buffer);
}

async function open(options: RequestOptions, body: string | null): Promise<IncomingMessage> {
  const { request } = await import("node:http");
  options.signal?.throwIfAborted();
  return new Promise((resolve, reject) => {
    const sent: ClientRequest = request(options, (response) => {
      if (response.statusCode === 200) return resolve(response);
      response.resume();
      const url = `127.0.0.1${options.path ?? PATH}`;
      reject(new HttpStatusError(url, response.statusCode ?? 0, response.statusMessage ?? ""));
    });
    sent.on("error", reject);
    sent.on("socket", (socket) => socket.setKeepAlive(true, KEEPALIVE_MS));
    sent.end(body ?? undefined);
  });
}

interface Target {
  readonly options: RequestOptions;
  readonly headerHost: string;
}

function targetOf(serverurl: string): Target {
  if (serverurl.startsWith("unix://"))
    return { options: { socketPath: fitting(serverurl.slice("unix://".length)) }, headerHost: "localhost" };
  if (!serverurl.startsWith("http://"))
    throw new UnknownProtocolError(`Unknown protocol for serverurl ${serverurl}`);
  const { hostname, port } = parse(serverurl);
  const host = hostname.replace(/^\[|\]$/g, "");
  return {
    options: { host, port: port === "" ? 80 : Number(port) },
    headerHost: port === "" ? hostname : `${hostname}:${port}`,
  };
}

/** Room for the path in `sockaddr_un`, less the NUL. Node silently truncates a longer path and connects elsewhere. */
const LONGEST_SOCKET_PATH_BYTES = 107;

function fitting(path: string): string {
  const length = Buffer.byteLength(path);
  if (length <= LONGEST_SOCKET_PATH_BYTES) return path;
  throw new Error(
    `Cannot connect to ${path}: a socket's path has at most ${LONGEST_SOCKET_PATH_BYTES} bytes, this one has ${length}`,
  );
}

function parse(serverurl: string): URL {
  try {
    return new URL(serverurl);
  } catch (cause) {
    // An IPv6 address without brackets, a port that is none.
    throw new Error(`Cannot use serverurl ${serverurl}: it is no URL`, { cause });
  }
}
