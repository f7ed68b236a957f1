import { describe, expect, test } from "vitest";
import { readHead } from "../../src/http/request-head.js";

const START = "POST /RPC2 HTTP/1.1\r\n";
const read = (text: string): ReturnType<typeof readHead> => readHead(Buffer.from(text, "latin1"));

describe("a plain call", () => {
  test("as Python's client sends it", () => {
    const head = `${START}Host: localhost\r\nAccept-Encoding: identity\r\nUser-Agent: Python-xmlrpc/3.11\r\nContent-Type: text/xml\r\nAccept: text/xml\r\nContent-Length: 120\r\n\r\n`;
    expect(read(`${head}<xml`)).toEqual({
      kind: "plain",
      end: head.length,
      length: 120,
      authorization: undefined,
    });
  });

  test("with credentials, and names in any letters", () => {
    const head = `${START}hOST:x\r\nauthorization: Basic bWU6c2VjcmV0 \r\nCONTENT-LENGTH:\t0\r\nConnection: Keep-Alive\r\n\r\n`;
    expect(read(head)).toEqual({
      kind: "plain",
      end: head.length,
      length: 0,
      authorization: "Basic bWU6c2VjcmV0",
    });
  });

  test("is not told before its head is whole", () => {
    const head = `${START}Host: x\r\nContent-Length: 5\r\n\r\n`;
    for (let size = 1; size < head.length; size += 1)
      expect(read(head.slice(0, size)), head.slice(0, size)).toEqual({ kind: "more" });
    expect(read(head).kind).toBe("plain");
  });
});

describe("Node's own parser decides about", () => {
  const lines = "Host: x\r\nContent-Length: 5\r\n";
  test.each([
    ["another method", `GET /RPC2 HTTP/1.1\r\n${lines}\r\n`],
    ["another path", `POST /RPC2/ HTTP/1.1\r\n${lines}\r\n`],
    ["an older version", `POST /RPC2 HTTP/1.0\r\n${lines}\r\n`],
    ["what is no HTTP", "what is this\r\n\r\n"],
    ["no headers", `${START}\r\n`],
    ["a missing host", `${START}Content-Length: 5\r\n\r\n`],
    ["two hosts", `${START}${lines}Host: y\r\n\r\n`],
    ["a missing length", `${START}Host: x\r\n\r\n`],
    ["two lengths", `${START}${lines}Content-Length: 5\r\n\r\n`],
    ["a length that is no number", `${START}Host: x\r\nContent-Length: +5\r\n\r\n`],
    ["a long body", `${START}Host: x\r\nContent-Length: 70000\r\n\r\n`],
    ["two credentials", `${START}${lines}Authorization: a\r\nAuthorization: b\r\n\r\n`],
    ["chunks", `${START}${lines}Transfer-Encoding: chunked\r\n\r\n`],
    ["an expectation", `${START}${lines}Expect: 100-continue\r\n\r\n`],
    ["the wish to close", `${START}${lines}Connection: close\r\n\r\n`],
    ["an upgrade", `${START}${lines}Upgrade: h2c\r\n\r\n`],
    ["a header it doesn't know", `${START}${lines}X-Forwarded-For: y\r\n\r\n`],
    ["a folded line", `${START}${lines} Connection: close\r\n\r\n`],
    ["a blank before the colon", `${START}Host : x\r\nContent-Length: 5\r\n\r\n`],
    ["a bare line feed", `${START}Host: x\nContent-Length: 5\r\n\r\n`],
    ["a control character", `${START}Host: x\u0001\r\nContent-Length: 5\r\n\r\n`],
    ["a head without end", `${START}User-Agent: ${"x".repeat(20_000)}`],
  ])("%s", (_what, text) => {
    expect(read(text)).toEqual({ kind: "other" });
  });
});
