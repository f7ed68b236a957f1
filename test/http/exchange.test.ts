/** Answers that come before their requests are whole, what stands behind them, and what is no request at all. */
import { describe, expect, test } from "vitest";
import { call, promise, stage, statuses } from "./stage.js";

const GET = "GET /ok.html HTTP/1.1\r\nHost: x\r\n\r\n";
const AUTHORIZED = `Authorization: Basic ${Buffer.from("me:secret").toString("base64")}\r\n`;
const LOCKED = { server: { username: "me", password: "secret" } };
const done = (text: string): boolean => text.includes("</methodResponse>");

function counting() {
  let calls = 0;
  const methods = {
    "x.count"() {
      calls += 1;
      return calls;
    },
  };
  return { methods, calls: () => calls };
}

describe.each(["tcp", "unix"] as const)("over %s", (on) => {
  test("a refusal is heard by a client that goes on sending its body", async () => {
    await using at = await stage({ on, ...LOCKED });
    for (const length of [0, 1, 1000, 100_000, 8_000_000]) {
      using client = at.open();
      client.socket.write(`POST /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Length: ${length}\r\n\r\n`);
      await client.until((text) => text.endsWith("</body>\r\n"));
      // All of it is taken, though the answer is there already.
      await new Promise<void>((resolve, reject) =>
        client.socket.end(Buffer.alloc(length), () => resolve()).once("error", reject),
      );
      expect(await client.closed).toMatch(/^HTTP\/1\.1 401 /);
    }
  });

  test.each([
    ["401", LOCKED, "POST /RPC2 HTTP/1.1\r\nContent-Length: 3000000\r\n", 401],
    ["404", {}, "POST /nowhere HTTP/1.1\r\nContent-Length: 3000000\r\n", 400],
    ["403", {}, "POST /RPC2 HTTP/1.1\r\nOrigin: http://evil\r\nContent-Length: 3000000\r\n", 403],
    ["411", {}, "POST /RPC2 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n", 411],
    ["413", {}, "POST /RPC2 HTTP/1.1\r\nContent-Length: 30000000\r\n", 413],
    ["413 of a form", {}, "POST / HTTP/1.1\r\nContent-Length: 3000000\r\n", 413],
    ["400 of no verb", {}, "FROB / HTTP/1.1\r\nContent-Length: 3000000\r\n", 400],
    ["400 of a length", {}, "POST /RPC2 HTTP/1.1\r\nContent-Length: abc\r\n", 400],
  ] as const)("%s is heard though the body comes at once", async (_what, options, head, status) => {
    await using at = await stage({ on, ...options });
    using client = at.open();
    client.socket.write(`${head}Host: x\r\n\r\n`);
    client.socket.write(Buffer.alloc(3_000_000, "x"));
    expect(statuses(await client.until((text) => text.includes("</body>")))).toEqual([status]);
    client.socket.end();
    await client.closed;
  });
});

describe("a connection after its last answer", () => {
  test("is closed when too much comes", async () => {
    await using at = await stage({ ...LOCKED, patience: { lingerBytes: 100_000 } });
    using client = at.open();
    client.socket.on("error", () => undefined);
    client.socket.write(GET);
    await client.until((text) => text.includes("</body>"));
    const ended = new Promise((resolve) => client.socket.once("close", resolve));
    client.socket.write(Buffer.alloc(10_000_000));
    await ended;
  });

  test("is closed in time when its client does nothing", async () => {
    await using at = await stage({ ...LOCKED, patience: { lingerMs: 50 } });
    using client = at.open();
    const sockets = new Promise<import("node:net").Socket>((resolve) =>
      at.server.once("connection", resolve),
    );
    client.socket.write(GET);
    const socket = await sockets;
    await new Promise((resolve) => socket.once("close", resolve));
    expect(statuses(client.text())).toEqual([401]);
  });

  test("has no further requests, however many come", async () => {
    await using at = await stage({ ...LOCKED, patience: { lingerBytes: 1_000_000 } });
    let requests = 0;
    at.server.on("request", () => {
      requests += 1;
    });
    using client = at.open();
    client.socket.on("error", () => undefined);
    client.socket.write(GET.repeat(100_000));
    await client.closed.catch(() => undefined);
    expect(requests).toBe(1);
  });

  test("answers and does nothing more", async () => {
    const { methods, calls } = counting();
    await using at = await stage({ ...LOCKED, methods });
    using client = at.open();
    const bad = call("x.count");
    const good = call("x.count", AUTHORIZED);
    client.socket.end(good + bad + good + bad + good);
    expect(statuses(await client.closed)).toEqual([200, 401]);
    expect(calls()).toBe(1);
  });

  test("answers and does nothing more when Node's server had it from the start", async () => {
    const { methods, calls } = counting();
    await using at = await stage({ ...LOCKED, methods });
    using client = at.open();
    const other = "X-Other: yes\r\n";
    client.socket.end(
      call("x.count", AUTHORIZED + other) + call("x.count", other) + call("x.count", AUTHORIZED),
    );
    expect(statuses(await client.closed)).toEqual([200, 401]);
    expect(calls()).toBe(1);
  });
});

