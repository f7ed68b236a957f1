/** The start scripts of the commands: what is meant for the programs, or for a debugger, does not steer the command. */
import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { baseConf, boot } from "../support/boot.js";
import { needs } from "../support/needs.js";
import { overhear } from "../support/overhear.js";
import { environ, marked, status, targets } from "../support/processes.js";
import { environment, OUR_SUPERVISORCTL, OUR_SUPERVISORD } from "../support/programs.js";
import { type Ran, runCommand } from "../support/run-command.js";
import { scratch } from "../support/scratch.js";
import { until } from "../support/until.js";
import { call } from "../support/xmlrpc.js";

const bin = (name: string): string => join(dirname(OUR_SUPERVISORD), name);
const COMMANDS = {
  supervisord: OUR_SUPERVISORD,
  supervisorctl: OUR_SUPERVISORCTL,
  echo_supervisord_conf: bin("echo_supervisord_conf-ts.js"),
  pidproxy: bin("pidproxy-ts.js"),
};

/** Variables that make Node open a debugger, end, or print something. */
const STEERING = {
  NODE_OPTIONS: "--inspect=127.0.0.1:0 --require=/nonexistent/hook.cjs",
  NODE_EXTRA_CA_CERTS: "/nonexistent/ca.pem",
  NODE_DEBUG: "net,fs,module,child_process",
  NODE_REDIRECT_WARNINGS: "/nonexistent/warnings",
  NODE_TLS_REJECT_UNAUTHORIZED: "0",
  NODE_ENV: "production",
  NODE_EMPTY: "",
  NODE_ODD: "it's \"two\"\nexport NODE_FALSE='1' $HOME `id` \\n * \t end\n",
  UV_THREADPOOL_SIZE: "1",
  OPENSSL_CONF: "/nonexistent/openssl.cnf",
} as const;

/** The variables as a process was started with them. */
function steeringOf(pid: number): Record<string, string | undefined> {
  const all = environ(pid);
  expect(Object.keys(all).filter((name) => name.includes("ASIDE"))).toEqual([]);
  return Object.fromEntries(Object.keys(STEERING).map((name) => [name, all[name]]));
}

/** Shells that may be /bin/sh. */
const SHELLS: Readonly<Record<string, readonly string[]>> = {
  dash: ["dash"],
  bash: ["bash", "--posix"],
  busybox: ["busybox", "sh"],
};

const run = (words: readonly string[], env: Readonly<Record<string, string>>, cwd: string): Promise<Ran> =>
  runCommand(words, { env, cwd });

for (const [name, shell] of Object.entries(SHELLS)) {
  const { test: withShell } = needs(...(name === "busybox" ? ["busybox"] : []));
  withShell(
    `under ${name}, no command obeys what is meant for Node, and children get it as it was given`,
    async () => {
      using place = scratch();
      const { dir } = place;
      const env = environment(dir, STEERING);
      const through = (command: keyof typeof COMMANDS, ...words: readonly string[]): Promise<Ran> =>
        run([...shell, COMMANDS[command], ...words], env, dir);
      expect(await through("supervisord", "-v")).toMatchObject({ err: "", exit: 0 });
      expect(await through("supervisorctl", "-h")).toMatchObject({ err: "", exit: 0 });
      expect(await through("echo_supervisord_conf")).toMatchObject({ err: "", exit: 0 });
      const seen = await through("pidproxy", join(dir, "pid"), "/usr/bin/env", "-0");
      expect(seen).toMatchObject({ err: "", exit: 0 });
      const given = seen.out
        .split("\0")
        .filter((each) => /^(NODE|UV|OPENSSL|SUPERVISORD_TS_ASIDE)_/.test(each));
      expect(given.sort()).toEqual(
        Object.entries(STEERING)
          .map(([key, value]) => `${key}=${value}`)
          .sort(),
      );
    },
  );
}

const REPORTER = `[program:told]
command=/bin/sh -c 'echo "expanded: %(ENV_NODE_ENV)s"; exec sleep 600'
[program:off]
command=/bin/sleep 600
autostart=false
`;

