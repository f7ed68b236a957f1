/** A connection to a server, byte by byte. */
import { connect, type NetConnectOpts, type Socket } from "node:net";

export interface Connection extends Disposable {
  readonly socket: Socket;
  readonly connected: Promise<void>;
  /** Everything that came, once the other end has closed. Rejects when the connection broke. */
  readonly closed: Promise<string>;
  /** The text so far. */
  text(): string;
  /** Waits until so much has come that `enough` holds. */
  until(enough: (text: string) => boolean): Promise<string>;
}

export function connection(where: NetConnectOpts): Connection {
  const socket = connect(where);
  let text = "";
  let look = (): void => undefined;
  socket.setEncoding("latin1").on("data", (chunk: string) => {
    text += chunk;
    look();
  });
  const connected = new Promise<void>((resolve, reject) => {
    socket.once("connect", resolve).once("error", reject);
  });
  const closed = new Promise<string>((resolve, reject) => {
    socket.on("close", () => resolve(text)).on("error", reject);
  });
  // Not every test awaits each of these promises.
  for (const promise of [connected, closed]) promise.catch(() => undefined);
  return {
    socket,
    connected,
    closed,
    text: () => text,
    until: (enough) =>
      new Promise((resolve, reject) => {
        look = () => enough(text) && resolve(text);
        closed.then(() => reject(new Error(`closed after ${text}`)), reject);
        look();
      }),
    [Symbol.dispose]: () => socket.destroy(),
  };
}
