/** How late a restart may be while one program floods its log and a client lists 1,000 programs in a loop. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { holding } from "../support/hold.mjs";
import { quantile, row } from "../support/measure.mjs";
import { boot, ENV, program, sleepers } from "../support/supervisor.mjs";
import { createWorker } from "../support/worker.mjs";

export const about = "p99 of restarts beside a flood of output and a client listing 1,000 programs";

export async function run({ short, names }) {
  const programs = short ? 100 : 1000;
  const results = new Map();
  for (const name of names)
    results.set(name, { ...(await idle(name, programs, short)), ...(await busy(name, programs, short)) });
  const many = programs.toLocaleString("en");
  return [
    row(`restart with ${many} programs, idle: median`, "ms", results, "idle"),
    row(`restart with ${many} programs, idle: p99`, "ms", results, "idle99"),
    row("… beside a flood and a listing client: median", "ms", results, "busy"),
    row("… beside a flood and a listing client: p99", "ms", results, "busy99"),
  ];
}

/** Few enough that none of them uses up the quick restarts of a program that ends all the time. */
function countFor(name, short) {
  if (short) return 5;
  return name === "reference" ? 30 : 90;
}

function idle(name, programs, short) {
  return holding(async (hold) => {
    const { victim } = await start(hold, name, programs);
    const taken = await crashes(victim, countFor(name, short));
    return { idle: quantile(taken, 0.5), idle99: quantile(taken, 0.99) };
  });
}

function busy(name, programs, short) {
  return holding(async (hold) => {
    const { victim, daemon } = await start(hold, name, programs);
    await daemon.rpc.call("supervisor.startProcess", "flood");
    const lister = spawn(
      process.execPath,
      [join(import.meta.dirname, "../support/lister.mjs"), daemon.socket],
      {
        stdio: "ignore",
        env: ENV,
      },
    );
    hold({ stop: () => lister.kill("SIGKILL") });
    await wait(1000);
    const taken = await crashes(victim, countFor(name, short));
    return { busy: quantile(taken, 0.5), busy99: quantile(taken, 0.99) };
  });
}

async function start(hold, name, programs) {
  const worker = hold(createWorker());
  const conf = (dir) =>
    sleepers(programs, "stdout_logfile=NONE") +
    program("victim", worker.command, "autorestart=true\nstdout_logfile=NONE") +
    program(
      "flood",
      "/usr/bin/yes and so on and so on and so on and so on and so on and so on",
      `autostart=false\nstdout_logfile=${dir}/flood.log\nstdout_logfile_maxbytes=50MB\nstdout_logfile_backups=1`,
    );
  const daemon = hold(await boot(name, conf, { running: programs + 1, minfds: 10_000 }));
  return { daemon, victim: { worker, pid: worker.next() } };
}

async function crashes(victim, count) {
  const taken = [];
  for (let n = 0; n < count; n += 1) {
    await wait(50 + Math.random() * 100);
    const began = performance.now();
    process.kill(victim.pid, "SIGKILL");
    victim.pid = victim.worker.next();
    taken.push(performance.now() - began);
  }
  return taken;
}
