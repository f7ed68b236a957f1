/**
 * FastCGI workers behind nginx while clients keep asking: whatever becomes of the workers, nginx never finds the
 * socket closed. A worker killed by SIGKILL takes the one request with it that it was answering; nobody could save
 * that. Nothing else may fail.
 */
import { spawn } from "node:child_process";
import { readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type Booted, boot } from "../support/boot.js";
import { find } from "../support/counterparts.mjs";
import { fixture } from "../support/fixture.js";
import { freePort } from "../support/free-port.js";
import { request } from "../support/http.js";
import { needs } from "../support/needs.js";
import { scratch } from "../support/scratch.js";
import { until } from "../support/until.js";

const NAMES = ["web:web_00", "web:web_01", "web:web_02"] as const;
const CLIENTS = 4;
/** Answers seen before something is done to the workers, and again after. */
const BETWEEN = 40;

/** Each answers with its own pid, that of the process the supervisor knows, and that one's name. */
const KINDS = [
  { name: "a worker", command: fixture("fcgi-worker"), needs: ["python3"] },
  { name: "a prefork worker", command: `${fixture("fcgi-worker")} 2`, needs: ["python3"] },
  { name: "php-cgi", command: "/usr/bin/php-cgi", needs: ["php-cgi"] },
] as const;
type Kind = (typeof KINDS)[number];

/** What php-cgi runs. It ends with status 0 after 500 requests, hence autorestart=true. */
const SCRIPT = `<?php usleep(4000); echo getmypid(), " ", getmypid(), " ", getenv("SUPERVISOR_PROCESS_NAME"), "\\n";`;

interface Site {
  readonly daemon: Booted;
  readonly traffic: Traffic;
  /** What nginx said about connecting to the workers. */
  refusals(): readonly string[];
  /** The supervised processes, by name. */
  pids(): Promise<ReadonlyMap<string, number>>;
}

interface Traffic extends AsyncDisposable {
  /** Statuses other than 200, and what clients met instead of an answer. */
  readonly failed: readonly string[];
  /** Who has answered: its own pid, the supervised one, and the name. */
  readonly by: ReadonlySet<string>;
  /** Waits for this many more good answers. */
  more(count: number): Promise<void>;
}

function startTraffic(port: number): Traffic {
  const failed: string[] = [];
  const by = new Set<string>();
  let answered = 0;
  let going = true;
  const client = async (): Promise<void> => {
    while (going) {
      try {
        const { status, body } = await request({ port }, "GET", "/", { headers: { Connection: "close" } });
        if (status === 200) {
          answered += 1;
          by.add(body.toString().trim());
        } else failed.push(String(status));
      } catch (error) {
        failed.push(String(error));
      }
    }
  };
  const clients = Array.from({ length: CLIENTS }, client);
  return {
    failed,
    by,
    async more(count) {
      const wanted = answered + count;
      await until(() => answered >= wanted, `${count} more answers`);
    },
    async [Symbol.asyncDispose]() {
      going = false;
      await Promise.all(clients);
    },
  };
}

function nginxConf(dir: string, port: number, pass: string): string {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  return `daemon off; worker_processes 1; pid ${dir}/nginx.pid; error_log ${dir}/error.log info;
${process.getuid?.() === 0 ? "user root;" : ""}
events { worker_connections 256; }
http {
  access_log off;
  ${temporary.map((name) => `${name}_temp_path ${dir}/${name};`).join("\n  ")}
  server {
    listen 127.0.0.1:${port};
    location / {
      fastcgi_pass ${pass};
      fastcgi_param REQUEST_METHOD $request_method;
      fastcgi_param SCRIPT_FILENAME ${dir}/index.php;
      fastcgi_param REDIRECT_STATUS 200;
    }
  }
}
`;
}

