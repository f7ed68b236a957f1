import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { describeIssue } from "../../src/config/describe-issue.js";
import { parseConfig } from "../../src/config/parse.js";
import { configOf, issuesOf, mistakes, parse, toyHost } from "./support.js";

test("a program needs nothing but a command", () => {
  expect(configOf(parse("[program:cat]\ncommand=/bin/cat\n")).groups).toEqual([
    {
      kind: "program",
      name: "cat",
      priority: 999,
      processes: [
        {
          name: "cat",
          user: null,
          command: "/bin/cat",
          directory: null,
          umask: null,
          priority: 999,
          autostart: true,
          autorestart: "unexpected",
          startsecs: 1,
          startretries: 3,
          stdout_logfile: "AUTO",
          stdout_logfile_maxbytes: 52428800,
          stdout_logfile_backups: 10,
          stdout_capture_maxbytes: 0,
          stdout_events_enabled: false,
          stdout_syslog: false,
          stderr_logfile: "AUTO",
          stderr_logfile_maxbytes: 52428800,
          stderr_logfile_backups: 10,
          stderr_capture_maxbytes: 0,
          stderr_events_enabled: false,
          stderr_syslog: false,
          stopsignal: 15,
          stopwaitsecs: 10,
          stopasgroup: false,
          killasgroup: false,
          exitcodes: [0],
          redirect_stderr: false,
          environment: {},
          serverurl: null,
          serverurl_auto: true,
          fcgi: null,
        },
      ],
    },
  ]);
});

test("[supervisord] has its defaults, with paths from where it was started", () => {
  const parsed = parseConfig("s.conf", toyHost({ "/etc/s.conf": "[supervisord]\n" }, { cwd: "/etc" }));
  const { path, files, supervisord } = configOf(parsed);
  expect({ path, files, supervisord }).toEqual({
    path: "/etc/s.conf",
    files: ["/etc/s.conf"],
    supervisord: {
      logfile: "/etc/supervisord.log",
      logfile_maxbytes: 52428800,
      logfile_backups: 10,
      loglevel: "info",
      logformat: "text",
      pidfile: "/etc/supervisord.pid",
      umask: 0o022,
      nodaemon: false,
      silent: false,
      minfds: 1024,
      minprocs: 200,
      nocleanup: false,
      childlogdir: "/tmp",
      directory: null,
      user: null,
      identifier: "supervisor",
      strip_ansi: false,
      environment: {},
      keep_stopped: true,
      adopt: true,
      statefile: null,
      watch_config: false,
    },
  });
});

test("the keys of our own are read, and unknown ones passed over", () => {
  const { supervisord } = configOf(
    parse("[supervisord]\nkeep_stopped=no\nwatch_config=yes\nlogformat=JSON\nwhatever=%\n[nosuch]\nx=%\n"),
  );
  expect(supervisord).toMatchObject({ keep_stopped: false, watch_config: true, logformat: "json" });
});

test("the command line beats the file, and its user is looked up too", () => {
  const { supervisord } = configOf(
    parse("[supervisord]\nuser=nosuch\nlogfile=/tmp/a\nloglevel=warn\nnodaemon=false\n", {
      user: "chris",
      logfile: "syslog",
      loglevel: "debug",
      nodaemon: true,
      umask: 0,
    }),
  );
  expect(supervisord).toMatchObject({
    user: { name: "chris", uid: 1000, gid: 100 },
    logfile: null,
    loglevel: "debug",
    nodaemon: true,
    umask: 0,
  });
  expect(issuesOf(parse("", { user: "nosuch" }))).toEqual([
    { text: "Invalid user name nosuch", file: null, line: null, section: null, key: null },
  ]);
});

test("a home directory stands for ~", () => {
  const { supervisord, groups } = configOf(
    parse("[supervisord]\nlogfile=~chris/x.log\n[program:a]\ncommand=~/x\nstdout_logfile=~chris/out\n"),
  );
  expect([
    supervisord.logfile,
    groups[0]?.processes[0]?.command,
    groups[0]?.processes[0]?.stdout_logfile,
  ]).toEqual(["/home/chris/x.log", "~/x", "/home/chris/out"]);
});

