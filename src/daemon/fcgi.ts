/**
 * Sockets of FastCGI programs: made with the first child that needs one. When the last child is gone the socket
 * stays a little, so that who connects during a restart waits for the next child instead of being refused.
 */
import { closeSync, existsSync } from "node:fs";
import { after } from "../core/brand.js";
import type { FcgiListen } from "../core/config.js";
import { type KeptName, keepName } from "../posix/keep-name.js";
import { openSharedSocket } from "../posix/shared-socket.js";
import { now } from "./clock.js";
import { createDeadlines } from "./deadlines.js";
import type { Log } from "./log.js";

/** A listening socket as one life of the daemon hands it to the next. */
export interface OpenSocket {
  readonly fd: number;
  readonly program: FcgiListen;
}

export interface FcgiSockets extends Disposable {
  /** For one more child. Throws what the system says, with `code`. */
  acquire(program: FcgiListen): number;
  /** Makes and closes the socket, so that what is wrong with it is said before a child needs it. */
  probe(program: FcgiListen): void;
  /** One child less. */
  release(program: FcgiListen): void;
  /** The open ones. */
  all(): readonly OpenSocket[];
  /** Gives all sockets away, open as they are. */
  handOver(): readonly OpenSocket[];
}

/** From the end of the last child: enough for a restart, and soon over when it was no restart. */
const LINGER_SECONDS = 2;

interface Socket extends OpenSocket {
  users: number;
  /** Null on TCP. */
  readonly kept: KeptName | null;
}

/** `inherited` are those of the life before; what nobody uses of them is closed as after a last child. */
export function createFcgiSockets(log: Log, inherited: readonly OpenSocket[] = []): FcgiSockets {
  const open = new Map<string, Socket>();
  const lingering = createDeadlines<Socket>(() => now().mono, close);
  for (const { fd, program } of inherited) linger(add(fd, program));

  function add(fd: number, program: FcgiListen): Socket {
    const socket = { fd, program, users: 0, kept: watchFile(program, log) };
    open.set(program.socket.url, socket);
    return socket;
  }

  function linger(socket: Socket): void {
    lingering.set(socket, after(now().mono, LINGER_SECONDS));
  }

  function close(socket: Socket): void {
    const { url } = socket.program.socket;
    lingering.set(socket, null);
    open.delete(url);
    log.log("info", `Closing socket ${url}`);
    socket.kept?.[Symbol.dispose]();
    closeSync(socket.fd);
  }

  /** The socket as this program wants it: one that nobody uses and that is no longer so makes way. */
  function find(program: FcgiListen): Socket | null {
    const socket = open.get(program.socket.url);
    if (socket === undefined) return null;
    if (socket.users > 0 || (alike(socket.program, program) && isReachable(program))) return socket;
    close(socket);
    return null;
  }

  function make(program: FcgiListen): Socket {
    log.log("info", `Creating socket ${program.socket.url}`);
    return add(openSharedSocket(program.socket, program.socket_backlog), program);
  }

  const all = (): readonly OpenSocket[] => [...open.values()].map(({ fd, program }) => ({ fd, program }));

  return {
    all,
    probe(program) {
      if (find(program) !== null) return;
      try {
        close(make(program));
      } catch (error) {
        const text = error instanceof Error ? error.message : String(error);
        log.log("critical", `Could not create FastCGI socket ${program.socket.url}: ${text}`);
      }
    },
    acquire(program) {
      const socket = find(program) ?? make(program);
      socket.users += 1;
      lingering.set(socket, null);
      return socket.fd;
    },
    release({ socket: { url } }) {
      const socket = open.get(url);
      if (socket === undefined) return;
      socket.users -= 1;
      if (socket.users === 0) linger(socket);
    },
    handOver() {
      const sockets = all();
      lingering[Symbol.dispose]();
      for (const { kept } of open.values()) kept?.[Symbol.dispose]();
      open.clear();
      return sockets;
    },
    [Symbol.dispose]() {
      for (const socket of [...open.values()]) close(socket);
      lingering[Symbol.dispose]();
    },
  };
}

function alike(one: FcgiListen, other: FcgiListen): boolean {
  const wanted = ({ socket, socket_backlog }: FcgiListen): string => JSON.stringify([socket, socket_backlog]);
  return wanted(one) === wanted(other);
}

/** False once somebody has removed the name of a unix socket. */
function isReachable({ socket }: FcgiListen): boolean {
  return socket.kind !== "unix" || existsSync(socket.path);
}

/**
 * Processes accept on the socket that they were started with, so another one under its name would serve nobody: that
 * the name is gone is only said.
 */
function watchFile(program: FcgiListen, log: Log): KeptName | null {
  const { socket } = program;
  if (socket.kind !== "unix") return null;
  return keepName({
    path: socket.path,
    what: "FastCGI socket",
    restore: () =>
      isReachable(program)
        ? "fine"
        : { problem: "was removed; stop all programs that share it, and their next start makes it again" },
    say: (text) => log.log("warn", text),
  });
}