test("a program gets Node's variables at start, after a reload and after an upgrade; ENV_ names them", async () => {
  await using daemon = await boot(REPORTER, { env: STEERING });
  const told = async (): Promise<unknown> =>
    steeringOf(Number((await daemon.state("told", "RUNNING"))["pid"]));
  expect(await told()).toEqual(STEERING);
  expect(await daemon.line("told", "expanded:")).toBe("expanded: production");
  daemon.signal("SIGHUP");
  await until(
    () => daemon.log().filter((line) => line.includes("entered RUNNING state")).length === 2,
    "the second start",
  );
  expect(await told()).toEqual(STEERING);
  expect(await daemon.rpc("supervisord_ts.upgrade")).toMatchObject({});
  await daemon.rpc("supervisor.startProcess", "off");
  expect(steeringOf(Number((await daemon.info("off"))["pid"]))).toEqual(STEERING);
  expect(daemon.own().stderr).toBe("");
}, 60_000);

test.each([[[]], [["--respawn"]]])(
  "on the way into the background too, with %o",
  async (words) => {
    using place = scratch();
    const { dir } = place;
    const conf = join(dir, "supervisord.conf");
    writeFileSync(conf, baseConf(dir) + REPORTER);
    const started = await run(
      ["/bin/sh", OUR_SUPERVISORD, ...words, "-c", conf],
      environment(dir, STEERING),
      dir,
    );
    expect(started).toEqual({ out: "", err: "", exit: 0 });
    const socket = { socketPath: join(dir, "s.sock") };
    const pid = await until(async () => {
      const info = await call(socket, "supervisor.getProcessInfo", ["told"]);
      return (info as { readonly pid: number }).pid;
    }, "the program");
    expect(steeringOf(pid)).toEqual(STEERING);
    await call(socket, "supervisor.shutdown");
    await until(() => marked(dir).length === 0, "everything ending");
  },
  60_000,
);

/** Commands that stay, and what each says once it is at work. */
const STAYING = {
  supervisord: { words: [OUR_SUPERVISORD, "-n", "-c", "supervisord.conf"], says: "entered RUNNING state" },
  supervisorctl: { words: [OUR_SUPERVISORCTL, "-c", "supervisord.conf"], says: "supervisor>" },
  pidproxy: {
    words: [COMMANDS.pidproxy, "pid", "/bin/sh", "-c", "echo at work; exec sleep 600"],
    says: "at work",
  },
} as const;

/** The addresses that a process listens on by TCP, as the kernel writes them. */
function tcpListeners(pid: number): readonly string[] {
  const sockets = new Set(
    Object.values(targets(pid)).map((target) => /^socket:\[(\d+)\]$/.exec(target)?.[1]),
  );
  return ["tcp", "tcp6"].flatMap((table) =>
    readFileSync(`/proc/${pid}/net/${table}`, "utf8")
      .split("\n")
      .map((line) => line.trim().split(/\s+/))
      .filter((fields) => fields[3] === "0A" && sockets.has(fields[9]))
      .map((fields) => fields[1] ?? ""),
  );
}

test.each(Object.entries(STAYING))(
  "%s: no SIGUSR1 opens a debugger or ends it, from before its first instruction on",
  async (_name, { words, says }) => {
    using place = scratch();
    const { dir } = place;
    writeFileSync(
      join(dir, "supervisord.conf"),
      `${baseConf(dir)}[program:x]\ncommand=/bin/sleep 600\nstartsecs=0\n`,
    );
    // The spawning program begins by ignoring the signal, so that it can be sent while sh is being loaded.
    const child = spawn("/bin/sh", ["-c", `trap '' USR1; echo go; exec "$@"`, "sh", "/bin/sh", ...words], {
      cwd: dir,
      env: environment(dir),
      stdio: "pipe",
    });
    const heard = overhear(child);
    const pid = child.pid ?? 0;
    await until(() => heard.out().includes("go\n"), "sh", { everyMs: 1 });
    const seen = new Set<string>();
    const signal = (): void => {
      child.kill("SIGUSR1");
      for (const address of tcpListeners(pid)) seen.add(address);
    };
    const busy = setInterval(signal, 1);
    await until(() => heard.ended() || heard.out().includes(says), `${says}`);
    clearInterval(busy);
    for (let more = 0; more < 20; more += 1) signal();
    await until(() => Number(status(pid)["ShdPnd"]) === 0, "the last signal taken");
    expect([heard.ended(), [...seen]]).toEqual([false, []]);
    const said = heard
      .err()
      .split("\n")
      .filter((line) => !line.startsWith("Starting inspector on 192.0.2.1:9229 failed"));
    expect(said.join("\n")).toBe("");
    child.kill("SIGKILL");
    await heard.exited;
  },
  60_000,
);

