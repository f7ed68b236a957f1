/**
 * What stands before Node's HTTP server: plain XML-RPC calls are answered here, at a fraction of what a request
 * costs there; a connection that brings anything else is handed on, with every byte that came, and stays there.
 */
import type { Server } from "node:http";
import type { Socket } from "node:net";
import type { ServerConfig } from "../core/config.js";
import type { Daemon } from "../rpc/daemon.js";
import type { Answer } from "../rpc/method.js";
import { canGoOn, waitingOf } from "../rpc/waiting.js";
import { authorize } from "./auth.js";
import { sendLong } from "./long-answer.js";
import { errorPage, SERVER } from "./reply.js";
import { END, type PlainHead, readHead } from "./request-head.js";
import { answerCall, answerWith, type CallReply, type CallUnderWay } from "./rpc-handler.js";
import { KEEPALIVE_MS, type Seat, type Seats } from "./seats.js";

export interface FrontOptions {
  readonly config: ServerConfig;
  readonly daemon: Daemon;
  readonly seats: Seats;
  /** Aborted when the server closes: idle connections end at once, busy ones with their answer. */
  readonly closing: AbortSignal;
}

/** A connection as another program can go on with it. */
export interface HeldConnection {
  readonly fd: number;
  /** The bytes of the next request so far. */
  readonly bytes: Buffer;
  /** The rest of the last answer, which the client has not taken. */
  readonly unsent: Buffer;
  /** The call that it waits for; its answer is still to come. */
  readonly call: CallUnderWay | null;
  /** Nothing more is read after this answer. */
  readonly last: boolean;
}

/** A connection that comes from another program. */
export interface TakenConnection extends Pick<HeldConnection, "bytes" | "unsent" | "last"> {
  readonly socket: Socket;
  /** The call that it waits for; `ask` gives or throws its answer. */
  readonly call: (Omit<CallUnderWay, "answer"> & { readonly ask: () => Answer }) | null;
}

/** How much may be held of what clients have not taken: a client that never reads must not cost the next program dear. */
export interface Room {
  bytes: number;
}

/** False where so much does not fit. */
export function takeRoom(room: Room, bytes: number): boolean {
  if (bytes > room.bytes) return false;
  room.bytes -= bytes;
  return true;
}

export interface Front {
  /** Ends what is still open. */
  destroy(): void;
  /** Calls that wait for what another program can't go on waiting for. */
  unfinished(): number;
  /** Every connection as it stands, as far as there is room. Changes nothing. */
  held(room: Room): readonly HeldConnection[];
  /** First what it is owed, then its requests. */
  take(connection: TakenConnection): void;
}

/** While an answer is under way this much more is read, so that a client that hangs up is noticed. */
const AHEAD_BYTES = 64 * 1024;
const EMPTY = Buffer.alloc(0);
type Encoding = "latin1" | "utf8";

/** Puts itself between a server and its connections. */
export function standBefore(server: Server, options: FrontOptions): Front {
  const listeners = server.listeners("connection") as ((this: Server, socket: Socket) => void)[];
  server.removeAllListeners("connection");
  const handOn = (socket: Socket): void => {
    for (const listener of listeners) listener.call(server, socket);
  };
  const open = new Set<Connection>();

  /** A connection that comes from another program has proved itself there: it is `known`. */
  function take(taken: TakenConnection, known: boolean): void {
    const { socket } = taken;
    const seat = options.seats.admit(socket);
    if (seat === null) return;
    if (known) seat.welcome();
    socket.setKeepAlive(true, KEEPALIVE_MS);
    const connection = connect(taken, seat, options, (after) => {
      open.delete(connection);
      if (after === "hand on") handOn(socket);
    });
    open.add(connection);
    connection.begin();
  }

  server.on("connection", (socket: Socket) =>
    take({ socket, bytes: EMPTY, unsent: EMPTY, call: null, last: false }, false),
  );
  options.closing.addEventListener("abort", () => {
    for (const connection of [...open]) connection.finish();
  });
  return {
    destroy() {
      for (const connection of [...open]) connection.destroy();
    },
    unfinished: () => [...open].filter((connection) => connection.unfinished()).length,
    held: (room) => [...open].flatMap((connection) => connection.held(room) ?? []),
    take: (taken) => take(taken, true),
  };
}

/** Node has no public name for either. */
interface Handle {
  readonly fd: number;
  /** Bytes that wait for the kernel to take them. */
  readonly writeQueueSize: number;
}

interface Connection {
  begin(): void;
  unfinished(): boolean;
  /** Null when it is closed, or there is no room for it. */
  held(room: Room): HeldConnection | null;
  finish(): void;
  destroy(): void;
}

