/** `--respawn`: a small parent starts the daemon again when it crashes, under each shell that may be /bin/sh. */
import { spawn } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { baseConf } from "../support/boot.js";
import { fixturePath } from "../support/fixture.js";
import { needs } from "../support/needs.js";
import { alive, commandLine, environ, marked, stat } from "../support/processes.js";
import { environment, OUR_SUPERVISORD } from "../support/programs.js";
import { runCommand } from "../support/run-command.js";
import { scratch } from "../support/scratch.js";
import { until } from "../support/until.js";
import { call } from "../support/xmlrpc.js";

const RESPAWN = join(OUR_SUPERVISORD, "../respawn.sh");

function place(programs = ""): ReturnType<typeof scratch> & { conf: string; pid: () => Promise<number> } {
  const made = scratch();
  const { dir } = made;
  const conf = join(dir, "supervisord.conf");
  writeFileSync(conf, baseConf(dir) + programs);
  /** Of the daemon that answers now. */
  const pid = (): Promise<number> =>
    until(async () => {
      try {
        return Number(await call({ socketPath: join(dir, "s.sock") }, "supervisor.getPID"));
      } catch {
        return null;
      }
    }, "a daemon that answers");
  return { ...made, conf, pid };
}

async function crash(dir: string, pid: () => Promise<number>): Promise<number> {
  const old = await pid();
  process.kill(old, "SIGKILL");
  const next = await until(async () => {
    const now = await pid();
    return now !== old && now;
  }, "another daemon");
  expect(Number(readFileSync(join(dir, "supervisord.pid"), "utf8"))).toBe(next);
  return next;
}

async function keepsRunning(shell: readonly string[]): Promise<void> {
  using here = place("[program:cat]\ncommand=/bin/cat\n");
  const { dir, conf, pid } = here;
  const [file = "", ...words] = shell;
  const parent = spawn(file, [...words, RESPAWN, OUR_SUPERVISORD, "--respawn", "-n", "-c", conf], {
    cwd: dir,
    env: environment(dir),
    stdio: "ignore",
  });
  const exited = new Promise((resolve) => parent.once("exit", (status, signal) => resolve(status ?? signal)));
  await crash(dir, pid);
  const daemon = await crash(dir, pid);
  expect(stat(daemon)?.ppid).toBe(parent.pid);
  const cat = await until(async () => {
    const info = await call({ socketPath: join(dir, "s.sock") }, "supervisor.getProcessInfo", ["cat"]);
    return (info as { pid: number }).pid;
  }, "a worker");
  expect(Object.keys(environ(cat)).filter((name) => name.startsWith("SUPERVISORD_TS_"))).toEqual([
    "SUPERVISORD_TS_TEST_DIR",
  ]);
  // A reload is passed on, and is no reason to end; nor is the word to end lost in the middle of it.
  parent.kill("SIGHUP");
  await until(() => readFileSync(join(dir, "main.log"), "utf8").includes("received SIGHUP"), "the reload");
  parent.kill("SIGTERM");
  expect(await exited).toBe(0);
  expect(marked(dir)).toEqual([]);
}

test("under sh, killed twice, told to end once", () => keepsRunning(["/bin/sh"]), 60_000);
const { test: withBusybox } = needs("busybox");
withBusybox("under busybox's sh", () => keepsRunning(["busybox", "sh"]), 60_000);

test("in the background: the front process ends when the first daemon is ready; one that is killed comes back", async () => {
  using here = place();
  const { dir, conf, pid } = here;
  const ran = await runCommand([OUR_SUPERVISORD, "--respawn", "-c", conf], {
    cwd: dir,
    env: environment(dir),
  });
  expect(ran).toEqual({ out: "", err: "", exit: 0 });
  const daemon = await crash(dir, pid);
  const parent = stat(daemon)?.ppid ?? 0;
  expect(marked(dir).sort()).toEqual([daemon, parent].sort());
  process.kill(parent, "SIGTERM");
  await until(() => !alive(parent), "the parent ending");
  expect(marked(dir)).toEqual([]);
  expect(existsSync(join(dir, "supervisord.pid"))).toBe(false);
}, 60_000);

test.each([[["-n"]], [[]]])("a configuration that can't be used ends it at once, with %o", async (words) => {
  using here = place("[program:x]\n");
  const { dir, conf } = here;
  const command = [OUR_SUPERVISORD, "--respawn", ...words, "-c", conf];
  const ran = await runCommand(command, { cwd: dir, env: environment(dir) });
  expect(ran.exit).toBe(2);
  expect(ran.err.match(/^Error: /gm)).toHaveLength(1);
  expect(marked(dir)).toEqual([]);
});

test("what keeps dying is given longer and longer pauses, which a signal ends", async () => {
  using here = place();
  const { dir } = here;
  // In place of the daemon: notes that it was started, and dies.
  const notes = join(dir, "starts");
  const parent = spawn("/bin/sh", [RESPAWN, fixturePath("note-and-die"), notes], {
    env: environment(dir),
    stdio: "ignore",
  });
  const exited = new Promise((resolve) => parent.once("exit", (status, signal) => resolve(status ?? signal)));
  const starts = (): readonly number[] =>
    (existsSync(notes) ? readFileSync(notes, "utf8") : "").split("\n").filter(Boolean).map(Number);
  const times = await until(() => starts().length === 4 && starts(), "four starts");
  const pauses = times.slice(1).map((time, at) => time - (times[at] ?? 0));
  expect(pauses[1]).toBeGreaterThanOrEqual(1000);
  expect(pauses[2]).toBeGreaterThanOrEqual(2000);
  await until(() => marked(dir).some((pid) => commandLine(pid) === "sleep 4"), "the next pause");
  parent.kill("SIGTERM");
  expect(await exited).toBe(0);
  expect(marked(dir)).toEqual([]);
}, 60_000);
