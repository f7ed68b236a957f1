/** Plugins as ES modules: those of examples/plugins, and what becomes of broken ones. */
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { boot } from "../support/boot.js";
import { launch } from "../support/launch.js";
import { environment, supervisord } from "../support/programs.js";
import { runCommand } from "../support/run-command.js";
import { scratch } from "../support/scratch.js";
import { until } from "../support/until.js";
import { EXAMPLES, type Example, notRunning, raise } from "./support-examples.js";

describe("examples/plugins", { timeout: 90_000 }, () => {
  let example: Example;
  let dir: string;

  beforeAll(async () => {
    const place = scratch("sd my é-");
    dir = place.dir;
    cpSync(join(EXAMPLES, "plugins"), dir, {
      recursive: true,
      filter: notRunning,
    });
    example = await raise(place, { socket: "run/supervisor.sock", log: "run/supervisord.log" });
    for (const name of ["web:web_0", "web:web_1", "audit"]) await example.state(name, "RUNNING");
  });
  afterAll(() => example[Symbol.dispose]());

  test("its methods are listed, told about, checked and called", async () => {
    const names = (await example.rpc("system.listMethods")) as readonly string[];
    expect(names.filter((name) => name.startsWith("fleet."))).toEqual([
      "fleet.counts",
      "fleet.crashes",
      "fleet.forget",
      "fleet.rolling",
      "fleet.spawn",
    ]);
    expect(await example.rpc("system.methodHelp", "fleet.spawn")).toContain(
      "@param string group The group\n",
    );
    expect(await example.rpc("system.methodSignature", "fleet.spawn")).toEqual([
      "array",
      "string",
      "string",
      "string",
    ]);
    expect(await example.rpc("fleet.counts")).toEqual({ RUNNING: 3 });
    await expect(example.rpc("fleet.counts", 1)).rejects.toMatchObject({ code: 2 });
    for (const name of ["fleet.constructor", "fleet.__proto__", "fleet.run", "fleet.counts.run", "fleet"])
      await expect(example.rpc(name), name).rejects.toMatchObject({ code: 1 });
  });

  test("a method that waits answers when it is done, and its faults are faults", async () => {
    const before = await Promise.all(["web:web_0", "web:web_1"].map((name) => example.pid(name)));
    expect(await example.rpc("fleet.rolling", "web")).toEqual(["web:web_0", "web:web_1"]);
    const after = await Promise.all(["web:web_0", "web:web_1"].map((name) => example.pid(name)));
    expect(after.filter((pid) => before.includes(pid))).toEqual([]);
    await expect(example.rpc("fleet.rolling", "nosuch")).rejects.toMatchObject({
      code: 10,
      text: "BAD_NAME: nosuch",
    });
  });

  test("it adds processes while the daemon runs, and takes them away again", async () => {
    expect(await example.rpc("fleet.spawn", "web", "extra")).toEqual(["web:extra"]);
    await example.state("web:extra", "RUNNING");
    await expect(example.rpc("fleet.spawn", "web", "extra")).rejects.toMatchObject({ code: 90 });
    await expect(example.rpc("fleet.spawn", "audit", "extra")).rejects.toMatchObject({ code: 10 });
    await expect(example.rpc("fleet.spawn", "web", "a]\n[program:b")).rejects.toMatchObject({ code: 10 });
    await expect(example.rpc("fleet.spawn", "web", "b", "x\nuser=root")).rejects.toMatchObject({ code: 3 });
    expect(await example.rpc("supervisor.reloadConfig")).toEqual([[[], [], []]]);
    const listed = async (): Promise<readonly string[]> =>
      Object.keys(await example.states()).filter((name) => /extra|more/.test(name));
    expect(await listed()).toEqual(["extra"]);
    await example.rpc("fleet.spawn", "web", "more");
    expect(await listed()).toEqual(["extra", "more"]);
    expect(await example.rpc("fleet.forget", "web:more")).toBe(true);
    expect(await listed()).toEqual(["extra"]);
    expect(await example.rpc("fleet.forget", "web:extra")).toBe(true);
    expect(await listed()).toEqual([]);
    await expect(example.rpc("fleet.forget", "web:extra")).rejects.toMatchObject({ code: 10 });
    expect(await example.rpc("fleet.counts")).toEqual({ RUNNING: 3 });
  });

  test("it hears of state changes", async () => {
    await example.rpc("fleet.spawn", "web", "brief", "/bin/sh -c 'exit 7'");
    await until(async () => {
      const crashes = (await example.rpc("fleet.crashes")) as Readonly<Record<string, number>>;
      return (crashes["web:brief"] ?? 0) > 0;
    }, "the end of brief counted");
    await example.rpc("fleet.forget", "web:brief");
  });

  test("its commands are in supervisorctl: run, helped with, and with an exit status", async () => {
    expect(await example.ctl("counts")).toEqual({ out: "fleet:\n  RUNNING   3\n", err: "", exit: 0 });
    expect(await example.ctl("rolling", "nosuch")).toEqual({
      out: "nosuch: ERROR (BAD_NAME: nosuch)\n",
      err: "",
      exit: 1,
    });
    const help = (await example.ctl("help")).out;
    expect(help).toMatch(/^\ndefault commands \(type help <topic>\):\n=+\nadd /);
    expect(help).toContain("\n\nfleet commands (type help <topic>):\n===================================\n");
    expect(help).toMatch(/counts +rolling/);
    expect((await example.ctl("help", "rolling")).out).toBe(
      "rolling <group>\tRestart its processes one after the other\n",
    );
  });

  test("its handler decides on results: rejected, sent again, accepted; an error is the end of the listener", async () => {
    const file = join(dir, "run/audit.txt");
    const notes = (): string => (existsSync(file) ? readFileSync(file, "utf8") : "");
    await example.rpc("supervisor.sendRemoteCommEvent", "t", "one");
    await until(() => notes() === "RETRY one\nDONE one\n", "the event sent twice");
    await example.rpc("supervisor.sendRemoteCommEvent", "t", "nonsense");
    await until(() => notes().endsWith("NONSENSE nonsense\n"), "the answer that is none");
    const text = /audit: event caused an error[\s\S]*audit: has entered the UNKNOWN state/;
    await until(() => text.test(example.log().join("\n")), "the listener given up");
    expect(example.log().join("\n")).toContain("an answer that audit never gives: NONSENSE");
    expect((await example.states())["audit"]).toBe("RUNNING");
  });
});