test("environments are laid over each other, and quoted as a shell would", () => {
  const { groups } = configOf(
    parse(`[supervisord]
environment=A="low",B="%%"
[program:a]
command=x
environment=A="say \\"hi\\"",C=a\\ b"c",D='%(ENV_B)s',"E"="%(host_node_name)s %(process_num)d"
`),
  );
  expect(groups[0]?.processes[0]?.environment).toEqual({
    A: 'say "hi"',
    B: "%",
    C: "a bc",
    D: "%",
    E: "box 0",
  });
});

test("names like those of JavaScript's own objects are only names", () => {
  const { groups, rpcinterfaces } = configOf(
    parse(
      "[program:__proto__]\ncommand=x\nenvironment=toString=1,constructor=2\n[rpcinterface:toString]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\nvalueOf=%(ENV_PLACE)s\n",
    ),
  );
  expect(groups[0]?.name).toBe("__proto__");
  expect(groups[0]?.processes[0]?.environment).toEqual({ toString: "1", constructor: "2" });
  expect(rpcinterfaces[0]).toEqual({
    name: "toString",
    factory: "supervisor.rpcinterface:make_main_rpcinterface",
    options: { valueof: "here and there" },
  });
});

test("a TCP server has names by which browsers may come, and none are needed", () => {
  const hosts = (line: string): unknown => {
    const [server] = configOf(parse(`[inet_http_server]\nport=9001\n${line}\n`)).servers;
    return server?.kind === "inet" ? server.allowed_hosts : null;
  };
  expect(hosts("")).toEqual([]);
  expect(hosts("allowed_hosts = a.example,b.example:8080")).toEqual(["a.example", "b.example:8080"]);
});

test("children hear of the first unix server, else of the last inet one, else of none", () => {
  const url = (servers: string, line = ""): unknown => {
    const process = configOf(parse(`${servers}[program:a]\ncommand=x\n${line}`)).groups[0]?.processes[0];
    return [process?.serverurl, process?.serverurl_auto];
  };
  const unix = "[unix_http_server]\nfile=/tmp/x.sock\n";
  const inet = "[inet_http_server]\nport=*:9001\n[inet_http_server:b]\nport=h:9002\n";
  expect(url(inet + unix)).toEqual(["unix:///tmp/x.sock", true]);
  expect(url(inet)).toEqual(["http://h:9002", true]);
  expect(url("[inet_http_server]\nport=9001\n", "serverurl=auto\n")).toEqual(["http://localhost:9001", true]);
  expect(url("")).toEqual([null, true]);
  expect(url(unix, "serverurl=http://me:1\n")).toEqual(["http://me:1", undefined]);
  expect(url(unix, "serverurl=\n")).toEqual([null, undefined]);
});

test("an fcgi program keeps its socket in a group", () => {
  const { groups } = configOf(
    parse(
      "[fcgi-program:f]\ncommand=x\nuser=chris\nsocket=unix:///tmp/f.sock\nsocket_backlog=5\n[group:g]\nprograms=f\n",
    ),
  );
  expect(groups.map(({ kind, name, processes }) => [kind, name, processes[0]?.fcgi])).toEqual([
    [
      "program",
      "g",
      {
        socket: {
          kind: "unix",
          path: "/tmp/f.sock",
          url: "unix:///tmp/f.sock",
          owner: { uid: 1000, gid: 100 },
          mode: 0o700,
        },
        socket_backlog: 5,
      },
    ],
  ]);
});

test("what Supervisor drops in silence is named in a warning", () => {
  const { groups, messages } = configOf(
    parse(`[program:a]
command=x
[program:b]
command=y
process_name=a
[group:b]
programs=a,b
[program:g]
command=x
[group:g]
priority=1
[rpcinterface:x]
supervisor.rpcinterface_factory=my.module:factory
[eventlistener:e]
command=x
events=TICK
result_handler=my.module:handler
`),
  );
  expect(
    groups.map(({ name, priority, processes }) => [name, priority, processes.map((p) => p.command)]),
  ).toEqual([
    ["e", -1, ["x"]],
    ["g", 1, []],
    ["b", 999, ["y"]],
  ]);
  expect(messages.map(({ level, text }) => `${level}: ${text}`)).toEqual([
    "warn: my.module:factory within [rpcinterface:x] is a Python factory, its methods are not available",
    "warn: Two processes of group b are named a, only the last is used",
    "warn: my.module:handler within [eventlistener:e] is a Python function, every result is accepted",
    "warn: Two groups are named g, only the first is used",
  ]);
});

