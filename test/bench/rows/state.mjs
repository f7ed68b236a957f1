/** Many programs restarting in a loop: what each restart costs the daemon, and what of it is the state file. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { holding } from "../support/hold.mjs";
import { alternate, row } from "../support/measure.mjs";
import { cpuNs } from "../support/proc.mjs";
import { boot, program } from "../support/supervisor.mjs";

export const about = "CPU of a restart, with and without the state file";

const MANY = 1000;

export async function run({ short, names }) {
  const count = short ? 50 : 200;
  const seconds = short ? 3 : 8;
  const rounds = short ? 1 : 3;
  const all = await alternate(rounds, [...names, "without"], (name) => measure(name, count, seconds));
  const { without, ...kept } = Object.fromEntries(all);
  const share = ((kept.ours - without) / 1e6) * MANY * 100;
  return [
    row("a restart in a loop: CPU of the daemon, µs", "", new Map(Object.entries(kept))),
    row("… with adopt=false", "", new Map([["ours", without]])),
    row(`the state file, ${MANY} restarts per s: CPU`, "% of a core", new Map([["ours", share]]), null, {
      absolute: 5,
    }),
  ];
}

/** Microseconds of CPU for each restart. */
function measure(name, count, seconds) {
  return holding(async (hold) => {
    const numbered = "numprocs={n}\nprocess_name=%(process_num)d\nstdout_logfile=NONE\nautorestart=true";
    const programs = program("p", "/bin/sleep 1", numbered.replace("{n}", String(count)));
    const supervisor = name === "without" ? "adopt=false" : "";
    const daemon = hold(
      await boot(name === "without" ? "ours" : name, programs, { running: count, minfds: 4096, supervisor }),
    );
    // Everybody has been restarted once by then.
    await wait(2500);
    const before = { cpu: cpuNs(daemon.pid), spawned: spawned(daemon.dir) };
    await wait(seconds * 1000);
    return (cpuNs(daemon.pid) - before.cpu) / 1000 / (spawned(daemon.dir) - before.spawned);
  });
}

function spawned(dir) {
  return readFileSync(join(dir, "main.log"), "utf8").split(" spawned: '").length - 1;
}
