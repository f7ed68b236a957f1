/** The same files read by Python's Supervisor and by us, compared field by field. */
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { expect } from "vitest";
import type { ConfigHost } from "../../src/config/host.js";
import { nodeHost } from "../../src/config/node-host.js";
import { parseConfig } from "../../src/config/parse.js";
import { type Config, type GroupConfig, LOG_LEVELS, type ProcessConfig } from "../../src/core/config.js";
import { needs } from "../support/needs.js";
import { scratch } from "../support/scratch.js";
import { fixtureFile, python3 } from "./support.js";

const { test } = needs("supervisor");

const ENV = { HOME: "/root", PLACE: "here", NUMBER: "7", QUOTED: "it's", TMPDIR: "/tmp" };

interface Sample {
  /** `%(dir)s` is where the files are. */
  readonly conf: string;
  readonly files?: Readonly<Record<string, string>>;
}

const FACTORY =
  "[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n";

const SAMPLES: Readonly<Record<string, Sample>> = {
  "nothing but [supervisord]": { conf: "[supervisord]\n" },
  "every [supervisord] option": {
    conf: `[supervisord]
logfile=%(here)s/main.log
logfile_maxbytes=3 MB
logfile_backups=0
loglevel=DEBUG
pidfile=%(here)s/s.pid
umask=077
nodaemon=ON
silent=yes
minfds=1_000
minprocs=+5
nocleanup=1
childlogdir=/tmp
directory=/tmp
identifier=box-%(ENV_PLACE)s
strip_ansi=true
user=root
environment=A="1",B='two words',C=%(ENV_PLACE)s
unknown=x`,
  },
  "Chinese comments behind values, indented anyhow": {
    conf: `; 主配置
[supervisord]      ; 守护进程
  identifier=中文标识 ; 标识
[program:网站]     # 程序
  command=/bin/echo 你好 "世界" ; 命令
  autostart=true   # 自动启动
      ; 注释
  environment=LANG="zh_CN.UTF-8",名="值" ; 环境
  directory=/tmp/目录	; 制表符
`,
  },
  "every program option": {
    conf: `[supervisord]
environment=G="global",A="below"
[program:all]
command=/bin/echo %(program_name)s %(group_name)s %(process_num)02d %(numprocs)d %(ENV_G)s %(ENV_OWN)s %(ENV_PLACE)s 100%%
process_name=%(program_name)s_%(process_num)03x
numprocs=12
numprocs_start=5
priority=%(ENV_NUMBER)s
autostart=off
autorestart=TRUE
startsecs=-1
startretries=0
exitcodes= 0, 2 ,255
stopsignal= usr1 
stopwaitsecs=60
stopasgroup=true
user=0
umask=002
redirect_stderr=true
stdout_logfile=%(here)s/%(program_name)s%%%%-%(process_num)d.log
stdout_logfile_maxbytes=1GB
stdout_logfile_backups=%(process_num)d
stdout_capture_maxbytes=1kb
stdout_events_enabled=true
stdout_syslog=true
stderr_logfile=%(here)s/ignored
stderr_capture_maxbytes=5
stderr_events_enabled=on
stderr_syslog=1
environment=OWN="own-%(process_num)d",A="above"
directory=/%(ENV_OWN)s
serverurl=http://x:1
`,
  },
  "groups, with a program in two of them and one of its own": {
    conf: `[supervisord]
[program:a]
command=/bin/a %(group_name)s
priority=20
[program:b]
command=/bin/b
process_name=b%(process_num)d
numprocs=11
[program:c]
command=/bin/c
[group:one]
programs= b , a
priority=3
[group:two]
programs=a
[group:none]
`,
  },
  "event listeners": {
    conf: `[supervisord]
[eventlistener:mem]
command=/bin/listen
events=tick_60,PROCESS_STATE , event
buffer_size=50
process_name=%(program_name)s_%(process_num)d
numprocs=2
stderr_logfile=NONE
[eventlistener:late]
command=/bin/listen
events=TICK_5
priority=1000
`,
  },
  "fcgi programs": {
    conf: `[supervisord]
[fcgi-program:tcp]
command=/bin/f
socket=tcp://LocalHost:9000
socket_backlog=10
[fcgi-program:unix]
command=/bin/f
socket=unix:///tmp/x/../%(program_name)s.sock
socket_owner=root:root
socket_mode=0770
process_name=%(program_name)s_%(process_num)d
numprocs=2
[fcgi-program:nobodys]
command=/bin/f
user=nobody
socket=unix:///tmp/n.sock
`,
  },
  servers: {
    conf: `[supervisord]
environment=SECRET="s3"
[unix_http_server]
file=%(here)s/./a/../s.sock
chmod=0777
chown=root
[inet_http_server]
port=9001
[inet_http_server:second]
port=LOCALHOST:9002
username=me
password={SHA}82ab876d1387bfafe46cc1c8a2ef074eae50cb1d
[unix_http_server:other]
file=/tmp/o.sock
username=%(ENV_PLACE)s
password=%(ENV_SECRET)s
chown=root:root
[inet_http_server:third]
port=*:9003
`,
  },
  "includes that override, name their own directory and bring [supervisord]": {
    conf: `[include]
files = conf.d/*.conf extra/[!x]?.ini nosuch/*.ini
  %(ENV_PLACE)s.ini conf.d/20.conf
[unix_http_server]
file=/tmp/x.sock
username=%(here)s
password=x
[program:main]
command=/bin/main %(here)s
priority=1`,
    files: {
      "conf.d/10.conf":
        "[program:main]\npriority=10\nstartsecs=%(ENV_NUMBER)s\n[program:one]\ncommand=/bin/one %(here)s\n",
      "conf.d/20.conf":
        "[DEFAULT]\nstopwaitsecs=33\n[program:main]\npriority=20\n[program:one]\ndirectory=%(here)s\n",
      "conf.d/.hidden.conf": "[program:hidden]\ncommand=x\n",
      "extra/ab.ini": "[supervisord]\nidentifier=included\n",
      "extra/xb.ini": "[program:never]\ncommand=x\n",
      "here.ini": "[program:here]\ncommand=/bin/here\n",
    },
  },
  "[DEFAULT] and repeated sections": {
    conf: `[DEFAULT]
startsecs=5
stdout_logfile=%(here)s/%(program_name)s
[supervisord]
[program:a]
command=/bin/a
[program:b]
command=/bin/b
startsecs=1
[program:a]
startsecs=9
command=/bin/again
[DEFAULT]
startsecs=6
[program:c]
command=/bin/c
`,
  },
  "values of logs and their warnings": {
    conf: `[supervisord]
[program:sys]
command=/bin/cat
stdout_logfile=SysLog
stderr_logfile=none
[program:endless]
command=/bin/cat
stdout_logfile_maxbytes=0
stderr_logfile=auto
stderr_logfile_maxbytes=0kb
[program:both]
command=/bin/cat
redirect_stderr=true
stderr_logfile=%(here)s/err
stdout_logfile=~/log
[program:off]
command=/bin/cat
stdout_logfile=OFF
stderr_logfile=relative.log
`,
  },
  "environments that old and new lexer read alike": {
    conf: `[supervisord]
environment=A=1,B="x,y" , C='a b',
  D="" , # a comment?
[program:a]
command=/bin/a
environment=P=/usr/bin:/bin,Q="http://h:1/?a=b",R=a.b+c-(d),
  S='say "hi" twice';T="it's"
[program:b]
command=/bin/b
environment=U=http://h:80/p?q=1
[program:c]
command=/bin/c
environment=V=a b W=2
`,
  },
  "continuations in commands": {
    conf: `[supervisord]
[program:a]
command=/bin/sh -c
  "one
; left out

    two" ; gone
  autostart=swallowed
autostart=false
`,
  },
  "a format without a name, as Python takes it": {
    conf: "[supervisord]\n[program:a]\ncommand=/bin/a %(program_name)-5s|%(program_name)5.2s|%(process_num)+d|%(process_num)#x|%(numprocs)5.1f|%(here)r\n",
  },
  rpcinterfaces: { conf: `[supervisord]\n${FACTORY}Some_Key=%(ENV_PLACE)s\n` },
};

