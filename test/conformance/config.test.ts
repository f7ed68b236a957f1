/** What a conf means: the dialect, expansions, includes, values, warnings. */
import { hostname } from "node:os";
import { environ } from "../support/processes.js";
import { scenario } from "./scenario.js";
import { withoutPlace } from "./scrub.js";
import type { Stage } from "./stage.js";

const area = "config";

/** Some fields of every configured process. */
async function configs({ rpc }: Stage, ...fields: readonly string[]): Promise<unknown> {
  const all = (await rpc("supervisor.getAllConfigInfo")) as Record<string, unknown>[];
  return all.map((info) =>
    Object.fromEntries(["group", "name", ...fields].map((field) => [field, info[field]])),
  );
}

const quiet = "autostart=false";

scenario("comments, continuations, separators and quotes", {
  area,
  conf: `
# a comment
; another
[program:inline]
command=/bin/echo one ; cut here
autostart=false # and here
[program:kept]
command=/bin/echo a;b c#d
autostart=false
[program:colon]
command: /bin/echo by:colon=x
autostart : false
[program:quoted]
command=/bin/echo "a b" 'c d'
autostart=false
[program:cut]
command=/bin/echo "a ; b"
autostart=false
[program:continued]
command=/bin/echo one
  two
  ; a comment inside

  three
autostart=false
[program:swallowed]
command=/bin/echo
  autostart=false
  priority=1
autostart=false
[program:case]
COMMAND=/bin/echo case
AutoStart=FALSE

[program:tail] this is ignored
command=/bin/echo tail
autostart=false
unknown_key=whatever
[nosuchsection]
x=1
[program:empty-value]
command=
autostart=false`,
  play: (stage) => configs(stage, "command", "process_prio", "autostart"),
});

scenario("[DEFAULT] gives every section its keys, and a factory more than it takes", {
  area,
  boot: false,
  async play({ dir, write, run, conf, launch, logged, log }) {
    const text = `[DEFAULT]\ncommand=/bin/sleep 1000\nstartsecs=0
[unix_http_server]\nfile=${dir}/s.sock
[supervisord]\nlogfile=${dir}/main.log\npidfile=${dir}/supervisord.pid
[program:a]\n[program:b]\nautostart=false\n[program:c]\n`;
    write(
      "supervisord.conf",
      `${text}[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n`,
    );
    const { exit, err } = await run(["-n", "-c", conf]);
    write("supervisord.conf", text);
    await launch();
    await logged("entered RUNNING", 2);
    return [exit, withoutPlace(err.split("\n")[0] ?? ""), log(/spawned/), log(/RUNNING/)];
  },
});

scenario("repeated sections merge and repeated keys take the last", {
  area,
  conf: `[program:a]\ncommand=/bin/cat\npriority=1\npriority=2\n[program:b]\ncommand=/bin/cat\n${quiet}\n[program:a]\n${quiet}\nstartsecs=9`,
  play: (stage) => configs(stage, "process_prio", "startsecs", "autostart"),
});

scenario("CRLF line ends", {
  area,
  conf: `[program:a]\r\ncommand=/bin/cat -u\r\nautostart=false\r\n`,
  play: (stage) => configs(stage, "command", "autostart"),
});

scenario("included files: order, overriding, here, log lines", {
  area,
  conf: `[include]\nfiles=conf.d/*.conf extra/[ab].ini\n  nosuch/*.conf\n[program:main]\ncommand=/bin/echo %(here)s\n${quiet}\npriority=1`,
  files: {
    "conf.d/20.conf": `[program:main]\npriority=20\n[program:two]\ncommand=/bin/echo %(here)s\n${quiet}`,
    "conf.d/10.conf": `[program:main]\npriority=10\nstartsecs=10\n[program:one]\ncommand=/bin/echo %(here)s\n${quiet}`,
    "conf.d/.hidden.conf": "[program:hidden]\ncommand=/bin/echo hidden\n",
    "conf.d/other.txt": "[program:other]\ncommand=/bin/echo other\n",
    "extra/b.ini": `[program:b]\ncommand=/bin/cat\n${quiet}\n[include]\nfiles=../never.conf`,
    "never.conf": "[program:never]\ncommand=/bin/cat\n",
  },
  play: async (stage) => [await configs(stage, "command", "process_prio", "startsecs"), stage.log(/nclude/)],
});

