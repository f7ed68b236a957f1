/** A daemon that is not root, and limits that are low: what cannot be done then, and in which words. */
import { chmodSync, chownSync, copyFileSync, writeFileSync } from "node:fs";
import { fixture } from "../support/fixture.js";
import { marked, status } from "../support/processes.js";
import type { Ran } from "../support/run-command.js";
import { runCommand } from "../support/run-command.js";
import { scenario } from "./scenario.js";
import type { Stage } from "./stage.js";

const area = "daemon";
const stay = `command=${fixture("ready")}`;
const NOBODY = 65534;
const AS_NOBODY = ["setpriv", `--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups"];

const refusal = ({ exit, err }: Ran): unknown => [exit, err.split("\n")[0]];

/** The scenario's directory, given to nobody. */
function give({ dir, conf }: Stage): void {
  for (const path of [dir, conf]) chownSync(path, NOBODY, NOBODY);
}

/** Becomes somebody whom the daemon may not signal. */
function becomeRoot({ dir }: Stage): void {
  copyFileSync("/usr/bin/python3", `${dir}/python-as-root`);
  chmodSync(`${dir}/python-as-root`, 0o4755);
  writeFileSync(
    `${dir}/out-of-reach.py`,
    'import os, time\nos.setuid(0)\nprint("ready", flush=True)\ntime.sleep(1000)\n',
  );
}

scenario("a daemon that is not root says nothing of users and runs programs as itself", {
  area,
  boot: false,
  conf: `[program:p]\n${stay}`,
  async play(stage) {
    give(stage);
    const daemon = await stage.launch([], { through: AS_NOBODY });
    const { pid } = await stage.state("p", "RUNNING");
    return [stage.log(/uid|root/), status(daemon.pid)["Uid"], status(Number(pid))["Uid"]];
  },
});

scenario("user= of a daemon that is root drops its privileges before anything is opened", {
  area,
  boot: false,
  supervisord: "user=nobody",
  conf: `[program:p]\n${stay}`,
  async play(stage) {
    give(stage);
    const daemon = await stage.launch();
    const { pid } = await stage.state("p", "RUNNING");
    const owner = await runCommand(["stat", "-c", "%U", "main.log", "s.sock", "supervisord.pid"], {
      cwd: stage.dir,
    });
    return [
      stage.log(/uid|root/),
      ["Uid", "Gid", "Groups"].map((field) => status(daemon.pid)[field]),
      status(Number(pid))["Uid"],
      owner.out,
    ];
  },
});

scenario("user= that is somebody else is refused to a daemon that is not root", {
  area,
  boot: false,
  supervisord: "user=root",
  async play(stage) {
    give(stage);
    return [
      refusal(await stage.run(["-n", "-c", stage.conf], { through: AS_NOBODY })),
      refusal(await stage.run(["-n", "-c", stage.conf, "-u", "daemon"], { through: AS_NOBODY })),
      stage.exists("main.log"),
    ];
  },
});

scenario("a program never runs as the wrong user: it does not run at all", {
  area,
  boot: false,
  conf: `[program:p]\n${stay}\nuser=daemon\nstartsecs=4\nstartretries=0`,
  async play(stage) {
    give(stage);
    await stage.launch([], { through: AS_NOBODY });
    return [await stage.state("p", "FATAL"), await stage.output("p", "stderr"), await stage.output("p")];
  },
});

scenario("a command that the daemon may not execute", {
  area,
  boot: false,
  conf: "[program:p]\ncommand=%(dir)s/private\nstartretries=0",
  async play(stage) {
    give(stage);
    writeFileSync(`${stage.dir}/private`, "#!/bin/sh\n");
    chmodSync(`${stage.dir}/private`, 0o700);
    await stage.launch([], { through: AS_NOBODY });
    return [
      await stage.state("p", "FATAL"),
      await stage.rpc("supervisor.startProcess", "p"),
      await stage.ctl("start", "p"),
    ];
  },
});

scenario("a socket that cannot be given to another owner", {
  area,
  boot: false,
  server: "chown=daemon:daemon",
  async play(stage) {
    give(stage);
    return refusal(await stage.run(["-n", "-c", stage.conf], { through: AS_NOBODY }));
  },
});

scenario("limits that cannot be raised end the start", {
  area,
  boot: false,
  conf: `[program:p]\n${stay}`,
  async play(stage) {
    give(stage);
    const number = (ran: Ran): unknown => {
      const [exit, text] = refusal(ran) as [unknown, string];
      return [
        exit,
        text
          .replace(/(to open|run at least|only allow) \d+/, "$1 N")
          .replace(/\d+ file descriptors/, "N file descriptors"),
      ];
    };
    const low = (words: readonly string[], limit: string): Promise<Ran> =>
      stage.run(["-n", "-c", stage.conf, ...words], { through: ["prlimit", limit, ...AS_NOBODY] });
    return [
      number(await low(["-a", "5000"], "--nofile=1024:4096")),
      number(await low(["--minprocs", "9000"], "--nproc=3000:4000")),
    ];
  },
});

scenario("minprocs raises the limit and tells", {
  area,
  boot: false,
  supervisord: "minprocs=3000",
  conf: `[program:p]\n${stay}`,
  async play(stage) {
    await stage.launch([], { through: ["prlimit", "--nproc=2000:4000"] });
    const { pid } = await stage.state("p", "RUNNING");
    const { out } = await runCommand(["prlimit", "--nproc", "--raw", "--noheadings", "--pid", String(pid)]);
    return [stage.log(/RLIMIT/), out.trim().split(/\s+/).slice(-3)];
  },
});

scenario("too many processes is a spawn error", {
  area,
  boot: false,
  conf: `[program:p]\n${stay}\nautostart=false\nstartretries=0`,
  async play(stage) {
    give(stage);
    const daemon = await stage.launch([], { through: AS_NOBODY });
    const limited = await runCommand([...AS_NOBODY, "prlimit", "--nproc=1:1", "--pid", String(daemon.pid)]);
    return [
      limited,
      await stage.rpc("supervisor.startProcess", "p"),
      (await stage.state("p", "FATAL"))["spawnerr"],
      stage.log(/spawnerr/),
    ];
  },
});

scenario("too many open files is a spawn error, and the daemon lives", {
  area,
  boot: false,
  supervisord: "minfds=1",
  conf: `[program:p]\ncommand=/bin/sleep 1000\nnumprocs=60\nprocess_name=p%(process_num)02d\nstartretries=0\nstdout_logfile=NONE\nstderr_logfile=NONE`,
  async play(stage) {
    const daemon = await stage.launch([], { through: ["prlimit", "--nofile=128:128"], wait: false });
    await stage.logged("too many open files to spawn");
    await stage.logged("entered FATAL state");
    const [line = ""] = stage.log(/too many open files/);
    daemon.kill("SIGTERM");
    return [line.replace(/p\d\d/, "pNN"), await daemon.exited];
  },
});

scenario("a process that cannot be signalled is UNKNOWN", {
  area,
  boot: false,
  conf: `[program:p]\ncommand=%(dir)s/python-as-root %(dir)s/out-of-reach.py
[eventlistener:ears]\ncommand=${fixture("listen-events")} %(dir)s/ears\nevents=PROCESS_STATE_UNKNOWN`,
  async play(stage) {
    const { state, printed, rpc, info, ctl, log, read, dir } = stage;
    give(stage);
    becomeRoot(stage);
    const daemon = await stage.launch([], { through: AS_NOBODY });
    for (const name of ["p", "ears"]) await state(name, "RUNNING");
    await printed("p", "ready");
    // What follows the pid is Python's traceback there, an errno name here.
    const withoutTrace = (answer: unknown): unknown =>
      String((answer as { fault?: string }).fault).replace(/ \(\d+\):[\s\S]*/, "");
    const signalled = withoutTrace(await rpc("supervisor.signalProcess", "p", "HUP"));
    const seen = [
      signalled,
      (await state("p", "UNKNOWN"))["statename"],
      await rpc("supervisor.startProcess", "p"),
      await rpc("supervisor.stopProcess", "p"),
      await rpc("supervisor.signalProcess", "p", "HUP"),
      await rpc("supervisor.startProcess", "p", false),
      await ctl("status"),
      log(/CRIT unknown problem/).map((line) => line.replace(/ \(\d+\):.*/, "")),
      read("ears").replace(/.*"eventname": "(\w+)".*?"(processname[^"]*)".*/, "brings $1 $2"),
      (await info("p"))["spawnerr"],
    ];
    daemon.kill("SIGTERM");
    return [seen, await daemon.exited, marked(dir).length];
  },
});

scenario("a stop that cannot be signalled fails, and update leaves the group alone", {
  area,
  boot: false,
  conf: "[program:p]\ncommand=%(dir)s/python-as-root %(dir)s/out-of-reach.py",
  async play(stage) {
    const { state, printed, ctl, log, edit, rpc } = stage;
    give(stage);
    becomeRoot(stage);
    await stage.launch([], { through: AS_NOBODY });
    await state("p", "RUNNING");
    await printed("p", "ready");
    edit("");
    const { out, exit } = await ctl("stop", "p");
    return [
      out.replace(/ \(\d+\)[\s\S]*/, ""),
      exit,
      log(/CRIT unknown problem/).map((line) => line.replace(/ \(\d+\):.*/, "")),
      (await state("p", "UNKNOWN"))["description"],
      await ctl("start", "p"),
      await rpc("supervisor.removeProcessGroup", "p"),
    ];
  },
});
