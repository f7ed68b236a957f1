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
  for (const name of names) results.set(name, await measure(name, programs, short));
  const many = programs.toLocaleString("en");
  return [
    row(`restart with ${many} programs, idle: median`, "ms", results, "idle"),
    row(`restart with ${many} programs, idle: p99`, "ms", results, "idle99"),
    row("… beside a flood and a listing client: median", "ms", results, "busy"),
    row("… beside a flood and a listing client: p99", "ms", results, "busy99"),
  ];
}

function measure(name, programs, short) {
  return holding(async (hold) => {
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
    const victim = { worker, pid: worker.next() };
    // The reference takes up to a second for each.
    const idle = await crashes(victim, short ? 5 : name === "reference" ? 30 : 100);
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
    const busy = await crashes(victim, short ? 5 : name === "reference" ? 30 : 100);
    return {
      idle: quantile(idle, 0.5),
      idle99: quantile(idle, 0.99),
      busy: quantile(busy, 0.5),
      busy99: quantile(busy, 0.99),
    };
  });
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
