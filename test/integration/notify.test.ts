/** What a service manager is told, heard on a socket of the kind that systemd makes. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { constants } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { baseConf, boot } from "../support/boot.js";
import { fixturePath } from "../support/fixture.js";
import { launch } from "../support/launch.js";
import { needs } from "../support/needs.js";
import { environ } from "../support/processes.js";
import { environment } from "../support/programs.js";
import { scratch } from "../support/scratch.js";
import { until } from "../support/until.js";

const { test: withPython } = needs("python3");

interface Ear extends AsyncDisposable {
  readonly address: string;
  heard(): readonly (readonly string[])[];
  /** Waits for so many messages that hold the line. */
  hears(line: string, times?: number): Promise<readonly string[]>;
}

async function listen(dir: string, address: string): Promise<Ear> {
  const notes = join(dir, "heard");
  const child = spawn(fixturePath("notify-listener"), [address, notes], {
    env: environment(dir),
    stdio: "inherit",
  });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  const heard = (): readonly (readonly string[])[] =>
    (existsSync(notes) ? readFileSync(notes, "utf8") : "")
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line) as string[]);
  const hears: Ear["hears"] = (line, times = 1) =>
    until(() => heard().filter((message) => message.includes(line))[times - 1], `${line} (${times})`);
  await hears("listening");
  return {
    address,
    heard,
    hears,
    async [Symbol.asyncDispose]() {
      child.kill();
      await ended;
    },
  };
}

withPython.each([
  ["a path", (dir: string) => join(dir, "notify")],
  ["an abstract address", (dir: string) => `@${dir}`],
])(
  "ready, reloading, upgrading and stopping are told to %s; children don't see it",
  async (_what, addressIn) => {
    using place = scratch();
    await using ear = await listen(place.dir, addressIn(place.dir));
    await using daemon = await boot("[program:cat]\ncommand=/bin/cat\n", {
      env: { NOTIFY_SOCKET: ear.address, WATCHDOG_USEC: "200000" },
    });
    const main = `MAINPID=${daemon.pid}`;
    expect(await ear.hears("READY=1")).toEqual(["READY=1", main, "STATUS=supervising 1 process"]);
    const { pid } = await daemon.state("cat", "RUNNING");
    await ear.hears("STATUS=supervising 1 process, 1 running");
    expect(Object.keys(environ(Number(pid))).filter((name) => /NOTIFY|WATCHDOG/.test(name))).toEqual([]);
    await ear.hears("WATCHDOG=1", 3);

    await daemon.rpc("supervisord_ts.upgrade");
    expect(await ear.hears("READY=1", 2)).toContain(main);

    daemon.signal("SIGHUP");
    const reloading = await ear.hears("RELOADING=1");
    expect(reloading.some((line) => /^MONOTONIC_USEC=\d+$/.test(line))).toBe(true);
    await ear.hears("READY=1", 3);

    daemon.signal("SIGTERM");
    await ear.hears("STOPPING=1");
    expect(await daemon.exited).toBe(0);
  },
);

withPython("without a watchdog there are no signs of life, and a start that fails says why", async () => {
  using place = scratch();
  await using ear = await listen(place.dir, join(place.dir, "notify"));
  const { dir } = place;
  const env = { NOTIFY_SOCKET: ear.address };
  const conf = join(dir, "supervisord.conf");
  const start = async (): Promise<void> => {
    const failed = await launch("ours", { dir, conf, env, socket: null });
    expect(await failed.exited).toBe(2);
  };
  const says = async (errno: keyof typeof constants.errno, about: string): Promise<void> => {
    const message = await ear.hears(`ERRNO=${constants.errno[errno]}`);
    expect(message.some((line) => line.startsWith("STATUS=") && line.includes(about))).toBe(true);
  };
  await start();
  await says("EINVAL", conf);
  writeFileSync(conf, baseConf(dir));
  const taken = createServer().listen(join(dir, "s.sock"));
  await once(taken, "listening");
  await start();
  await says("EADDRINUSE", "already listening");
  taken.close();
  expect(ear.heard().flat()).not.toContain("WATCHDOG=1");
});

test("a manager that is gone troubles nobody", async () => {
  await using daemon = await boot("", { env: { NOTIFY_SOCKET: "/nosuch/notify" } });
  expect(await daemon.rpc("supervisor.getState")).toEqual({ statecode: 1, statename: "RUNNING" });
});
