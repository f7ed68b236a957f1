/** How servers pass from one program to the next: listening sockets, connections, and the calls that wait on them. */

import type { Server } from "node:http";
import { Socket } from "node:net";
import { hostAndPort } from "../core/address.js";
import type { ServerConfig } from "../core/config.js";
import { type Room, type TakenConnection, takeRoom } from "../http/front.js";
import type { CallUnderWay } from "../http/rpc-handler.js";
import { heldConnections } from "../http/server.js";
import type { Daemon } from "../rpc/daemon.js";
import { goOn } from "../rpc/go-on.js";
import type { Answer, Value } from "../rpc/method.js";
import { waiting, waitingOf } from "../rpc/waiting.js";
import type { HandedConnection, HandedServer } from "./handover.js";
import type { UnixListener } from "./unix-listener.js";

export interface OpenServer {
  readonly server: Server;
  readonly config: ServerConfig;
  /** Null on TCP. */
  readonly unix: UnixListener | null;
}

/** The servers of the program before this one. */
export interface Inherited {
  readonly servers: readonly HandedServer[];
  /** The answer to the caller of the upgrade, once all is as it was. */
  readonly upgraded: Promise<Value>;
}

/** So much may be handed over of what was read early, of what clients have not taken, and of calls that wait. */
const ROOM_BYTES = 64 * 1024 * 1024;

/** For all servers together. */
export function newRoom(): Room {
  return { bytes: ROOM_BYTES };
}

export function addressOf(config: ServerConfig): string {
  return config.kind === "unix" ? config.file : hostAndPort(config.host, config.port);
}

/** A server as the next program can go on with it. */
export function handServer({ server, config, unix }: OpenServer, room: Room): HandedServer {
  const listening = unix?.listening ?? server;
  const { fd } = (listening as unknown as { readonly _handle: { readonly fd: number } })._handle;
  const connections = heldConnections(server, room).map(
    ({ fd, bytes, unsent, call, last }): HandedConnection => ({
      fd,
      bytes: bytes.toString("base64"),
      ...(unsent.length === 0 ? {} : { unsent: unsent.toString("base64") }),
      ...(call === null ? {} : { call: handCall(call, room) }),
      ...(last ? { last } : {}),
    }),
  );
  const file = config.kind === "unix" ? config.file : null;
  const identity = unix?.identity ?? null;
  return { section: config.section, address: addressOf(config), file, identity, fd, connections };
}

/** Calls may be large, and clients many: where there is no room for what a call still has to do, that is given up. */
function handCall({ method, answer, page }: CallUnderWay, room: Room): NonNullable<HandedConnection["call"]> {
  const state = waitingOf(answer);
  const fits = takeRoom(room, JSON.stringify(state).length);
  return { method, waiting: fits ? state : { for: "lost" }, ...(page ? { page } : {}) };
}

/** Goes on with every call that waits. What it gives makes a connection of one that was handed over. */
export function goOnWithCalls(
  daemon: Daemon,
  inherited: Inherited | null,
): (connection: HandedConnection) => TakenConnection {
  const calls = new Map<HandedConnection, TakenConnection["call"]>();
  if (inherited !== null) {
    const upgraded = waiting(inherited.upgraded, () => ({ for: "upgrade" }));
    for (const connection of inherited.servers.flatMap(({ connections }) => connections)) {
      const { call } = connection;
      if (call === undefined) continue;
      const ask = begun(() => goOn(daemon, call.waiting, upgraded));
      calls.set(connection, { ...call, ask });
    }
  }
  return (connection) => ({
    // A client may have said all it has to say, and still wait for its answer.
    socket: new Socket({ fd: connection.fd, readable: true, writable: true, allowHalfOpen: true }),
    bytes: Buffer.from(connection.bytes, "base64"),
    unsent: Buffer.from(connection.unsent ?? "", "base64"),
    call: calls.get(connection) ?? null,
    last: connection.last ?? false,
  });
}

/** Asks now, and tells later what came of it. */
function begun(ask: () => Answer): () => Answer {
  try {
    const answer = ask();
    // The reply that gets this answer handles a failure.
    if (answer instanceof Promise) answer.catch(() => undefined);
    return () => answer;
  } catch (error) {
    return () => {
      throw error;
    };
  }
}
