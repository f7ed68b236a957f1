/** supervisorctl when something is wrong: a sentence with the place, Supervisor's exit status, no trace. */
import { spawn } from "node:child_process";
import { chmodSync, closeSync, cpSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { baseConf, boot } from "../support/boot.js";
import { fixture } from "../support/fixture.js";
import { overhear } from "../support/overhear.js";
import { environment, OUR_SUPERVISORCTL, supervisorctl } from "../support/programs.js";
import { type Ran, runCommand } from "../support/run-command.js";
import { scratch } from "../support/scratch.js";
import { until } from "../support/until.js";

const asRoot = test.runIf(process.getuid?.() === 0);
const NOBODY = 65534;

function ctl(dir: string, ...words: readonly string[]): Promise<Ran> {
  return runCommand([...supervisorctl("ours"), ...words], { cwd: dir, env: environment(dir) });
}

test("a broken conf is told with every mistake, its file and line: reread, update, reload, and in the shell", async () => {
  await using daemon = await boot(`[program:a]\ncommand=${fixture("ready")}`);
  await daemon.state("a", "RUNNING");
  const mistakes = ["[program:a]", "startsecs=soon", "autorestart=maybe", "[program:b]", "command=/bin/cat"];
  const conf = `${baseConf(daemon.dir)}${mistakes.join("\n")}\nstopsignal=NONE\n`;
  writeFileSync(daemon.conf, conf);
  const line = (text: string): number => conf.split("\n").findIndex((each) => each.startsWith(text)) + 1;
  for (const action of ["reread", "update", "reload"]) {
    const ran = await daemon.ctl([action]);
    expect(ran).toMatchObject({ err: "", exit: 1 });
    for (const text of ["startsecs", "autorestart", "stopsignal"])
      expect(ran.out).toContain(`:${line(text)})`);
    expect(ran.out).toMatch(/^ERROR: CANT_REREAD: [^\n]+\n/);
    expect(ran.out.trimEnd().split("\n").length).toBeGreaterThanOrEqual(3);
    expect(ran.out).not.toMatch(/class|Fault/);
  }
  expect((await daemon.ctl([], "reread\nquit\n")).out).toContain("supervisor> ERROR: CANT_REREAD: ");
  expect((await daemon.info("a"))["statename"]).toBe("RUNNING");
});

test("while the daemon stops, every command says so in a sentence", async () => {
  await using daemon = await boot(`[program:a]\ncommand=${fixture("ignore-sigterm")}\nstopwaitsecs=1000`);
  await daemon.state("a", "RUNNING");
  await daemon.line("a", "ready");
  const { pid } = await daemon.info("a");
  writeFileSync(daemon.conf, `${readFileSync(daemon.conf, "utf8")}\nautostart=false\n`);
  expect((await daemon.ctl(["reload"])).out).toBe("Restarted supervisord\n");
  const stopping = /^ERROR: (?:supervisor |already )?shutting down(?: \(or reloading\))?\n$/;
  for (const words of [
    ["status"],
    ["start", "a"],
    ["pid"],
    ["tail", "-f", "a"],
    ["update"],
    ["reread"],
    ["avail"],
  ])
    expect(await daemon.ctl(words)).toEqual({ out: expect.stringMatching(stopping), err: "", exit: 1 });
  process.kill(Number(pid), "SIGKILL");
  await until(
    async () => (await daemon.ctl(["status", "a"])).out.includes("STOPPED"),
    "a daemon that has begun anew",
  );
});

asRoot("a socket that this user may not open: path, reason and mode", async () => {
  using place = scratch();
  const { dir } = place;
  await using daemon = await boot(`[program:a]\ncommand=${fixture("ready")}`);
  chmodSync(dir, 0o755);
  // Where this lies may be closed to others.
  for (const part of ["bin", "dist/bin"])
    cpSync(fileURLToPath(new URL(`../../${part}`, import.meta.url)), join(dir, part), { recursive: true });
  const asNobody = async (url: string, ...words: readonly string[]): Promise<Ran> => {
    const child = spawn(process.execPath, [join(dir, "bin/supervisorctl-ts.js"), "-s", url, ...words], {
      cwd: dir,
      env: environment(dir),
      uid: NOBODY,
      gid: NOBODY,
    });
    const { out, err, closed } = overhear(child);
    const exit = await closed;
    return { out: out(), err: err(), exit };
  };
  chmodSync(daemon.dir, 0o755);
  chmodSync(daemon.socket, 0o700);
  const url = `unix://${daemon.socket}`;
  const closed = `${url} permission denied (uid 65534 may not write to it: mode 0700, owner 0:0)\n`;
  for (const words of [["status"], ["reread"], ["tail", "-f", "a"], ["shutdown"]])
    expect(await asNobody(url, ...words)).toEqual({ out: closed, err: "", exit: 1 });
  chmodSync(daemon.dir, 0o700);
  const inside = `${url} permission denied (uid 65534 may not enter its directory)\n`;
  expect(await asNobody(url, "status")).toEqual({ out: inside, err: "", exit: 1 });
});

test("a socket's path that is too long: how long it is and may be", async () => {
  using place = scratch();
  const path = join(place.dir, "x".repeat(100));
  const text = `ERROR: Cannot connect to ${path}: a socket's path has at most 107 bytes, this one has ${path.length}\n`;
  for (const words of [["status"], ["tail", "-f", "a"]])
    expect(await ctl(place.dir, "-s", `unix://${path}`, ...words)).toEqual({ out: text, err: "", exit: 1 });
  const opened = await runCommand([...supervisorctl("ours"), "-s", `unix://${place.dir}/none`], {
    cwd: place.dir,
    env: environment(place.dir),
    stdin: `open unix://${path}\npid\n`,
  });
  const none = `unix://${place.dir}/none no such file\n`;
  expect(opened).toEqual({
    out: `${none}supervisor> ${text}supervisor> ${none}supervisor> \n`,
    err: "",
    exit: 0,
  });
});

test.each([
  ["http://[::1", "Cannot use serverurl http://[::1: it is no URL"],
  ["gopher://x", "Unknown protocol for serverurl gopher://x"],
])("the serverurl %s", async (url, text) => {
  using place = scratch();
  expect(await ctl(place.dir, "-s", url, "status")).toEqual({ out: `ERROR: ${text}\n`, err: "", exit: 1 });
});

describe("output that cannot be written", () => {
  test.each([["help"], ["-h"]])("on a full disk: %s", async (word) => {
    using place = scratch();
    const full = openSync("/dev/full", "w");
    try {
      const child = spawn(process.execPath, [OUR_SUPERVISORCTL, word], {
        cwd: place.dir,
        env: environment(place.dir),
        stdio: ["ignore", full, "pipe"],
      });
      const { err, closed } = overhear(child);
      expect(await closed).toBe(1);
      expect(err()).toBe("Error: cannot write to stdout: no space left on device\n");
    } finally {
      closeSync(full);
    }
  });
});

test("-h names the program as it was called, and the actions", async () => {
  using place = scratch();
  const ran = await ctl(place.dir, "-h");
  expect(ran).toMatchObject({ err: "", exit: 0 });
  expect(ran.out).toMatch(/^Usage: supervisorctl-ts \[options\] \[action\.\.\.\]$/m);
  for (const action of ["add", "status", "tail", "upgrade", "help"])
    expect(ran.out).toMatch(new RegExp(`^ {2}${action}\\b`, "m"));
});
