/** HTTP to a supervisord, over TCP or a unix socket, with one connection kept open. */
import { Agent, type ClientRequest, type IncomingMessage, type RequestOptions, request } from "node:http";

export interface ServerAddress {
  /** `http://host[:port]` or `unix:///path`. */
  readonly serverurl: string;
  readonly username?: string | null;
  readonly password?: string | null;
}

/** An answer whose status is not 200. */
export class HttpStatusError extends Error {
  override readonly name = "HttpStatusError";
  readonly status: number;
  readonly reason: string;
  readonly url: string;
  constructor(url: string, status: number, reason: string) {
    super(`${url}: ${status} ${reason}`);
    this.url = url;
    this.status = status;
    this.reason = reason;
  }
}

/** A serverurl that is neither http:// nor unix://. */
export class UnknownProtocolError extends Error {
  override readonly name = "UnknownProtocolError";
}

export interface Transport {
  /** Posts an XML-RPC call and gives the answer's body. Rejects with `HttpStatusError`, or with the socket's error. */
  post(body: string, signal?: AbortSignal): Promise<string>;
  /** Reads an endless answer until it ends or is aborted; `onChunk` may ask to be waited for. */
  stream(path: string, onChunk: (chunk: Buffer) => void | Promise<void>, signal?: AbortSignal): Promise<void>;
  close(): void;
}

/** Throws `UnknownProtocolError`. */
export function createTransport({ serverurl, username, password }: ServerAddress): Transport {
  const target = targetOf(serverurl);
  const agent = new Agent({ keepAlive: true, maxSockets: 8 });
  const headers: Record<string, string> = { "User-Agent": "supervisorctl-ts", Host: target.headerHost };
  if (username && password)
    headers["Authorization"] = `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;

  function open(options: RequestOptions, body: string | null): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const sent: ClientRequest = request({ ...target.options, agent, ...options }, (response) => {
        if (response.statusCode === 200) return resolve(response);
        response.resume();
        const path = options.path ?? "/RPC2";
        reject(
          new HttpStatusError(`127.0.0.1${path}`, response.statusCode ?? 0, response.statusMessage ?? ""),
        );
      });
      sent.on("error", reject);
      sent.end(body ?? undefined);
    });
  }

  return {
    async post(body, signal) {
      const bytes = Buffer.byteLength(body);
      const response = await open(
        {
          method: "POST",
          path: "/RPC2",
          headers: { ...headers, "Content-Type": "text/xml", Accept: "text/xml", "Content-Length": bytes },
          signal,
        },
        body,
      );
      const chunks: Buffer[] = [];
      for await (const chunk of response) chunks.push(chunk as Buffer);
      return Buffer.concat(chunks).toString("utf8");
    },
    async stream(path, onChunk, signal) {
      // Supervisor's own server sends to those who would close only what fills 64 KiB.
      const asked = { ...headers, Connection: "keep-alive" };
      const response = await open({ method: "GET", path, headers: asked, agent: false, signal }, null);
      for await (const chunk of response) await onChunk(chunk as Buffer);
    },
    close: () => agent.destroy(),
  };
}

interface Target {
  readonly options: RequestOptions;
  readonly headerHost: string;
}

function targetOf(serverurl: string): Target {
  if (serverurl.startsWith("unix://"))
    return { options: { socketPath: serverurl.slice("unix://".length) }, headerHost: "localhost" };
  if (!serverurl.startsWith("http://"))
    throw new UnknownProtocolError(`Unknown protocol for serverurl ${serverurl}`);
  const { hostname, port } = new URL(serverurl);
  const host = hostname.replace(/^\[|\]$/g, "");
  return {
    options: { host, port: port === "" ? 80 : Number(port) },
    headerHost: port === "" ? hostname : `${hostname}:${port}`,
  };
}
