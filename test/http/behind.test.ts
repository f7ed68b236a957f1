/** Requests behind one that has not been answered yet, and what is left of them when their client goes. */
import { once } from "node:events";
import { mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Duplex } from "node:stream";
import { expect, test } from "vitest";
import { takeConnection, unfinishedRequests } from "../../src/http/server.js";
import { connection } from "../support/connection.js";
import { until } from "../support/until.js";
import { call, promise, stage } from "./stage.js";

/** Descriptors of this process that are this file. */
function descriptorsOf(file: string): number {
  return readdirSync("/proc/self/fd").filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`) === file;
    } catch {
      return false;
    }
  }).length;
}

test("behind a stream nothing is answered, and nothing is opened", async () => {
  const dir = mkdtempSync(join(tmpdir(), "behind-"));
  try {
    const log = join(dir, "main.log");
    writeFileSync(log, "a line\n");
    await using at = await stage({ mainLogfile: log });
    using client = at.open();
    client.socket.write("GET /mainlogtail HTTP/1.1\r\nHost: x\r\n\r\n".repeat(50));
    await client.until((text) => text.includes("a line"));
    await until(() => descriptorsOf(log) === 1, "one open log");
    client.socket.destroy();
    await until(() => descriptorsOf(log) === 0, "no open log");
    expect(client.text().match(/HTTP\/1\.1 200/g)).toHaveLength(1);
  } finally {
    rmSync(dir, { recursive: true });
  }
});

test("an answer that waits behind another is over when its client is gone", async () => {
  const answer = promise<boolean>();
  await using at = await stage({ methods: { "x.wait": () => answer.promise } });
  using client = at.open();
  client.socket.write(call("x.wait", "X-Other: 1\r\n"));
  client.socket.write("GET /ok.html HTTP/1.1\r\nHost: x\r\n\r\n".repeat(3));
  await until(() => unfinishedRequests(at.server) === 4, "all of them");
  client.socket.destroy();
  await until(() => unfinishedRequests(at.server) === 0, "none of them");
  answer.resolve(true);
});

test("a long answer is under way until its client has taken all of it", async () => {
  const text = "x".repeat(20_000);
  await using at = await stage({
    methods: { "x.long": async () => Array.from({ length: 100 }, () => text) },
  });
  const taken: (() => void)[] = [];
  const pipe = Object.assign(
    new Duplex({
      writableHighWaterMark: 1 << 30,
      read: () => undefined,
      write: (_chunk, _encoding, done) => void taken.push(done),
    }),
    { setKeepAlive: () => undefined },
  );
  at.server.emit("connection", pipe);
  pipe.push(call("x.long"));
  await until(() => pipe.writableLength > 100 * text.length, "all that there is to be sent");
  // A further turn of the loop, in which the answer could wrongly count as sent.
  await new Promise((resolve) => setImmediate(resolve));
  expect(unfinishedRequests(at.server)).toBe(1);
  for (let done = taken.shift(); done !== undefined; done = taken.shift()) {
    done();
    await new Promise((resolve) => setImmediate(resolve));
  }
  await until(() => unfinishedRequests(at.server) === 0, "the end of the answer");
  pipe.destroy();
});

test("nothing that comes behind the last answer of a connection that was handed over is done", async () => {
  let calls = 0;
  await using at = await stage({ methods: { "x.count": () => ++calls } });
  const other = createServer().listen(0, "127.0.0.1");
  try {
    await once(other, "listening");
    const { port } = other.address() as { readonly port: number };
    using client = connection({ host: "127.0.0.1", port });
    const [socket] = (await once(other, "connection")) as [Socket];
    const bytes = Buffer.from(call("x.count"));
    takeConnection(at.server, { socket, bytes, unsent: Buffer.alloc(0), call: null, last: true });
    client.socket.write(call("x.count").repeat(3));
    client.socket.write("GET /ok.html HTTP/1.1\r\nHost: x\r\n\r\n");
    client.socket.end();
    expect((await client.closed).match(/HTTP\/1\.1 200/g)).toHaveLength(1);
    expect(calls).toBe(1);
  } finally {
    other.close();
  }
});