scenario("[supervisord] may stand in an included file", {
  area,
  boot: false,
  files: {
    "main.conf": "[include]\nfiles=more.conf\n[unix_http_server]\nfile=%(dir)s/s.sock\n",
    "more.conf":
      "[supervisord]\nidentifier=included\nlogfile=%(dir)s/main.log\npidfile=%(dir)s/supervisord.pid\n[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n",
  },
  async play({ launch, rpc, write, read }) {
    write("supervisord.conf", read("main.conf"));
    await launch();
    return rpc("supervisor.getIdentification");
  },
});

scenario("expansions in a program", {
  area,
  env: { PLACE: "somewhere", NUMBER: "7" },
  supervisord: `environment=GLOBAL="glo%(ENV_PLACE)s"`,
  conf: `[program:p]
command=/bin/echo %(here)s %(program_name)s %(group_name)s %(process_num)02d %(process_num)x %(numprocs)d %(host_node_name)s %(ENV_PLACE)s %(ENV_GLOBAL)s %(ENV_OWN)s 100%%
process_name=%(program_name)s-%(process_num)03d
numprocs=2
numprocs_start=15
startsecs=%(ENV_NUMBER)s
priority=%(ENV_NUMBER)s
directory=/tmp/%(program_name)s
${quiet}
environment=OWN="own"
[program:solo]
command=/bin/echo %(program_name)s %(group_name)s %(process_num)d %(numprocs)d
${quiet}
[group:party]
programs=solo
priority=%(ENV_NUMBER)s`,
  async play(stage) {
    const text = JSON.stringify(
      await configs(stage, "command", "directory", "startsecs", "process_prio", "group_prio"),
    );
    return JSON.parse(text.replaceAll(hostname(), "HOST"));
  },
});

scenario("a literal percent in a log file's name takes four", {
  area,
  conf: `[program:p]\ncommand=/bin/cat\n${quiet}\nstdout_logfile=%(dir)s/a%%%%b-%(process_num)d`,
  play: (stage) => configs(stage, "stdout_logfile"),
});

const WORDS = ["yes", "TRUE", "On", "1", "no", "False", "OFF", "0"];
scenario("boolean words", {
  area,
  conf: WORDS.map(
    (word, index) =>
      `[program:p${index}]\ncommand=/bin/cat\n${quiet}\nredirect_stderr=${word}\nstdout_events_enabled=${word}`,
  ).join("\n"),
  play: (stage) => configs(stage, "redirect_stderr", "stdout_events_enabled"),
});

const SIZES = ["0", "10", " 1_000", "5kb", "5KB", "3 MB", "1Gb", "-1"];
scenario("byte sizes", {
  area,
  conf: SIZES.map(
    (size, index) =>
      `[program:p${index}]\ncommand=/bin/cat\n${quiet}\nstdout_logfile=%(dir)s/x\nstdout_logfile_maxbytes=${size}`,
  ).join("\n"),
  play: (stage) => configs(stage, "stdout_logfile_maxbytes"),
});

const SIGNALS = ["TERM", "sigusr2", " Hup ", "9", "SIGCLD", "POLL", "RTMIN", "64", "0", "IOT"];
scenario("signal names and numbers", {
  area,
  conf: SIGNALS.map(
    (signal, index) => `[program:p${index}]\ncommand=/bin/cat\n${quiet}\nstopsignal=${signal}`,
  ).join("\n"),
  play: (stage) => configs(stage, "stopsignal"),
});

const CODES = ["0", "0,2", " 1 , 3 ", "", "255", "2,2,0"];
scenario("exit codes and numbers", {
  area,
  conf: CODES.map(
    (codes, index) =>
      `[program:p${index}]\ncommand=/bin/cat\n${quiet}\nexitcodes=${codes}\nstartsecs=+${index}\nstopwaitsecs=-${index}\nstartretries=1_0`,
  ).join("\n"),
  play: (stage) => configs(stage, "exitcodes", "startsecs", "stopwaitsecs", "startretries"),
});

scenario("killasgroup follows stopasgroup", {
  area,
  conf: `[program:a]\ncommand=/bin/cat\n${quiet}\nstopasgroup=true\n[program:b]\ncommand=/bin/cat\n${quiet}\nkillasgroup=true\n[program:c]\ncommand=/bin/cat\n${quiet}`,
  play: (stage) => configs(stage, "killasgroup"),
});