/** nginx stands outside: over a reload of the supervisor it goes on taking requests. */
async function raiseNginx(dir: string, port: number, pass: string): Promise<AsyncDisposable> {
  writeFileSync(join(dir, "nginx.conf"), nginxConf(dir, port, pass));
  const words = ["-e", join(dir, "error.log"), "-c", join(dir, "nginx.conf")];
  const nginx = spawn(find("nginx") ?? "nginx", words, { stdio: "ignore" });
  const ended = new Promise<void>((resolve) => nginx.on("exit", () => resolve()));
  await until(() => request({ port }, "GET", "/").catch(() => null), "nginx answering");
  return {
    async [Symbol.asyncDispose]() {
      nginx.kill("SIGTERM");
      await ended;
    },
  };
}

/** Plays while clients keep asking, and gives back what failed. */
async function behindNginx(
  kind: Kind,
  socket: "unix" | "tcp",
  play: (site: Site) => Promise<void>,
): Promise<{ readonly failed: readonly string[]; readonly refusals: readonly string[] }> {
  using place = scratch();
  const { dir } = place;
  const address = socket === "unix" ? `unix:${dir}/fcgi.sock` : `127.0.0.1:${await freePort()}`;
  const url = socket === "unix" ? `unix://${dir}/fcgi.sock` : `tcp://${address}`;
  writeFileSync(join(dir, "index.php"), SCRIPT);
  await using daemon = await boot(`[fcgi-program:web]
command=${kind.command}
process_name=%(program_name)s_%(process_num)02d
numprocs=${NAMES.length}
autorestart=true
socket=${url}
`);
  for (const name of NAMES) await daemon.state(name, "RUNNING");
  const port = await freePort();
  await using _nginx = await raiseNginx(dir, port, address);
  const refusals = (): string[] =>
    readFileSync(join(dir, "error.log"), "utf8").match(/connect\(\)[^,]* failed \([^)]*\)/g) ?? [];
  const pids = async (): Promise<ReadonlyMap<string, number>> =>
    new Map(
      await Promise.all(NAMES.map(async (name) => [name, Number((await daemon.info(name))["pid"])] as const)),
    );
  await using traffic = startTraffic(port);
  await traffic.more(BETWEEN);
  await play({ daemon, traffic, refusals, pids });
  await traffic.more(BETWEEN);
  return { failed: traffic.failed, refusals: refusals() };
}

/** Ends when every process is RUNNING again under another pid, and has had time to answer. */
async function renewed({ daemon, pids, traffic }: Site, before: ReadonlyMap<string, number>): Promise<void> {
  await until(async () => {
    const after = await pids().catch(() => null); // over a reload nobody answers for a while
    return (
      after !== null && NAMES.every((name) => after.get(name) !== 0 && after.get(name) !== before.get(name))
    );
  }, "other workers");
  for (const name of NAMES) await daemon.state(name, "RUNNING");
  await traffic.more(BETWEEN);
}

async function restartInAllWays(site: Site): Promise<void> {
  const { daemon, pids } = site;
  let before = await pids();
  for (const name of NAMES) expect((await daemon.ctl(["restart", name])).exit).toBe(0);
  await renewed(site, before);

  for (let turn = 0; turn < 3; turn += 1) {
    before = await pids();
    expect((await daemon.ctl(["restart", "web:*"])).exit).toBe(0);
    await renewed(site, before);
  }

  before = await pids();
  expect(await daemon.ctl(["reload"])).toMatchObject({ out: "Restarted supervisord\n", exit: 0 });
  await renewed(site, before);

  before = await pids();
  writeFileSync(
    daemon.conf,
    readFileSync(daemon.conf, "utf8").replace("numprocs=", "startsecs=0\nnumprocs="),
  );
  expect(await daemon.ctl(["update"])).toMatchObject({
    out: "web: stopped\nweb: updated process group\n",
    exit: 0,
  });
  await renewed(site, before);
}

/** Kills each by itself, then all at once: as many kills as twice the processes. */
async function killInAllWays(site: Site): Promise<void> {
  for (const name of NAMES) {
    const before = await site.pids();
    process.kill(before.get(name) ?? 0, "SIGKILL");
    await until(async () => {
      const now = (await site.pids()).get(name);
      return now !== 0 && now !== before.get(name);
    }, `another ${name}`);
    await site.traffic.more(BETWEEN);
  }
  const before = await site.pids();
  for (const pid of before.values()) process.kill(pid, "SIGKILL");
  await renewed(site, before);
}