test("nor in the middle of an upgrade, when one program becomes the other", async () => {
  await using daemon = await boot("[program:x]\ncommand=/bin/cat\n");
  const x = (await daemon.state("x", "RUNNING"))["pid"];
  // Another process sends them, as ours is busy with the calls.
  const sender = spawn("/bin/sh", ["-c", `while kill -s USR1 ${daemon.pid}; do sleep 0.0005; done`], {
    stdio: "ignore",
  });
  try {
    for (let upgrades = 0; upgrades < 8; upgrades += 1) await daemon.rpc("supervisord_ts.upgrade");
  } finally {
    sender.kill("SIGKILL");
  }
  expect([(await daemon.info("x"))["pid"], tcpListeners(daemon.pid)]).toEqual([x, []]);
}, 60_000);

test("the four start scripts have the same words for it, and so has --respawn", () => {
  const scripts = Object.values(COMMANDS).map((path) => readFileSync(path, "utf8"));
  const shells = scripts.map((text) => text.slice(text.indexOf("\ntrap "), text.indexOf("\ndone\n")));
  const strip = (text: string): string => text.replace(/^ *#.*\n/gm, "");
  expect(new Set(shells.map(strip)).size).toBe(1);
  for (const text of [...scripts, readFileSync(bin("respawn.sh"), "utf8")])
    expect(text).toMatch(/\bnode --inspect-port=192\.0\.2\.1:9229 /);
});

test("in a directory that is gone, a command named in full works from anywhere", async () => {
  using place = scratch();
  const { dir } = place;
  const gone = join(dir, "release");
  mkdirSync(gone);
  writeFileSync(
    join(dir, "supervisord.conf"),
    `${baseConf(dir)}[program:x]\ncommand=/bin/pwd\nstartsecs=0\n`,
  );
  const within = (...words: readonly string[]): Promise<Ran> =>
    run(
      ["/bin/sh", "-c", `mkdir -p "$0" && cd "$0" && rmdir "$0" && exec "$@"`, gone, ...words],
      environment(dir),
      dir,
    );
  rmdirSync(gone);
  const conf = join(dir, "supervisord.conf");
  // dash and bash say themselves that they cannot tell where they are.
  const clean = ({ err, ...ran }: Ran): Ran => ({
    ...ran,
    err: err.replace(/^.*(?:getcwd|chdir)\(?\)?.*\n/gm, ""),
  });
  expect(clean(await within("/bin/sh", OUR_SUPERVISORD, "-c", conf))).toEqual({ out: "", err: "", exit: 0 });
  const told = clean(await within("/bin/sh", OUR_SUPERVISORCTL, "-c", conf, "status", "x"));
  expect(told).toMatchObject({ err: "", out: expect.stringMatching(/^x +EXITED /) });
  expect(clean(await within("/bin/sh", COMMANDS.pidproxy, join(dir, "pid"), "/bin/pwd"))).toEqual({
    out: "/\n",
    err: "",
    exit: 0,
  });
  expect(clean(await within("/bin/sh", OUR_SUPERVISORCTL, "-c", "nowhere.conf", "status"))).toMatchObject({
    err: expect.stringContaining("nowhere.conf"),
    exit: 2,
  });
  expect(clean(await within("/bin/sh", OUR_SUPERVISORCTL, "-c", conf, "shutdown"))).toMatchObject({
    exit: 0,
  });
  await until(() => marked(dir).length === 0, "everything ending");
}, 60_000);

test("a Node that is too old is refused in one sentence, before anything else is read", async () => {
  const script = `Object.defineProperty(process, "versions", { value: { node: "18.20.8" } }); require(${JSON.stringify(bin("begin.js"))}); console.log("went on");`;
  expect(await runCommand([process.execPath, "-e", script])).toEqual({
    out: "",
    err: expect.stringMatching(/^supervisord-ts needs Node 20\.19 or newer, and \S+ is v\S+\n$/),
    exit: 2,
  });
});