const RPC = "[rpcinterface:x]\nsupervisor.rpcinterface_factory=";

/** Starts with this, which is expected to fail. */
async function refusal(conf: string, files: Readonly<Record<string, string>>) {
  using place = scratch();
  const { dir } = place;
  for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, name), text);
  const head = `[supervisord]\nlogfile=${dir}/main.log\npidfile=${dir}/pid\n[program:p]\ncommand=/bin/touch ${dir}/started\n`;
  writeFileSync(join(dir, "s.conf"), head + conf);
  const ran = await runCommand([...supervisord("ours"), "-n", "-c", join(dir, "s.conf")], {
    cwd: "/",
    env: environment(dir),
  });
  return { ...ran, err: ran.err.replaceAll(dir, "DIR").split("\n")[0] };
}

describe("a plugin that can't be used ends the start with one line, and nothing has been started:", () => {
  const make = (body: string) => ({
    "x.mjs": `export function make() { ${body} }\nexport const five = 5;\n`,
  });
  test.each([
    ["no such file", `${RPC}./nosuch.mjs:make`, {}, /Could not make x rpc interface: .*DIR\/nosuch\.mjs.*/],
    ["no such export", `${RPC}./x.mjs:other`, make(""), /: DIR\/x\.mjs has no export "other"/],
    ["no default export", `${RPC}./x.mjs`, make(""), /: DIR\/x\.mjs has no export "default"/],
    ["no function", `${RPC}x.mjs:five`, make(""), /not as a function, the export "five"/],
    [
      "a syntax error",
      `${RPC}./x.mjs:make`,
      { "x.mjs": "export function (" },
      /: DIR\/x\.mjs: Function statements/,
    ],
    ["a factory that throws", `${RPC}./x.mjs:make`, make("throw new Error('no licence')"), /: no licence/],
    ["no methods", `${RPC}./x.mjs:make`, make("return 5"), /returns no object of methods/],
    [
      "a private name",
      `${RPC}./x.mjs:make`,
      make("return { _a: { run() {} } }"),
      /"_a" cannot name a method/,
    ],
    [
      "a name every object has",
      `${RPC}./x.mjs:make`,
      make("return { constructor: { run() {} } }"),
      /"constructor" cannot name a method/,
    ],
    ["nothing to run", `${RPC}./x.mjs:make`, make("return { a: {} }"), /run of method "x.a" is not usable/],
    [
      "a module that never gets ready",
      `${RPC}./x.mjs:make`,
      { "x.mjs": "await new Promise(() => {});\nexport const make = () => ({});\n" },
      /Could not make x rpc interface: it waits for what never comes/,
    ],
    [
      "a factory that never gets ready",
      `${RPC}./x.mjs:make`,
      make("return new Promise(() => {})"),
      /Could not make x rpc interface: it waits for what never comes/,
    ],
    ["no such package", `${RPC}no-such-package:make`, {}, /Cannot find module 'no-such-package'/],
    [
      "a use of the daemon before there is one",
      "[rpcinterface:x]\nsupervisor.rpcinterface_factory=./x.mjs:make",
      { "x.mjs": "export const make = (daemon) => daemon.processes();\n" },
      /: Cannot use the daemon before it has begun/,
    ],
    [
      "a result handler",
      "[eventlistener:l]\ncommand=/bin/cat\nevents=TICK_5\nresult_handler=./nosuch.mjs",
      {},
      /result_handler cannot be resolved within \[eventlistener:l\]: .*nosuch/,
    ],
  ])("%s", async (_name, conf, files, text) => {
    const { err, out, exit } = await refusal(conf, files);
    expect(err).toMatch(/^Error: .* \(DIR\/s\.conf:\d+\)$/);
    expect(err).toMatch(text);
    expect(exit).toBe(2);
    expect(out).not.toContain("spawned");
  });
});

