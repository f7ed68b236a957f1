/** Keys of the conf that the other scenarios do not come by: what each does, and each section's own rules. */
import { mkdirSync, statSync, writeFileSync } from "node:fs";
import { fixture } from "../support/fixture.js";
import { freePort } from "../support/free-port.js";
import { request } from "../support/http.js";
import { descriptors } from "../support/processes.js";
import { type Ran, runCommand } from "../support/run-command.js";
import { until } from "../support/until.js";
import { scenario } from "./scenario.js";
import { withoutPlace } from "./scrub.js";

const area = "config";
const stay = `command=${fixture("ready")}`;
const refusal = ({ exit, err }: Ran): unknown => [
  exit,
  withoutPlace(err.split(/\n(?=Error: |For help)/)[0] ?? ""),
];

scenario("every key of [supervisord] at once", {
  area,
  boot: false,
  supervisord: `logfile_maxbytes=1MB
logfile_backups=3
loglevel=info
umask=027
nodaemon=true
silent=true
minfds=1024
minprocs=200
nocleanup=true
user=root
identifier=everything
directory=/usr
strip_ansi=true
environment=KEY="value"`,
  conf: `[program:p]\n${stay}`,
  async play({ launch, state, rpc, log }) {
    const daemon = await launch();
    await state("p", "RUNNING");
    return [daemon.stdout(), await rpc("supervisor.getIdentification"), log()];
  },
});

for (const level of ["critical", "ERROR", "Warn", "info", "debug", "trace", "blather"]) {
  scenario(`loglevel=${level}`, {
    area,
    supervisord: `loglevel=${level}`,
    conf: `[program:p]\n${stay}`,
    async play({ state, daemon, log }) {
      await state("p", "RUNNING");
      daemon.kill("SIGTERM");
      await daemon.exited;
      return [...new Set(log().map((line) => line.slice(0, 4)))]
        .filter((word) => /^(?:CRIT|ERRO|WARN|INFO|DEBG|TRAC|BLAT)$/.test(word) && word !== "BLAT")
        .sort();
    },
  });
}

scenario("keys beyond Supervisor's own do no harm to it", {
  area,
  supervisord:
    "keep_stopped=true\nadopt=true\nstatefile=%(dir)s/supervisord.pid.state\nwatch_config=false\nlogformat=text",
  differs: {
    reason: "a key that nobody reads is named in a WARN line",
    ours: ([state, [root, ...servers]]: readonly [unknown, readonly string[]]) => [
      state,
      [
        root,
        "WARN unknown key 'no_such_key' in [program:p] is ignored (DIR/supervisord.conf:26)",
        ...servers,
      ],
    ],
  },
  boot: false,
  async play({ edit, launch, state, log }) {
    const port = await freePort();
    edit(
      `[inet_http_server]\nport=127.0.0.1:${port}\nallowed_hosts=a.example, b.example\n[program:p]\n${stay}\nno_such_key=1`,
    );
    await launch();
    return [(await state("p", "RUNNING"))["statename"], log(/WARN|CRIT/)];
  },
});

scenario("an fcgi socket: owner, mode and backlog", {
  area,
  conf: `[fcgi-program:unix]\ncommand=/bin/sleep 1000\nsocket=unix://%(dir)s/%(program_name)s.sock\nsocket_owner=nobody:daemon\nsocket_mode=0640\nsocket_backlog=7
[fcgi-program:own]\ncommand=/bin/sleep 1000\nsocket=unix://%(dir)s/own.sock\nuser=nobody`,
  async play({ state, dir, log }) {
    const facts = [];
    for (const name of ["unix", "own"]) {
      const { pid } = await state(name, "RUNNING");
      const { mode, uid, gid } = statSync(`${dir}/${name}.sock`);
      facts.push([descriptors(Number(pid)), (mode & 0o7777).toString(8), uid, gid]);
    }
    return [facts, log(/ocket/)];
  },
});

