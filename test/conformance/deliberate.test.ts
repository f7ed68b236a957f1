/** Where ours is better on purpose: each with what the reference does, what ours does, and why. */
import { existsSync, mkdirSync, readFileSync, symlinkSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { fixture, fixturePath } from "../support/fixture.js";
import { request } from "../support/http.js";
import { descriptors } from "../support/processes.js";
import { until } from "../support/until.js";
import { scenario } from "./scenario.js";
import { withoutPlace } from "./scrub.js";
import type { Stage } from "./stage.js";

const area = "deliberate";
const stay = `command=${fixture("ready")}`;

/** The states once nothing is on its way any more. */
async function settled({ rpc }: Stage): Promise<unknown> {
  const all = await until(async () => {
    const seen = (await rpc("supervisor.getAllProcessInfo")) as { name: string; statename: string }[];
    return seen.every?.(({ statename }) => statename !== "STARTING" && statename !== "STOPPING") && seen;
  }, "settled states");
  return all.map(({ name, statename }) => [name, statename]);
}

async function stoppedThenReloaded(stage: Stage): Promise<unknown> {
  const { state, rpc, logged } = stage;
  await state("a", "RUNNING");
  await state("b", "RUNNING");
  await rpc("supervisor.stopProcess", "a");
  await rpc("supervisor.restart");
  await logged("spawned: 'b'", 2);
  return settled(stage);
}

scenario("what was stopped by hand stays stopped over a reload", {
  area,
  conf: `[program:a]\n${stay}\n[program:b]\n${stay}`,
  differs: {
    reason: "keep_stopped: the reference starts again what an operator stopped",
    ours: () => [
      ["a", "STOPPED"],
      ["b", "RUNNING"],
    ],
  },
  play: stoppedThenReloaded,
});

scenario("with keep_stopped=false a reload starts it again", {
  area,
  supervisord: "keep_stopped=false",
  conf: `[program:a]\n${stay}\n[program:b]\n${stay}`,
  play: stoppedThenReloaded,
});

scenario("what was stopped by hand stays stopped when update changes its section", {
  area,
  conf: `[program:a]\n${stay}\n[program:b]\n${stay}`,
  differs: {
    reason: "keep_stopped: the reference starts again what an operator stopped",
    ours: () => [
      ["a", "STOPPED"],
      ["b", "RUNNING"],
    ],
  },
  async play(stage) {
    const { state, rpc, edit, ctl, logged } = stage;
    await state("a", "RUNNING");
    await state("b", "RUNNING");
    await rpc("supervisor.stopProcess", "a");
    edit(`[program:a]\n${stay}\ndirectory=/tmp\n[program:b]\n${stay}\ndirectory=/tmp`);
    await ctl("update");
    await logged("spawned: 'b'", 2);
    return settled(stage);
  },
});

scenario("what was stopped by hand starts again when its group is removed and added by hand", {
  area,
  conf: `[program:p]\n${stay}\n[program:q]\n${stay}\n[program:r]\n${stay}`,
  async play(stage) {
    const { state, ctl, edit, logged } = stage;
    for (const name of ["p", "q", "r"]) await state(name, "RUNNING");
    await ctl("stop", "p", "q", "r");
    await ctl("remove", "p");
    await ctl("add", "p");
    // As deploy tools do, with a reading in between.
    await ctl("reread");
    await ctl("remove", "q");
    await ctl("add", "q");
    edit(`[program:p]\n${stay}\n[program:q]\n${stay}`);
    await ctl("reread");
    await ctl("remove", "r");
    edit(`[program:p]\n${stay}\n[program:q]\n${stay}\n[program:r]\n${stay}`);
    await ctl("reread");
    await ctl("add", "r");
    await logged("spawned", 6);
    return settled(stage);
  },
});

scenario("USR1 does not end the daemon", {
  area,
  conf: `[program:p]\n${stay}`,
  differs: {
    reason: "SIGUSR1 is ignored; it ends the reference and orphans every child",
    ours: () => ({ statecode: 1, statename: "RUNNING" }),
  },
  async play({ state, daemon, rpc }) {
    await state("p", "RUNNING");
    daemon.kill("SIGUSR1");
    await Promise.race([daemon.exited, rpc("system.listMethods").catch(() => null)]);
    try {
      return await rpc("supervisor.getState");
    } catch {
      return daemon.exited;
    }
  },
});

scenario("a short text is not lost when capture is on", {
  area,
  conf: `[program:p]\ncommand=/bin/echo hi\nstartsecs=0\nautorestart=false\nstdout_capture_maxbytes=1KB`,
  differs: {
    reason: "what is held back for a capture token is written at the end; the reference drops it",
    ours: () => "hi\n",
  },
  async play({ state, output }) {
    await state("p", "EXITED");
    return output("p");
  },
});

scenario("a relative command is looked for in directory=", {
  area,
  conf: `[program:p]\ncommand=./app/run-me\ndirectory=%(dir)s/place\nstartretries=0`,
  differs: {
    reason: "a relative command is taken from directory=, where it runs; the reference looks in its own",
    ours: () => "RUNNING",
  },
  boot: false,
  async play({ dir, launch, info }) {
    mkdirSync(`${dir}/place/app`, { recursive: true });
    symlinkSync(fixturePath("ready"), `${dir}/place/app/run-me`);
    await launch();
    return until(async () => {
      const { statename } = await info("p");
      return (statename === "RUNNING" || statename === "FATAL") && statename;
    }, "an outcome");
  },
});

scenario("an fcgi program in a group keeps its socket", {
  area,
  conf: `[fcgi-program:f]\ncommand=/bin/sleep 1000\nsocket=unix://%(dir)s/f.sock\n[group:g]\nprograms=f`,
  differs: {
    reason: "the reference makes it an ordinary program without its socket",
    ours: () => "socket:",
  },
  async play({ state }) {
    const { pid } = await state("g:f", "RUNNING");
    return descriptors(Number(pid))["0"];
  },
});

scenario("a log path that becomes AUTO is a change", {
  area,
  conf: `[program:p]\n${stay}\nstdout_logfile=%(dir)s/p.out`,
  differs: { reason: "the reference does not notice it", ours: () => [[[], ["p"], []]] },
  async play({ edit, rpc }) {
    edit(`[program:p]\n${stay}`);
    return rpc("supervisor.reloadConfig");
  },
});

scenario("a relative -c and directory= do not lose the conf", {
  area,
  boot: false,
  supervisord: "directory=/usr",
  differs: {
    reason: "the conf's absolute path is remembered; the reference looks for it in the new directory",
    ours: () => [[[], [], []]],
  },
  async play({ run, rpc, exists, ctl }) {
    await run(["-c", "supervisord.conf"]);
    await until(() => exists("supervisord.pid"), "pidfile");
    const answer = await rpc("supervisor.reloadConfig");
    await ctl("shutdown");
    await until(() => !exists("supervisord.pid"), "shutdown");
    return answer;
  },
});

scenario("getAllConfigInfo tells autorestart=true as a boolean", {
  area,
  conf: `[program:p]\n${stay}\nautorestart=true`,
  differs: {
    reason: "4.2.5 has no such field, and 4.4.0.dev0 answers HTTP 500",
    ours: () => true,
  },
  async play({ rpc }) {
    const [info] = (await rpc("supervisor.getAllConfigInfo")) as { autorestart?: unknown }[];
    return info?.autorestart ?? "no field";
  },
});

scenario("a reload with a broken conf", {
  area,
  differs: {
    reason:
      "a conf that cannot be used is told in the log and nothing is stopped; the reference stops all and exits 2",
    ours: () => ["not reloading", false],
  },
  conf: `[program:p]\n${stay}`,
  async play({ state, write, daemon, logged }) {
    await state("p", "RUNNING");
    write("supervisord.conf", "[supervisord]\nloglevel=wrong\n");
    daemon.kill("SIGHUP");
    const end = await Promise.race([daemon.exited, logged("not reloading").then(() => "not reloading")]);
    return [end, daemon.stderr().includes("bad logging level name 'wrong'")];
  },
});

scenario("a group with an unknown second member names its own section", {
  area,
  boot: false,
  conf: "[program:x]\ncommand=/bin/cat\n[group:g]\nprograms=x,zz",
  differs: {
    reason: "the reference names the section it handled before",
    ours: () => "Error: [group:g] names unknown program or fcgi-program zz",
  },
  async play({ run, conf }) {
    const { err } = await run(["-n", "-c", conf]);
    return withoutPlace(err.split("\n")[0] ?? "");
  },
});

scenario("a child's log that somebody removes comes back", {
  area,
  conf: `[program:p]\ncommand=/bin/cat\nstdout_logfile=%(dir)s/p.log`,
  differs: {
    reason: "a removed log is made again; the reference writes on into the file that is gone",
    ours: () => "after\n",
  },
  async play({ state, rpc, dir }) {
    await state("p", "RUNNING");
    const path = join(dir, "p.log");
    unlinkSync(path);
    // The reference never does so.
    await until(() => existsSync(path), "the log again", { ceilingMs: 5000 }).catch(() => undefined);
    await rpc("supervisor.sendProcessStdin", "p", "after\n");
    const written = (): string => readFileSync(path, "utf8");
    if (existsSync(path)) await until(() => written() !== "", "what was written");
    await rpc("supervisor.stopProcess", "p");
    return existsSync(path) ? written() : "no log";
  },
});

/** O_RDONLY, O_WRONLY or O_RDWR of a child's descriptors 0 to 2. */
function accessModes(pid: number): readonly (string | undefined)[] {
  return [0, 1, 2].map((fd) => {
    const flags = /^flags:\s*(\d+)$/m.exec(readFileSync(`/proc/${pid}/fdinfo/${fd}`, "utf8"))?.[1] ?? "";
    return ["O_RDONLY", "O_WRONLY", "O_RDWR"][Number.parseInt(flags, 8) & 3];
  });
}

const modesOf = async ({ state }: Stage): Promise<unknown> =>
  accessModes(Number((await state("p", "RUNNING"))["pid"]));

scenario("a child's descriptors are open for reading and writing, so that the pipes outlive the daemon", {
  area,
  conf: `[program:p]\n${stay}`,
  differs: {
    reason: "a child holds both ends of its pipes; in the reference one",
    ours: () => ["O_RDWR", "O_RDWR", "O_RDWR"],
  },
  play: modesOf,
});

scenario("with adopt=false each is open in one direction", {
  area,
  supervisord: "adopt=false",
  conf: `[program:p]\n${stay}`,
  play: modesOf,
});

scenario("methods beyond Supervisor's stand in a namespace of their own", {
  area,
  differs: {
    reason: "system.listMethods names the methods of supervisord_ts too",
    ours: () => ["supervisord_ts.needsReload", "supervisord_ts.upgrade"],
  },
  async play({ rpc }) {
    const names = (await rpc("system.listMethods")) as string[];
    return names.filter((name) => !/^(?:supervisor|system)\./.test(name));
  },
});

scenario("blanks round a method's name are no part of it", {
  area,
  differs: { reason: "blanks round the name are forgiven", ours: () => [200, true] },
  async play({ dir }) {
    const body =
      "<?xml version='1.0'?><methodCall><methodName> supervisor.getState </methodName><params/></methodCall>";
    const answer = await request({ socketPath: `${dir}/s.sock` }, "POST", "/RPC2", { body });
    return [answer.status, answer.body.includes("RUNNING")];
  },
});