const ANSWER = (answer: string) => `export const make = () => ({ ask: { run: () => ${answer} } });\n`;

test("a reload takes the plugin as it is now; a broken one leaves the daemon and its workers as they are", async () => {
  await using daemon = await boot(
    `[rpcinterface:x]\nsupervisor.rpcinterface_factory=./x.mjs:make\n[program:p]\ncommand=/bin/sleep 1000\nstartsecs=0\n`,
    { files: { "x.mjs": ANSWER("'first'") } },
  );
  expect(await daemon.rpc("x.ask")).toBe("first");
  const { pid } = await daemon.state("p", "RUNNING");
  writeFileSync(join(daemon.dir, "x.mjs"), "export const make = 5; // not any more");
  await expect(daemon.rpc("supervisor.restart")).rejects.toMatchObject({
    code: 92,
    text: expect.stringMatching(/^CANT_REREAD: Could not make x rpc interface: /),
  });
  daemon.signal("SIGHUP");
  await daemon.logged("not reloading: Could not make x rpc interface");
  expect((await daemon.info("p"))["pid"]).toBe(pid);
  expect(await daemon.rpc("x.ask")).toBe("first");
  writeFileSync(join(daemon.dir, "x.mjs"), ANSWER("'second'"));
  expect(await daemon.rpc("supervisor.restart")).toBe(true);
  await until(async () => (await daemon.rpc("x.ask").catch(() => null)) === "second", "the new plugin");
  expect((await daemon.state("p", "RUNNING"))["pid"]).not.toBe(pid);
});

test("what a plugin added is taken over by an upgrade, and by the next supervisor when this one is killed", async () => {
  const plugin =
    'export const make = (daemon) => ({ add: { run: () => daemon.addProgram("p", "extra", { command: "/bin/sleep 1000", startsecs: "0" }) } });\n';
  await using daemon = await boot(
    "[rpcinterface:x]\nsupervisor.rpcinterface_factory=./x.mjs:make\n[program:p]\ncommand=/bin/sleep 1000\nstartsecs=0\n",
    { files: { "x.mjs": plugin } },
  );
  const p = (await daemon.state("p", "RUNNING"))["pid"];
  expect(await daemon.rpc("x.add")).toEqual(["p:extra"]);
  const extra = (await daemon.state("p:extra", "RUNNING"))["pid"];
  await daemon.rpc("supervisord_ts.upgrade");
  expect([(await daemon.info("p"))["pid"], (await daemon.info("p:extra"))["pid"]]).toEqual([p, extra]);
  daemon.signal("SIGKILL");
  await daemon.exited;
  const next = await launch("ours", { dir: daemon.dir, conf: daemon.conf, socket: daemon.socket });
  expect([(await daemon.info("p"))["pid"], (await daemon.info("p:extra"))["pid"]]).toEqual([p, extra]);
  next.kill("SIGTERM");
  expect(await next.exited).toBe(0);
});

