/** Connections that are only held open lock nobody out, and take no descriptor that programs need. */

import { writeFileSync } from "node:fs";
import { connect, type NetConnectOpts, type Socket } from "node:net";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type Booted, baseConf, boot, readLog } from "../support/boot.js";
import { connection } from "../support/connection.js";
import { freePort } from "../support/free-port.js";
import { request } from "../support/http.js";
import { launch } from "../support/launch.js";
import { scratch } from "../support/scratch.js";
import { until } from "../support/until.js";
import { call } from "../support/xmlrpc.js";

interface Crowd extends Disposable {
  readonly sockets: readonly Socket[];
}

function crowd(where: NetConnectOpts, size: number, word = ""): Crowd {
  const sockets = Array.from({ length: size }, () => {
    const socket = connect(where).on("error", () => undefined);
    socket.resume().write(word);
    return socket;
  });
  return {
    sockets,
    [Symbol.dispose]: () => {
      for (const socket of sockets) socket.destroy();
    },
  };
}

const madeRoom = (daemon: Booted): Promise<string> =>
  daemon.logged(/to make room, 1024 are open already \(128 /);

test("a crowd of silent connections locks nobody out, with a password and without", async () => {
  for (const more of ["", "username=me\npassword=secret"]) {
    const port = await freePort();
    await using daemon = await boot(`[inet_http_server]\nport=127.0.0.1:${port}\n${more}`);
    const auth = more === "" ? {} : { auth: "me:secret" };
    // A client that has made a request keeps its connection through all this.
    using regular = connection({ host: "127.0.0.1", port });
    const credentials = `Authorization: Basic ${Buffer.from("me:secret").toString("base64")}\r\n`;
    const ask = `GET /ok.html HTTP/1.1\r\nHost: x\r\n${credentials}\r\n`;
    regular.socket.write(ask);
    await regular.until((text) => text.endsWith("OK"));
    using _silent = crowd({ host: "127.0.0.1", port }, 1200);
    await madeRoom(daemon);
    expect((await request({ port, ...auth }, "GET", "/ok.html")).status).toBe(200);
    regular.socket.write(ask);
    await regular.until((text) => text.split("\r\n\r\nOK").length === 3);
  }
});

test("a crowd of halves of requests locks nobody out either", async () => {
  const port = await freePort();
  await using daemon = await boot(`[inet_http_server]\nport=127.0.0.1:${port}`);
  using _half = crowd({ host: "127.0.0.1", port }, 1200, "POST /RPC2 HTTP/1.1\r\nHost: x\r\n");
  await madeRoom(daemon);
  await expect(call({ port }, "supervisor.getState")).resolves.toMatchObject({ statename: "RUNNING" });
});

test("where few descriptors are allowed, the crowd leaves enough of them", async () => {
  using place = scratch();
  const { dir } = place;
  const conf = join(dir, "supervisord.conf");
  const socket = join(dir, "s.sock");
  const port = await freePort();
  writeFileSync(
    conf,
    `${baseConf(dir)}[inet_http_server]\nport=127.0.0.1:${port}\n[program:p]\ncommand=/bin/sleep 1000\nautostart=false\nstartsecs=0`,
  );
  const daemon = await launch("ours", { dir, conf, socket, through: ["prlimit", "--nofile=1024:1024"] });
  try {
    using _silent = crowd({ host: "127.0.0.1", port }, 1200);
    await until(
      () => readLog(join(dir, "main.log")).some((line) => /\(512 closed/.test(line)),
      "room being made",
    );
    expect((await request({ port }, "GET", "/ok.html")).status).toBe(200);
    await expect(call({ socketPath: socket }, "supervisor.startProcess", ["p"])).resolves.toBe(true);
  } finally {
    daemon.kill("SIGTERM");
    await daemon.exited;
  }
});

test("a stranger has ten seconds where there is a password, a client has all the time it wants", async () => {
  const port = await freePort();
  await using _daemon = await boot(
    `[inet_http_server]\nport=127.0.0.1:${port}\nusername=me\npassword=secret`,
  );
  using silent = connection({ host: "127.0.0.1", port });
  using half = connection({ host: "127.0.0.1", port });
  await Promise.all([silent.connected, half.connected]);
  const start = performance.now();
  half.socket.write("POST /RPC2 HTTP/1.1\r\n");
  expect(await Promise.all([silent.closed, half.closed])).toEqual(["", ""]);
  expect(performance.now() - start).toBeGreaterThan(9_000);
});
