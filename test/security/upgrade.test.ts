/** An upgrade under clients and versions that mean no good: each has its own answer, and nobody is held up. */
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type Booted, boot } from "../support/boot.js";
import { freePort } from "../support/free-port.js";
import { request } from "../support/http.js";
import { askedFirst, INSTALLED, install, installVersion } from "../support/installed.js";
import { marked } from "../support/processes.js";
import { until } from "../support/until.js";
import { call, decodeResponse, encodeCall, type Value } from "../support/xmlrpc.js";

/** The most that an upgrade takes while others want something, on a machine that has much to do. */
const SOON_MS = 20_000;
const UPGRADED = { from: expect.any(String), to: expect.any(String) };

/** Stops only once the file `go` is there, whatever it is told. */
const STUBBORN = `command=/bin/sh -c 'trap "" TERM; echo ready; while [ ! -e %(dir)s/go ]; do sleep 0.05; done'
stopwaitsecs=600
startsecs=0
autorestart=false
`;

interface Line extends Disposable {
  readonly socket: Socket;
  text(): string;
  /** Resolves once so many answers have come whole. */
  answers(count: number): Promise<Value[]>;
  readonly closed: Promise<string>;
}

function open({ socket: path }: Booted): Line {
  const socket = connect({ path, allowHalfOpen: true });
  let text = "";
  socket.setEncoding("latin1").on("data", (chunk: string) => {
    text += chunk;
  });
  socket.on("error", () => undefined);
  const closed = new Promise<string>((resolve) => {
    socket.on("end", () => resolve(text)).on("close", () => resolve(text));
  });
  return {
    socket,
    text: () => text,
    closed,
    async answers(count) {
      const enough = (): readonly string[] | false => {
        const all = responses(text);
        return all.length >= count && all;
      };
      const all = await until(enough, () => `${count} answers in ${text.slice(0, 1000)}`);
      return all.map((body) => decodeResponse(body));
    },
    [Symbol.dispose]: () => socket.destroy(),
  };
}

/** The bodies of all answers that are there, each exactly as long as its head says. */
function responses(text: string): readonly string[] {
  const bodies: string[] = [];
  for (let at = 0; ; ) {
    const end = text.indexOf("\r\n\r\n", at);
    if (end < 0) return bodies;
    const head = text.slice(at, end);
    expect(head).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    const length = Number(/^content-length: (\d+)$/im.exec(head)?.[1]);
    at = end + 4 + length;
    if (text.length < at) return bodies;
    bodies.push(text.slice(end + 4, at));
  }
}

function post(method: string, params: readonly Value[] = [], version = "1.1", more = ""): string {
  const body = encodeCall(method, params);
  return `POST /RPC2 HTTP/${version}\r\nHost: x\r\nContent-Type: text/xml\r\n${more}Content-Length: ${body.length}\r\n\r\n${body}`;
}

async function upgradeSoon(daemon: Booted): Promise<number> {
  const begin = performance.now();
  expect(await daemon.rpc("supervisord_ts.upgrade")).toEqual(UPGRADED);
  const took = performance.now() - begin;
  expect(took).toBeLessThan(SOON_MS);
  return took;
}

const statusOf = (name: string, group = name): Value => ({ name, group, status: 80, description: "OK" });

