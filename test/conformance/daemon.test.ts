/** The daemon itself: signals, pidfile, socket, background, reload, the main log's beginning and end. */
import { lstatSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { fixture } from "../support/fixture.js";
import { cwd, descriptors, stat, status } from "../support/processes.js";
import { runCommand } from "../support/run-command.js";
import { until } from "../support/until.js";
import { scenario } from "./scenario.js";
import { withoutHolder } from "./scrub.js";

const area = "daemon";
const stay = `command=${fixture("ready")}`;

scenario("the main log from start to end", {
  area,
  conf: `[program:p]\n${stay}`,
  async play({ state, daemon, log, exists, read }) {
    await state("p", "RUNNING");
    const pidfile = read("supervisord.pid") === `${daemon.pid}\n`;
    daemon.kill("SIGTERM");
    const exit = await daemon.exited;
    return [pidfile, exit, log(), exists("supervisord.pid"), exists("s.sock")];
  },
});

scenario("in the foreground the main log is on stdout too", {
  area,
  conf: `[program:p]\n${stay}`,
  async play({ state, daemon, read }) {
    await state("p", "RUNNING");
    daemon.kill("SIGTERM");
    await daemon.exited;
    return [daemon.stdout() === read("main.log"), daemon.stderr()];
  },
});

scenario("silent keeps it off", {
  area,
  args: ["-s"],
  async play({ daemon, log }) {
    daemon.kill("SIGTERM");
    await daemon.exited;
    return [daemon.stdout(), daemon.stderr(), log(/supervisord started/).length];
  },
});

for (const signal of ["SIGINT", "SIGQUIT", "SIGTERM"] as const) {
  scenario(`${signal} shuts down with status 0`, {
    area,
    conf: `[program:p]\n${stay}`,
    async play({ state, daemon, log, files }) {
      await state("p", "RUNNING");
      daemon.kill(signal);
      return [await daemon.exited, log(/received|waiting|stopped/), files()];
    },
  });
}

scenario("HUP reloads: same pid, everything restarted", {
  area,
  conf: `[program:p]\n${stay}\n[program:q]\n${stay}\nautostart=false`,
  async play({ state, daemon, logged, log, rpc, edit, read }) {
    await state("p", "RUNNING");
    edit(`[program:r]\n${stay}`);
    daemon.kill("SIGHUP");
    await logged("entered RUNNING", 2);
    const all = (await rpc("supervisor.getAllProcessInfo")) as { name: string; statename: string }[];
    return [
      all.map(({ name, statename }) => [name, statename]),
      log(),
      (await rpc("supervisor.getPID")) === daemon.pid,
      read("supervisord.pid") === `${daemon.pid}\n`,
    ];
  },
});

scenario("HUP during shutdown is ignored", {
  area,
  conf: `[program:slow]\ncommand=${fixture("exit-on")} TERM 0 3`,
  async play({ state, printed, daemon, logged, log }) {
    await state("slow", "RUNNING");
    await printed("slow", "ready");
    daemon.kill("SIGTERM");
    await logged("received SIGTERM");
    daemon.kill("SIGHUP");
    return [await daemon.exited, log(/received|ignored/)];
  },
});

scenario("shutdown kills what does not stop", {
  area,
  conf: `[program:deaf]\ncommand=${fixture("ignore-sigterm")}\nstopwaitsecs=1`,
  async play({ state, printed, daemon, log }) {
    await state("deaf", "RUNNING");
    await printed("deaf", "ready");
    daemon.kill("SIGTERM");
    return [await daemon.exited, log(/killing|stopped/)];
  },
});

scenario("shutdown with a process in BACKOFF does not wait for its retry", {
  area,
  conf: "[program:boom]\ncommand=/bin/false\nstartsecs=4\nstartretries=50",
  async play({ state, logged, daemon, log }) {
    await logged("exited: boom", 5);
    await state("boom", "BACKOFF");
    daemon.kill("SIGTERM");
    return [await daemon.exited, log(/FATAL|stopped|received/)];
  },
});

scenario("in the background: parent exits 0, its own session, fds on /dev/null", {
  area,
  boot: false,
  supervisord: "umask=027\ndirectory=/usr",
  conf: `[program:p]\n${stay}`,
  async play({ run, rpc, read, log, state, dir, exists }) {
    const parent = await run(["-c", `${dir}/supervisord.conf`]);
    const answered = await rpc("supervisor.getState");
    await until(() => exists("supervisord.pid"), "pidfile");
    const pid = Number(read("supervisord.pid"));
    const { pid: child } = await state("p", "RUNNING");
    const { 0: stdin, 1: stdout, 2: stderr } = descriptors(pid);
    const facts = {
      parent,
      answered,
      sameAsRpc: (await rpc("supervisor.getPID")) === pid,
      ownSession: stat(pid)?.sid === pid,
      stdio: [stdin, stdout, stderr],
      cwd: cwd(pid),
      umask: status(pid)["Umask"],
      childsCwd: cwd(Number(child)),
      childsUmask: status(Number(child))["Umask"],
    };
    await rpc("supervisor.shutdown");
    await until(() => stat(pid) === null, "daemon gone");
    return [facts, log(), exists("supervisord.pid"), exists("s.sock")];
  },
});

scenario("in the foreground umask and directory stay as they were", {
  area,
  supervisord: "umask=077\ndirectory=/usr",
  async play({ daemon }) {
    return [cwd(daemon.pid), status(daemon.pid)["Umask"]];
  },
});

scenario("the socket's mode follows chmod, and its owner chown", {
  area,
  server: "chmod=0770\nchown=nobody:daemon",
  async play({ dir }) {
    const { mode, uid, gid } = statSync(`${dir}/s.sock`);
    return [(mode & 0o7777).toString(8), uid, gid, lstatSync(`${dir}/s.sock`).isSocket()];
  },
});

scenario("the socket's mode is 0700 otherwise", {
  area,
  async play({ dir, files }) {
    return [(statSync(`${dir}/s.sock`).mode & 0o7777).toString(8), files()];
  },
});

scenario("a stale socket is replaced", {
  area,
  boot: false,
  async play({ launch, rpc, dir, files }) {
    await staleSocket(`${dir}/s.sock`);
    const daemon = await launch();
    return [await rpc("supervisor.getState"), daemon.stderr(), files()];
  },
});

/** Bound by a program that is gone. */
async function staleSocket(path: string): Promise<void> {
  const bind = `import socket; socket.socket(socket.AF_UNIX).bind(${JSON.stringify(path)})`;
  await runCommand(["/usr/bin/python3", "-ESc", bind]);
}

scenario("a second daemon on the same socket gives up and leaves the first alone", {
  area,
  conf: `[program:p]\n${stay}`,
  async play({ state, run, read, rpc, daemon, dir, exists }) {
    await state("p", "RUNNING");
    const second = await run(["-n", "-c", `${dir}/supervisord.conf`]);
    return [
      second.exit,
      withoutHolder(second.err),
      await rpc("supervisor.getState"),
      read("supervisord.pid") === `${daemon.pid}\n`,
      exists("s.sock"),
    ];
  },
});

scenario("a pidfile that cannot be written is only a CRIT line", {
  area,
  boot: false,
  async play({ launch, rpc, dir, log }) {
    mkdirSync(`${dir}/supervisord.pid`);
    await launch();
    return [await rpc("supervisor.getState"), log(/pidfile/)];
  },
});

scenario("minfds raises the limit, tells, and children get it", {
  area,
  boot: false,
  supervisord: "minfds=2048",
  conf: `[program:p]\n${stay}`,
  async play({ launch, state, log }) {
    await launch([], { through: ["prlimit", "--nofile=256:4096"] });
    const { pid } = await state("p", "RUNNING");
    return [log(/RLIMIT/), limit(Number(pid), "Max open files")];
  },
});

scenario("a limit above minfds is left as it is", {
  area,
  boot: false,
  conf: `[program:p]\n${stay}`,
  async play({ launch, state, log }) {
    await launch([], { through: ["prlimit", "--nofile=3000:4096"] });
    const { pid } = await state("p", "RUNNING");
    return [log(/RLIMIT/), limit(Number(pid), "Max open files")];
  },
});

function limit(pid: number, name: string): string | undefined {
  return readFileSync(`/proc/${pid}/limits`, "utf8")
    .split("\n")
    .find((line) => line.startsWith(name));
}

scenario("user= with its INFO line instead of the CRIT one", {
  area,
  supervisord: "user=root",
  async play({ log }) {
    return log(/uid|root/);
  },
});

scenario("every server section without credentials has its CRIT line", {
  area,
  conf: "[unix_http_server:second]\nfile=%(dir)s/second.sock\n[unix_http_server:third]\nfile=%(dir)s/third.sock\nusername=a\npassword=b",
  async play({ log, files }) {
    return [log(/CRIT|RPC interface/), files()];
  },
});

scenario("without the rpcinterface section there are no supervisor methods", {
  area,
  boot: false,
  async play({ dir, launch, rpc, ctl }) {
    writeFileSync(
      `${dir}/supervisord.conf`,
      `[unix_http_server]\nfile=${dir}/s.sock\n[supervisord]\nlogfile=${dir}/main.log\npidfile=${dir}/supervisord.pid\n[supervisorctl]\nserverurl=unix://${dir}/s.sock\n`,
    );
    await launch();
    return [
      await rpc("supervisor.getState"),
      await rpc("system.listMethods"),
      await ctl("status"),
      await ctl("start", "x"),
      await ctl("shutdown"),
    ];
  },
});

scenario("the daemon's log level hides what is below", {
  area,
  supervisord: "loglevel=warn",
  conf: `[program:p]\n${stay}`,
  async play({ state, daemon, log }) {
    await state("p", "RUNNING");
    daemon.kill("SIGTERM");
    await daemon.exited;
    return log();
  },
});

scenario("orphans of a child that ends are left alone and the daemon goes on", {
  area,
  conf: `[program:parent]\ncommand=${fixture("grandchild")}\nautorestart=false`,
  async play({ state, rpc, printed, log }) {
    await state("parent", "RUNNING");
    await printed("parent", "ready");
    await rpc("supervisor.signalProcess", "parent", "TERM");
    return [await state("parent", "EXITED"), log(/exited/)];
  },
});

scenario("a listening socket of someone else at the configured path is respected", {
  area,
  boot: false,
  async play({ dir, run }) {
    const server = createServer((socket) => socket.on("error", () => undefined).end("hello"));
    await new Promise<void>((resolve) => server.listen(`${dir}/s.sock`, resolve));
    try {
      const { exit, err } = await run(["-n", "-c", `${dir}/supervisord.conf`]);
      return [exit, withoutHolder(err), statSync(`${dir}/s.sock`).isSocket()];
    } finally {
      server.close();
    }
  },
});