scenario("an fcgi program that is edited", {
  area,
  conf: `[fcgi-program:a]\ncommand=/bin/cat\nautostart=false\nsocket=unix://%(dir)s/a.sock\n[fcgi-program:b]\ncommand=/bin/cat\nautostart=false\nsocket=unix://%(dir)s/b.sock`,
  async play({ edit, rpc, dir }) {
    edit(
      `[fcgi-program:a]\ncommand=/bin/cat\nautostart=false\nsocket=unix://${dir}/c.sock\n[fcgi-program:b]\ncommand=/bin/cat\nautostart=false\nsocket=unix://${dir}/b.sock\nsocket_mode=0600`,
    );
    return rpc("supervisor.reloadConfig");
  },
});

scenario("an fcgi socket that cannot be made", {
  area,
  boot: false,
  conf: `[program:p]\n${stay}\n[fcgi-program:f]\ncommand=/bin/sleep 1000\nsocket=unix:///nonexistent/f.sock\nstartretries=0`,
  differs: {
    reason: "a socket that cannot be made is told and its program fails; the reference ends with a traceback",
    ours: () => ["goes on", true],
  },
  async play({ launch, logged, log }) {
    const daemon = await launch([], { wait: false });
    const end = await Promise.race([daemon.exited, logged("gave up: f").then(() => "goes on")]);
    const said = [daemon.stderr(), ...log()].join("\n");
    return [end, said.includes("Could not create FastCGI socket unix:///nonexistent/f.sock")];
  },
});

scenario("a python handler or factory that is not there", {
  area,
  boot: false,
  async play({ run, edit, conf }) {
    const seen = [];
    for (const sections of [
      "[eventlistener:e]\ncommand=/bin/cat\nevents=TICK_5\nresult_handler=supervisor.dispatchers:nosuch",
      "[rpcinterface:x]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:nosuch",
      "[rpcinterface:y]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\nstrange=1",
    ]) {
      edit(sections);
      // From 4.4 on the text goes on after the bracket with what the import said.
      seen.push(
        JSON.stringify(refusal(await run(["-n", "-c", conf]))).replace(/(within \[[^\]]*\]).*?"\]/, '$1"]'),
      );
    }
    return seen;
  },
});

scenario("result_handler by its own name", {
  area,
  conf: `[eventlistener:ears]\ncommand=${fixture("listen-events")} %(dir)s/ears\nevents=REMOTE_COMMUNICATION\nresult_handler=supervisor.dispatchers:default_handler\nbuffer_size=3\npriority=5`,
  play: async ({ state, ctl }) => [(await state("ears", "RUNNING"))["statename"], await ctl("avail")],
});

scenario("rpcinterface of another name gives its methods under that name too", {
  area,
  conf: "[rpcinterface:other]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface",
  async play({ rpc, log }) {
    const names = (await rpc("system.listMethods")) as string[];
    return [
      await rpc("other.getAPIVersion"),
      names.filter((name) => name.startsWith("other.")).length,
      log(/RPC interface/),
    ];
  },
});

scenario("names with blanks around, and names that only look right before expansion", {
  area,
  conf: `[program: spaced ]\ncommand=/bin/cat\nautostart=false
[program:slash]\ncommand=/bin/cat\nautostart=false\nprocess_name=%(here)s\nstdout_logfile=NONE\nstderr_logfile=NONE
[program:dots.and-dashes_2]\ncommand=/bin/cat\nautostart=false`,
  play: async ({ rpc }) =>
    ((await rpc("supervisor.getAllProcessInfo")) as { group: string; name: string }[]).map(
      ({ group, name }) => [group, name],
    ),
});