describe("a call that waits over an upgrade gets its own answer", () => {
  const stop = post("supervisor.stopProcess", ["deaf"]);
  const calls = [
    ["stopProcess", stop, true],
    ["stopProcess group:*", post("supervisor.stopProcess", ["deaf:*"]), [statusOf("deaf")]],
    ["stopProcessGroup", post("supervisor.stopProcessGroup", ["deaf"]), [statusOf("deaf")]],
    ["stopAllProcesses", post("supervisor.stopAllProcesses"), [statusOf("quick"), statusOf("deaf")]],
    [
      "system.multicall",
      post("system.multicall", [
        [
          { methodName: "supervisor.getIdentification", params: [] },
          { methodName: "supervisor.stopProcess", params: ["deaf"] },
          { methodName: "supervisor.stopProcess", params: ["deaf"] },
          { methodName: "supervisor.getAPIVersion", params: [] },
        ],
      ]),
      ["supervisor", true, { faultCode: 70, faultString: "NOT_RUNNING: deaf" }, "3.0"],
    ],
    ["by HTTP/1.0", post("supervisor.stopProcess", ["deaf"], "1.0"), true],
    ["with a header of its own", post("supervisor.stopProcess", ["deaf"], "1.1", "X-Other: y\r\n"), true],
  ] as const satisfies readonly (readonly [string, string, Value])[];

  test.each(calls)("%s", async (_what, asked, answer) => {
    await using daemon = await boot(
      `[program:deaf]\n${STUBBORN}[program:quick]\ncommand=/bin/cat\nstartsecs=0`,
    );
    await daemon.line("deaf", "ready");
    using line = open(daemon);
    line.socket.write(asked);
    await daemon.state("deaf", "STOPPING");
    await upgradeSoon(daemon);
    await upgradeSoon(daemon);
    expect(line.text()).toBe("");
    expect((await daemon.info("deaf"))["statename"]).toBe("STOPPING");
    writeFileSync(join(daemon.dir, "go"), "");
    expect(await line.answers(1)).toEqual([answer]);
    expect((await daemon.info("deaf"))["statename"]).toBe("STOPPED");
  });

  test("to a client that has said all it had to say", async () => {
    await using daemon = await boot(`[program:deaf]\n${STUBBORN}`);
    await daemon.line("deaf", "ready");
    using line = open(daemon);
    line.socket.end(stop);
    await daemon.state("deaf", "STOPPING");
    await upgradeSoon(daemon);
    writeFileSync(join(daemon.dir, "go"), "");
    expect(responses(await line.closed).map(decodeResponse)).toEqual([true]);
  });

  test("and goes on with what it has asked meanwhile on the same connection", async () => {
    await using daemon = await boot(`[program:deaf]\n${STUBBORN}`);
    await daemon.line("deaf", "ready");
    using line = open(daemon);
    line.socket.write(stop + post("supervisor.getIdentification"));
    await daemon.state("deaf", "STOPPING");
    await upgradeSoon(daemon);
    line.socket.write(post("supervisor.getAPIVersion"));
    writeFileSync(join(daemon.dir, "go"), "");
    expect(await line.answers(3)).toEqual([true, "supervisor", "3.0"]);
  });

  test("startProcess: true when it is up, a fault when it is not", async () => {
    await using daemon = await boot(
      `[program:up]\ncommand=/bin/cat\nautostart=false\nstartsecs=4\n[program:down]\n${STUBBORN.replace("startsecs=0", "startsecs=60\nautostart=false\nstartretries=0")}`,
    );
    using up = open(daemon);
    using down = open(daemon);
    using all = open(daemon);
    up.socket.write(post("supervisor.startProcess", ["up"]));
    down.socket.write(post("supervisor.startProcess", ["down"]));
    await daemon.line("down", "ready");
    await daemon.state("up", "STARTING");
    all.socket.write(post("supervisor.startProcess", ["up"]));
    expect(await all.answers(1).catch((fault: Error) => fault.message)).toMatch(/60 ALREADY_STARTED/);
    await upgradeSoon(daemon);
    writeFileSync(join(daemon.dir, "go"), "");
    expect(await down.answers(1).catch((fault: Error) => fault.message)).toMatch(/50 SPAWN_ERROR: down/);
    expect(await up.answers(1)).toEqual([true]);
  });

  test("one that only the version before could know is told so", async () => {
    await using daemon = await boot("[rpcinterface:slow]\nsupervisor.rpcinterface_factory=./slow.mjs:make", {
      files: {
        "slow.mjs":
          "export const make = (context) => ({ wait: { run: () => { context.log('info', 'waits'); return new Promise(() => undefined); } } });",
      },
    });
    using line = open(daemon);
    using other = open(daemon);
    line.socket.write(post("slow.wait"));
    other.socket.write(post("slow.wait", [], "1.1", "X-Other: y\r\n"));
    await until(() => daemon.log().filter((text) => text.includes("waits")).length === 2, "both calls");
    await upgradeSoon(daemon);
    for (const each of [line, other])
      expect(await each.answers(1).catch((fault: Error) => fault.message)).toMatch(
        /^30 FAILED: supervisord was upgraded during the call/,
      );
  });
});

