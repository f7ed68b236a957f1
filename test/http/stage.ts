/** The HTTP server by itself in this process, with methods and patience of the test's own. */
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { InetServerConfig } from "../../src/core/config.js";
import { PATIENCE, type Patience } from "../../src/http/seats.js";
import { closeServer, createHttpServer } from "../../src/http/server.js";
import type { Daemon } from "../../src/rpc/daemon.js";
import type { Answer, Method } from "../../src/rpc/method.js";
import { type Connection, connection } from "../support/connection.js";
import { scratch } from "../support/scratch.js";

export interface StageOptions {
  readonly patience?: Partial<Patience>;
  readonly server?: Partial<InetServerConfig>;
  /** By full name. */
  readonly methods?: Readonly<Record<string, () => Answer>>;
  readonly on?: "tcp" | "unix";
  readonly mainLogfile?: string;
}

export interface HttpStage extends AsyncDisposable {
  readonly server: Server;
  readonly lines: readonly string[];
  open(): Connection;
}

export async function stage(options: StageOptions = {}): Promise<HttpStage> {
  const { patience = {}, server: config = {}, methods = {}, on = "tcp", mainLogfile = null } = options;
  const place = scratch();
  const lines: string[] = [];
  const daemon: Partial<Daemon> = {
    mood: "RUNNING",
    groups: new Map(),
    rpcinterfaces: [],
    pluginMethods: new Map(Object.entries(methods).map(([name, run]) => [name, method(run)])),
    mainLogfile,
    enabled: () => false,
    log: (level, text) => void lines.push(`${level} ${text}`),
    remember: () => undefined,
  };
  const server = createHttpServer({
    server: {
      kind: "inet",
      section: "inet_http_server",
      host: "127.0.0.1",
      port: 0,
      username: null,
      password: null,
      allowed_hosts: [],
      ...config,
    },
    daemon: daemon as Daemon,
    patience: { ...PATIENCE, ...patience },
  });
  const path = join(place.dir, "s.sock");
  const where = on === "unix" ? { path } : { host: "127.0.0.1", port: 0 };
  await new Promise<void>((resolve) => server.listen(where, resolve));
  return {
    server,
    lines,
    open: () =>
      connection(on === "unix" ? { path } : { ...where, port: (server.address() as AddressInfo).port }),
    async [Symbol.asyncDispose]() {
      await closeServer(server);
      place[Symbol.dispose]();
    },
  };
}

function method(run: () => Answer): Method {
  return { help: "", params: [], required: 0, returns: "boolean done", run };
}

/** A call of this method, as XML-RPC has it. */
export function call(name: string, more = "", version = "1.1"): string {
  const body = `<methodCall><methodName>${name}</methodName></methodCall>`;
  return `POST /RPC2 HTTP/${version}\r\nHost: x\r\n${more}Content-Length: ${body.length}\r\n\r\n${body}`;
}

export const statuses = (text: string): readonly number[] =>
  [...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => Number(status));

/** A promise and what settles it. */
export function promise<T>(): { readonly promise: Promise<T>; readonly resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined;
  const made = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise: made, resolve };
}
