/** A daemon of root's and a program's user who owns the directory of its logs, and puts links to root's files there. */
import fs from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type Booted, boot } from "../support/boot.js";
import { runCommand } from "../support/run-command.js";
import { until } from "../support/until.js";

const NOBODY = 65_534;
const SECRET = "root:x:0:0\n";
const asRoot = test.runIf(process.getuid?.() === 0);

interface Stage {
  /** Owned by the user nobody. */
  readonly directory: string;
  /** Root's alone, in a directory that nobody can enter. */
  readonly secret: string;
}

function stage(dir: string): Stage {
  fs.chmodSync(dir, 0o755);
  const directory = join(dir, "theirs");
  fs.mkdirSync(directory);
  fs.chownSync(directory, NOBODY, NOBODY);
  const secret = join(dir, "secret");
  fs.writeFileSync(secret, SECRET, { mode: 0o600 });
  return { directory, secret };
}

/** As nobody: moves the log away and leaves a link in its place. */
async function plant({ directory, secret }: Stage, name: string): Promise<void> {
  const script = `
    const fs = require("node:fs");
    process.setgroups([]); process.setgid(${NOBODY}); process.setuid(${NOBODY});
    if (fs.existsSync("${name}")) fs.renameSync("${name}", "moved-${name}");
    fs.symlinkSync(${JSON.stringify(secret)}, "${name}");`;
  const ran = await runCommand([process.execPath, "-e", script], { cwd: directory });
  expect(ran.err).toBe("");
}

function expectUntouched({ secret }: Stage): void {
  expect(fs.readFileSync(secret, "utf8")).toBe(SECRET);
  const { mode, uid } = fs.statSync(secret);
  expect([mode & 0o777, uid]).toEqual([0o600, 0]);
}

const TALKER = `[program:n]
command=/bin/sh -c 'while read line; do echo "EVIL::0:0:::$line"; done'
user=nobody
startsecs=0
autorestart=false
stdout_logfile=%(dir)s/theirs/n.log
stderr_logfile=%(dir)s/theirs/n.err
`;

function withStage(conf: string): { readonly start: () => Promise<Booted>; readonly place: () => Stage } {
  let place: Stage | null = null;
  return {
    start: () =>
      boot(conf, {
        prepare(dir) {
          place = stage(dir);
        },
      }),
    place: () => place ?? expect.unreachable(),
  };
}

async function say(daemon: Booted, count: number): Promise<void> {
  for (let at = 0; at < count; at += 1) await daemon.rpc("supervisor.sendProcessStdin", "n", `${at}\n`);
}

for (const backups of [2, 0]) {
  asRoot(`rotation with backups=${backups} writes nothing into what the link leads to`, async () => {
    const { start, place } = withStage(
      `${TALKER}stdout_logfile_maxbytes=100\nstdout_logfile_backups=${backups}\n`,
    );
    await using daemon = await start();
    const log = join(place().directory, "n.log");
    await say(daemon, 1);
    await until(() => fs.statSync(log).size > 0, "the first line");
    await plant(place(), "n.log");
    await say(daemon, 30);
    await until(() => fs.lstatSync(log).isFile() && fs.statSync(log).size > 0, "a log of its own again");
    expectUntouched(place());
  });
}

asRoot("SIGUSR2, clear, reading and a restart follow it as little", async () => {
  const { start, place } = withStage(TALKER);
  await using daemon = await start();
  const { directory } = place();
  const log = join(directory, "n.log");
  await say(daemon, 1);
  await until(() => fs.statSync(log).size > 0, "the first line");
  await plant(place(), "n.log");
  daemon.signal("SIGUSR2");
  await daemon.logged(`cannot reopen log ${log}: ELOOP: a link made by uid ${NOBODY} is not followed`);
  await say(daemon, 1);
  await until(() => fs.readFileSync(join(directory, "moved-n.log"), "utf8").split("\n").length === 3, "on");
  expectUntouched(place());

  await expect(daemon.rpc("supervisor.readProcessStdoutLog", "n", 0, 0)).rejects.toThrow("FAILED");
  expect(await daemon.rpc("supervisor.tailProcessStdoutLog", "n", 0, 1000)).toEqual(["", 0, false]);

  await daemon.rpc("supervisor.clearProcessLogs", "n");
  expect(fs.lstatSync(log).isFile()).toBe(true);
  expectUntouched(place());

  await plant(place(), "n.err");
  await daemon.rpc("supervisor.stopProcess", "n");
  await daemon.rpc("supervisor.startProcess", "n").catch(() => undefined);
  await daemon.logged("unknown error making dispatchers for 'n': ELOOP");
  expectUntouched(place());
});

asRoot("pidfile and activity log in such a directory", async () => {
  let place: Stage | null = null;
  await using daemon = await boot("", {
    async prepare(dir) {
      place = stage(dir);
      const conf = join(dir, "supervisord.conf");
      const text = fs.readFileSync(conf, "utf8");
      fs.writeFileSync(
        conf,
        text.replace("/supervisord.pid", "/theirs/supervisord.pid").replace("/main.log", "/theirs/main.log"),
      );
      await plant(place, "supervisord.pid");
    },
  });
  const { directory, secret } = place ?? expect.unreachable();
  const pidfile = join(directory, "supervisord.pid");
  expect(fs.lstatSync(pidfile).isFile()).toBe(true);
  expect(fs.readFileSync(pidfile, "utf8")).toBe(`${daemon.pid}\n`);
  fs.unlinkSync(pidfile);
  fs.symlinkSync(secret, pidfile);
  fs.lchownSync(pidfile, NOBODY, NOBODY);
  await until(() => fs.lstatSync(pidfile, { throwIfNoEntry: false })?.isFile(), "a pidfile again");
  await plant({ directory, secret }, "main.log");
  daemon.signal("SIGUSR2");
  await until(
    () => fs.readFileSync(join(directory, "moved-main.log"), "utf8").includes("is not followed"),
    "the refusal",
  );
  await daemon.rpc("supervisor.clearLog");
  expect(fs.lstatSync(join(directory, "main.log")).isFile()).toBe(true);
  expectUntouched({ directory, secret });
});