test.each([
  ["restart", "?processname=deaf&action=restart", ["deaf", "deaf"]],
  ["restart all", "?action=restartall", ["deaf", "deaf"]],
  ["stop", "?processname=deaf&action=stop", ["deaf"]],
])("a button of the page that waits over an upgrade: %s is done whole", async (_what, query, spawned) => {
  await using daemon = await boot(`[program:deaf]\n${STUBBORN}`);
  await daemon.line("deaf", "ready");
  const answer = request({ socketPath: daemon.socket }, "GET", `/index.html${query}`);
  await daemon.state("deaf", "STOPPING");
  await upgradeSoon(daemon);
  await upgradeSoon(daemon);
  writeFileSync(join(daemon.dir, "go"), "");
  expect(await answer).toMatchObject({
    status: 303,
    headers: { location: "index.html", connection: "close" },
  });
  const spawns = daemon.log().flatMap((line) => /spawned: '(\w+)'/.exec(line)?.[1] ?? []);
  expect(spawns).toEqual(spawned);
});

test("a server that the configuration no longer has answers who waits there, and is gone", async () => {
  const port = await freePort();
  await using daemon = await boot(`[program:deaf]\n${STUBBORN}[inet_http_server]\nport=127.0.0.1:${port}\n`);
  await daemon.line("deaf", "ready");
  const conf = readFileSync(daemon.conf, "utf8");
  writeFileSync(daemon.conf, conf.replace(/^\[inet_http_server\]\n.*$/m, ""));
  const stopped = call({ port }, "supervisor.stopProcess", ["deaf"]);
  await daemon.state("deaf", "STOPPING");
  expect(await call({ port }, "supervisord_ts.upgrade")).toEqual(UPGRADED);
  await expect(call({ port }, "supervisor.getState")).rejects.toThrow("ECONNREFUSED");
  writeFileSync(join(daemon.dir, "go"), "");
  expect(await stopped).toBe(true);
});