needs("python3").describe("a FastCGI socket without workers", () => {
  const conf = (more: string): string =>
    `[fcgi-program:web]\ncommand=${fixture("fcgi-worker")}\nsocket=unix://%(dir)s/fcgi.sock\n${more}\n`;
  const creations = (daemon: Booted): number =>
    daemon.log().filter((line) => line.includes("Creating socket")).length;

  test("is closed when none has come back, and made again by the next", async () => {
    await using daemon = await boot(conf(""));
    await daemon.state("web", "RUNNING");
    const path = join(daemon.dir, "fcgi.sock");
    await daemon.ctl(["stop", "web"]);
    const waiting = await connected(path); // nobody accepts it, but nobody refuses it either
    await until(() => waiting.destroyed, "the end of who waited");
    expect(await connected(path).catch((error: NodeJS.ErrnoException) => error.code)).toBe("ECONNREFUSED");
    expect((await daemon.ctl(["start", "web"])).out).toBe("web: started\n");
    (await connected(path)).destroy();
  });

  test("is made anew when its name is gone or the conf wants it otherwise", async () => {
    await using daemon = await boot(conf("socket_mode=0700"));
    await daemon.state("web", "RUNNING");
    const path = join(daemon.dir, "fcgi.sock");
    const before = creations(daemon);
    await daemon.ctl(["restart", "web"]);
    expect(creations(daemon)).toBe(before);
    rmSync(path);
    await daemon.ctl(["restart", "web"]);
    (await connected(path)).destroy();
    writeFileSync(
      daemon.conf,
      readFileSync(daemon.conf, "utf8").replace("socket_mode=0700", "socket_mode=0770"),
    );
    await daemon.ctl(["reload"]); // update doesn't look at a socket's mode, as in the reference
    await until(() => (statSync(path).mode & 0o777) === 0o770, "the new mode");
    await until(() => connected(path).catch(() => null), "connections taken").then((socket) =>
      socket.destroy(),
    );
  });

  test("is closed after a reload that leaves its program out", async () => {
    await using daemon = await boot(conf(""));
    await daemon.state("web", "RUNNING");
    const path = join(daemon.dir, "fcgi.sock");
    const lines = readFileSync(daemon.conf, "utf8").split("[fcgi-program:web]");
    writeFileSync(daemon.conf, lines[0] ?? "");
    expect((await daemon.ctl(["reload"])).exit).toBe(0);
    await daemon.logged(/Closing socket .*\/fcgi.sock/);
    await until(
      () =>
        connected(path).then(
          () => false,
          (error: NodeJS.ErrnoException) => error.code === "ECONNREFUSED",
        ),
      "connections refused",
    );
  });
});

function connected(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(path).on("error", reject);
    socket.on("connect", () => {
      socket
        .off("error", reject)
        .on("error", () => undefined)
        .resume();
      resolve(socket);
    });
  });
}

for (const socket of ["unix", "tcp"] as const) {
  describe(`FastCGI behind nginx, over ${socket}`, () => {
    for (const kind of KINDS) {
      const { test } = needs("nginx", ...kind.needs);

      test(`${kind.name}: no restart of any kind fails a request`, { timeout: 110_000 }, async () => {
        let by: ReadonlySet<string> = new Set();
        const { failed, refusals } = await behindNginx(kind, socket, async (site) => {
          await restartInAllWays(site);
          by = site.traffic.by;
        });
        expect({ failed, refusals }).toEqual({ failed: [], refusals: [] });
        expect(new Set([...by].map((line) => line.split(" ")[2]))).toEqual(
          new Set(["web_00", "web_01", "web_02"]),
        );
      });

      test(`${kind.name}: SIGKILL costs at most the request being answered`, {
        timeout: 110_000,
      }, async () => {
        const { failed, refusals } = await behindNginx(kind, socket, killInAllWays);
        expect(refusals).toEqual([]);
        expect(failed.filter((what) => what !== "502")).toEqual([]);
        expect(failed.length).toBeLessThanOrEqual(2 * NAMES.length);
      });
    }
  });
}
