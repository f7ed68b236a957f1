/** What Supervisor itself once got wrong, by its change history: none of it may come back, here or there. */
import { mkdirSync, readlinkSync, renameSync, symlinkSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { fixture } from "../support/fixture.js";
import { cwd, environ } from "../support/processes.js";
import { runCommand } from "../support/run-command.js";
import { until } from "../support/until.js";
import { scenario } from "./scenario.js";

const stay = `command=${fixture("ready")}`;

scenario("a stop that races with a death does no harm", {
  area: "supervision",
  conf: `[program:p]\n${stay}\nautorestart=false`,
  async play({ state, rpc, log }) {
    for (const _ of [1, 2, 3, 4, 5]) {
      await state("p", "RUNNING");
      await Promise.all([
        rpc("supervisor.signalProcess", "p", "KILL"),
        rpc("supervisor.stopProcess", "p", false),
      ]);
      await until(async () => {
        const { statename } = (await rpc("supervisor.getProcessInfo", "p")) as { statename: string };
        return statename === "EXITED" || statename === "STOPPED";
      }, "its end");
      await rpc("supervisor.startProcess", "p");
    }
    return [await rpc("supervisor.getState"), log(/ERRO|CRIT/)];
  },
});

scenario("syslog without a log file, and USR2 while the main log goes to syslog", {
  area: "logs",
  boot: false,
  args: ["-l", "syslog"],
  conf: `[program:p]\n${stay}\nstdout_logfile=NONE\nstderr_logfile=NONE\nstdout_syslog=true\nstderr_syslog=true`,
  async play({ launch, state, rpc, info, files, ctl }) {
    const daemon = await launch(["-l", "syslog"]);
    await state("p", "RUNNING");
    daemon.kill("SIGUSR2");
    await until(() => daemon.stdout().includes("logreopen"), "the reopening");
    return [
      await rpc("supervisor.getState"),
      await info("p"),
      files(),
      await rpc("supervisor.readLog", 0, 0),
      await ctl("maintail"),
      daemon
        .stdout()
        .split("\n")
        .filter((line) => line.includes("USR2")),
    ];
  },
});

scenario("clients that go away in the middle do no harm", {
  area: "http",
  conf: `[program:p]\ncommand=/usr/bin/yes\nstdout_logfile_maxbytes=20MB\nstdout_logfile_backups=1`,
  async play({ dir, state, rpc, http }) {
    await state("p", "RUNNING");
    const talk = async (text: string): Promise<void> => {
      const socket = connect(`${dir}/s.sock`);
      socket.on("error", () => undefined);
      await new Promise<void>((resolve) => socket.write(text, () => resolve()));
      socket.destroy();
    };
    for (const text of [
      "",
      "GET",
      "GET / HTTP/1.1\r\n",
      "GET /logtail/p HTTP/1.1\r\nConnection: keep-alive\r\n\r\n",
      "POST /RPC2 HTTP/1.1\r\nContent-Length: 99999\r\n\r\n<",
    ])
      await talk(text);
    const stream = await http("GET", "/logtail/p", { enough: (body) => body.length > 2000 });
    return [stream.status, await rpc("supervisor.getState")];
  },
});

scenario("chatty children do not keep RPC waiting", {
  area: "rpc",
  conf: `[program:loud]\ncommand=/usr/bin/yes\nnumprocs=2\nprocess_name=loud%(process_num)d\nstdout_logfile=NONE`,
  async play({ state, rpc }) {
    await state("loud:loud0", "RUNNING");
    await state("loud:loud1", "RUNNING");
    const answers = [];
    for (const _ of [1, 2, 3, 4, 5]) answers.push(await rpc("supervisor.getState"));
    return [answers, ((await rpc("supervisor.stopProcess", "loud:*")) as unknown[]).length];
  },
});

scenario("more than 1024 descriptors", {
  area: "daemon",
  supervisord: "minfds=4096",
  conf: `[program:p]\ncommand=${fixture("echo-stdin")}\nautostart=false\nstartsecs=0`,
  async play({ dir, rpc, printed }) {
    const held: Socket[] = [];
    try {
      for (let n = 0; n < 1010; n += 1) {
        const socket = connect(`${dir}/s.sock`);
        socket.on("error", () => undefined);
        held.push(socket);
        if (n % 50 === 0) await rpc("supervisor.getState");
      }
      await rpc("supervisor.getState");
      const started = await rpc("supervisor.startProcess", "p");
      await printed("p", "ready");
      return [
        started,
        await rpc("supervisor.sendProcessStdin", "p", "high\n"),
        await printed("p", "heard high"),
      ];
    } finally {
      for (const socket of held) socket.destroy();
    }
  },
});

scenario("directory and environment are expanded for each process", {
  area: "config",
  boot: false,
  conf: `[program:p]\ncommand=/bin/sleep 1000\nnumprocs=2\nprocess_name=p%(process_num)d\ndirectory=%(dir)s/d%(process_num)d\nenvironment=MINE="%(process_num)d/%(numprocs)d"`,
  async play({ dir, launch, state }) {
    for (const n of [0, 1]) mkdirSync(`${dir}/d${n}`);
    await launch();
    const facts = [];
    for (const name of ["p:p0", "p:p1"]) {
      const { pid } = await state(name, "RUNNING");
      facts.push([cwd(Number(pid)), environ(Number(pid))["MINE"]]);
    }
    return facts;
  },
});

scenario("a log that is a symlink: clearing and rotating take the link, not what it leads to", {
  area: "logs",
  boot: false,
  files: { "target-a": "old a\n", "target-b": "old b\n" },
  conf: `[program:a]\ncommand=${fixture("ready")}\nstdout_logfile=%(dir)s/a.out
[program:b]\ncommand=${fixture("ready")}\nstdout_logfile=%(dir)s/b.out\nstdout_logfile_maxbytes=10\nstdout_logfile_backups=1`,
  async play({ dir, launch, state, rpc, read, files, exists }) {
    for (const name of ["a", "b"]) symlinkSync(`${dir}/target-${name}`, `${dir}/${name}.out`);
    await launch();
    await state("a", "RUNNING");
    await until(() => read("target-a").includes("ready") && exists("b.out.1"), "output");
    await rpc("supervisor.clearProcessLogs", "a");
    const link = (name: string): string => {
      try {
        return readlinkSync(`${dir}/${name}`);
      } catch {
        return "no link";
      }
    };
    return [
      read("target-a"),
      read("target-b"),
      ["a.out", "b.out", "b.out.1"].map(link),
      files().filter((name) => /out|target/.test(name)),
    ];
  },
});

scenario("log files are the daemon's, whoever the program runs as", {
  area: "logs",
  conf: `[program:p]\n${stay}\nuser=nobody\nstdout_logfile=%(dir)s/p.out\nstderr_logfile=%(dir)s/p.err`,
  async play({ dir, state, printed }) {
    await state("p", "RUNNING");
    await printed("p", "ready");
    return (await runCommand(["stat", "-c", "%U %a", "p.out", "p.err"], { cwd: dir })).out;
  },
});

scenario("AUTO logs are private, and there before the program ever runs", {
  area: "logs",
  conf: `[program:p]\n${stay}\nautostart=false`,
  async play({ dir, info }) {
    const { stdout_logfile } = await info("p");
    return (await runCommand(["stat", "-c", "%U %a %s", String(stdout_logfile)], { cwd: dir })).out;
  },
});

scenario("a second daemon of the same identifier deletes the AUTO logs of the first", {
  area: "logs",
  conf: `[program:p]\n${stay}`,
  differs: {
    reason: "a log that somebody removes comes back",
    ours: () => [true, 2, true],
  },
  async play({ dir, state, printed, write, read, info, run, exists }) {
    await state("p", "RUNNING");
    await printed("p", "ready");
    const name = String((await info("p"))["stdout_logfile"]).slice(dir.length + 1);
    const before = exists(name);
    // It cleans up, then finds the socket taken.
    write(
      "second.conf",
      read("supervisord.conf")
        .replaceAll("main.log", "second.log")
        .replaceAll("supervisord.pid", "second.pid"),
    );
    const { exit } = await run(["-n", "-c", `${dir}/second.conf`]);
    const back = until(() => exists(name), "the log again", { ceilingMs: 3000 });
    return [before, exit, await back.catch(() => false)];
  },
});

scenario("a spawn error is told with its cause: command, log, directory of the log", {
  area: "supervision",
  conf: `[program:log]\n${stay}\nstdout_logfile=%(dir)s/logs/x.out\nstartretries=0\nautostart=false`,
  boot: false,
  async play({ dir, launch, rpc, state, log }) {
    mkdirSync(`${dir}/logs`);
    await launch();
    renameSync(`${dir}/logs`, `${dir}/moved`);
    const answer = await rpc("supervisor.startProcess", "log");
    return [answer, await state("log", "FATAL"), log(/spawnerr/)];
  },
});

scenario("programs of a low priority do not wait for the ones before them", {
  area: "ordering",
  conf: `[program:first]\n${stay}\nstartsecs=5\npriority=1\n[program:second]\n${stay}\npriority=2`,
  async play({ logged, log }) {
    await logged("entered RUNNING", 2);
    return log(/spawned|RUNNING/).map((line) => line.replace(/ with pid \d+/, "").slice(0, 28));
  },
});

scenario("numbers of the clock: STARTING as long as startsecs says, a retry not before its time", {
  area: "supervision",
  conf: `[program:slow]\n${stay}\nstartsecs=3\n[program:boom]\ncommand=/bin/false\nstartsecs=3\nstartretries=1`,
  async play({ state, read, logged }) {
    await state("slow", "RUNNING");
    await logged("gave up");
    const times = (pattern: RegExp): readonly number[] =>
      read("main.log")
        .split("\n")
        .filter((line) => pattern.test(line))
        .map((line) => Date.parse(`${line.slice(0, 19).replace(" ", "T")}.${line.slice(20, 23)}`));
    const [spawned = 0] = times(/spawned: 'slow'/);
    const [running = 0] = times(/success: slow/);
    const [first = 0, second = 0] = times(/spawned: 'boom'/);
    // Both clocks start a little before what is told in the log.
    return [running - spawned >= 2500, second - first >= 900];
  },
});

scenario("several array parameters in one call", {
  area: "rpc",
  conf: `[program:a]\n${stay}\nautostart=false\n[program:b]\n${stay}\nautostart=false`,
  play: ({ rpc }) =>
    rpc("system.multicall", [
      { methodName: "supervisor.startProcess", params: ["a", false] },
      { methodName: "supervisor.startProcess", params: ["b", false] },
      { methodName: "supervisor.stopAllProcesses", params: [true] },
      { methodName: "supervisor.startAllProcesses", params: [1, 2] },
      { methodName: "supervisor.stopProcess", params: ["a"] },
    ]).then((answers) =>
      (answers as unknown[]).map((answer) =>
        Array.isArray(answer)
          ? answer.map(({ name, status }: { name: string; status: number }) => `${name} ${status}`).sort()
          : answer,
      ),
    ),
});

scenario("text inside the capture tokens is a log event too", {
  area: "events",
  conf: String.raw`[eventlistener:ears]
command=${fixture("listen-events")} %(dir)s/ears
events=PROCESS_LOG_STDOUT
[program:p]
command=${fixture("print-raw")} "<!--XSUPERVISOR:BEGIN-->inside<!--XSUPERVISOR:END-->" "and some ordinary text that follows\n"
stdout_capture_maxbytes=1MB
stdout_events_enabled=true
autostart=false`,
  async play({ state, rpc, read }) {
    await state("ears", "RUNNING");
    await rpc("supervisor.startProcess", "p");
    const seen = await until(() => {
      const text = read("ears")
        .split("\n")
        .filter(Boolean)
        .map((line) => (JSON.parse(line) as [unknown, string])[1].split("\n").slice(1).join("\n"))
        .join("");
      return text.includes("follows") && text;
    }, "log events");
    return seen.includes("inside");
  },
});

scenario("capture holds the last of what is too much for it", {
  area: "events",
  conf: `[eventlistener:ears]
command=${fixture("listen-events")} %(dir)s/ears
events=PROCESS_COMMUNICATION
[program:p]
command=${fixture("print-raw")} "<!--XSUPERVISOR:BEGIN-->0123456789abcdefghijklmnopqrstuvwxyz<!--XSUPERVISOR:END-->"
stdout_capture_maxbytes=10
autostart=false`,
  async play({ state, rpc, read }) {
    await state("ears", "RUNNING");
    await rpc("supervisor.startProcess", "p");
    await until(() => read("ears").includes("processname:p"), "the event");
    return read("ears").includes("uvwxyz");
  },
});

scenario("a stop that takes its time, and a start meanwhile, are told", {
  area: "supervision",
  conf: `[program:slow]\ncommand=${fixture("exit-on")} TERM 0 3`,
  async play({ state, printed, rpc, log, logged }) {
    await state("slow", "RUNNING");
    await printed("slow", "ready");
    const stopped = rpc("supervisor.stopProcess", "slow");
    await logged("waiting for slow to stop");
    const start = await rpc("supervisor.startProcess", "slow", false);
    return [await stopped, start, log(/waiting for/)[0], log(/already running/)];
  },
});

scenario("arguments for commands that take none", {
  area: "ctl",
  bothClients: true,
  async play({ shell }) {
    return shell(...["reload", "shutdown", "version", "avail", "reread"].map((command) => `${command} x`));
  },
});
