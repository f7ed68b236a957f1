/**
 * Many programs restarting in a loop: what each restart costs the daemon. What of it is the state file's is too
 * little to be seen between two daemons: it is measured alone, with the records and at the pace of such a loop.
 */
import { openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { createJournal } from "../../../dist/daemon/journal.js";
import { keepStateFile } from "../../../dist/daemon/state-file.js";
import { ticksNow } from "../../../dist/posix/identity.js";
import { inodeOf } from "../../../dist/posix/pipe.js";
import { holding } from "../support/hold.mjs";
import { alternate, row } from "../support/measure.mjs";
import { cpuNs } from "../support/proc.mjs";
import { removeScratch, scratch } from "../support/scratch.mjs";
import { boot, program } from "../support/supervisor.mjs";

export const about = "CPU of a restart, and of the state file";

const MANY = 1000;

export async function run({ short, names }) {
  const count = short ? 50 : 200;
  const restart = await alternate(short ? 1 : 3, [...names, "without"], (name) =>
    measure(name, count, short ? 3 : 8),
  );
  const { without, ...kept } = Object.fromEntries(restart);
  const loops = short ? 5000 : 50_000;
  const micros = loop(loops, true) - loop(loops, false);
  const ours = (value) => new Map([["ours", value]]);
  return [
    row("a restart in a loop: CPU of the daemon", "µs", new Map(Object.entries(kept))),
    row("… with adopt=false", "µs", ours(without)),
    row("… of the state file alone", "µs", ours(micros)),
    row(
      `state file, ${MANY} programs restarting each second`,
      "% of a core",
      ours((micros * MANY) / 1e4),
      null,
      {
        absolute: 5,
      },
    ),
  ];
}

/** Microseconds of CPU for each restart. */
function measure(name, count, seconds) {
  return holding(async (hold) => {
    const numbered = `numprocs=${count}\nprocess_name=%(process_num)d\nstdout_logfile=NONE\nautorestart=true`;
    const supervisor = name === "without" ? "adopt=false" : "";
    const options = { running: count, minfds: 4096, supervisor };
    const daemon = hold(
      await boot(name === "without" ? "ours" : name, program("p", "/bin/sleep 1", numbered), options),
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

/** Microseconds of CPU for each restart of a loop that does nothing but note it, whole rewritings among them. */
function loop(restarts, kept) {
  const dir = scratch("state");
  const entries = Array.from({ length: MANY }, (_, at) => entryOf(at));
  const group = {
    name: "p",
    config: { kind: "program", name: "p", priority: 999, processes: entries.map(({ config }) => config) },
    processes: new Map(entries.map((entry) => [entry.name, entry])),
  };
  const journal = createJournal({
    daemon: () => ({ mood: "RUNNING", serial: 0, held: [] }),
    groups: () => [group],
    pools: () => [],
    isUpdating: () => false,
  });
  const say = (level, text) => console.error(level, text);
  const place = () => ({ path: join(dir, "state"), other: null, exposed: false });
  if (kept) journal.keep(keepStateFile({ place, all: () => journal.all(false), log: { log: say } }));
  const fd = openSync("/dev/null", "r");
  const restart = (done) => {
    const entry = entries[(done * 7) % MANY];
    step(entry, { name: "EXITED", restartAt: null });
    journal.process(entry);
    const saved = { pid: null, starttime: kept ? ticksNow() : null, ...(kept ? pipes(fd) : UNKNOWN) };
    step(entry, { name: "STARTING", pid: null, since: performance.now() });
    journal.spawning(entry, saved);
    entry.run = { saved: { ...saved, pid: 10_000 + done, starttime: kept ? ticksNow() : null } };
    step(entry, { name: "RUNNING", pid: 10_000 + done, since: performance.now() });
    journal.process(entry);
    // A thousand in a second are twenty in each of the intervals at which what nobody waits for is written.
    if (done % 20 === 0) journal.flush();
  };
  // What a daemon has done before.
  for (let done = 0; done < MANY; done += 1) restart(done);
  const began = process.cpuUsage();
  for (let done = 0; done < restarts; done += 1) restart(done);
  const { user, system } = process.cpuUsage(began);
  journal[Symbol.dispose]();
  removeScratch(dir);
  return (user + system) / restarts;
}

function entryOf(at) {
  const name = `p${at}`;
  const process = {
    state: { name: "STOPPED" },
    backoff: 0,
    spawnerr: "",
    exitstatus: 0,
    laststart: Date.now() / 1000,
    laststop: Date.now() / 1000,
    held: false,
    quick: { left: 100, at: performance.now() },
  };
  const config = { name, command: "/bin/sleep 1", environment: {}, exitcodes: [0], stopwaitsecs: 10 };
  return { group: "p", name, config, process, run: null, logfile: () => null };
}

const UNKNOWN = { stdin: null, stdout: null, stderr: null };

function pipes(fd) {
  return { stdin: inodeOf(fd), stdout: inodeOf(fd), stderr: inodeOf(fd) };
}

function step(entry, state) {
  entry.process = { ...entry.process, state };
}
