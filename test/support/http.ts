/** One HTTP request to a daemon, over its unix socket or TCP. */
import { request as httpRequest, type IncomingHttpHeaders } from "node:http";

/** A socket path, or a port on the loopback interface; credentials as `user:password`. */
export interface Target {
  readonly socketPath?: string;
  readonly port?: number;
  readonly auth?: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface RequestOptions {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  /** Stop reading once this holds of what has come: for streams that never end. */
  readonly enough?: (body: Buffer) => boolean;
  readonly ceilingMs?: number;
}

export function request(
  target: Target,
  method: string,
  path: string,
  options: RequestOptions = {},
): Promise<Answer> {
  const { headers = {}, body, enough, ceilingMs = 30_000 } = options;
  return new Promise((resolve, reject) => {
    const asked = httpRequest(
      {
        ...(target.socketPath === undefined
          ? { host: "127.0.0.1", port: target.port }
          : { socketPath: target.socketPath }),
        ...(target.auth === undefined ? {} : { auth: target.auth }),
        method,
        path,
        agent: false,
        headers: {
          Connection: "keep-alive", // the reference streams logs in chunks only to such clients
          ...(body === undefined ? {} : { "Content-Length": String(Buffer.byteLength(body)) }),
          ...headers,
        },
        signal: AbortSignal.timeout(ceilingMs),
      },
      (response) => {
        const chunks: Buffer[] = [];
        const done = (): void => {
          const whole = Buffer.concat(chunks);
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: whole });
        };
        response.on("data", (chunk: Buffer) => {
          chunks.push(chunk);
          if (enough?.(Buffer.concat(chunks)) !== true) return;
          done();
          response.destroy();
        });
        response.on("end", done);
        response.on("error", reject);
      },
    );
    asked.on("error", reject);
    asked.end(body);
  });
}