describe("mistakes", () => {
  test("all are told at once, each with its file and line, in Supervisor's order", () => {
    const conf = `[supervisord]
minfds=lots
loglevel=loud
nodaemon=perhaps
identifier=100%
user=nosuchuser
stray line
[unix_http_server]
chmod=9
[inet_http_server]
port=70000
username=me
[rpcinterface:x]
y=1
[group:g]
programs=a,zz,yy
priority=high
[program:a]
startsecs=soon
stopsignal=FOO
exitcodes=256
autorestart=maybe
numprocs=2
umask=9
environment=A
stdout_logfile=/nonexistent/x.log
stderr_logfile_maxbytes=5XB
directory=%(nope)s
[program:b c]
command=x
[eventlistener:e]
command=x
events=TICK,FOO,BAR
buffer_size=0
redirect_stderr=true
[fcgi-program:f]
command=x
socket=foo
socket_mode=x
another stray
`;
    const issues = issuesOf(parseConfig("/etc/s.conf", toyHost({ "/etc/s.conf": conf })));
    const suffix = "in section 'program:a' (file: '/etc/s.conf')";
    expect(issues.every(({ file }) => file === "/etc/s.conf")).toBe(true);
    expect(issues.map(({ line, text }) => `${line}: ${text}`)).toEqual([
      "7: Source contains parsing errors: '/etc/s.conf'\n\t[line  7]: 'stray line\\n'\n\t[line 40]: 'another stray\\n'",
      "2: invalid literal for int() with base 10: 'lots'",
      "3: bad logging level name 'loud'",
      "5: Format string '100%' for 'supervisord.identifier' is badly formatted: incomplete format",
      "4: not a valid boolean value: 'perhaps'",
      "13: section [rpcinterface:x] does not specify a supervisor.rpcinterface_factory",
      "17: invalid literal for int() with base 10: 'high'",
      `22: invalid 'autorestart' value 'maybe' ${suffix}`,
      `19: invalid literal for int() with base 10: 'soon' ${suffix}`,
      `20: value 'FOO' is not a valid signal name ${suffix}`,
      `21: not a valid list of exit codes: '256' ${suffix}`,
      `24: 9 can not be converted to an octal type ${suffix}`,
      `23: %(process_num) must be present within process_name when numprocs > 1 ${suffix}`,
      `25: Unexpected end of key/value pairs in value 'A' ${suffix}`,
      `28: Format string '%(nope)s' for 'program:a.directory' contains names ('nope') which cannot be expanded. Available names: ENV_HOME, ENV_PLACE, group_name, here, host_node_name, numprocs, process_num, program_name ${suffix}`,
      `26: The directory named as part of the path /nonexistent/x.log does not exist ${suffix}`,
      `27: invalid literal for int() with base 10: '5xb' ${suffix}`,
      `18: program section program:a does not specify a command ${suffix}`,
      "16: [group:g] names unknown program or fcgi-program zz",
      "16: [group:g] names unknown program or fcgi-program yy",
      "29: Invalid name: 'b c' because of character: ' '",
      "34: [eventlistener:e] section sets invalid buffer_size (0)",
      "33: Unknown event type FOO in [eventlistener:e] events",
      "33: Unknown event type BAR in [eventlistener:e] events",
      "35: [eventlistener:e] section sets redirect_stderr=true but this is not allowed because it will interfere with the eventlistener protocol",
      "39: Invalid socket_mode value x",
      "38: ('Bad socket format %s', 'foo') in [fcgi-program:f] socket",
      "12: Section [inet_http_server] contains incomplete authentication: If a username or a password is specified, both the username and password must be specified",
      "11: not a valid port number: '70000' ",
      "8: section [unix_http_server] has no file value",
      "9: Invalid chmod value 9",
      "6: Invalid user name nosuchuser",
    ]);
  });

  test("one option's mistake is told once, however many processes and groups have it", () => {
    expect(
      mistakes(
        "[program:a]\ncommand=%(x)s\nprocess_name=%(process_num)d\nnumprocs=3\npriority=a\n[group:g]\nprograms=a\n[group:h]\nprograms=a\n",
      ),
    ).toEqual([
      "5: invalid literal for int() with base 10: 'a' in section 'program:a' (file: '/etc/s.conf')",
      "2: Format string '%(x)s' for 'program:a.command' contains names ('x') which cannot be expanded. Available names: ENV_HOME, ENV_PLACE, group_name, here, host_node_name, numprocs, process_num, program_name in section 'program:a' (file: '/etc/s.conf')",
    ]);
  });

  test("what follows from a broken environment is not told as well", () => {
    expect(
      mistakes(
        "[supervisord]\nenvironment=A\n[program:a]\ncommand=%(ENV_A)s\n[program:b]\ncommand=%(ENV_C)s %(ENV_A)s\nenvironment=C\n",
      ),
    ).toEqual([
      "2: Unexpected end of key/value pairs in value 'A'",
      "7: Unexpected end of key/value pairs in value 'C' in section 'program:b' (file: '/etc/s.conf')",
    ]);
  });

  test("a mistake in an included file has that file's name and line", () => {
    const host = toyHost({
      "/etc/s.conf": "[supervisord]\n[include]\nfiles=*.ini\n[program:a]\ncommand=x\n",
      "/etc/1.ini": "\n[program:b]\ncommand=x\nstartsecs=a\n[program:a]\nstartsecs=b\n",
      "/etc/2.ini": "oops\n[program:b]\nstopwaitsecs=c\n[include]\nfiles=never\n",
    });
    expect(issuesOf(parseConfig("/etc/s.conf", host)).map(describeIssue)).toEqual([
      "File contains no section headers.\nfile: '/etc/2.ini', line: 1\n'oops\\n'",
      "invalid literal for int() with base 10: 'b' in section 'program:a' (file: '/etc/s.conf') (/etc/1.ini:6)",
      "invalid literal for int() with base 10: 'a' in section 'program:b' (file: '/etc/1.ini') (/etc/1.ini:4)",
      "invalid literal for int() with base 10: 'c' in section 'program:b' (file: '/etc/1.ini') (/etc/2.ini:3)",
    ]);
  });

  test("bytes that are no UTF-8 are told with their line, and the rest is read", () => {
    const bytes = Buffer.from("[supervisord]\n; \xd6\xd0\nminfds=a\n", "latin1");
    expect(issuesOf(parseConfig("/s.conf", toyHost({ "/s.conf": bytes })))).toEqual([
      {
        text: "'utf-8' codec can't decode byte 0xd6 in position 16: invalid continuation byte",
        file: "/s.conf",
        line: 2,
        section: null,
        key: null,
      },
      {
        text: "invalid literal for int() with base 10: 'a'",
        file: "/s.conf",
        line: 3,
        section: "supervisord",
        key: "minfds",
      },
    ]);
  });

  test("a file that is missing, unreadable, or says nothing of supervisord", () => {
    const say = (host = toyHost({}), path = "s.conf"): readonly string[] =>
      issuesOf(parseConfig(path, host)).map(describeIssue);
    expect(say()).toEqual(["could not find config file s.conf"]);
    expect(say(toyHost({}), "/tmp")).toEqual(["could not read config file /tmp"]);
    expect(say(toyHost({ "/s.conf": "" }))).toEqual([
      ".ini file does not include supervisord section (/s.conf:1)",
    ]);
  });

  test.each([
    [
      "[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:nosuch\n",
      "2: supervisor.rpcinterface:nosuch cannot be resolved within [rpcinterface:supervisor]: module 'supervisor.rpcinterface' has no attribute 'nosuch'",
    ],
    [
      "[unix_http_server]\nfile=/tmp/x\n[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\nx=1\n",
      "5: Could not make supervisor rpc interface",
    ],
    [
      "[group:g]\nprograms=a,b\n[program:a]\ncommand=x\n",
      "2: [group:g] names unknown program or fcgi-program b",
    ],
    ["[supervisord]\nlogformat=xml\n", "2: not one of text, json: 'xml'"],
    [
      "[program:a]\ncommand=x\nprocess_name=%(process_num)d\nnumprocs=9999999999\n",
      "4: numprocs is 9999999999, above upper bound (100000) in section 'program:a' (file: '/etc/s.conf')",
    ],
  ])("%j", (sections, text) => {
    expect(mistakes(sections)).toEqual([text]);
  });
});

