/** A program decides how much it logs, and anybody may look: neither takes the daemon's time or memory from others. */
import { once } from "node:events";
import { closeSync, openSync, readFileSync, writeSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type Booted, boot } from "../support/boot.js";
import { request as ask } from "../support/http.js";
import { until } from "../support/until.js";

const MIB = 1 << 20;

/** A daemon whose program `p` has so many MiB of one character; the first of them grows most. */
function withLog(mib: number, char: "&" | "x" = "&"): Promise<Booted> {
  return boot(
    "[program:p]\ncommand=/bin/cat\nautostart=false\nstdout_logfile=%(dir)s/p.log\nstdout_logfile_maxbytes=0",
    {
      prepare(dir) {
        const fd = openSync(join(dir, "p.log"), "w");
        const block = Buffer.alloc(MIB, char);
        for (let at = 0; at < mib; at += 1) writeSync(fd, block);
        closeSync(fd);
      },
    },
  );
}

const CEILING_MS = 150_000;

function callOf(name: string, params: string): string {
  return `<methodCall><methodName>${name}</methodName><params><param><value>${params}</value></param></params></methodCall>`;
}

const READ_ALL = callOf(
  "supervisor.readProcessLog",
  "p</value></param><param><value><int>0</int></value></param><param><value><int>0</int>",
);

function multicall(calls: readonly string[]): string {
  return callOf("system.multicall", `<array><data>${calls.join("")}</data></array>`);
}

/** In a multicall: a reading of so many bytes, or of all. */
function reading(bytes: number): string {
  return `<value><struct><member><name>methodName</name><value>supervisor.readProcessLog</value></member><member><name>params</name><value><array><data><value>p</value><value><int>0</int></value><value><int>${bytes}</int></value></data></array></value></member></struct></value>`;
}

/** The answer as it comes, since reading XML takes a client longer than writing it takes the daemon. */
async function post({ socket }: Booted, body: string): Promise<string> {
  const headers = { "Content-Type": "text/xml" };
  const answer = await ask({ socketPath: socket }, "POST", "/RPC2", { headers, body, ceilingMs: CEILING_MS });
  expect(answer.body.length).toBe(Number(answer.headers["content-length"]));
  return answer.body.toString("latin1");
}

const references = (text: string): number => (text.length - text.replaceAll("&amp;", "").length) / 5;

function residentMib(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024;
}

/** How long getState takes, again and again, until something has settled. */
async function roundTrips(daemon: Booted, during: Promise<unknown>): Promise<readonly number[]> {
  const times: number[] = [];
  let over = false;
  const settled = during.finally(() => {
    over = true;
  });
  while (!over) {
    const before = performance.now();
    await daemon.rpc("supervisor.getState");
    times.push(performance.now() - before);
  }
  await settled;
  return times;
}

/** A busy machine makes single answers late; a daemon that reads all at once gives hardly any, and those after seconds. */
const UNHINDERED_MS = 200;

function median(times: readonly number[]): number | undefined {
  return [...times].sort((a, b) => a - b)[Math.floor(times.length / 2)];
}

describe("reading what grows fivefold", () => {
  test("keeps nobody waiting, and takes no memory", { timeout: CEILING_MS }, async () => {
    await using daemon = await withLog(16);
    await post(daemon, multicall([reading(200_000)]));
    const before = residentMib(daemon.pid);
    let most = 0;
    const watched = setInterval(() => {
      most = Math.max(most, residentMib(daemon.pid));
    }, 50);
    const whole = post(daemon, READ_ALL);
    const times = await roundTrips(daemon, whole);
    clearInterval(watched);
    expect(references(await whole)).toBe(16 * MIB);
    expect(times.length).toBeGreaterThan(20);
    expect(median(times)).toBeLessThan(UNHINDERED_MS);
    expect(most - before).toBeLessThan(60);
  });

  test("by many who then do not read is refused beyond 64, and takes no memory", async () => {
    await using daemon = await withLog(2, "x");
    await post(daemon, multicall([reading(200_000)]));
    const before = residentMib(daemon.pid);
    const call = `POST /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Length: ${READ_ALL.length}\r\n\r\n${READ_ALL}`;
    const sockets: Socket[] = [];
    for (let count = 0; count < 64; count += 1) {
      const socket = connect(daemon.socket).on("error", () => undefined);
      socket.pause().write(call);
      await once(socket, "connect");
      sockets.push(socket);
    }
    const refused = (): Promise<boolean> =>
      post(daemon, READ_ALL).then((text) =>
        text.includes("FAILED: more than 64 long readings of logs at a time"),
      );
    await until(refused, "a refusal");
    expect(residentMib(daemon.pid) - before).toBeLessThan(100);
    for (const socket of sockets) socket.destroy();
    await until(async () => !(await refused()), "being read again");
  });

  test("within a multicall is an answer like any other", async () => {
    await using daemon = await withLog(2);
    const text = await post(daemon, multicall([reading(0), reading(MIB), reading(10)]));
    const values = text.split("<value><string>").slice(1);
    expect(values.map(references)).toEqual([2 * MIB, MIB, 10]);
  });
});