/** Confs with one mistake each: both say the same. */
const MISTAKES: readonly string[] = [
  "x=1\n[supervisord]\n",
  "[supervisord]\nbad\nworse\n[program:a]\n=1\n",
  "[program:a]\ncommand=x\n",
  "[supervisord]\n[include]\n",
  "[supervisord]\n[include]\nfiles=%(nope)s\n",
  "[supervisord]\nidentifier=%%(here)s\n[include]\nfiles=none\n",
  "[supervisord]\nminfds=\n",
  "[supervisord]\nminprocs=0x10\n",
  "[supervisord]\nidentifier=%(here)\n",
  "[supervisord]\nidentifier=%(here)z\n",
  "[supervisord]\nidentifier=%(here\n",
  "[supervisord]\nidentifier=%(here)s %s\n",
  "[supervisord]\nidentifier=%(here)d\n",
  "[supervisord]\nidentifier=%(here)x\n",
  "[supervisord]\nidentifier=%d\n",
  "[supervisord]\nidentifier=%f\n",
  "[supervisord]\nidentifier=%(here)c\n",
  "[supervisord]\nidentifier=%*d\n",
  "[supervisord]\nidentifier=中%中\n",
  "[supervisord]\nidentifier=%(it's)s\n",
  '[supervisord]\nidentifier=%(it\'s "x")s\n',
  "[supervisord]\nloglevel=Warning\n",
  "[supervisord]\nlogfile=~nosuchuser/x.log\n",
  "[supervisord]\nenvironment=A\n",
  "[supervisord]\n[rpcinterface:x]\n",
  "[supervisord]\n[program:a b]\ncommand=x\n",
  "[supervisord]\n[program:a]\n",
  "[supervisord]\n[program:a]\ncommand=x\npriority=a\n",
  "[supervisord]\n[program:a]\ncommand=x\n[group:g]\nprograms=a\n[program:b]\nautostart=2\n[program:a]\npriority=%(group_name)s\n",
  "[supervisord]\n[program:a]\ncommand=x\nautorestart=Maybe\n",
  "[supervisord]\n[program:a]\ncommand=x\nstopsignal=SIGFOO\n",
  "[supervisord]\n[program:a]\ncommand=x\nstopsignal=35\n",
  "[supervisord]\n[program:a]\ncommand=x\nexitcodes=1,,2\n",
  "[supervisord]\n[program:a]\ncommand=x\nnumprocs=2\n",
  "[supervisord]\n[program:a]\ncommand=x\nnumprocs=2\nprocess_name=%(process_num)d%(q)s\n",
  "[supervisord]\n[program:a]\ncommand=x\nstopasgroup=1\nkillasgroup=0\n",
  "[supervisord]\n[program:a]\ncommand=x\nuser=99999\n",
  "[supervisord]\n[program:a]\ncommand=x\numask=0888\n",
  "[supervisord]\n[program:a]\ncommand=x\nprocess_name=a:b\n",
  "[supervisord]\n[program:a]\ncommand=x\nstdout_logfile=%%(b)s\n",
  "[supervisord]\n[program:a]\ncommand=x\nstdout_logfile=/nonexistent/x\n",
  "[supervisord]\n[program:a]\ncommand=x\nstderr_logfile_maxbytes=1.5MB\n",
  "[supervisord]\n[program:a]\ncommand=x\nenvironment=A=%(ENV_NOPE)s\n",
  "[supervisord]\n[program:a]\ncommand=x %(process_num)d %(nope)d\n",
  "[supervisord]\n[program:a]\ncommand=x\nnumprocs=%(process_num)d\n",
  "[supervisord]\n[group:g]\nprograms=nope\n",
  "[supervisord]\n[group:g h]\n",
  "[supervisord]\n[program:a]\ncommand=x\n[fcgi-program:a]\ncommand=x\nsocket=tcp://h:1\n[group:g]\nprograms=a\n",
  "[supervisord]\n[eventlistener:e]\ncommand=x\n",
  "[supervisord]\n[eventlistener:e]\ncommand=x\nevents=tick\nbuffer_size=-1\n",
  "[supervisord]\n[eventlistener:e]\ncommand=x\nevents=foo\n",
  "[supervisord]\n[eventlistener:e]\ncommand=x\nevents=TICK\nredirect_stderr=1\n",
  "[supervisord]\n[eventlistener:e f]\ncommand=x\nevents=TICK\n",
  "[supervisord]\n[fcgi-program:f]\ncommand=x\n",
  "[supervisord]\n[fcgi-program:f]\ncommand=x\nsocket=foo\n",
  "[supervisord]\n[fcgi-program:f]\ncommand=x\nsocket=unix://foo\n",
  "[supervisord]\n[fcgi-program:f]\ncommand=x\nsocket=tcp://h:0\n",
  "[supervisord]\n[fcgi-program:f]\ncommand=x\nsocket=tcp://h:1\nsocket_mode=0700\n",
  "[supervisord]\n[fcgi-program:f]\ncommand=x\nsocket=tcp://h:1\nsocket_backlog=70000\n",
  "[supervisord]\n[fcgi-program:f]\ncommand=x\nsocket=unix:///x\nsocket_owner=root:nope\n",
  "[supervisord]\n[fcgi-program:f]\ncommand=x\nsocket=unix:///x\nsocket_mode=x\n",
  "[supervisord]\n[fcgi-program:f]\ncommand=x\nsocket=unix:///x\nuser=nope\n",
  "[supervisord]\n[inet_http_server]\n",
  "[supervisord]\n[inet_http_server]\nport=x\n",
  "[supervisord]\n[inet_http_server]\nport=h:x\n",
  "[supervisord]\n[inet_http_server]\nport=h:\n",
  "[supervisord]\n[inet_http_server]\nport=h:70000\n",
  "[supervisord]\n[inet_http_server]\nport=1\npassword=x\n",
  "[supervisord]\n[inet_http_server]\nport=%(here)s\n",
  "[supervisord]\n[unix_http_server]\n",
  "[supervisord]\n[unix_http_server]\nfile=/x\nchmod=9\n",
  "[supervisord]\n[unix_http_server]\nfile=/x\nchown=nope:nope\n",
];

