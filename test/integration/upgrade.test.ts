/** The daemon becomes another version of itself, and nobody notices but its log. */
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Client } from "../../src/client/client.js";
import { type Booted, boot } from "../support/boot.js";
import { fixture, fixturePath } from "../support/fixture.js";
import { needs } from "../support/needs.js";
import { runCommand } from "../support/run-command.js";
import { until } from "../support/until.js";
import type { Value } from "../support/xmlrpc.js";

const UPGRADES = 20;
const { test: withSupervisor } = needs("supervisor");

const WORKERS = `
[program:count]
command=/bin/sh -c 'i=0; while :; do i=$((i+1)); echo $i; sleep 0.01; done'
stdout_logfile=%(dir)s/count.log
[program:both]
command=/bin/sh -c 'echo out; echo err >&2; exec sleep 1000'
redirect_stderr=true
[program:cat]
command=/bin/cat
[program:seven]
command=/bin/sh -c 'read line; exit 7'
autostart=false
autorestart=false
startsecs=0
exitcodes=7
[eventlistener:ears]
command=${fixture("childutils-listener")} %(dir)s/notes
events=REMOTE_COMMUNICATION
buffer_size=1000
startsecs=0
`;

async function pids(daemon: Booted): Promise<Record<string, Value>> {
  const all = (await daemon.rpc("supervisor.getAllProcessInfo")) as Record<string, Value>[];
  return Object.fromEntries(
    all.filter(({ name }) => name !== "seven").map(({ name, pid }) => [String(name), pid ?? 0]),
  );
}

withSupervisor(
  `${UPGRADES} upgrades under four clients: no request fails, no process notices`,
  { timeout: 120_000 },
  async () => {
    await using daemon = await boot(WORKERS);
    const clientOptions = { serverurl: `unix://${daemon.socket}` };
    await daemon.state("ears", "RUNNING");
    await daemon.state("count", "RUNNING");
    const before = await pids(daemon);
    const stop = join(daemon.dir, "stop");
    let done = false;
    let calls = 0;
    let sent = 0;
    let ends = 0;

    async function ask(): Promise<void> {
      await using client = new Client(clientOptions);
      for (; !done; calls += 1) expect(await client.getAllProcessInfo()).toHaveLength(5);
    }
    async function send(): Promise<void> {
      await using client = new Client(clientOptions);
      for (; !done; sent += 1) await client.sendRemoteCommEvent("number", String(sent));
    }
    async function endings(): Promise<void> {
      await using client = new Client(clientOptions);
      for (; !done; ends += 1) {
        await client.startProcess("seven");
        await client.sendProcessStdin("seven", "now\n");
        const ended = await until(async () => {
          const seen = await client.getProcessInfo("seven");
          return seen.statename === "EXITED" && seen;
        }, "seven ending");
        expect(ended.exitstatus).toBe(7);
      }
    }
    const loops = [
      ask(),
      send(),
      endings(),
      runCommand([fixturePath("rpc-loop"), daemon.socket, stop], { ceilingMs: 110_000 }),
    ];
    // What fails in one of them shall be told as soon as it happens.
    const failed = Promise.all(loops);
    failed.catch(() => undefined);

    for (let count = 0; count < UPGRADES; count += 1)
      expect(await Promise.race([daemon.rpc("supervisord_ts.upgrade"), failed])).toEqual({
        from: expect.any(String),
        to: expect.any(String),
      });
    done = true;
    writeFileSync(stop, "");
    const python = (await failed).at(-1) as { out: string; err: string; exit: unknown };

    expect(python).toMatchObject({ err: "", exit: 0 });
    expect(Math.min(calls, sent, ends, Number(python.out))).toBeGreaterThan(0);
    expect(await pids(daemon)).toEqual(before);
    expect(await daemon.rpc("supervisor.getPID")).toBe(daemon.pid);
    expect(daemon.log().filter((line) => line.includes("upgraded from version"))).toHaveLength(UPGRADES);

    const notes = (): string[] => readFileSync(join(daemon.dir, "notes"), "utf8").split("\n").filter(Boolean);
    await until(() => notes().length >= sent, "every event");
    expect(notes()).toEqual(Array.from({ length: sent }, (_, at) => `${at} REMOTE_COMMUNICATION ${at}`));

    await daemon.rpc("supervisor.sendProcessStdin", "cat", "still there\n");
    await daemon.line("cat", "still there");
    await daemon.rpc("supervisor.stopProcess", "count");
    const counted = readFileSync(join(daemon.dir, "count.log"), "utf8")
      .split("\n")
      .filter(Boolean)
      .map(Number);
    expect(counted).toEqual(Array.from({ length: counted.length }, (_, at) => at + 1));
  },
);

