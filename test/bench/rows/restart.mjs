/** How long a killed worker is away: from SIGKILL until the next one says that it runs. */
import { setTimeout as wait } from "node:timers/promises";
import { holding } from "../support/hold.mjs";
import { alternate, row } from "../support/measure.mjs";
import { bootPm2 } from "../support/pm2.mjs";
import { prepareRunsv } from "../support/runit.mjs";
import { prepare, program } from "../support/supervisor.mjs";
import { createWorker } from "../support/worker.mjs";

export const about = "a killed worker runs again; the first worker after exec of the daemon";

export async function run(context) {
  const rows = [await restarts(context)];
  if (process.getuid() === 0) rows.push(await restartsOfUser(context));
  return [...rows, await first(context)];
}

/** Beside the same worker as the daemon's own user, so that the cost of another one shows. */
function restartsOfUser({ short, names }) {
  return holding(async (hold) => {
    const contenders = new Map();
    for (const name of names) {
      const worker = hold(createWorker());
      const options = "autorestart=true\nuser=nobody";
      hold(prepare(name, program("victim", worker.command, options))).launch();
      contenders.set(name, { worker, pid: worker.next() });
    }
    const medians = await alternate(short ? 2 : 31, names, (name) => killed(contenders, name));
    return row("a killed worker with user= runs again", "ms", medians, null, { atMost: 0.006 });
  });
}

/** Milliseconds from the SIGKILL to the word of the next one. */
async function killed(contenders, name) {
  const victim = contenders.get(name);
  // At any moment of the reference's second; and each was up for longer than the second runsv wants between runs.
  await wait((1200 + Math.random() * 1000) / contenders.size);
  const began = performance.now();
  process.kill(victim.pid, "SIGKILL");
  victim.pid = victim.worker.next();
  return performance.now() - began;
}

function restarts({ short, names, pm2, runit }) {
  return holding(async (hold) => {
    const contenders = new Map();
    for (const name of names) {
      const worker = hold(createWorker());
      hold(prepare(name, program("victim", worker.command, "autorestart=true"))).launch();
      contenders.set(name, { worker, pid: worker.next() });
    }
    if (runit !== null) {
      const worker = hold(createWorker());
      hold(prepareRunsv(runit, worker.command)).launch();
      contenders.set("runit", { worker, pid: worker.next() });
    }
    if (pm2 !== null) {
      const worker = hold(createWorker());
      const daemon = hold(await bootPm2(pm2));
      await daemon.start({ name: "victim", script: "/bin/sh", args: [worker.script] });
      contenders.set("pm2", { worker, pid: worker.next() });
    }
    const all = [...contenders.keys()];
    const medians = await alternate(short ? 2 : 31, all, (name) => killed(contenders, name));
    return row("a killed worker runs again", "ms", medians, null, { atMost: 0.006, runit: 1.3 });
  });
}

async function first({ short, names, runit }) {
  const all = runit === null ? names : [...names, "runit"];
  const medians = await alternate(short ? 2 : 15, all, (name) =>
    holding(async (hold) => {
      const worker = hold(createWorker());
      const daemon = hold(
        name === "runit"
          ? prepareRunsv(runit, worker.command)
          : prepare(name, program("first", worker.command)),
      );
      const began = daemon.launch();
      worker.next();
      return performance.now() - began;
    }),
  );
  return row("first worker runs, after exec of the daemon", "ms", medians);
}