interface Reference {
  readonly error?: string;
  readonly supervisord: Readonly<Record<string, unknown>>;
  readonly groups: readonly unknown[];
  readonly servers: readonly unknown[];
  readonly rpcinterfaces: readonly unknown[];
  readonly warnings: readonly string[];
  readonly infos: readonly string[];
}

function reference(paths: readonly string[]): readonly Reference[] {
  const ran = spawnSync(
    python3 ?? "",
    ["-W", "ignore", fixtureFile("reference.py"), JSON.stringify(ENV), ...paths],
    {
      encoding: "utf8",
      env: { ...ENV, PATH: process.env["PATH"], PYTHONIOENCODING: "utf-8", PYTHONUTF8: "1" },
      maxBuffer: 1 << 28,
    },
  );
  if (ran.status !== 0) throw new Error(`Cannot ask the reference: ${ran.stderr}`);
  return ran.stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Reference);
}

function host(): ConfigHost {
  return nodeHost({ env: ENV, home: ENV.HOME, tmpdir: "/tmp" });
}

test("correct confs come out alike", () => {
  using place = scratch();
  const paths = Object.entries(SAMPLES).map(([, { conf, files = {} }], index) => {
    const dir = join(place.dir, String(index));
    for (const [name, content] of Object.entries({ ...files, "s.conf": conf })) {
      mkdirSync(dirname(join(dir, name)), { recursive: true });
      writeFileSync(join(dir, name), content);
    }
    return join(dir, "s.conf");
  });
  const theirs = reference(paths);
  for (const [index, name] of Object.keys(SAMPLES).entries()) {
    const path = paths[index] ?? "";
    const parsed = parseConfig(path, host());
    if (!parsed.ok) throw new Error(`${name}: ${parsed.issues.map(({ text }) => text).join("\n")}`);
    expect.soft({ name, ...shown(parsed.config) }).toEqual({ name, ...once(theirs[index]) });
  }
});