test("an upgrade loads plugins anew, and is refused where one is broken", async () => {
  await using daemon = await boot(
    `[rpcinterface:x]\nsupervisor.rpcinterface_factory=./x.mjs:make\n[program:p]\ncommand=/bin/sleep 1000\nstartsecs=0\n`,
    { files: { "x.mjs": ANSWER("'first'") } },
  );
  const { pid } = await daemon.state("p", "RUNNING");
  writeFileSync(join(daemon.dir, "x.mjs"), "export const make = 5; // not any more");
  await expect(daemon.rpc("supervisord_ts.upgrade")).rejects.toMatchObject({
    text: expect.stringContaining("Could not make x rpc interface"),
  });
  expect(await daemon.rpc("x.ask")).toBe("first");
  writeFileSync(join(daemon.dir, "x.mjs"), ANSWER("'second'"));
  await daemon.rpc("supervisord_ts.upgrade");
  expect(await daemon.rpc("x.ask")).toBe("second");
  expect((await daemon.info("p"))["pid"]).toBe(pid);
});

test("what a method throws or returns is answered, whatever it is, and the daemon goes on", async () => {
  const methods = `export default (daemon, options) => (daemon.onBegin(() => daemon.log("info", "begun as " + daemon.identifier)), {
    options: { run: () => options },
    bug: { run() { null.x; } },
    later: { async run() { throw new Error("too late"); } },
    fault: { run() { throw Object.assign(new Error("MINE: no"), { code: 1234 }); } },
    errno: { run() { throw Object.assign(new Error("ENOENT: no"), { code: "ENOENT" }); } },
    text: { run() { throw "up"; } },
    nothing: { run() {} },
    big: { run: () => ({ list: [1, 2.5, "ü", true, { a: [] }] }) },
    never: { run: () => [undefined] },
    symbol: { run: async () => Symbol("s") },
    nan: { run: () => NaN },
    call: { params: ["string method"], run: (method) => daemon.call(method) },
    deaf: { run() { daemon.onStateChange(() => { throw new Error("deaf ears"); }); } },
  });\n`;
  await using daemon = await boot(
    `[rpcinterface:x]\nSupervisor.RPCinterface_Factory=plugins/x.mjs\nSomeKey = Some %%Value\n[program:p]\ncommand=/bin/sleep 1000\nautostart=false\nstartsecs=0\n`,
    {
      prepare(dir) {
        mkdirSync(join(dir, "node_modules/plugins"), { recursive: true });
        writeFileSync(
          join(dir, "node_modules/plugins/package.json"),
          '{"exports":{"import":"./index.js"},"type":"module"}',
        );
        writeFileSync(join(dir, "node_modules/plugins/index.js"), methods);
        const conf = join(dir, "supervisord.conf");
        writeFileSync(conf, readFileSync(conf, "utf8").replace("plugins/x.mjs", "plugins"));
      },
    },
  );
  expect(await daemon.rpc("x.options")).toEqual({ somekey: "Some %Value" });
  const failing = { bug: /Cannot read|null/, later: /too late/, errno: /ENOENT: no/, text: /up/ };
  for (const [name, message] of Object.entries(failing))
    await expect(daemon.rpc(`x.${name}`), name).rejects.toMatchObject({
      code: 30,
      text: expect.stringMatching(message),
    });
  expect(daemon.log().filter((line) => line.startsWith("ERRO x."))).toHaveLength(4);
  await expect(daemon.rpc("x.fault")).rejects.toMatchObject({ code: 1234, text: "MINE: no" });
  expect(await daemon.rpc("x.nothing")).toBe(true);
  expect(await daemon.rpc("x.big")).toEqual({ list: [1, 2.5, "ü", true, { a: [] }] });
  for (const name of ["never", "symbol", "nan"])
    await expect(daemon.rpc(`x.${name}`), name).rejects.toMatchObject({ code: 30 });
  expect(await daemon.rpc("x.call", "supervisor.getIdentification")).toBe("supervisor");
  await expect(daemon.rpc("x.call", "supervisor.nosuch")).rejects.toMatchObject({ code: 1 });
  await daemon.logged("INFO begun as supervisor");
  await daemon.rpc("x.deaf");
  expect(await daemon.rpc("supervisor.startProcess", "p")).toBe(true);
  await daemon.logged("a listener of rpcinterface x failed");
});

