/** Where a TCP server listens, IPv6 too, and what is said when somebody else listens there. */
import { spawn } from "node:child_process";
import { chmodSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { parseConfig } from "../../src/index.js";
import { boot } from "../support/boot.js";
import { overhear } from "../support/overhear.js";
import { environment, supervisord } from "../support/programs.js";
import { runCommand } from "../support/run-command.js";
import { scratch } from "../support/scratch.js";
import { until } from "../support/until.js";

const hasIpv6 = Object.values(networkInterfaces()).some((list) =>
  list?.some(({ address }) => address === "::1"),
);
const isRoot = process.getuid?.() === 0;
const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await new Promise((closed) => server.close(closed));
});

async function listen(
  where: { readonly host: string; readonly port?: number } | { readonly path: string },
): Promise<number> {
  const server = createServer();
  servers.push(server);
  await new Promise<void>((listening) =>
    server.listen("path" in where ? where : { port: 0, ...where }, listening),
  );
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

/** A port that was free a moment ago. */
async function freePort(host: string): Promise<number> {
  const port = await listen({ host });
  await new Promise((closed) => servers.pop()?.close(closed));
  return port;
}

describe.runIf(hasIpv6)("IPv6", () => {
  test.each([
    ["[::1]", "http://[::1]", ["http://[::1]"], ["http://127.0.0.1"]],
    ["::1", "http://[::1]", ["http://[::1]"], ["http://127.0.0.1"]],
    ["[::]", "http://[::1]", ["http://[::1]", "http://127.0.0.1"], []],
    ["*", "http://localhost", ["http://127.0.0.1"], ["http://[::1]"]],
  ])("port=%s:N listens there, and children and clients find it", async (host, url, open, closed) => {
    const port = await freePort("::");
    await using daemon = await boot(`[inet_http_server]\nport=${host}:${port}\n`);
    for (const each of open)
      expect((await daemon.ctl(["-s", `${each}:${port}`, "pid"])).out).toBe(`${daemon.pid}\n`);
    for (const each of closed)
      expect((await daemon.ctl(["-s", `${each}:${port}`, "pid"])).out).toBe(
        `${each}:${port} refused connection\n`,
      );
    const parsed = parseConfig({
      text: `[supervisord]\n[inet_http_server]\nport=${host}:${port}\n[program:p]\ncommand=x\n`,
    });
    expect(parsed.ok && parsed.config.groups[0]?.processes[0]?.serverurl).toBe(`${url}:${port}`);
  });
});

const TAKEN =
  "Error: Another program is already listening on a port that one of our HTTP servers is configured to use.  Shut this program down first before starting supervisord.\n";

/** Messages of a start whose address is taken. */
async function refusal(server: string, through: readonly string[] = []): Promise<string> {
  using place = scratch();
  const { dir } = place;
  chmodSync(dir, 0o777);
  const conf = join(dir, "s.conf");
  writeFileSync(
    conf,
    `${server}\n[supervisord]\nlogfile=/dev/null\nlogfile_maxbytes=0\npidfile=${dir}/pid\n`,
  );
  const command = [...through, ...supervisord("ours"), "-n", "-s", "-c", conf];
  const ran = await runCommand(command, { cwd: "/", env: environment(dir) });
  expect(ran.exit).toBe(2);
  expect(ran.err.startsWith(TAKEN)).toBe(true);
  return ran.err.slice(TAKEN.length).split("\n")[0] ?? "";
}

describe("an address that somebody else has is named, and so is who has it:", () => {
  const self = new RegExp(`is in use by pid ${process.pid} \\(.+\\)$`);

  test.each([
    ["127.0.0.1", "127.0.0.1", "127.0.0.1"],
    ["0.0.0.0", "127.0.0.1", "127.0.0.1"],
    ["127.0.0.1", "", "*"],
    ["127.0.0.1", "localhost", "localhost"],
    ...(hasIpv6
      ? [
          ["::1", "[::1]", "[::1]"],
          ["::", "127.0.0.1", "127.0.0.1"],
          ["::", "[::1]", "[::1]"],
        ]
      : []),
  ])("%s against port=%s:N", async (taken, wanted, named) => {
    const port = await listen({ host: taken });
    const said = await refusal(`[inet_http_server]\nport=${wanted}:${port}`);
    expect(said).toMatch(self);
    expect(said).toContain(`Error: ${named}:${port} of [inet_http_server] is in use by`);
  });

  test("another address of the same port is not the one", async () => {
    const port = await listen({ host: "127.0.0.1" });
    const other = spawn(
      process.execPath,
      ["-e", `require("net").createServer().listen(${port}, "127.0.0.2", () => console.log("ready"))`],
      { stdio: ["ignore", "pipe", "ignore"] },
    );
    const { out, ended } = overhear(other);
    try {
      await until(() => out().includes("ready"), "the other listening");
      expect(await refusal(`[inet_http_server]\nport=127.0.0.2:${port}`)).toContain(`by pid ${other.pid} (`);
      expect(await refusal(`[inet_http_server]\nport=127.0.0.1:${port}`)).toMatch(self);
    } finally {
      other.kill();
      await until(() => ended(), "the end of the other");
    }
  });

  test("a unix socket", async () => {
    using place = scratch();
    const file = join(place.dir, "taken.sock");
    await listen({ path: file });
    const said = await refusal(`[unix_http_server]\nfile=${file}`);
    expect(said).toMatch(self);
    expect(said).toContain(`Error: ${file} of [unix_http_server] is in use by`);
  });

  test.runIf(isRoot)("where one may not look into the process, its user", async () => {
    const port = await listen({ host: "127.0.0.1" });
    const nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
    const wanted = `[inet_http_server]\nport=127.0.0.1:${port}`;
    expect(await refusal(wanted, nobody)).toBe(
      `Error: 127.0.0.1:${port} of [inet_http_server] is in use by a process of user root`,
    );
  });
});