describe("nobody holds up an upgrade, and an upgrade nobody", () => {
  test("a client that never reads: the answers it has asked for come whole, whenever it reads", async () => {
    const count = 700;
    await using daemon = await boot(
      "[program:p]\ncommand=/bin/sleep 1000\nnumprocs=10\nprocess_name=%(process_num)02d\nautostart=false",
    );
    using line = open(daemon);
    line.socket.pause();
    line.socket.write(post("supervisor.getAllProcessInfo").repeat(count));
    line.socket.write(post("supervisor.getIdentification"));
    await daemon.rpc("supervisor.getState");
    await upgradeSoon(daemon);
    await upgradeSoon(daemon);
    line.socket.resume();
    const all = await line.answers(count + 1);
    expect(all).toHaveLength(count + 1);
    expect(all.pop()).toBe("supervisor");
    for (const each of all) expect(each).toHaveLength(10);
  });

  test("calls too large to be handed over all: four are, and the fifth is told so", {
    timeout: 120_000,
  }, async () => {
    await using daemon = await boot(`[program:deaf]\n${STUBBORN}numprocs=5\nprocess_name=%(process_num)d\n`);
    const names = ["deaf:0", "deaf:1", "deaf:2", "deaf:3", "deaf:4"];
    for (const name of names) await daemon.line(name, "ready");
    const large = "x".repeat(14 * 1024 * 1024);
    const asked = names.map((name) =>
      daemon
        .rpc("system.multicall", [
          { methodName: "supervisor.stopProcess", params: [name] },
          { methodName: "supervisor.getIdentification", params: [large] },
        ])
        .catch((fault: Error) => fault.message),
    );
    for (const name of names) await daemon.state(name, "STOPPING");
    await upgradeSoon(daemon);
    writeFileSync(join(daemon.dir, "go"), "");
    const answers = await Promise.all(asked);
    expect(answers.filter((answer) => String(answer).startsWith("30 FAILED: supervisord was"))).toHaveLength(
      1,
    );
    const fault = { faultCode: 2, faultString: "INCORRECT_PARAMETERS" };
    expect(answers.filter((answer) => Array.isArray(answer))).toEqual(Array(4).fill([true, fault]));
  });

  test("a request that never comes to its end, a stream: they end, and everybody else goes on", async () => {
    await using daemon = await boot("[program:cat]\ncommand=/bin/cat\nstartsecs=0");
    await daemon.state("cat", "RUNNING");
    using slow = open(daemon);
    using stream = open(daemon);
    using half = open(daemon);
    slow.socket.write("POST /RPC2 HTTP/1.1\r\nHost: x\r\nX-Other: y\r\nContent-Length: 100\r\n\r\n<");
    stream.socket.write("GET /mainlogtail HTTP/1.1\r\nHost: x\r\n\r\n");
    const asked = post("supervisor.getIdentification");
    half.socket.write(asked.slice(0, 50));
    await until(() => stream.text().includes("spawned"), "the stream");
    await upgradeSoon(daemon);
    expect(await slow.closed).toBe("");
    await stream.closed;
    half.socket.write(asked.slice(50));
    expect(await half.answers(1)).toEqual(["supervisor"]);
  });

  test("while the installed version is asked everybody is served; a second upgrade is refused", async () => {
    await using daemon = await boot("[program:cat]\ncommand=/bin/cat\nstartsecs=0", {
      prepare: install,
      program: INSTALLED,
    });
    const { dir } = daemon;
    installVersion(
      dir,
      askedFirst(
        `const { existsSync, writeFileSync } = require("node:fs"); writeFileSync("${dir}/asked", ""); setInterval(() => existsSync("${dir}/go") && process.exit(0), 20);`,
      ),
    );
    const upgraded = daemon.rpc("supervisord_ts.upgrade");
    await until(() => existsSync(join(dir, "asked")), "the question");
    await daemon.rpc("supervisor.stopProcess", "cat");
    await daemon.rpc("supervisor.startProcess", "cat");
    await expect(daemon.rpc("supervisord_ts.upgrade")).rejects.toThrow("FAILED: an upgrade is under way");
    writeFileSync(join(dir, "go"), "");
    expect(await upgraded).toEqual(UPGRADED);
  });

  test("clients that connect during the exec are served after it", async () => {
    await using daemon = await boot("");
    let done = false;
    let served = 0;
    const ask = async (): Promise<void> => {
      for (; !done; served += 1) expect(await daemon.rpc("supervisor.getIdentification")).toBe("supervisor");
    };
    const asking = [ask(), ask(), ask()];
    for (let count = 0; count < 3; count += 1) await upgradeSoon(daemon);
    done = true;
    await Promise.all(asking);
    expect(served).toBeGreaterThan(0);
  });
});

