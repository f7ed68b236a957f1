/** The client's side of HTTP, against servers that answer in every way a server can. */
import { createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { createTransport, HttpStatusError, type Transport } from "../../src/client/transport.js";
import { scratch } from "../support/scratch.js";

interface Stage extends AsyncDisposable {
  readonly transport: Transport;
  /** Connections so far. */
  readonly sockets: readonly Socket[];
  /** All that clients sent. */
  received(): string;
}

/** `serve` is called for each whole request, with the connection it came on. */
async function stage(
  serve: (socket: Socket, request: string) => void,
  kind: "unix" | "tcp" = "unix",
): Promise<Stage> {
  const place = scratch();
  const path = join(place.dir, "s.sock");
  const sockets: Socket[] = [];
  let all = "";
  const server: Server = createServer((socket) => {
    sockets.push(socket);
    let pending = "";
    socket.on("error", () => undefined);
    socket.setEncoding("utf8").on("data", (chunk: string) => {
      all += chunk;
      pending += chunk;
      const [head = "", body] = pending.split("\r\n\r\n");
      if (body === undefined || Buffer.byteLength(body) < Number(/content-length: (\d+)/i.exec(head)?.[1]))
        return;
      pending = "";
      serve(socket, body);
    });
  });
  const where = kind === "unix" ? { path } : { host: "127.0.0.1", port: 0 };
  await new Promise<void>((resolve) => server.listen(where, resolve));
  const address = server.address();
  const serverurl =
    typeof address === "object" && address !== null ? `http://127.0.0.1:${address.port}` : `unix://${path}`;
  const transport = createTransport({ serverurl, username: "me", password: "secret" });
  return {
    transport,
    sockets,
    received: () => all,
    async [Symbol.asyncDispose]() {
      transport.close();
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
      place[Symbol.dispose]();
    },
  };
}

const answer = (body: string, more = "", status = "200 OK"): string =>
  `HTTP/1.1 ${status}\r\n${more}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;

describe("over a unix socket", () => {
  test("calls one after the other use one connection, with credentials", async () => {
    await using on = await stage((socket, request) => socket.write(answer(`<${request}>`)));
    expect(await on.transport.post("a")).toBe("<a>");
    expect(await on.transport.post("é")).toBe("<é>");
    expect(on.sockets).toHaveLength(1);
    expect(on.received()).toContain("POST /RPC2 HTTP/1.1\r\n");
    expect(on.received()).toContain(
      `\r\nAuthorization: Basic ${Buffer.from("me:secret").toString("base64")}\r\n`,
    );
    expect(on.received()).toContain("\r\nContent-Length: 2\r\n\r\né");
  });

  test("an answer may come in pieces, within a character too", async () => {
    await using on = await stage((socket, request) => {
      const bytes = Buffer.from(answer(request));
      const send = (at: number): void => {
        if (at < bytes.length) socket.write(bytes.subarray(at, at + 1), () => setImmediate(send, at + 1));
      };
      send(0);
    });
    expect(await on.transport.post("né")).toBe("né");
  });

  test("a call that waits keeps no other waiting", async () => {
    const held: Socket[] = [];
    await using on = await stage((socket, request) => {
      if (request === "slow") held.push(socket);
      else socket.write(answer(request));
    });
    const slow = on.transport.post("slow");
    expect(await on.transport.post("quick")).toBe("quick");
    held[0]?.write(answer("slow"));
    expect(await slow).toBe("slow");
  });

  test("many at once share a few connections", async () => {
    await using on = await stage((socket, request) => setImmediate(() => socket.write(answer(request))));
    const words = Array.from({ length: 100 }, (_, at) => `w${at}`);
    expect(await Promise.all(words.map((word) => on.transport.post(word)))).toEqual(words);
    expect(on.sockets.length).toBeLessThanOrEqual(8);
  });

  test("a connection that the server closes is not used again", async () => {
    await using on = await stage((socket, request) => socket.end(answer(request, "Connection: close\r\n")));
    expect(await on.transport.post("a")).toBe("a");
    expect(await on.transport.post("b")).toBe("b");
    expect(on.sockets).toHaveLength(2);
  });

  test("another status than 200 is an error that has it, and the connection stays", async () => {
    await using on = await stage((socket, request) =>
      socket.write(request === "a" ? answer("no", "", "401 Unauthorized") : answer(request)),
    );
    await expect(on.transport.post("a")).rejects.toEqual(
      new HttpStatusError("127.0.0.1/RPC2", 401, "Unauthorized"),
    );
    expect(await on.transport.post("b")).toBe("b");
    expect(on.sockets).toHaveLength(1);
  });

  test("a server that hangs up is a reset", async () => {
    await using on = await stage((socket) => socket.end("HTTP/1.1 200 OK\r\nContent-Le"));
    await expect(on.transport.post("a")).rejects.toMatchObject({ code: "ECONNRESET" });
  });

  test("what is no HTTP of known length is an error", async () => {
    await using on = await stage((socket, request) => socket.write(`${request}\r\n\r\n`));
    await expect(on.transport.post("junk")).rejects.toThrow("Cannot read the answer");
    await expect(on.transport.post("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked")).rejects.toThrow(
      "Cannot read the answer",
    );
  });

  test("a call that is aborted ends there, and the next has a connection of its own", async () => {
    const controller = new AbortController();
    await using on = await stage((socket, request) =>
      request === "a" ? controller.abort(new Error("enough")) : socket.write(answer(request)),
    );
    await expect(on.transport.post("a", controller.signal)).rejects.toThrow("enough");
    expect(await on.transport.post("b")).toBe("b");
    expect(on.sockets).toHaveLength(2);
  });

  test("closing ends what is under way", async () => {
    await using on = await stage(() => on.transport.close());
    await expect(on.transport.post("a")).rejects.toMatchObject({ code: "ECONNRESET" });
  });

  test("nobody there is the socket's own error", async () => {
    using place = scratch();
    const transport = createTransport({ serverurl: `unix://${place.dir}/none.sock` });
    await expect(transport.post("a")).rejects.toMatchObject({ code: "ENOENT" });
  });
});

