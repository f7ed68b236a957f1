/** Connections that wait: calls and streams live on, the silent and the slow go. */
import { readFileSync, writeFileSync } from "node:fs";
import type { Socket } from "node:net";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { createTransport } from "../../src/client/transport.js";
import { scratch } from "../support/scratch.js";
import { call, type HttpStage, promise, stage, statuses } from "./stage.js";

const AUTHORIZED = `Authorization: Basic ${Buffer.from("me:secret").toString("base64")}\r\n`;
const LOCKED = { username: "me", password: "secret" };
/** Every deadline there is, short enough to be waited for. */
const HURRY = { silentMs: 400, strangerMs: 400, slowMs: 400, lingerMs: 400 };

function waiting() {
  const started = promise<void>();
  const answer = promise<boolean>();
  const methods = {
    "x.wait"() {
      started.resolve();
      return answer.promise;
    },
    "x.now": () => true,
  };
  return { methods, started: started.promise, answer: () => answer.resolve(true) };
}

/** The server's end of the next connection. */
function next({ server }: HttpStage): Promise<Socket> {
  return new Promise((resolve) => server.once("connection", resolve));
}

/** Settles when a silent connection that was opened now has been closed: longer than any deadline from before. */
async function silenceEnds(at: HttpStage): Promise<void> {
  using silent = at.open();
  expect(await silent.closed).toBe("");
}

describe("outlives every deadline", () => {
  test.each(["", "X-Other: yes\r\n"])("a call that waits for its answer (%j)", async (other) => {
    const { methods, started, answer } = waiting();
    await using at = await stage({ methods, patience: HURRY });
    using client = at.open();
    client.socket.write(call("x.wait", other));
    await started;
    await silenceEnds(at);
    await silenceEnds(at);
    answer();
    expect(statuses(await client.until((text) => text.includes("</methodResponse>")))).toEqual([200]);
  });

  test("a stream of a quiet log", async () => {
    using place = scratch();
    const mainLogfile = join(place.dir, "main.log");
    writeFileSync(mainLogfile, "quiet\n");
    await using at = await stage({ mainLogfile, patience: HURRY });
    using client = at.open();
    client.socket.write("GET /mainlogtail HTTP/1.1\r\nHost: x\r\n\r\n");
    await client.until((text) => text.includes("quiet"));
    await silenceEnds(at);
    await silenceEnds(at);
    writeFileSync(mainLogfile, "more\n", { flag: "a" });
    await client.until((text) => text.includes("more"));
  });

  test.each(["", "X-Other: yes\r\n"])("a client that calls now and then (%j)", async (other) => {
    const { methods } = waiting();
    await using at = await stage({ methods, server: LOCKED, patience: HURRY });
    using client = at.open();
    for (let count = 1; count < 4; count += 1) {
      client.socket.write(call("x.now", AUTHORIZED + other));
      await client.until((text) => text.split("</methodResponse>").length > count);
      await silenceEnds(at);
    }
  });

  test("our own client, which waits as long as the answer takes", async () => {
    const { methods, started, answer } = waiting();
    await using at = await stage({ methods, patience: HURRY });
    const { port } = at.server.address() as { port: number };
    const transport = createTransport({ serverurl: `http://127.0.0.1:${port}` });
    const body = call("x.wait").split("\r\n\r\n")[1] ?? "";
    const answered = transport.post(body);
    await started;
    await silenceEnds(at);
    answer();
    expect(await answered).toContain("<boolean>1</boolean>");
    transport.close();
  });
});

describe("is closed after a short while", () => {
  test("a stranger where there is a password, whatever it trickles", async () => {
    await using at = await stage({ server: LOCKED, patience: { strangerMs: 100 } });
    for (const beginning of ["", "POST /RPC2 HTTP/1.1\r\nHost: x\r\n", "GET / HTTP/1.1\r\n", "GE"]) {
      using client = at.open();
      if (beginning !== "") client.socket.write(beginning);
      expect(await client.closed).toBe("");
    }
  });

  test.each([
    ["a head", "POST /RPC2 HTTP/1.1\r\nHost: x\r\n"],
    ["a body", "POST /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n<"],
    ["a long body", "POST /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n<"],
    ["a form", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\naction="],
    ["another head", "GET / HTTP/1.1\r\nHo"],
  ])("%s that does not get on, though a byte comes every moment", async (_what, beginning) => {
    const { methods } = waiting();
    await using at = await stage({ methods, patience: { slowMs: 100 } });
    for (const before of ["", call("x.now"), call("x.now", "X-Other: yes\r\n")]) {
      using client = at.open();
      client.socket.on("error", () => undefined);
      client.socket.write(before + beginning);
      const trickle = setInterval(() => client.socket.write("x"), 20);
      await new Promise((resolve) => client.socket.once("close", resolve));
      clearInterval(trickle);
      expect(statuses(client.text())).toEqual(before === "" ? [] : [200]);
    }
  });

  test("but not a body that is long and comes", async () => {
    const { methods } = waiting();
    await using at = await stage({ methods, patience: { slowMs: 10_000 } });
    using client = at.open();
    const body = `<methodCall>${" ".repeat(2_000_000)}<methodName>x.now</methodName></methodCall>`;
    client.socket.write(`POST /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n`);
    for (let at = 0; at < body.length; at += 100_000)
      await new Promise((sent) => client.socket.write(body.slice(at, at + 100_000), sent));
    expect(statuses(await client.until((text) => text.includes("</methodResponse>")))).toEqual([200]);
  });
});

test("an answer that its client never reads makes room for somebody who does", async () => {
  const methods = { "x.long": () => "x".repeat(20_000_000) };
  await using at = await stage({ methods, patience: { limit: 1 } });
  const far = next(at);
  using deaf = at.open();
  deaf.socket.on("error", () => undefined).pause();
  deaf.socket.write(call("x.long"));
  const socket = await far;
  await new Promise<void>((resolve) => {
    const look = (): void => void (socket.writableNeedDrain ? resolve() : setImmediate(look));
    look();
  });
  using client = at.open();
  client.socket.write(call("x.none"));
  await client.until((text) => text.includes("</methodResponse>"));
  expect(socket.destroyed).toBe(true);
  expect(at.lines).toEqual([expect.stringContaining("(1 closed so far)")]);
});

test("an end of TCP that has vanished is noticed by TCP: connections are asked whether they are there", async () => {
  await using at = await stage();
  const far = next(at);
  using client = at.open();
  const port = Number((await far).localPort)
    .toString(16)
    .toUpperCase()
    .padStart(4, "0");
  await client.connected;
  // Of /proc/net/tcp the timer's column: 02 is keep-alive.
  const row = readFileSync("/proc/net/tcp", "utf8")
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .find(([, local, , state]) => local?.endsWith(`:${port}`) === true && state === "01");
  expect(row?.[5]).toMatch(/^02:/);
});