test("what a multicall gathers is bounded", async () => {
  await using daemon = await withLog(1);
  const answer = post(daemon, multicall(Array.from({ length: 400 }, () => reading(65_536))));
  const times = await roundTrips(daemon, answer);
  expect(times.length).toBeGreaterThan(5);
  expect(median(times)).toBeLessThan(UNHINDERED_MS);
  const text = await answer;
  const [, ...values] = text.split(/<value><(?=string>&|struct)/);
  expect(values).toHaveLength(400);
  expect(values.filter((value) => references(value) === 65_536)).toHaveLength(256);
  const refusal = "FAILED: the answers of one system.multicall are limited to 16 MiB";
  expect(values.filter((value) => value.includes(refusal))).toHaveLength(144);
});

describe("the tail page", () => {
  const page = async (daemon: Booted, query: string): Promise<string> => {
    const { status, body } = await ask(
      { socketPath: daemon.socket },
      "GET",
      `/tail.html?processname=p${query}`,
    );
    expect(status).toBe(200);
    return body.toString();
  };
  const linked = (text: string, label: string): string | undefined =>
    new RegExp(`href="tail\\.html\\?processname=p([^"]*)">${label}<`)
      .exec(text)?.[1]
      ?.replaceAll("&amp;", "&");

  test("shows a MiB at most, and the way to the rest", async () => {
    await using daemon = await withLog(3);
    const sizes: number[] = [];
    let at: string | undefined = "&limit=999999999999";
    for (; at !== undefined && sizes.length < 5; ) {
      const text: string = await page(daemon, at);
      const inside = /<pre>\n((?:&amp;)*)<\/pre>/.exec(text)?.[1] ?? "";
      sizes.push(inside.length / "&amp;".length);
      expect(linked(text, "More")).toBe(undefined);
      at = linked(text, "Earlier");
    }
    expect(sizes).toEqual([MIB, MIB, MIB]);
    expect(linked(await page(daemon, `&limit=2000&end=${MIB}`), "Later")).toBe(
      `&limit=2000&end=${MIB + 2000}`,
    );
  });

  test("of a long log keeps nobody waiting", async () => {
    await using daemon = await withLog(16);
    const times = await roundTrips(daemon, page(daemon, "&limit=16777216"));
    expect(median(times)).toBeLessThan(UNHINDERED_MS);
  });
});

test("a stream whose client does not read waits for it, and then gives all", async () => {
  await using daemon = await withLog(1);
  const socket = connect(daemon.socket);
  try {
    socket.write("GET /logtail/p HTTP/1.1\r\nHost: x\r\n\r\n");
    // The head comes before the log is open.
    for (let begun = false; !begun; ) begun = String((await once(socket, "data"))[0]).includes("&");
    socket.pause();
    const before = residentMib(daemon.pid);
    const log = openSync(join(daemon.dir, "p.log"), "a");
    for (let at = 0; at < 64; at += 1) writeSync(log, Buffer.alloc(MIB, "~"));
    closeSync(log);
    // Many turns of its loop, in any of which it could have read more than it should.
    for (let call = 0; call < 100; call += 1) await daemon.rpc("supervisor.getState");
    expect(residentMib(daemon.pid) - before).toBeLessThan(40);
    let came = 0;
    socket.on("data", (chunk: Buffer) => {
      for (const byte of chunk) if (byte === 0x7e) came += 1;
    });
    socket.resume();
    await until(() => came === 64 * MIB, "the end of the stream");
  } finally {
    socket.destroy();
  }
});