describe("includes", () => {
  const main = (files: string): string => `[supervisord]\nidentifier=%(here)s\n[include]\nfiles=${files}\n`;

  test("are listed in reading order, with the directories that may bring new ones", () => {
    const host = toyHost({
      "/etc/s.conf": main("conf.d/*.ini /tmp/*/x.ini  %(here)s/one.ini nosuch.ini conf.d/a.ini"),
      "/etc/conf.d/b.ini": "",
      "/etc/conf.d/a.ini": "[program:a]\ncommand=%(here)s\n",
      "/etc/one.ini": "",
      "/tmp/q/x.ini": "",
      "/tmp/.h/x.ini": "",
    });
    const { files, includedirs, messages, groups, supervisord } = configOf(parseConfig("/etc/s.conf", host));
    expect({ files, includedirs, identifier: supervisord.identifier }).toEqual({
      files: ["/etc/s.conf", "/etc/conf.d/a.ini", "/etc/conf.d/b.ini", "/tmp/q/x.ini", "/etc/one.ini"],
      includedirs: ["/etc/conf.d", "/tmp", "/tmp/q", "/etc"],
      identifier: "/etc",
    });
    expect(groups[0]?.processes[0]?.command).toBe("/etc/conf.d");
    expect(messages.map(({ level, text }) => `${level}: ${text}`)).toEqual([
      'warn: No file matches via include "/etc/nosuch.ini"',
      'info: Included extra file "/etc/conf.d/a.ini" during parsing',
      'info: Included extra file "/etc/conf.d/b.ini" during parsing',
      'info: Included extra file "/tmp/q/x.ini" during parsing',
      'info: Included extra file "/etc/one.ini" during parsing',
      'info: Included extra file "/etc/conf.d/a.ini" during parsing',
    ]);
  });

  test("a byte order mark is skipped", () => {
    const host = toyHost({
      "/s.conf": "\ufeff[supervisord]\n[include]\nfiles=x.ini\n",
      "/x.ini": "\ufeff[program:a]\ncommand=x\n",
    });
    expect(configOf(parseConfig("/s.conf", host)).groups.map(({ name }) => name)).toEqual(["a"]);
  });
});

