/** Life as PID 1: orphans are collected, and the end is in order. */
import { spawn } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readLog } from "../support/boot.js";
import { environment, OUR_SUPERVISORD } from "../support/programs.js";
import { scratch } from "../support/scratch.js";
import { until } from "../support/until.js";

const ORPHANS = 10_000;
const asRoot = test.runIf(process.getuid?.() === 0);

asRoot(
  `as PID 1 it collects ${ORPHANS} orphans, and TERM ends everything with status 0`,
  { timeout: 120_000 },
  async () => {
    using place = scratch();
    const { dir } = place;
    // Each round of the loop leaves an orphan behind: its parent, the inner shell, ends first.
    const orphans = `i=0; while [ $i -lt ${ORPHANS} ]; do i=$((i+1)); (true &); done; grep -c "^State:.Z" /proc/[0-9]*/status | grep -c ":1" > zombies; touch made; exec sleep 1000`;
    writeFileSync(join(dir, "orphans.sh"), orphans);
    writeFileSync(
      join(dir, "supervisord.conf"),
      `[supervisord]\nnodaemon=true\nlogfile=${dir}/main.log\nlogfile_maxbytes=0\npidfile=${dir}/pid\nchildlogdir=${dir}\n` +
        `[program:orphans]\ncommand=/bin/sh ${dir}/orphans.sh\ndirectory=${dir}\nstartsecs=0\npriority=1\n` +
        "[program:deaf]\ncommand=/bin/sh -c 'trap \"\" TERM; while :; do sleep 1; done'\nstopwaitsecs=1\nkillasgroup=true\nstartsecs=0\npriority=2\n",
    );
    const child = spawn(
      "unshare",
      [
        "--pid",
        "--fork",
        "--mount-proc",
        "--kill-child",
        process.execPath,
        OUR_SUPERVISORD,
        "-c",
        join(dir, "supervisord.conf"),
      ],
      { env: environment(dir), stdio: ["ignore", "pipe", "pipe"] },
    );
    child.stdout.resume();
    child.stderr.resume();
    const exited = new Promise<number | null>((resolve) => child.once("exit", resolve));
    await until(() => existsSync(join(dir, "made")), "all orphans made", { ceilingMs: 100_000 });
    const log = (): readonly string[] => readLog(join(dir, "main.log"));
    await until(
      () => log().filter((line) => line.includes("reaped unknown pid")).length >= ORPHANS,
      "all collected",
    );
    expect(log()).toContain("INFO supervisord started with pid 1");
    const daemon = await until(
      () => readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "utf8").trim() || null,
      "the daemon's pid outside",
    );
    process.kill(Number(daemon), "SIGTERM");
    expect(await exited).toBe(0);
    const stops = log().filter((line) => /stopped: |killing /.test(line));
    expect(stops.map((line) => line.replace(/\(\d+\)/, "(PID)"))).toEqual([
      "WARN killing 'deaf' (PID) with SIGKILL",
      "WARN stopped: deaf (terminated by SIGKILL)",
      "WARN stopped: orphans (terminated by SIGTERM)",
    ]);
  },
);
