/** What children write on its way to their log files. */

import { execFileSync } from "node:child_process";
import { constants, openSync, readdirSync, statSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { holding } from "../support/hold.mjs";
import { alternate, row } from "../support/measure.mjs";
import { bootPm2 } from "../support/pm2.mjs";
import { cpuNs } from "../support/proc.mjs";
import { scratch } from "../support/scratch.mjs";
import { boot, program } from "../support/supervisor.mjs";

export const about = "log throughput: plain, rotating, small writes, paced writes";

const MB = 2 ** 20;

export async function run(context) {
  const { short } = context;
  const rounds = short ? 1 : 5;
  const bulk = (short ? 128 : 512) * MB;
  const lines = short ? 100_000 : 300_000;
  const paced = short ? 20_000 : 60_000;
  const plain = "stdout_logfile_maxbytes=0";

  const whole = await measure(context, rounds, dd("64k", bulk / 65536), bulk, plain, true);
  const rotating = await measure(
    context,
    rounds,
    dd("64k", bulk / 65536),
    bulk,
    "stdout_logfile_maxbytes=50MB\nstdout_logfile_backups=50",
  );
  const small = await measure(context, rounds, dd("100", lines), lines * 100, plain, true);
  const slow = await measure(context, rounds, pacer(paced), paced * 100, plain);
  const each = (medians, count, scale) =>
    new Map([...medians].map(([name, { cpu }]) => [name, (cpu / count) * scale]));
  const speed = (medians, bytes) =>
    new Map([...medians].map(([name, { ms }]) => [name, bytes / 1e6 / (ms / 1000)]));
  return [
    row("output to a log", "MB/s", speed(whole, bulk), null, { atLeast: 1.5 }),
    row("… CPU of the daemon", "s/GB", each(whole, bulk, 1), null, { atMost: 0.6 }),
    row("the same, rotating every 50MB", "MB/s", speed(rotating, bulk), null, { atLeast: 1.5 }),
    row("… CPU of the daemon", "s/GB", each(rotating, bulk, 1), null, { atMost: 0.6 }),
    row("lines of 100 bytes, flat out: CPU", "µs/line", each(small, lines, 1e-3), null, { atMost: 0.8 }),
    row("lines of 100 bytes, 10,000 per s: CPU", "µs/line", each(slow, paced, 1e-3), null, { atMost: 0.8 }),
  ];
}

function dd(size, count) {
  return `/bin/dd if=/dev/zero bs=${size} count=${count} status=none`;
}

/** One write of 100 bytes every 0.1 ms. */
function pacer(count) {
  const script = `const fs = require("fs"); const line = Buffer.alloc(100, 46); line[99] = 10;
let next = performance.now();
for (let n = 0; n < ${count}; n += 1) { while (performance.now() < next); next += 0.1; fs.writeSync(1, line); }`;
  const file = join(scratch("pacer"), "pace.cjs");
  writeFileSync(file, script);
  return `${process.execPath} ${file}`;
}

/** Milliseconds from the worker's start signal until all is in the log, and the daemon's CPU time for it. */
async function measure({ names, pm2 }, rounds, command, bytes, options, withPm2 = false) {
  const all = pm2 === null || !withPm2 ? names : [...names, "pm2"];
  return alternate(rounds, all, (name) =>
    holding(async (hold) => {
      const dir = scratch("output");
      hold({ stop: () => execFileSync("rm", ["-rf", dir]) });
      const gate = join(dir, "gate");
      execFileSync("mkfifo", [gate]);
      const script = join(dir, "writer.sh");
      writeFileSync(script, `read go < ${gate}\n${command}\nexec sleep 1000000\n`);
      const logs = join(dir, "logs");
      execFileSync("mkdir", [logs]);
      const log = join(logs, "out.log");
      const daemon = hold(
        name === "pm2"
          ? await bootPm2(pm2)
          : await boot(name, program("writer", `/bin/sh ${script}`, `stdout_logfile=${log}\n${options}`), {
              running: 1,
            }),
      );
      if (name === "pm2")
        await daemon.start({
          name: "writer",
          script: "/bin/sh",
          args: [script],
          out_file: log,
          error_file: "/dev/null",
        });
      const fd = openSync(gate, constants.O_RDWR);
      const cpu = cpuNs(daemon.pid);
      const began = performance.now();
      writeSync(fd, "go\n");
      while (sizeOf(logs) < bytes) {
        if (performance.now() - began > 300_000)
          throw new Error(`${name} wrote ${sizeOf(logs)} of ${bytes} bytes`);
        await wait(1);
      }
      const ms = performance.now() - began;
      return { ms, cpu: cpuNs(daemon.pid) - cpu };
    }),
  );
}

function sizeOf(dir) {
  let sum = 0;
  for (const name of readdirSync(dir)) sum += statSync(join(dir, name), { throwIfNoEntry: false })?.size ?? 0;
  return sum;
}