test("each mistake is told in the same words, and has a place", () => {
  using place = scratch();
  const paths = MISTAKES.map((conf, index) => {
    const path = join(place.dir, `${index}.conf`);
    writeFileSync(path, conf);
    return path;
  });
  const theirs = reference(paths);
  for (const [index, conf] of MISTAKES.entries()) {
    const path = paths[index] ?? "";
    const parsed = parseConfig(path, host());
    const first = parsed.ok ? undefined : parsed.issues[0];
    expect({ conf, text: first?.text, file: first?.file }).toEqual({
      conf,
      text: theirs[index]?.error,
      file: path,
    });
    expect(first?.line).toEqual(expect.any(Number));
  }
});

/** Settings, right and wrong, to be thrown together. */
const SETTINGS: Readonly<Record<string, readonly string[]>> = {
  supervisord: [
    "minfds=5",
    "minfds=x",
    "loglevel=warn",
    "loglevel=loud",
    "identifier=%(here)s",
    "identifier=%(nope)s",
    "logfile=/nonexistent/x",
    "logfile=/tmp/x",
    "nodaemon=maybe",
    "umask=9",
    'environment=E="%(ENV_NUMBER)s"',
    "environment=E",
    "childlogdir=/nonexistent",
    "pidfile=%d",
  ],
  program: [
    "command=x",
    "command=x",
    "command=%(process_num)d %(ENV_A)s",
    "command=%(nope)s",
    "startsecs=%(ENV_NUMBER)s",
    "startsecs=x",
    "autorestart=true",
    "autorestart=maybe",
    "stopsignal=HUP",
    "stopsignal=FOO",
    "exitcodes=1,2",
    "exitcodes=a",
    "numprocs=2",
    "numprocs=0",
    "numprocs=x",
    "process_name=p%(process_num)d",
    "process_name=a b",
    "process_name=%(nope)s",
    "stopasgroup=true",
    "killasgroup=false",
    "stdout_logfile=/tmp/x",
    "stdout_logfile=/nonexistent/x",
    "stdout_logfile=%%(b)s",
    "stdout_logfile=syslog",
    "stdout_logfile_maxbytes=0",
    "stdout_logfile_maxbytes=x",
    "stderr_logfile=NONE",
    "stderr_logfile_backups=x",
    "stderr_syslog=2",
    "redirect_stderr=true",
    "redirect_stderr=2",
    "environment=A=1",
    "environment=A",
    'environment=A="%(process_num)d",B=%(numprocs)d',
    "environment=A=%(ENV_Q)s",
    "priority=3",
    "priority=x",
    "priority=%(group_name)s",
    "user=root",
    "user=nosuch",
    "umask=022",
    "umask=8",
    "directory=%(ENV_A)s",
    "serverurl=AUTO",
  ],
  group: [
    "programs=a",
    "programs=a, b",
    "programs=f,a",
    "programs=a,nosuch",
    "programs=nosuch",
    "priority=1",
    "priority=x",
    "priority=%(program_name)s",
  ],
  eventlistener: [
    "events=TICK",
    "events=TICK",
    "events=tick_5,EVENT",
    "events=FOO",
    "buffer_size=3",
    "buffer_size=0",
    "buffer_size=x",
  ],
  fcgi: [
    "socket=tcp://H:1",
    "socket=unix:///tmp/%(program_name)s",
    "socket=tcp://h:0",
    "socket=foo",
    "socket=unix://x",
    "socket=%(group_name)s",
    "socket_mode=0700",
    "socket_mode=x",
    "socket_owner=root",
    "socket_owner=nosuch",
    "socket_backlog=1",
    "socket_backlog=0",
    "socket_backlog=x",
  ],
  inet: ["port=9001", "port=9001", "port=h:x", "port=70000", "username=a", "password=b", "username=%(here)s"],
  unix: [
    "file=/tmp/s",
    "file=/tmp/s",
    "file=%(program_name)s",
    "chmod=0777",
    "chmod=9",
    "chown=root",
    "chown=nosuch",
    "username=a",
    "password=b",
  ],
};

