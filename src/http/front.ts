/**
 * What stands before Node's HTTP server: plain XML-RPC calls are answered here, at a fraction of what a request
 * costs there; a connection that brings anything else is handed on, with every byte that came, and stays there.
 */
import type { Server } from "node:http";
import type { Socket } from "node:net";
import type { ServerConfig } from "../core/config.js";
import type { Daemon } from "../rpc/daemon.js";
import { authorize } from "./auth.js";
import { sendLong } from "./long-answer.js";
import { errorPage, SERVER } from "./reply.js";
import { type PlainHead, readHead } from "./request-head.js";
import { answerCall, type CallReply } from "./rpc-handler.js";

export interface FrontOptions {
  readonly config: ServerConfig;
  readonly daemon: Daemon;
  readonly idleMs: number;
  /** Aborted when the server closes: idle connections end at once, busy ones with their answer. */
  readonly closing: AbortSignal;
}

/** A connection that is handed over: what came of the next request, and whether an answer is owed for the last. */
export interface HeldConnection {
  readonly fd: number;
  readonly bytes: Buffer;
  readonly owed: boolean;
}

export interface Front {
  /** Ends what is still open. */
  destroy(): void;
  /** Begins no more requests; those under way are finished. */
  hold(): void;
  /** Goes on as before. */
  resume(): void;
  /** Connections whose answer is being made, or is still on its way. */
  busy(): number;
  /** Every connection as it stands. Only while held. */
  held(): readonly HeldConnection[];
  /** A connection from an earlier supervisor: first what it is owed, then its requests, from these bytes on. */
  take(socket: Socket, bytes: Buffer): void;
}

/** While an answer is under way this much more is read, so that a client that hangs up is noticed. */
const AHEAD_BYTES = 64 * 1024;
const EMPTY = Buffer.alloc(0);

/** Puts itself between a server and its connections. */
export function standBefore(server: Server, options: FrontOptions): Front {
  const listeners = server.listeners("connection") as ((this: Server, socket: Socket) => void)[];
  server.removeAllListeners("connection");
  const handOn = (socket: Socket): void => {
    for (const listener of listeners) listener.call(server, socket);
  };
  const open = new Set<Connection>();
  let holding = false;

  function take(socket: Socket, bytes: Buffer): void {
    const connection = connect(socket, bytes, options, (after) => {
      open.delete(connection);
      if (after === "hand on") handOn(socket);
    });
    open.add(connection);
    if (holding) connection.hold(true);
    else connection.begin();
  }

  server.on("connection", (socket: Socket) => take(socket, EMPTY));
  options.closing.addEventListener("abort", () => {
    for (const connection of [...open]) connection.finish();
  });
  return {
    destroy() {
      for (const connection of [...open]) connection.destroy();
    },
    hold() {
      holding = true;
      for (const connection of open) connection.hold(true);
    },
    resume() {
      holding = false;
      for (const connection of [...open]) connection.hold(false);
    },
    busy: () => [...open].filter((connection) => connection.busy()).length,
    held: () => [...open].flatMap((connection) => connection.held() ?? []),
    take,
  };
}

/** Node has no public way to leave what a client sends in the kernel. */
interface Handle {
  readonly fd: number;
  readStop(): void;
  readStart(): void;
}

interface Connection {
  begin(): void;
  hold(on: boolean): void;
  busy(): boolean;
  /** Null when it is closed. */
  held(): HeldConnection | null;
  finish(): void;
  destroy(): void;
}