describe("text behind a call", () => {
  test.each([
    ["Connection: close", call("x.count", "Connection: close\r\n")],
    ["HTTP/1.0", call("x.count", "", "1.0")],
  ])("that says %s does not take its answer away", async (_what, request) => {
    const { methods, calls } = counting();
    await using at = await stage({ methods });
    using client = at.open();
    client.socket.write(`${request}\r\nand more\r\n${call("x.count")}`);
    expect(statuses(await client.closed)).toEqual([200]);
    expect(calls()).toBe(1);
  });

  test("that waits does not take its answer away either", async () => {
    const waiting = promise<boolean>();
    const started = promise<void>();
    const methods = {
      "x.wait"() {
        started.resolve();
        return waiting.promise;
      },
    };
    await using at = await stage({ methods });
    using client = at.open();
    client.socket.write(`${call("x.wait", "X-Other: yes\r\n")}nonsense\r\n\r\n`);
    await started.promise;
    for (let count = 0; count < 20; count += 1)
      await new Promise((sent) => client.socket.write("more nonsense\r\n\r\n", sent));
    waiting.resolve(true);
    expect(await client.closed).toContain("</methodResponse>");
  });

  test("of a length too short makes it a bad call, which is said", async () => {
    await using at = await stage();
    using client = at.open();
    client.socket.end(call("x.count").replace(/Content-Length: \d+/, "Content-Length: 10"));
    expect(statuses(await client.closed)[0]).toBe(400);
  });
});

describe("what is no request", () => {
  test.each([
    ["a negative length", "POST /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\nx"],
    ["a length that is no number", "POST /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Length: abc\r\n\r\nx"],
    ["an unknown verb", "FROB /nothing HTTP/1.1\r\nHost: x\r\n\r\n"],
    ["a verb in other letters", "get /ok.html HTTP/1.1\r\nHost: x\r\n\r\n"],
    ["a verb for proxies", "CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n"],
    ["a line that is no header", "GET /ok.html HTTP/1.1\r\nHost: x\r\nno header\r\n\r\n"],
  ])("but looks like one is told so: %s", async (_what, text) => {
    await using at = await stage();
    using whole = at.open();
    whole.socket.write(text);
    expect(statuses(await whole.closed)).toEqual([400]);
    using slow = at.open();
    slow.socket.setNoDelay(true);
    for (const byte of text) {
      if (slow.socket.destroyed || slow.text() !== "") break;
      await new Promise<void>((sent) => slow.socket.write(byte, () => sent()));
    }
    expect(statuses(await slow.closed)).toEqual([400]);
  });

  test("gets 431 for a head beyond the limit", async () => {
    await using at = await stage();
    using client = at.open();
    client.socket.write(`GET / HTTP/1.1\r\nHost: x\r\nX-Long: ${"x".repeat(30_000)}\r\n\r\n`);
    expect(statuses(await client.closed)).toEqual([431]);
  });

  test.each([
    "GARBAGE\r\n\r\n",
    "GET\r\n\r\n",
    "GET / FTP/9\r\n\r\n",
    "\x16\x03\x01\x02\x00\x01",
    "GET / two HTTP/1.1\r\n\r\n",
  ])("at all is closed without a word: %j", async (text) => {
    await using at = await stage();
    using client = at.open();
    client.socket.write(Buffer.from(text, "latin1"));
    expect(await client.closed).toBe("");
  });

  test("no Host is needed, as in the reference", async () => {
    await using at = await stage();
    using client = at.open();
    client.socket.write("GET /ok.html HTTP/1.1\r\n\r\n");
    expect(statuses(await client.until((text) => text.endsWith("OK")))).toEqual([200]);
  });
});