describe.each(["unix", "tcp"] as const)("closing, over %s,", (kind) => {
  /** A server that never answers, and knows when so many connections have come. */
  async function silentStage(connections: number): Promise<Stage & { readonly full: Promise<void> }> {
    let come = (): void => undefined;
    const full = new Promise<void>((resolve) => {
      come = resolve;
    });
    const on = await stage(() => {
      if (on.sockets.length === connections) come();
    }, kind);
    return Object.assign(on, { full });
  }

  test("rejects what is under way, what waits for its turn and what comes later, without a new connection", async () => {
    await using on = await silentStage(8);
    const calls = Array.from({ length: 30 }, (_, at) => on.transport.post(String(at)));
    const ended = Promise.allSettled(calls);
    await on.full;
    on.transport.close();
    const outcomes = await ended;
    expect(outcomes.map(({ status }) => status)).toEqual(calls.map(() => "rejected"));
    const closed = /^Cannot call: the client is closed$/;
    for (const outcome of outcomes.slice(8))
      expect(outcome.status === "rejected" && String(outcome.reason.message)).toMatch(closed);
    await expect(on.transport.post("later")).rejects.toThrow(closed);
    expect(on.sockets).toHaveLength(8);
  });

  test("before a call has its connection leaves it without one", async () => {
    await using on = await silentStage(1);
    const call = on.transport.post("a");
    on.transport.close();
    await expect(call).rejects.toThrow();
    await expect(on.transport.stream("/mainlogtail", () => undefined)).rejects.toThrow();
    expect(on.received()).toBe("");
  });

  test("ends a stream", async () => {
    await using on = await stage((socket) => {
      socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n");
    }, kind);
    const seen: string[] = [];
    const streaming = on.transport.stream("/mainlogtail", (chunk) => {
      seen.push(chunk.toString());
      on.transport.close();
    });
    await expect(streaming).rejects.toThrow();
    expect(seen).toEqual(["x"]);
  });
});
