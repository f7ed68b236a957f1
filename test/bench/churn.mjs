/**
 * As much of a day as fits in some minutes: workers that end all the time, output that rotates, clients that come
 * and never close. What is looked at is whether memory grows.
 */
import { readdirSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { holding } from "./support/hold.mjs";
import { cpuNs, memory } from "./support/proc.mjs";
import { encode, Rpc } from "./support/rpc.mjs";
import { boot, program } from "./support/supervisor.mjs";

const SAMPLE_MS = 5000;
/** More than the daemon takes at once, so that refusing is part of it. */
const MOST_CLIENTS = 1200;

export function churn(minutes) {
  return holding(async (hold) => {
    const conf = (dir) =>
      program(
        "brief",
        "/bin/true",
        "autorestart=true\nstdout_logfile=NONE\nnumprocs=20\nprocess_name=b_%(process_num)02d",
      ) +
      program(
        "steady",
        "/bin/sleep 1000000",
        "stdout_logfile=NONE\nnumprocs=50\nprocess_name=s_%(process_num)02d",
      ) +
      program(
        "flood",
        "/bin/sh -c 'while :; do dd if=/dev/zero bs=100 count=100000 status=none; sleep 0.1; done'",
        `stdout_logfile=${dir}/flood.log\nstdout_logfile_maxbytes=5MB\nstdout_logfile_backups=2`,
      );
    const daemon = hold(await boot("ours", conf, { minfds: 5000 }));
    const end = performance.now() + minutes * 60_000;
    const counts = { calls: 0, restarts: 0, left: 0, cycles: 0 };
    const samples = [];
    let over = false;

    const caller = async () => {
      const rpc = new Rpc(daemon.socket);
      while (!over) {
        await rpc.call("supervisor.getAllProcessInfo");
        await rpc.call("supervisor.getProcessInfo", "steady:s_07");
        counts.calls += 2;
        await wait(1);
      }
      rpc.close();
    };
    const cycler = async () => {
      const rpc = new Rpc(daemon.socket);
      while (!over) {
        await rpc.call("supervisor.stopProcessGroup", "steady");
        await rpc.call("supervisor.startProcessGroup", "steady");
        await rpc.call("supervisor.stopProcessGroup", "brief");
        await rpc.call("supervisor.startProcessGroup", "brief");
        await rpc.call("supervisor.reloadConfig");
        counts.cycles += 1;
        counts.restarts += 70;
        await wait(20);
      }
      rpc.close();
    };
    // Each asks once and is then forgotten by its client; now and then all of them die at once.
    const leaver = async () => {
      let sockets = [];
      while (!over) {
        const socket = connect(daemon.socket, () => socket.write(encode("supervisor.getState")));
        socket.on("error", () => undefined);
        socket.on("data", () => undefined);
        sockets.push(socket);
        counts.left += 1;
        if (sockets.length >= MOST_CLIENTS) {
          for (const one of sockets) one.destroy();
          sockets = [];
        }
        await wait(5);
      }
      for (const one of sockets) one.destroy();
    };
    const watcher = async () => {
      while (!over) {
        samples.push({ at: (minutes * 60_000 - (end - performance.now())) / 60_000, ...memory(daemon.pid) });
        const { at, rss, dirty } = samples.at(-1);
        console.log(`${at.toFixed(2)} min: RSS ${rss} KB, private dirty ${dirty} KB, ${counts.calls} calls`);
        if (performance.now() >= end) over = true;
        else await wait(SAMPLE_MS);
      }
    };
    const cpu = cpuNs(daemon.pid);
    const flood = pidIn(await daemon.rpc.call("supervisor.getProcessInfo", "flood"));
    await Promise.all([caller(), cycler(), leaver(), watcher()]);
    const later = samples.slice(Math.floor(samples.length / 3));
    const spent = ((cpuNs(daemon.pid) - cpu) / 1e9).toFixed(0);
    console.log(
      `\n${spawned(daemon.dir).toLocaleString("en")} starts, ${counts.restarts.toLocaleString("en")} of them asked for in ${counts.cycles} rounds of stop, start and reread; ${written(flood).toLocaleString("en")} bytes logged; ${counts.calls.toLocaleString("en")} calls; ${counts.left.toLocaleString("en")} clients that left their connection open; ${spent} s of CPU`,
    );
    console.log(`after the first third: RSS ${slope(later, "rss")}, private dirty ${slope(later, "dirty")}`);
    return 0;
  });
}

/** As the main log and its backups tell; they hold some millions. */
function spawned(dir) {
  const logs = readdirSync(dir).filter((name) => name.startsWith("main.log"));
  return logs.reduce(
    (sum, name) => sum + readFileSync(join(dir, name), "latin1").split(" spawned: ").length - 1,
    0,
  );
}

/** What a process and the children it has waited for have written. */
function written(pid) {
  return Number(/^wchar: (\d+)/m.exec(readFileSync(`/proc/${pid}/io`, "latin1"))?.[1]);
}

function pidIn(answer) {
  return Number(/<name>pid<\/name>\s*<value><int>(\d+)/.exec(answer)?.[1]);
}

/** Least squares, and the standard error: a slope below that is none. */
function slope(samples, key) {
  const mean = (pick) => samples.reduce((sum, sample) => sum + pick(sample), 0) / samples.length;
  const at = mean((sample) => sample.at);
  const size = mean((sample) => sample[key]);
  const over = samples.reduce((sum, sample) => sum + (sample.at - at) ** 2, 0);
  if (over === 0 || samples.length < 3) return "unknown";
  const up = samples.reduce((sum, sample) => sum + (sample.at - at) * (sample[key] - size), 0) / over;
  const rest = samples.reduce((sum, sample) => sum + (sample[key] - size - up * (sample.at - at)) ** 2, 0);
  const error = Math.sqrt(rest / (samples.length - 2) / over);
  return `${up.toFixed(1)} ± ${error.toFixed(1)} KB/min`;
}