describe("a request that two readers could read in two ways is none", () => {
  const inner = call("x.count");
  const head = "POST /RPC2 HTTP/1.1\r\nHost: x\r\n";
  test.each([
    ["two lengths", `${head}Content-Length: 0\r\nContent-Length: ${inner.length}\r\n\r\n${inner}`],
    ["two lengths that agree", `${head}Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello`],
    ["a list of lengths", `${head}Content-Length: 0, ${inner.length}\r\n\r\n${inner}`],
    [
      "a length and chunks",
      `${head}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${inner}`,
    ],
    [
      "chunks and a length",
      `${head}Transfer-Encoding: chunked\r\nContent-Length: ${inner.length}\r\n\r\n0\r\n\r\n${inner}`,
    ],
    ["another coding", `${head}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n${inner}`],
    ["bare line feeds", `${head.replaceAll("\r", "")}Content-Length: 0\n\n${inner}`],
    ["a bare line feed", `${head}X: y\nContent-Length: 0\r\n\r\n${inner}`],
    ["a folded line", `${head}X: y\r\n Content-Length: 0\r\n\r\n${inner}`],
    ["a blank before the colon", `${head}Content-Length : 0\r\n\r\n${inner}`],
    ["a NUL", `${head}X: \0y\r\nContent-Length: 0\r\n\r\n${inner}`],
  ])("%s", async (_what, text) => {
    const { methods, calls } = counting();
    await using at = await stage({ methods });
    for (const bytes of [text, text.replace("Host: x\r\n", "Host: x\r\nX-Other: yes\r\n")]) {
      using client = at.open();
      client.socket.end(Buffer.from(bytes, "latin1"));
      const [first, ...more] = statuses(await client.closed);
      expect([400, 411]).toContain(first);
      expect(more).toEqual([]);
    }
    expect(calls()).toBe(0);
  });
});

describe("a client that asks before it sends its body", () => {
  const asking = (more = "", path = "/RPC2", length = 68): string =>
    `POST ${path} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n${more}Content-Length: ${length}\r\n\r\n`;

  test("is told to go on", async () => {
    const { methods } = counting();
    await using at = await stage({ methods });
    using client = at.open();
    const body = call("x.count").split("\r\n\r\n")[1] ?? "";
    client.socket.write(asking("", "/RPC2", body.length));
    await client.until((text) => text === "HTTP/1.1 100 Continue\r\n\r\n");
    client.socket.write(body);
    expect(statuses(await client.until(done))).toEqual([100, 200]);
  });

  test.each([
    ["without credentials", LOCKED, asking(), 401],
    ["for what is not there", {}, asking("", "/nowhere"), 400],
    ["with too much", {}, asking("", "/RPC2", 99_999_999), 413],
    ["from elsewhere", {}, asking("Origin: http://evil\r\n"), 403],
  ] as const)("is refused first: %s", async (_what, options, text, status) => {
    await using at = await stage(options);
    using client = at.open();
    client.socket.write(text);
    expect(statuses(await client.closed)).toEqual([status]);
  });

  test("or expects something else is answered all the same", async () => {
    const { methods } = counting();
    await using at = await stage({ methods });
    using client = at.open();
    client.socket.write(call("x.count", "Expect: a-miracle\r\n"));
    expect(statuses(await client.until(done))).toEqual([200]);
  });
});

test("what a client sends does not become a header of its answer", async () => {
  await using at = await stage();
  for (const host of ["x\rX-Evil: 1", "x\tX-Evil: 1", "x%0d%0aX-Evil: 1"]) {
    using client = at.open();
    client.socket.end(
      `GET /?action=refresh&message=%0d%0aX-Evil:%201&processname=%0d%0a HTTP/1.1\r\nHost: ${host}\r\n\r\n`,
    );
    expect(await client.closed).not.toMatch(/^X-Evil/m);
  }
});
