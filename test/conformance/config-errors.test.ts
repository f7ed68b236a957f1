/**
 * What a conf must not hold, and the text the daemon ends with: exit status 2, `Error: <text>`, the pointer to
 * -h. Ours may go on after the text with where the trouble stands, ` (<file>:<line>)`, and with further errors
 * of the same file; both are taken off before comparing. Nothing else is.
 */
import type { Ran } from "../support/run-command.js";
import { scenario } from "./scenario.js";
import { withoutPlace } from "./scrub.js";

const area = "config errors";

const SECTION = "[program:x]\ncommand=/bin/cat\n";
const program = (line: string): string => `${SECTION}${line}\n`;
const daemon = (line: string): string => `[supervisord]\n${line}\n`;
const listener = (lines: string): string => `[eventlistener:e]\ncommand=/bin/cat\n${lines}\n`;
const fcgi = (lines: string): string => `[fcgi-program:x]\ncommand=/bin/cat\n${lines}\n`;
const http = (lines: string): string => `[inet_http_server]\n${lines}\n`;

const TABLE: readonly (readonly [what: string, sections: string])[] = [
  ["no command", "[program:x]\n"],
  ["startsecs that is no number", program("startsecs=abc")],
  ["an empty startsecs", program("startsecs=")],
  ["startretries with a fraction", program("startretries=1.5")],
  ["stopwaitsecs that is no number", program("stopwaitsecs=ten")],
  ["priority that is no number", program("priority=high")],
  ["numprocs that is no number", program("numprocs=many")],
  ["numprocs without process_num", program("numprocs=2")],
  ["autostart that is no boolean", program("autostart=maybe")],
  ["autorestart that is no word of it", program("autorestart=maybe")],
  ["redirect_stderr that is no boolean", program("redirect_stderr=2")],
  ["exit codes out of range", program("exitcodes=0,256")],
  ["exit codes that are no numbers", program("exitcodes=a")],
  ["an unknown signal name", program("stopsignal=FOO")],
  ["an unknown signal number", program("stopsignal=99")],
  ["killasgroup against stopasgroup", program("stopasgroup=true\nkillasgroup=false")],
  ["a user that does not exist", program("user=nosuchuser")],
  ["a uid that does not exist", program("user=99999")],
  ["an empty user", program("user=")],
  ["an umask that is not octal", program("umask=9")],
  ["a log size with a fraction", program("stdout_logfile_maxbytes=1.5mb")],
  ["a log size with an unknown suffix", program("stderr_logfile_maxbytes=5XB")],
  ["backups that are no number", program("stdout_logfile_backups=x")],
  ["a log in a directory that is not there", program("stdout_logfile=/nonexistent/x.log")],
  ["a name with a blank", "[program:a b]\ncommand=/bin/cat\n"],
  ["a name with a colon", "[program:a:b]\ncommand=/bin/cat\n"],
  ["a process name with a slash", program("process_name=a/b")],
  ["an expansion that is not known", program("directory=%(nosuch)s")],
  ["an expansion that is not known in the environment", program('environment=A="%(ENV_NOSUCH_AT_ALL)s"')],
  ["a lone percent", program("command=date +%Y")],
  ["a percent at the end", program("directory=100%")],
  ["an environment value without quotes", program("environment=A=")],
  ["an environment key alone", program("environment=A")],
  ["an environment without a comma", program("environment=A=1 B=2")],
  ["an environment with an open quote", program('environment=A="1')],
  ["an environment with a sign in the value", program("environment=A=a@b")],
  ["a log level that is none", daemon("loglevel=loud")],
  ["a directory that is not there", daemon("directory=/nonexistent")],
  ["a log file in no directory", daemon("logfile=/nonexistent/x.log")],
  ["a pidfile in no directory", daemon("pidfile=/nonexistent/x.pid")],
  ["a childlogdir that is not there", daemon("childlogdir=/nonexistent")],
  ["a daemon's umask that is not octal", daemon("umask=8")],
  ["minfds that is no number", daemon("minfds=lots")],
  ["nodaemon that is no boolean", daemon("nodaemon=perhaps")],
  ["a daemon's user that does not exist", daemon("user=nosuchuser")],
  ["a percent in the identifier", daemon("identifier=100%")],
  ["a bad format in the identifier", daemon("identifier=a%Y")],
  ["a global environment with an open end", daemon("environment=A=")],
  ["a group with an unknown program", "[group:g]\nprograms=nosuch\n"],
  ["a group's priority that is no number", `${SECTION}[group:g]\nprograms=x\npriority=a\n`],
  ["a group's name with a blank", `${SECTION}[group:a b]\nprograms=x\n`],
  ["an event listener without events", listener("")],
  ["an event listener with an unknown event", listener("events=FOO")],
  ["an event listener with redirect_stderr", listener("events=TICK_5\nredirect_stderr=true")],
  ["an event listener with no buffer", listener("events=TICK_5\nbuffer_size=0")],
  ["an fcgi program without a socket", fcgi("")],
  ["an fcgi socket of no known kind", fcgi("socket=foo")],
  ["an fcgi socket with a relative path", fcgi("socket=unix://foo")],
  ["an fcgi port of zero", fcgi("socket=tcp://localhost:0")],
  ["an fcgi backlog of zero", fcgi("socket=tcp://localhost:1234\nsocket_backlog=0")],
  ["an fcgi owner on a TCP socket", fcgi("socket=tcp://localhost:1234\nsocket_owner=root")],
  ["an fcgi mode that is not octal", fcgi("socket=unix:///tmp/x.sock\nsocket_mode=9")],
  ["an fcgi owner that does not exist", fcgi("socket=unix:///tmp/x.sock\nsocket_owner=nosuchuser")],
  ["a TCP server without a port", http("")],
  ["a TCP server with a port that is none", http("port=abc")],
  ["a TCP server with a port above the bound", http("port=70000")],
  ["a TCP server with an empty port", http("port=")],
  ["a TCP server with a host and no port", http("port=localhost:abc")],
  ["a user name without a password", http("port=127.0.0.1:1\nusername=a")],
  ["a host that cannot be resolved", http("port=no-such-host.invalid:9001")],
  ["a unix server without a file", "[unix_http_server:b]\nchmod=0700\n"],
  ["a chmod that is not octal", "[unix_http_server:b]\nfile=%(dir)s/b.sock\nchmod=9\n"],
  ["a chown that cannot be", "[unix_http_server:b]\nfile=%(dir)s/b.sock\nchown=nosuchuser\n"],
  ["a unix socket in no directory", "[unix_http_server:b]\nfile=/nonexistent/b.sock\n"],
  ["an include without files", "[include]\n"],
  ["an rpcinterface without a factory", "[rpcinterface:foo]\nx=1\n"],
  ["a line that is no setting", `${SECTION}what is this\n`],
  ["two lines that are no settings", `${SECTION}what is this\nand\n that\n`],
];

