/** The two supervisords: the same conf for both, from exec until they answer. */
import { spawn, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { childrenOf, killTree } from "./proc.mjs";
import { Rpc } from "./rpc.mjs";
import { removeScratch, scratch } from "./scratch.mjs";

const BIN = join(import.meta.dirname, "../../../bin");
const COMMANDS = {
  reference: { daemon: "/usr/bin/supervisord", ctl: "/usr/bin/supervisorctl" },
  ours: { daemon: join(BIN, "supervisord-ts.js"), ctl: join(BIN, "supervisorctl-ts.js") },
};

/** With it, Node reads a whole bundle of certificates before the first line of a script. */
export const ENV = { ...process.env };
delete ENV.NODE_EXTRA_CA_CERTS;

export function sleepers(count, options = "") {
  const name = (n) => `p${String(n).padStart(4, "0")}`;
  return Array.from({ length: count }, (_, n) => program(name(n), "/bin/sleep 1000000", options)).join("");
}

export function program(name, command, options = "") {
  return `[program:${name}]\ncommand=${command}\nstartsecs=0\nredirect_stderr=true\n${options}\n`;
}

/** `supervisor` is more lines of [supervisord]. */
export function confText(dir, programs, { minfds = 1024, supervisor = "" } = {}) {
  return (
    `[unix_http_server]\nfile=${dir}/s.sock\n` +
    `[supervisord]\nlogfile=${dir}/main.log\npidfile=${dir}/pid\nchildlogdir=${dir}\nminfds=${minfds}\n${supervisor}\n` +
    "[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n" +
    `[supervisorctl]\nserverurl=unix://${dir}/s.sock\n${programs}`
  );
}

/** A daemon of this conf; `launch` starts it and gives when that was. `programs` may depend on its directory. */
export function prepare(name, programs, options) {
  const dir = scratch(name);
  const conf = join(dir, "s.conf");
  const text = typeof programs === "function" ? programs(dir) : programs;
  writeFileSync(conf, confText(dir, text, options));
  const rpc = new Rpc(join(dir, "s.sock"));
  let child = null;
  const daemon = {
    name,
    dir,
    conf,
    rpc,
    socket: join(dir, "s.sock"),
    get pid() {
      return child.pid;
    },
    launch() {
      const began = performance.now();
      child = spawn(COMMANDS[name].daemon, ["-n", "-c", conf], { stdio: "ignore", env: ENV });
      return began;
    },
    /** Until it answers. */
    async up() {
      for (let tries = 0; ; tries += 1) {
        try {
          await rpc.call("supervisor.getState");
          return daemon;
        } catch (error) {
          if (child.exitCode !== null || tries > 12_000)
            throw new Error(`${name} does not come up: ${log(dir, 400)}`, { cause: error });
          await wait(10);
        }
      }
    },
    /** Until its log has told of that many starts: with startsecs=0 they are RUNNING, and nobody had to ask. */
    async started(count) {
      const end = Date.now() + 300_000;
      while (log(dir, 0).split(" spawned: '").length - 1 < count) {
        if (Date.now() > end) throw new Error(`${name} has started fewer than ${count}`);
        await wait(20);
      }
      return daemon;
    },
    ctl(...words) {
      const { status, stdout, error } = spawnSync(COMMANDS[name].ctl, ["-c", conf, ...words], { env: ENV });
      if (error !== undefined) throw error;
      return { status, text: stdout.toString("utf8") };
    },
    workers: () => childrenOf(child.pid),
    /** Not asked to stop: the reference would take a second for each group. */
    async stop() {
      rpc.close();
      if (child.exitCode === null && child.signalCode === null) {
        const exited = new Promise((resolve) => child.once("exit", resolve));
        killTree(child.pid);
        await exited;
      }
      removeScratch(dir);
    },
  };
  return daemon;
}

/** Up, with `running` of its programs started. */
export async function boot(name, programs, { running = 0, ...options } = {}) {
  const daemon = prepare(name, programs, options);
  try {
    daemon.launch();
    await daemon.up();
    return await daemon.started(running);
  } catch (error) {
    await daemon.stop();
    throw error;
  }
}

function log(dir, last) {
  try {
    return readFileSync(join(dir, "main.log"), "utf8").slice(-last);
  } catch {
    return "it wrote no log";
  }
}

export function referenceVersion() {
  const { status, stdout } = spawnSync(COMMANDS.reference.daemon, ["--version"]);
  return status === 0 ? stdout.toString("utf8").trim() : null;
}