scenario("a file that is not UTF-8, a directory as a file, a file that cannot be parsed by the client", {
  area: "config errors",
  boot: false,
  bothClients: true,
  async play({ dir, run, bareCtl }) {
    writeFileSync(`${dir}/latin.conf`, Buffer.from("[supervisord]\n; caf\xe9 \xff\n", "latin1"));
    mkdirSync(`${dir}/dir.conf`);
    writeFileSync(`${dir}/broken.conf`, "[supervisorctl]\nwhat is this\n");
    const { exit } = await bareCtl(["-c", `${dir}/broken.conf`, "status"]);
    return [
      refusal(await run(["-n", "-c", `${dir}/latin.conf`])),
      refusal(await run(["-n", "-c", `${dir}/dir.conf`])),
      exit !== 0,
    ];
  },
});

scenario("a byte order mark", {
  area,
  boot: false,
  differs: {
    reason: "a byte order mark is skipped; the reference finds no section headers",
    ours: () => "runs",
  },
  async play({ launch, read, conf, exists }) {
    writeFileSync(conf, `\ufeff${read("supervisord.conf").trimStart()}`);
    const daemon = await launch([], { wait: false });
    const ended = daemon.exited.then(() => "no section headers");
    const end = await Promise.race([
      ended,
      until(() => exists("s.sock") && "runs", "a socket").catch(() => ended),
    ]);
    return end;
  },
});