for (const [what, conf] of TABLE) {
  scenario(`refuses ${what}`, {
    area,
    boot: false,
    conf,
    play: async ({ run, conf: file }) => refusal(await run(["-n", "-c", file])),
  });
}

scenario("refuses a file without section headers", {
  area,
  boot: false,
  files: { "bare.conf": "foo=1\n" },
  play: async ({ run, dir }) => refusal(await run(["-n", "-c", `${dir}/bare.conf`])),
});

scenario("refuses a file without [supervisord]", {
  area,
  boot: false,
  files: { "bare.conf": "[program:x]\ncommand=/bin/cat\n" },
  play: async ({ run, dir }) => refusal(await run(["-n", "-c", `${dir}/bare.conf`])),
});

scenario("refuses a file that is not there", {
  area,
  boot: false,
  play: async ({ run, dir }) => refusal(await run(["-n", "-c", `${dir}/nosuch.conf`])),
});

scenario("refuses an error in an included file, which it names", {
  area,
  boot: false,
  conf: "[include]\nfiles=more.conf\n",
  files: { "more.conf": "[program:x]\ncommand=/bin/cat\nstartsecs=soon\n" },
  play: async ({ run, conf }) => refusal(await run(["-n", "-c", conf])),
});

scenario("refuses more descriptors than the system can give", {
  area,
  boot: false,
  supervisord: "minfds=2000000000",
  play: async ({ run, conf }) => {
    const ran = refusal(await run(["-n", "-c", conf]));
    return { ...ran, error: ran.error.replace(/open \d+ file/, "open N file") };
  },
});

interface Refusal {
  readonly exit: number | string;
  readonly error: string;
  readonly help: string | undefined;
}

function refusal({ exit, err }: Ran): Refusal {
  const [first = ""] = err.split(/\n(?=Error: |For help)/);
  return { exit, error: withoutPlace(first), help: err.trimEnd().split("\n").at(-1) };
}