function connect(
  socket: Socket,
  first: Buffer,
  { config, daemon, idleMs, closing }: FrontOptions,
  leave: (after: "hand on" | "closed") => void,
): Connection {
  let bytes: Buffer = first;
  /** Of the request whose body is still coming. */
  let begun: PlainHead | null = null;
  let holding = false;
  /** An answer is being made, or waits to be read by the client. */
  let busy = false;
  let hungUp = false;

  function onData(chunk: Buffer): void {
    bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk]);
    if (!busy) work();
    else if (bytes.length > AHEAD_BYTES) socket.pause();
  }

  /** Takes the next request, if it is all there. */
  function work(): void {
    if (holding) return;
    if (bytes.length > 0) {
      const head = begun ?? readHead(bytes);
      if (head.kind === "other" || daemon.enabled("trace")) return handOn();
      if (head.kind === "plain") {
        if (begun === null && authorize(config, head.authorization) !== "welcome") return handOn();
        begun = head;
        const end = head.end + head.length;
        if (bytes.length >= end) {
          const body = bytes.subarray(head.end, end);
          bytes = bytes.length === end ? EMPTY : bytes.subarray(end);
          begun = null;
          busy = true;
          return answerCall(daemon, body, reply);
        }
      }
    }
    // The rest of a half request will not come, and nothing answers half of one.
    if (hungUp) socket.end();
  }

  const reply: CallReply = {
    send: (body) => respond("200 OK", "text/xml", body),
    async sendLong(answer) {
      await sendLong(answer, socket, (size) => socket.write(headOf("200 OK", "text/xml", size)));
      if (closing.aborted) socket.end(() => socket.destroy());
      else if (!socket.destroyed) proceed();
    },
    fail(status) {
      const { reason, page } = errorPage(status);
      respond(`${status} ${reason}`, "text/html", page);
    },
  };

  function respond(status: string, type: string, body: string): void {
    if (socket.destroyed) return;
    const size = Buffer.byteLength(body);
    const head = headOf(status, type, size);
    // Where there is one byte for each character, nothing has to be encoded.
    const flushed = socket.write(head + body, size === body.length ? "latin1" : "utf8");
    if (closing.aborted) return void socket.end(() => socket.destroy());
    if (flushed) proceed();
    else socket.once("drain", proceed);
  }

  function proceed(): void {
    busy = false;
    if (holding) return;
    if (socket.isPaused()) socket.resume();
    if (bytes.length > 0 || hungUp) work();
  }

  function onEnd(): void {
    hungUp = true;
    if (!busy) work();
  }

  function onClose(): void {
    leave("closed");
  }

  const destroy = (): void => void socket.destroy();
  /** What is wrong with a connection ends it, and `close` follows. */
  const ignore = (): void => undefined;

  function handOn(): void {
    socket.off("data", onData).off("end", onEnd).off("close", onClose);
    socket.off("timeout", destroy).off("error", ignore);
    socket.setTimeout(0);
    socket.pause();
    socket.unshift(bytes);
    leave("hand on");
    // Once all who listen are there.
    process.nextTick(() => socket.resume());
  }

  socket.on("data", onData).on("end", onEnd).on("close", onClose);
  socket.on("timeout", destroy).on("error", ignore);
  socket.setTimeout(idleMs);

  const handle = (): Handle | null => (socket as unknown as { _handle: Handle | null })._handle;

  return {
    begin() {
      if (bytes.length > 0) work();
    },
    hold(on) {
      holding = on;
      if (on) handle()?.readStop();
      else {
        handle()?.readStart();
        if (!busy && (bytes.length > 0 || hungUp)) work();
      }
    },
    busy: () => busy || socket.writableLength > 0,
    held() {
      const fd = handle()?.fd ?? -1;
      if (fd < 0 || hungUp || socket.destroyed) return null;
      // A connection that was paused has some of what came in Node's own queue.
      for (let more = socket.read() as Buffer | null; more !== null; more = socket.read() as Buffer | null)
        bytes = Buffer.concat([bytes, more]);
      return { fd, bytes, owed: busy };
    },
    finish() {
      if (!busy) socket.destroy();
    },
    destroy,
  };
}

function headOf(status: string, type: string, size: number): string {
  return `HTTP/1.1 ${status}\r\nServer: ${SERVER}\r\nContent-Type: ${type}\r\nContent-Length: ${size}\r\nDate: ${httpDate()}\r\n\r\n`;
}

let dateSecond = 0;
let dateText = "";

/** Made once for each second. */
function httpDate(): string {
  const now = Date.now();
  const second = Math.trunc(now / 1000);
  if (second !== dateSecond) {
    dateSecond = second;
    dateText = new Date(now).toUTCString();
  }
  return dateText;
}