scenario("no conf at any of the default places", {
  area: "command line",
  boot: false,
  files: { "empty/keep": "" },
  async play({ run, dir }) {
    // Debian brings a conf of its own; without it in a namespace of the test's own.
    const hide = ["unshare", "-m", "sh", "-c", 'mount -t tmpfs none /etc/supervisor && exec "$@"', "sh"];
    const { exit, err } = await run(["-n"], { cwd: `${dir}/empty`, through: hide });
    const places = err
      .split("\n")
      .find((line) => line.startsWith("Error: "))
      ?.replace(
        /paths \(.+\/etc\/supervisord\.conf, .+\/supervisord\.conf, (?=supervisord\.conf, )/,
        "paths (D/etc/supervisord.conf, D/supervisord.conf, ",
      );
    return [exit, places, /Supervisord is running as root and it is searching/.exec(err)?.[0]];
  },
});

scenario("directory= in the background is told in the main log", {
  area: "daemon",
  boot: false,
  supervisord: "directory=%(dir)s/place",
  conf: `[program:p]\n${stay}`,
  async play({ dir, run, rpc, conf, exists, log, logged }) {
    mkdirSync(`${dir}/place`);
    const { exit, out, err } = await run(["-c", conf]);
    await logged("supervisord started");
    const told = log(/current directory|chdir|daemonizing/);
    await rpc("supervisor.shutdown");
    await until(() => !exists("supervisord.pid"), "shutdown");
    return [exit, out, err, told];
  },
});

scenario("servers by other names, %(here)s and the environment in their keys", {
  area,
  env: { SECRET: "word" },
  conf: "[unix_http_server:second]\nfile=%(here)s/second.sock\nchmod=0755\nusername=me\npassword=%(ENV_SECRET)s",
  async play({ dir }) {
    const target = { socketPath: `${dir}/second.sock` };
    const mode = (statSync(`${dir}/second.sock`).mode & 0o7777).toString(8);
    return [
      mode,
      (await request(target, "GET", "/ok.html")).status,
      (await request({ ...target, auth: "me:word" }, "GET", "/ok.html")).status,
    ];
  },
});

scenario("two groups of one name, and a program in two groups", {
  area,
  conf: `[program:x]\ncommand=/bin/cat\nautostart=false\npriority=3\n[program:y]\ncommand=/bin/cat\nautostart=false\n[group:x]\nprograms=y\npriority=9\n[group:g]\nprograms=y`,
  play: async ({ rpc }) =>
    ((await rpc("supervisor.getAllProcessInfo")) as { group: string; name: string }[]).map(
      ({ group, name }) => [group, name],
    ),
});

scenario("an ambiguous member, a group of nothing, words the shell would know", {
  area: "config errors",
  boot: false,
  async play({ edit, run, conf }) {
    const seen = [];
    for (const sections of [
      "[program:x]\ncommand=/bin/cat\n[fcgi-program:x]\ncommand=/bin/cat\nsocket=unix:///tmp/x.sock\n[group:g]\nprograms=x",
      "[program:x]\ncommand=/bin/cat\nstopsignal=40",
      "[program:x]\ncommand=/bin/cat\nautostart=",
      "[program:x]\ncommand=/bin/cat\nautostart= true x",
      "[unix_http_server:b]\nfile=%(nosuch)s/b.sock",
      "[inet_http_server]\nport=127.0.0.1:70000",
      "[unix_http_server:b]\nfile=/tmp/x.sock\npassword=x",
      "[eventlistener:e]\ncommand=/bin/cat\nevents=TICK_5\nbuffer_size=x",
      "[eventlistener:a b]\ncommand=/bin/cat\nevents=TICK_5",
      "[fcgi-program:x]\ncommand=/bin/cat\nsocket=tcp://nohost",
      "[program:x]\ncommand=/bin/cat\nstdout_logfile_backups=%(nosuch)s",
      "[include]\nfiles=%(nosuch)s",
    ]) {
      edit(sections);
      seen.push([sections, refusal(await run(["-n", "-c", conf]))]);
    }
    return seen;
  },
});

scenario("the daemon's own limits reach its children, and a lower core limit stays", {
  area: "daemon",
  boot: false,
  conf: `[program:p]\ncommand=/bin/sleep 1000`,
  async play({ launch, state }) {
    await launch([], { through: ["prlimit", "--core=0:0", "--nofile=2000:5000"] });
    const { pid } = await state("p", "RUNNING");
    const { out } = await runCommand([
      "prlimit",
      "--pid",
      String(pid),
      "--core",
      "--nofile",
      "--noheadings",
      "--output",
      "RESOURCE,SOFT,HARD",
    ]);
    return out;
  },
});

scenario("childlogdir, and the rotation of stderr", {
  area: "logs",
  boot: false,
  files: { "logs/keep": "" },
  conf: `[supervisord]\nchildlogdir=%(dir)s/logs
[program:p]\ncommand=${fixture("print-raw-both")} "one and more\\n" "two and more\\n" "three\\n"
stdout_logfile=NONE\nstderr_logfile=%(dir)s/p.err\nstderr_logfile_maxbytes=10\nstderr_logfile_backups=1
[program:auto]\n${stay}\nstderr_logfile=NONE`,
  async play({ launch, state, printed, files, exists }) {
    await launch();
    await state("p", "RUNNING");
    await printed("auto", "ready");
    await until(() => exists("p.err.1"), "a rotated log");
    return [files("logs"), files().filter((name) => name.startsWith("p.err"))];
  },
});

scenario("--profile_options is taken", {
  area: "command line",
  boot: false,
  async play({ launch, rpc }) {
    const daemon = await launch(["--profile_options", "cumulative"]);
    return [await rpc("supervisor.getState"), await rpc("supervisor.shutdown"), await daemon.exited];
  },
});

scenario("supervisorctl -r keeps the history in that file", {
  area: "command line",
  bothClients: true,
  differs: {
    reason: "-r works; the reference takes it and does nothing",
    of: "client",
    ours: ([ran]: readonly [unknown, boolean]) => [ran, true],
  },
  async play({ conf, dir, bareCtl, exists }) {
    return [await bareCtl(["-c", conf, "-r", `${dir}/typed`], "pid nosuch\nquit\n"), exists("typed")];
  },
});

scenario("what the system refuses ends the start", {
  area: "config errors",
  boot: false,
  differs: {
    reason:
      "status 2 and one sentence, as for every start that fails; the reference ends with a traceback and 1",
    ours: () => [2, []],
  },
  conf: "[program:x]\ncommand=/bin/cat\nautostart=false",
  async play({ dir, run, conf, files }) {
    mkdirSync(`${dir}/log-directory`);
    const { exit } = await run(["-n", "-c", conf, "-l", `${dir}/log-directory`]);
    return [exit, files().filter((name) => /sock|pid/.test(name))];
  },
});
