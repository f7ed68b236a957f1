/**
 * Calls over a unix socket, without Node's HTTP client: at the other end is a supervisord and nothing between, and
 * a short command spends more on loading that client than on everything it does.
 */
import { connect, type Socket } from "node:net";
import { createAnswerReader } from "./answer.js";
import { HttpStatusError } from "./errors.js";
import { createTurns } from "./turns.js";

export interface UnixCaller {
  post(body: string, signal?: AbortSignal): Promise<string>;
  close(): void;
}

/** Makes calls over at most `most` connections, one call at a time on each, so a long call delays no other. None is opened after `close`. */
export function createUnixCaller(
  socketPath: string,
  path: string,
  headers: Readonly<Record<string, string>>,
  most: number,
): UnixCaller {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const head = `POST ${path} HTTP/1.1\r\n${lines.join("")}`;
  const idle: Socket[] = [];
  const open = new Set<Socket>();
  const turns = createTurns(most);

  function take(): Socket {
    const kept = idle.pop();
    if (kept !== undefined) return kept.ref();
    const socket = connect(socketPath);
    open.add(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => {
      open.delete(socket);
      const at = idle.indexOf(socket);
      if (at >= 0) idle.splice(at, 1);
    });
    return socket;
  }

  /** An idle connection keeps no program alive. */
  function give(socket: Socket): void {
    idle.push(socket.unref());
  }

  async function call(body: string, signal?: AbortSignal): Promise<string> {
    signal?.throwIfAborted();
    const socket = take();
    const answer = exchange(
      socket,
      `${head}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
      signal,
    );
    const { status, reason, body: text, keep } = await answer;
    if (keep) give(socket);
    else socket.destroy();
    if (status !== 200) throw new HttpStatusError(`127.0.0.1${path}`, status, reason);
    return text;
  }

  return {
    post: (body, signal) => turns.run(() => call(body, signal)),
    close() {
      turns.close();
      for (const socket of open) socket.destroy();
    },
  };
}

type Answer = NonNullable<ReturnType<ReturnType<typeof createAnswerReader>["add"]>>;

function exchange(socket: Socket, request: string, signal: AbortSignal | undefined): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const reader = createAnswerReader();
    const settle = (): void => {
      socket.off("data", onData).off("error", fail).off("close", onClose);
      signal?.removeEventListener("abort", onAbort);
    };
    const fail = (error: unknown): void => {
      settle();
      socket.destroy();
      reject(error);
    };
    const onData = (chunk: Buffer): void => {
      try {
        const answer = reader.add(chunk);
        if (answer === null) return;
        settle();
        resolve(answer);
      } catch (error) {
        fail(error);
      }
    };
    const onClose = (): void => fail(Object.assign(new Error("socket hang up"), { code: "ECONNRESET" }));
    const onAbort = (): void => fail(signal?.reason);
    socket.on("data", onData).on("error", fail).on("close", onClose);
    signal?.addEventListener("abort", onAbort, { once: true });
    socket.write(request);
  });
}