describe("a version that is no good is refused, with its reason, and the next upgrade is free", () => {
  const leaver = (dir: string): string =>
    askedFirst(
      `require("node:child_process").spawn("/bin/sleep", ["1000"], { stdio: "inherit" }).on("spawn", () => { console.error("left one in ${dir}"); process.exit(3); });`,
    );
  const versions: readonly (readonly [string, (dir: string) => string | null, RegExp])[] = [
    ["missing", () => null, /Cannot find module .*supervisord-ts\.js/],
    ["a syntax error", () => "const = ;", /SyntaxError/],
    ["silent", () => askedFirst("process.exit(5);"), /: exit status 5$/],
    ["killed", () => askedFirst('process.kill(process.pid, "SIGSEGV");'), /terminated by SIGSEGV/],
    [
      "talkative",
      () =>
        askedFirst(
          'for (let i = 0; i < 4000; i += 1) require("node:fs").writeSync(2, "x".repeat(99) + "\\u0007\\n"); require("node:fs").writeSync(2, "the reason\\n"); process.exit(1);',
        ),
      /^30 FAILED: the installed version cannot take over: [x; ]{1,5000}; the reason$/,
    ],
    ["with a child left behind", leaver, /left one/],
  ];

  test.each(versions)("%s", async (_what, version, reason) => {
    await using daemon = await boot("[program:cat]\ncommand=/bin/cat\nstartsecs=0", {
      prepare: install,
      program: INSTALLED,
    });
    const { pid } = await daemon.state("cat", "RUNNING");
    const script = version(daemon.dir);
    if (script === null) rmSync(join(daemon.dir, INSTALLED));
    else installVersion(daemon.dir, script);
    await expect(daemon.rpc("supervisord_ts.upgrade")).rejects.toThrow(reason);
    await daemon.logged(/^ERRO cannot upgrade: the installed version cannot take over/);
    await until(
      () => marked(daemon.dir).every((each) => each === pid || each === daemon.pid),
      "nothing of the version being left",
    );
    install(daemon.dir);
    await upgradeSoon(daemon);
    expect((await daemon.info("cat"))["pid"]).toBe(pid);
  });

  test("an exec that fails leaves everything as it was, waiting calls too", async () => {
    await using daemon = await boot(`[program:deaf]\n${STUBBORN}`, {
      program: INSTALLED,
      prepare(dir) {
        install(dir);
        mkdirSync(join(dir, "node"));
        copyFileSync(process.execPath, join(dir, "node/node"));
      },
      // The first node in PATH is one that the version below can spoil.
      env: { PATH: "node:/usr/bin:/bin" },
    });
    await daemon.line("deaf", "ready");
    using line = open(daemon);
    line.socket.write(post("supervisor.stopProcess", ["deaf"]));
    await daemon.state("deaf", "STOPPING");
    installVersion(
      daemon.dir,
      askedFirst('require("node:fs").chmodSync(process.execPath, 0); process.exit(0);'),
    );
    await expect(daemon.rpc("supervisord_ts.upgrade")).rejects.toThrow(/FAILED: cannot run .*node: EACCES/);
    writeFileSync(join(daemon.dir, "go"), "");
    expect(await line.answers(1)).toEqual([true]);
    line.socket.write(post("supervisor.getIdentification"));
    expect(await line.answers(2)).toEqual([true, "supervisor"]);
  });

  test.each([
    ["SIGTERM", "shutting down"],
    ["SIGHUP", "reloading"],
  ] as const)("%s while it is asked: the upgrade ends, and what was asked with it", async (signal, what) => {
    await using daemon = await boot(`[program:deaf]\n${STUBBORN}`, { prepare: install, program: INSTALLED });
    const { dir } = daemon;
    await daemon.line("deaf", "ready");
    installVersion(
      dir,
      askedFirst(
        `process.on("SIGTERM", () => undefined); require("node:fs").writeFileSync("${dir}/asked", String(process.pid)); setInterval(() => undefined, 1000);`,
      ),
    );
    const upgraded = daemon.rpc("supervisord_ts.upgrade").catch((error: Error) => error.message);
    const asked = await until(
      () => existsSync(join(dir, "asked")) && readFileSync(join(dir, "asked"), "utf8"),
      "the question",
    );
    daemon.signal(signal);
    expect(await upgraded).toBe(`30 FAILED: supervisord is ${what}`);
    await until(() => !existsSync(`/proc/${asked}`), "the end of what was asked");
    writeFileSync(join(dir, "go"), "");
    if (signal === "SIGTERM") return expect(await daemon.exited).toBe(0);
    install(dir);
    await until(
      () =>
        daemon
          .rpc("supervisord_ts.upgrade")
          .then(() => true)
          .catch(() => false),
      "an upgrade in the next life",
    );
  });
});
