/**
 * How long a killed program is away, and how often an idle daemon wakes up: the reference and ours, alternating
 * in one run. `node test/bench/restart.mjs [rounds]`; it prints, it judges nothing.
 */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { Client } from "../../dist/index.js";

const OURS = [process.execPath, join(import.meta.dirname, "../../bin/supervisord-ts.js")];
const rounds = Number(process.argv[2] ?? 20);
const idleSeconds = Number(process.argv[3] ?? 10);
const contenders = { reference: ["/usr/bin/supervisord"], ours: OURS };

const results = {};
const running = {};
try {
  for (const [name, command] of Object.entries(contenders)) {
    if (existsSync(command[0])) running[name] = await start(command);
    results[name] = { restart: [], wakeups: 0 };
  }
  for (let round = 0; round < rounds; round += 1)
    for (const name of Object.keys(running)) results[name].restart.push(await crash(running[name]));
  for (const name of Object.keys(running)) results[name].wakeups = await idle(running[name]);
} finally {
  for (const daemon of Object.values(running)) await stop(daemon);
}

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
console.log(`${cpus()[0]?.model}, ${cpus().length} cores, Node ${process.version}, ${rounds} crashes each`);
console.log("daemon      crash → running, median    min     max   wake-ups/s idle");
for (const [name, { restart, wakeups }] of Object.entries(results)) {
  const row = [median(restart), Math.min(...restart), Math.max(...restart)].map((ms) =>
    ms.toFixed(2).padStart(8),
  );
  console.log(`${name.padEnd(10)} ${row[0]} ms ${" ".repeat(14)}${row[1]}${row[2]}   ${wakeups.toFixed(2)}`);
}
if (running.reference !== undefined) {
  const ratio = median(results.ours.restart) / median(results.reference.restart);
  console.log(`ratio ours/reference: ${ratio.toFixed(5)}`);
}

async function start([file, ...args]) {
  const dir = mkdtempSync(join(tmpdir(), "supervisord-bench-"));
  const socket = join(dir, "s.sock");
  writeFileSync(
    join(dir, "s.conf"),
    `[unix_http_server]\nfile=${socket}\n[supervisord]\nlogfile=${dir}/main.log\npidfile=${dir}/pid\nchildlogdir=${dir}\n` +
      "[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n" +
      "[program:victim]\ncommand=/bin/sleep 1000000\nstartsecs=0\nautorestart=true\n",
  );
  const env = { ...process.env };
  delete env.NODE_EXTRA_CA_CERTS;
  const child = spawn(file, [...args, "-n", "-c", join(dir, "s.conf")], { stdio: "ignore", env });
  const client = new Client({ serverurl: `unix://${socket}` });
  for (;;) {
    try {
      if ((await client.getProcessInfo("victim")).statename === "RUNNING") return { dir, child, client };
    } catch {
      // not listening yet
    }
    await wait(20);
  }
}

/** Milliseconds from SIGKILL to the next child of the daemon being there, as /proc tells. */
async function crash({ child, client }) {
  const { pid } = await client.getProcessInfo("victim");
  const begin = performance.now();
  process.kill(pid, "SIGKILL");
  for (;;) {
    const next = children(child.pid).find((other) => other !== pid);
    if (next !== undefined) {
      const away = performance.now() - begin;
      while ((await client.getProcessInfo("victim")).statename !== "RUNNING") await wait(1);
      return away;
    }
    await wait(0);
  }
}

function children(pid) {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8")
    .trim()
    .split(" ")
    .filter(Boolean)
    .map(Number);
}

/** Voluntary context switches of all the daemon's threads per second: each is a wake-up that went back to sleep. */
async function idle({ child }) {
  await wait(3000);
  const before = switches(child.pid);
  await wait(idleSeconds * 1000);
  return (switches(child.pid) - before) / idleSeconds;
}

function switches(pid) {
  let sum = 0;
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    const status = readFileSync(`/proc/${pid}/task/${task}/status`, "utf8");
    sum += Number(/^voluntary_ctxt_switches:\s*(\d+)/m.exec(status)?.[1] ?? 0);
  }
  return sum;
}

async function stop({ dir, child, client }) {
  await client[Symbol.asyncDispose]();
  const exited = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGTERM");
  await exited;
  rmSync(dir, { recursive: true, force: true });
}