scenario("groups, their priorities and an empty one", {
  area,
  conf: `[program:a]\ncommand=/bin/cat\n${quiet}\npriority=7
[program:b]\ncommand=/bin/cat\n${quiet}
[program:n]\ncommand=/bin/cat\n${quiet}\nnumprocs=2\nprocess_name=n%(process_num)d
[program:zero]\ncommand=/bin/cat\n${quiet}\nnumprocs=0
[group:one]\nprograms= a , n \npriority=3
[group:two]\nprograms=a
[group:none]\nprograms=
[group:nothing]`,
  async play(stage) {
    const all = (await stage.rpc("supervisor.getAllProcessInfo")) as { name: string; group: string }[];
    return [
      await configs(stage, "group_prio", "process_prio"),
      all.map(({ name, group }) => `${group}:${name}`),
      await stage.rpc("supervisor.startProcessGroup", "none"),
      await stage.rpc("supervisor.startProcessGroup", "zero"),
      await stage.ctl("status", "none:*"),
    ];
  },
});

scenario("warnings of the parser in the main log", {
  area,
  conf: `[program:sys]\ncommand=/bin/cat\n${quiet}\nstdout_logfile=syslog\nstderr_logfile=syslog
[program:endless]\ncommand=/bin/cat\n${quiet}\nstdout_logfile_maxbytes=0
[program:both]\ncommand=/bin/cat\n${quiet}\nredirect_stderr=true\nstderr_logfile=%(dir)s/err`,
  play: async (stage) => [
    stage.log(/WARN/),
    await configs(stage, "stdout_syslog", "stderr_syslog", "redirect_stderr", "stderr_logfile"),
  ],
});

scenario("logfile values in any case", {
  area,
  conf: ["NONE", "none", "OFF", "Auto", "%(dir)s/file"]
    .map(
      (value, index) =>
        `[program:p${index}]\ncommand=/bin/cat\n${quiet}\nstdout_logfile=${value}\nstderr_logfile=NONE`,
    )
    .join("\n"),
  play: (stage) => configs(stage, "stdout_logfile"),
});

scenario("SUPERVISOR_SERVER_URL comes from the unix server, from serverurl, or from TCP", {
  area,
  boot: false,
  conf: `[program:a]\ncommand=/bin/sleep 1000\n[program:b]\ncommand=/bin/sleep 1000\nserverurl=http://elsewhere:9001\n[program:c]\ncommand=/bin/sleep 1000\nserverurl=auto`,
  async play({ launch, state }) {
    await launch();
    const urls = [];
    for (const name of ["a", "b", "c"]) {
      const { pid } = await state(name, "RUNNING");
      const { SUPERVISOR_SERVER_URL, SUPERVISOR_ENABLED, SUPERVISOR_PROCESS_NAME, SUPERVISOR_GROUP_NAME } =
        environ(Number(pid));
      urls.push([SUPERVISOR_SERVER_URL, SUPERVISOR_ENABLED, SUPERVISOR_PROCESS_NAME, SUPERVISOR_GROUP_NAME]);
    }
    return urls;
  },
});

scenario("an fcgi program gets its socket as stdin", {
  area,
  conf: `[fcgi-program:f]\ncommand=/bin/sleep 1000\nsocket=unix://%(dir)s/f.sock\nsocket_mode=0770\nnumprocs=2\nprocess_name=f%(process_num)d`,
  async play({ state, log, logged, dir, rpc, exists }) {
    const { statSync } = await import("node:fs");
    const { descriptors } = await import("../support/processes.js");
    const facts = [];
    for (const name of ["f:f0", "f:f1"]) {
      const { pid } = await state(name, "RUNNING");
      facts.push(descriptors(Number(pid)));
    }
    const mode = (statSync(`${dir}/f.sock`).mode & 0o7777).toString(8);
    const stopped = (await rpc("supervisor.stopProcess", "f:*")) as readonly { readonly name: string }[];
    const byName = [...stopped].sort((a, b) => a.name.localeCompare(b.name));
    await logged("Closing socket", 2); // the first time was the trial at start
    return [facts, mode, byName, log(/ocket/), exists("f.sock")];
  },
});

scenario("a relative include and here stay right when started from elsewhere", {
  area,
  boot: false,
  conf: `[include]\nfiles=more.conf\n`,
  files: { "more.conf": `[program:m]\ncommand=/bin/echo %(here)s\n${quiet}\n`, "sub/keep": "" },
  async play(stage) {
    await stage.launch([], { cwd: `${stage.dir}/sub` });
    return configs(stage, "command");
  },
});