test("no text makes the parser throw", () => {
  const piece = fc.constantFrom(
    "[program:a]\n",
    "[group:g]\n",
    "[supervisord]\n",
    "[eventlistener:e]\n",
    "[fcgi-program:f]\n",
    "[include]\n",
    "[unix_http_server]\n",
    "[inet_http_server:x]\n",
    "[rpcinterface:x]\n",
    "[DEFAULT]\n",
    "command=",
    "socket=",
    "events=",
    "programs=",
    "files=",
    "port=",
    "environment=",
    "numprocs=",
    "process_name=",
    "stdout_logfile=",
    "user=",
    "a",
    "9",
    "%",
    "%(here)s",
    "%(process_num)999d",
    "\n",
    "\n",
    " ",
    ",",
    ":",
    "/",
    "'",
    '"',
    "unix://",
    "tcp://h:1",
    "*",
    "中",
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
      const parsed = parse(`${pieces.join("").replace(/numprocs=9{2,}/g, "numprocs=9")}\n`);
      if (parsed.ok) return;
      expect(parsed.issues.length).toBeGreaterThan(0);
      for (const { line, file } of parsed.issues)
        expect([typeof line, file]).toEqual(["number", "/etc/s.conf"]);
    }),
    { numRuns: 500 },
  );
});

test("a doubt about a value is a warning with file and line, at each reading, and none about secrets", () => {
  const text = `[program:x]\ncommand=/bin/cat\nenvironment=A="s3cret".\n  B="y"\n[supervisord]\nenvironment=Q=http://h/s3cret?q=1\n`;
  const { messages, groups } = configOf(parseConfig("/etc/s.conf", toyHost({ "/etc/s.conf": text })));
  expect(groups[0]?.processes[0]?.environment).toMatchObject({ A: "s3cret", B: "y" });
  expect(messages).toEqual([
    {
      level: "warn",
      text: `[supervisord] environment: '?' ends the value of Q, and is lost; quote the value if it belongs there: Q="..." (/etc/s.conf:6)`,
      again: true,
    },
    {
      level: "warn",
      text: `[program:x] environment: read as Supervisor 4.3 does, since the quotes are not where a shell wants them; quote each whole value: A="...",B="..." (/etc/s.conf:3)`,
      again: true,
    },
  ]);
});

test("a hint stands behind the place of a mistake", () => {
  const text = "[program:x]\ncommand=/bin/cat\nenvironment=Q=me@x.org\n[supervisord]\n";
  expect(issuesOf(parseConfig("/etc/s.conf", toyHost({ "/etc/s.conf": text }))).map(describeIssue)).toEqual([
    `Unexpected end of key/value pairs in value 'Q=me@x.org' in section 'program:x' (file: '/etc/s.conf') (/etc/s.conf:3); quote the value of Q: Q="..."`,
  ]);
});
