/** What a client may not do to the daemon. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { describe, expect, test } from "vitest";
import { type Booted, boot } from "../support/boot.js";
import { until } from "../support/until.js";

/** Sends raw bytes and gives everything that comes back until the connection closes. */
function raw(daemon: Booted, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(daemon.socket);
    let answer = "";
    socket.setEncoding("utf8").on("data", (chunk: string) => {
      answer += chunk;
    });
    socket.on("close", () => resolve(answer)).on("error", reject);
    socket.end(text);
  });
}

/** A connection, as soon as there is room for it in the backlog, which a busy daemon leaves full for a while. */
function connected(path: string): Promise<Socket> {
  return until(async () => {
    const socket = connect(path);
    try {
      await once(socket, "connect");
    } catch {
      return null;
    }
    return socket.on("error", () => undefined);
  }, "a connection");
}

describe("a client", () => {
  test("that speaks no HTTP is cut off without an answer", async () => {
    await using daemon = await boot("");
    expect(await raw(daemon, "what is this\r\n\r\n")).toBe("");
  });

  test("gets 411 for a body without length and 413 for one beyond the limit", async () => {
    await using daemon = await boot("");
    const head = "POST /RPC2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n";
    expect(await raw(daemon, `${head}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`)).toMatch(
      /^HTTP\/1.1 411 /,
    );
    expect(await raw(daemon, `${head}Content-Length: 999999999\r\n\r\n`)).toMatch(/^HTTP\/1.1 413 /);
  });

  test("that hangs up while it waits ends its wait and nothing else", async () => {
    await using daemon = await boot(
      `[program:p]\ncommand=/bin/sh -c 'trap "" TERM; echo ready; while :; do sleep 1; done'\nstopwaitsecs=2\nkillasgroup=true\nstartsecs=0`,
    );
    await daemon.line("p", "ready");
    const body =
      "<methodCall><methodName>supervisor.stopProcess</methodName><params><param><value>p</value></param></params></methodCall>";
    const socket = connect(daemon.socket);
    socket.write(`POST /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    await daemon.logged("waiting for p to stop");
    socket.destroy();
    await daemon.state("p", "STOPPED");
  });

  test("may open more connections than there is room for, and locks nobody out", async () => {
    await using daemon = await boot("");
    const silent: Socket[] = [];
    while (silent.length < 1100) {
      const next = Array.from({ length: 100 }, () => connected(daemon.socket));
      silent.push(...(await Promise.all(next)));
    }
    await daemon.logged(
      "closed the connection that was idle longest to make room, 1024 are open already (64 ",
    );
    await expect(daemon.rpc("supervisor.getState")).resolves.toEqual({ statecode: 1, statename: "RUNNING" });
    // Said at 1, 2, 4, 8 …
    expect(daemon.log().filter((line) => line.includes("to make room"))).toHaveLength(7);
    for (const socket of silent) socket.destroy();
  });
});