function connect(
  { socket, bytes: first, unsent, call, last }: TakenConnection,
  seat: Seat,
  { config, daemon, closing }: FrontOptions,
  leave: (after: "hand on" | "closed") => void,
): Connection {
  let bytes: Buffer = first;
  /** Of the request whose body is still coming. */
  let begun: PlainHead | null = null;
  /** An answer is being made, or waits to be read by the client. */
  let busy = false;
  let waiting: CallUnderWay | null = null;
  /** The answer that the client has not taken whole. */
  let sending: { readonly data: string | Buffer; readonly encoding: Encoding } | null = null;
  let hungUp = false;
  /** Bytes that come are only kept, not acted on. */
  let looking = false;

  function onData(chunk: Buffer): void {
    bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk]);
    if (looking) return;
    if (!busy) work();
    else if (bytes.length > AHEAD_BYTES) socket.pause();
  }

  /** Takes the next request, if it is all there. */
  function work(): void {
    if (bytes.length > 0) {
      const head = begun ?? readHead(bytes);
      if (head.kind === "other" || daemon.enabled("trace")) return handOn();
      if (head.kind === "plain") {
        if (begun === null) {
          if (authorize(config, head.authorization) !== "welcome") return handOn();
          seat.welcome();
        }
        begun = head;
        const end = head.end + head.length;
        if (bytes.length >= end) {
          const body = bytes.subarray(head.end, end);
          bytes = bytes.length === end ? EMPTY : bytes.subarray(end);
          begun = null;
          busy = true;
          seat.begin();
          return answerCall(daemon, body, reply);
        }
      }
      seat.reading(bytes.length);
    }
    // The rest of a half request will not come, and nothing answers half of one.
    if (hungUp) socket.end();
  }

  /** Until the answer is known; from then on only this program can give it. */
  function wait(call: CallUnderWay): void {
    waiting = call;
    const end = (): void => {
      if (waiting === call) waiting = null;
    };
    call.answer.then(end, end);
  }

  function headOf(status: string, type: string, size: number, more = ""): string {
    const close = last ? "Connection: close\r\n" : "";
    return `HTTP/1.1 ${status}\r\nServer: ${SERVER}\r\nContent-Type: ${type}\r\nContent-Length: ${size}\r\n${close}${more}Date: ${httpDate()}\r\n\r\n`;
  }

  const reply: CallReply = {
    wait,
    send: (body) => respond("200 OK", "text/xml", body),
    async sendLong(answer) {
      await sendLong(answer, socket, (size) => socket.write(headOf("200 OK", "text/xml", size)));
      // Behind all of it: what the client has yet to take could not be handed over.
      socket.write("", proceed);
    },
    fail(status) {
      const { reason, page } = errorPage(status);
      respond(`${status} ${reason}`, "text/html", page);
    },
  };

  /** To who has used a button of the page: it shows how things are. */
  const backToPage: CallReply = {
    wait: (call) => wait({ ...call, page: true }),
    send: () => respond("303 See Other", "text/html", "", "Location: index.html\r\n"),
    sendLong: async () => backToPage.send(""),
    fail: () => backToPage.send(""),
  };

  function respond(status: string, type: string, body: string, more = ""): void {
    waiting = null;
    if (socket.destroyed) return;
    const size = Buffer.byteLength(body);
    const head = headOf(status, type, size, more);
    // Where there is one byte for each character, nothing has to be encoded.
    write(head + body, size === body.length ? "latin1" : "utf8");
  }

  /** Answers go out one at a time; the next request is read once the kernel has the answer before. */
  function write(data: string | Buffer, encoding: Encoding): void {
    const mine = { data, encoding };
    sending = mine;
    socket.write(data, encoding, () => {
      if (sending === mine) proceed();
    });
    if (socket.writableLength === 0) proceed();
  }

  function proceed(): void {
    busy = false;
    sending = null;
    seat.done();
    if (socket.destroyed) return;
    if (closing.aborted) return void socket.end(() => socket.destroy());
    if (last) {
      socket.off("data", onData).off("end", onEnd);
      return seat.end();
    }
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

  /** What is wrong with a connection ends it, and `close` follows. */
  const ignore = (): void => undefined;

  function handOn(): void {
    socket.off("data", onData).off("end", onEnd).off("close", onClose);
    socket.off("error", ignore);
    socket.pause();
    // A stranger's in two pieces, as nothing behind the head of a request that is refused will be parsed.
    const end = config.username === null ? 0 : bytes.indexOf(END) + END.length;
    if (end >= END.length && end < bytes.length) {
      socket.unshift(bytes.subarray(end));
      socket.unshift(bytes.subarray(0, end));
    } else socket.unshift(bytes);
    leave("hand on");
    // Once all who listen are there.
    process.nextTick(() => socket.resume());
  }

  socket.on("data", onData).on("end", onEnd).on("close", onClose);
  socket.on("error", ignore);

  /** The answer is still being made, or sent in another way than whole. */
  const isOurs = (): boolean => busy && sending === null;

  const handle = (): Handle | null => (socket as unknown as { _handle: Handle | null })._handle;

  return {
    begin() {
      busy = unsent.length > 0 || call !== null;
      if (busy) seat.begin();
      if (unsent.length > 0) write(unsent, "latin1");
      else if (call !== null) answerWith(daemon, call.method, call.ask, call.page ? backToPage : reply);
      else if (bytes.length > 0) work();
    },
    unfinished: () =>
      !socket.destroyed && isOurs() && (waiting === null || !canGoOn(waitingOf(waiting.answer))),
    held(room) {
      const { fd = -1, writeQueueSize = 0 } = handle() ?? {};
      if (fd < 0 || socket.destroyed || (hungUp && !busy) || (isOurs() && waiting === null)) return null;
      // A connection that was paused has some of what came in Node's own queue; reading it tells `onData`.
      looking = true;
      while (socket.read() !== null);
      looking = false;
      if (!takeRoom(room, bytes.length + writeQueueSize)) return null;
      return { fd, bytes, unsent: endOf(sending, writeQueueSize), call: waiting, last };
    },
    finish() {
      if (!busy) socket.destroy();
    },
    destroy: () => void socket.destroy(),
  };
}

/** The last bytes of an answer. */
function endOf(
  answer: { readonly data: string | Buffer; readonly encoding: Encoding } | null,
  size: number,
): Buffer {
  if (answer === null || size === 0) return EMPTY;
  const { data, encoding } = answer;
  const all = typeof data === "string" ? Buffer.from(data, encoding) : data;
  return all.subarray(all.length - size);
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