const SECTIONS: readonly (readonly [header: string, ...kinds: readonly string[]])[] = [
  ["[supervisord]", "supervisord"],
  ["[program:a]", "program"],
  ["[program:b]", "program"],
  ["[program:c d]", "program"],
  ["[group:g]", "group"],
  ["[group:h]", "group"],
  ["[eventlistener:e]", "program", "eventlistener"],
  ["[fcgi-program:f]", "program", "fcgi"],
  ["[fcgi-program:a]", "program", "fcgi"],
  ["[inet_http_server]", "inet"],
  ["[inet_http_server:x]", "inet"],
  ["[unix_http_server]", "unix"],
  ["[rpcinterface:supervisor]", "group"],
];

/** A section with a few of its settings; a plain one most often, so that many come out right. */
const section = fc.constantFrom(...SECTIONS).chain(([header, ...kinds]) =>
  fc
    .subarray(
      kinds.flatMap((kind) => SETTINGS[kind] ?? []),
      { maxLength: 4 },
    )
    .map((lines) =>
      [header, ...(kinds[0] === "program" && lines.length < 3 ? ["command=x"] : []), ...lines, ""].join("\n"),
    ),
);
const anyConf = fc.array(section, { maxLength: 4 }).map((parts) => `${parts.join("")}[supervisord]\n`);