test("what waits for an answer gets it, before or after", async () => {
  await using daemon = await boot("[program:slow]\ncommand=/bin/cat\nautostart=false\nstartsecs=2");
  const started = daemon.rpc("supervisor.startProcess", "slow");
  await daemon.state("slow", "STARTING");
  const upgraded = daemon.rpc("supervisord_ts.upgrade");
  expect(await started).toBe(true);
  expect(await upgraded).toMatchObject({ from: expect.any(String) });
  expect((await daemon.info("slow"))["statename"]).toBe("RUNNING");
});

test("states, marks and deadlines are what they were", async () => {
  await using daemon = await boot(
    "[program:held]\ncommand=/bin/cat\nstartsecs=0\n[program:bad]\ncommand=/bin/false\nstartretries=1000\n[program:nosuch]\ncommand=/no/such\nstartretries=0\n" +
      `[program:deaf]\ncommand=/bin/sh -c 'trap "" TERM; echo ready; while :; do sleep 0.1; done'\nstopwaitsecs=3\nkillasgroup=true\nstartsecs=0`,
  );
  await daemon.rpc("supervisor.stopProcess", "held");
  await daemon.state("nosuch", "FATAL");
  await daemon.line("deaf", "ready");
  await until(
    async () =>
      Number(
        /"backoff":(\d+)/.exec(
          readFileSync(join(daemon.dir, "supervisord.pid.state"), "utf8")
            .split("\n")
            .filter((line) => line.includes('"name":"bad"'))
            .at(-1) ?? "",
        )?.[1],
      ) >= 2,
    "two failures",
  );
  await daemon.rpc("supervisor.stopProcess", "deaf", false);
  await daemon.rpc("supervisord_ts.upgrade");
  expect((await daemon.info("held"))["statename"]).toBe("STOPPED");
  expect((await daemon.info("nosuch"))["statename"]).toBe("FATAL");
  expect(["BACKOFF", "STARTING"]).toContain((await daemon.info("bad"))["statename"]);
  await daemon.state("deaf", "STOPPED");
  expect(daemon.log().filter((line) => /killing 'deaf'/.test(line))).toHaveLength(1);
});

test.runIf(process.getuid?.() === 0)("another user's worker and a FastCGI socket come along", async () => {
  await using daemon = await boot(
    "[program:nobody]\ncommand=/bin/sh -c 'id -un; exec cat'\nuser=nobody\nstdout_logfile=%(dir)s/nobody.log\nstartsecs=0\n" +
      "[fcgi-program:f]\ncommand=/bin/sleep 1000\nsocket=unix://%(dir)s/f.sock\nstartsecs=0\n",
  );
  const before = await Promise.all(["nobody", "f"].map((name) => daemon.state(name, "RUNNING")));
  const inode = statSync(join(daemon.dir, "f.sock")).ino;
  await daemon.rpc("supervisord_ts.upgrade");
  const after = await Promise.all(["nobody", "f"].map((name) => daemon.info(name)));
  expect(after.map(({ pid }) => pid)).toEqual(before.map(({ pid }) => pid));
  await daemon.rpc("supervisor.sendProcessStdin", "nobody", "on\n");
  await until(() => readFileSync(join(daemon.dir, "nobody.log"), "utf8") === "nobody\non\n", "its log");
  await daemon.rpc("supervisor.stopProcess", "f");
  await daemon.rpc("supervisor.startProcess", "f");
  expect(statSync(join(daemon.dir, "f.sock")).ino).toBe(inode);
});

test("a version that can't take over doesn't, and says why", async () => {
  await using daemon = await boot("[program:cat]\ncommand=/bin/cat\nstartsecs=0");
  const { pid } = await daemon.info("cat");
  const conf = readFileSync(daemon.conf, "utf8");
  writeFileSync(daemon.conf, `${conf}\n[program:broken]\nstartsecs=soon\n`);
  await expect(daemon.rpc("supervisord_ts.upgrade")).rejects.toThrow(
    /installed version cannot take over: .*soon/,
  );
  writeFileSync(daemon.conf, conf);
  expect(await daemon.info("cat")).toMatchObject({ pid, statename: "RUNNING" });
  expect(await daemon.rpc("supervisord_ts.upgrade")).toMatchObject({ to: expect.any(String) });
  expect((await daemon.info("cat"))["pid"]).toBe(pid);
});