test("the results of a listener that comes with an update are accepted until a reload, and that is said", async () => {
  await using daemon = await boot("[program:p]\ncommand=/bin/sleep 1000\nstartsecs=0\n", {
    files: { "h.mjs": "export default () => Promise.resolve();\n" },
  });
  const listener = `[eventlistener:l]\ncommand=/bin/sh -c 'echo READY; read h; printf "RESULT 2\\nOKREADY\\n"; exec sleep 1000'\nevents=REMOTE_COMMUNICATION\nresult_handler=./h.mjs\nstartsecs=0\n`;
  writeFileSync(daemon.conf, readFileSync(daemon.conf, "utf8") + listener);
  expect((await daemon.ctl(["update"])).out).toBe("l: added process group\n");
  await daemon.logged("./h.mjs within [eventlistener:l] is loaded by a reload only");
  await daemon.rpc("supervisor.restart");
  await daemon.logged("SIGTERM");
  await until(async () => {
    const info = await daemon.info("l").catch(() => null);
    return (
      info?.["statename"] === "RUNNING" &&
      daemon.log().filter((line) => line.includes("spawned: 'l'")).length === 2
    );
  }, "the listener in its second life");
  await daemon.rpc("supervisor.sendRemoteCommEvent", "t", "d");
  await daemon.logged("a result handler can't wait");
});

test("Python's plugins are named in one warning each, and everything else works", async () => {
  await using daemon = await boot(
    "[rpcinterface:twiddler]\nsupervisor.rpcinterface_factory=supervisor_twiddler.rpcinterface:make_twiddler_rpcinterface\n[ctlplugin:laforge]\nsupervisor.ctl_factory=mr.laforge.controllerplugin:make\n",
  );
  expect(daemon.log().filter((line) => line.includes("twiddler"))).toEqual([
    "WARN supervisor_twiddler.rpcinterface:make_twiddler_rpcinterface within [rpcinterface:twiddler] is a Python factory, its methods are not available",
  ]);
  expect(await daemon.ctl(["pid"])).toEqual({
    out: `${daemon.pid}\n`,
    err: "Warning: mr.laforge.controllerplugin:make within [ctlplugin:laforge] is a Python factory, its commands are not available\n",
    exit: 0,
  });
});

test("a ctl plugin: ours wins a clash, a broken one is one line and status 2, what a command throws is status 1", async () => {
  const commands = `export const make = (ctl) => [
    { name: "version", help: "never seen", run() { ctl.output("never"); } },
    { name: "seven", help: "seven\\tEnds with 7", run() { ctl.exitStatus = 7; ctl.output(ctl.name); } },
    { name: "throws", help: "", async run() { throw new TypeError("oh no"); } },
  ];
  export const broken = () => [{ name: "two words", run() {} }];\n`;
  await using daemon = await boot("[ctlplugin:mine]\nsupervisor.ctl_factory=./c.mjs:make\n", {
    files: { "c.mjs": commands },
  });
  expect((await daemon.ctl(["version"])).out).not.toContain("never");
  expect(await daemon.ctl(["seven"])).toEqual({ out: "mine\n", err: "", exit: 7 });
  const thrown = await daemon.ctl(["throws"]);
  expect(thrown.out).toBe("ERROR: oh no\n");
  expect(thrown.exit).toBe(1);
  expect((await daemon.ctl([], "seven\nhelp seven\n")).out).toContain("supervisor> seven\tEnds with 7\n");
  writeFileSync(daemon.conf, readFileSync(daemon.conf, "utf8").replace("c.mjs:make", "c.mjs:broken"));
  const broken = await daemon.ctl(["pid"]);
  expect(broken.err).toContain('Error: Could not make mine ctl plugin: "two words" cannot name a command');
  expect(broken).toMatchObject({ out: "", exit: 2 });
  writeFileSync(join(daemon.dir, "c.mjs"), "export const broken = () => new Promise(() => {});\n");
  const never = await daemon.ctl(["pid"]);
  expect(never.err).toContain("Error: Could not make mine ctl plugin: it waits for what never comes");
  expect(never).toMatchObject({ out: "", exit: 2 });
});