test("settings thrown together mean the same, or fail with the same words first", () => {
  using place = scratch();
  const confs = fc.sample(anyConf, { numRuns: 1500, seed: 7 });
  const paths = confs.map((conf, index) => {
    const path = join(place.dir, `${index}.conf`);
    writeFileSync(path, conf);
    return path;
  });
  const theirs = reference(paths);
  let right = 0;
  for (const [index, conf] of confs.entries()) {
    // Supervisor doesn't look at the socket of a group's member.
    if (conf.includes("programs=") && conf.includes("fcgi-program")) continue;
    const parsed = parseConfig(paths[index] ?? "", host());
    const ours = parsed.ok ? shown(parsed.config) : { error: parsed.issues[0]?.text };
    if (parsed.ok) right += 1;
    expect({ conf, ...forgive(ours) }).toEqual({ conf, ...forgive(once(theirs[index])) });
  }
  expect(right).toBeGreaterThan(100);
});

/** After its first member a group's mistake is told there with the name of that member. */
function forgive(read: object | undefined): object | undefined {
  if (read === undefined || !("error" in read) || typeof read.error !== "string") return read;
  return { error: read.error.replace(/^\[[^\]]*\](?= names? )/, "[group]") };
}

/** Supervisor repeats a warning for each of numprocs; once is enough. */
function once(read: Reference | undefined): Reference | undefined {
  return read?.warnings === undefined ? read : { ...read, warnings: [...new Set(read.warnings)] };
}

/** Our configuration in the shape of theirs. */
function shown({
  supervisord,
  groups,
  servers,
  rpcinterfaces,
  messages,
}: Config): Readonly<Record<string, unknown>> {
  const {
    keep_stopped: _k,
    adopt: _a,
    statefile: _s,
    watch_config: _w,
    logformat: _l,
    ...known
  } = supervisord;
  const { user, loglevel, ...rest } = known;
  return {
    supervisord: {
      ...rest,
      loglevel: LOG_LEVELS[loglevel],
      user: user?.name ?? null,
      // Paths become absolute only when Supervisor starts; here they are written so, but for the defaults.
      logfile: rest.logfile === join(process.cwd(), "supervisord.log") ? "supervisord.log" : rest.logfile,
      pidfile: rest.pidfile === join(process.cwd(), "supervisord.pid") ? "supervisord.pid" : rest.pidfile,
    },
    groups: groups.map(shownGroup),
    servers: servers.map((server) => ({
      section: server.section,
      username: server.username,
      password: server.password,
      file: server.kind === "unix" ? server.file : null,
      chmod: server.kind === "unix" ? server.chmod : null,
      chown:
        server.kind === "unix"
          ? server.chown === null
            ? [-1, -1]
            : [server.chown.uid, server.chown.gid]
          : null,
      host: server.kind === "inet" ? server.host : null,
      port: server.kind === "inet" ? server.port : null,
    })),
    rpcinterfaces: rpcinterfaces.map(({ name, options }) => ({ name, options })),
    // Messages that are said `again` are of unknown names, of which the reference says nothing.
    warnings: messages
      .filter(({ level, again }) => level === "warn" && again !== true)
      .map(({ text }) => text),
    infos: messages.filter(({ level }) => level === "info").map(({ text }) => text),
  };
}

const KINDS = {
  program: "ProcessGroupConfig",
  fcgi: "FastCGIGroupConfig",
  eventlistener: "EventListenerPoolConfig",
} as const;

function shownGroup(group: GroupConfig): Readonly<Record<string, unknown>> {
  const common = {
    kind: KINDS[group.kind],
    name: group.name,
    priority: group.priority,
    processes: group.processes.map(shownProcess),
  };
  if (group.kind === "eventlistener")
    return { ...common, buffer_size: group.buffer_size, events: group.events };
  if (group.kind === "program") return common;
  const { socket, socket_backlog } = group;
  const unix = socket.kind === "unix" ? socket : null;
  return {
    ...common,
    socket: {
      url: socket.url,
      owner: unix?.owner ? [unix.owner.uid, unix.owner.gid ?? -1] : null,
      mode: unix?.mode ?? null,
      backlog: socket_backlog,
    },
  };
}

function shownProcess(process: ProcessConfig): Readonly<Record<string, unknown>> {
  const { user, fcgi: _f, serverurl, serverurl_auto, ...rest } = process;
  return { ...rest, uid: user?.uid ?? null, serverurl: serverurl_auto === true ? null : serverurl };
}
