import { describe, expect, test } from "vitest";
import { diffConfig } from "../../src/config/diff.js";
import { configOf, parse } from "./support.js";

const SERVER = "[unix_http_server]\nfile=/tmp/a.sock\n";
const groups = (conf: string): ReturnType<typeof configOf>["groups"] => configOf(parse(SERVER + conf)).groups;
const diff = (before: string, after: string): unknown => diffConfig(groups(before), groups(after));

const A = "[program:a]\ncommand=x\n";
const LISTENER = "[eventlistener:e]\ncommand=x\nevents=TICK_5,TICK_60\n";
const FCGI = "[fcgi-program:f]\ncommand=x\nsocket=unix:///tmp/f\n";
const nothing = { added: [], changed: [], removed: [] };

test("groups come, go and change, each list in the order in which groups start", () => {
  expect(
    diff(
      "[program:b]\ncommand=x\n[program:z]\ncommand=x\n[program:y]\ncommand=x\n[program:k]\ncommand=x\n",
      "[program:d]\ncommand=x\n[program:c]\ncommand=x\n[program:z]\ncommand=y\n[program:y]\ncommand=y\n[program:k]\ncommand=x\n",
    ),
  ).toEqual({ added: ["c", "d"], changed: ["y", "z"], removed: ["b"] });
});

describe("is no change:", () => {
  test.each([
    ["nothing", A, A],
    ["how it is written", A, "[program:a]\n; comment\ncommand = x\nautostart=TRUE\nstopsignal=15\n"],
    ["the order of an environment", `${A}environment=A=1,B=2\n`, `${A}environment=B=2,A="1"\n`],
    ["the order and case of events", LISTENER, "[eventlistener:e]\ncommand=x\nevents=tick_60,TICK_5\n"],
    [
      "owner, mode and backlog of a socket",
      FCGI,
      `${FCGI}socket_owner=root\nsocket_mode=0777\nsocket_backlog=7\n`,
    ],
    ["a user by number", `${A}user=chris\n`, `${A}user=1000\n`],
    ["another [supervisord]", A, `${A}[supervisord]\nloglevel=debug\n`],
    [
      "another server, since the running one stays",
      A,
      `[inet_http_server]\nport=1\n${A}[unix_http_server]\nfile=/tmp/b\n`,
    ],
  ])("%s", (_what, before, after) => {
    expect(diff(before, after)).toEqual(nothing);
  });
});

describe("is a change:", () => {
  test.each([
    ["command=y"],
    ["process_name=b"],
    ["numprocs=2\nprocess_name=a%(process_num)d"],
    ["numprocs=0"],
    ["priority=1"],
    ["autostart=false"],
    ["autorestart=true"],
    ["startsecs=2"],
    ["startretries=2"],
    ["exitcodes=0,2"],
    ["stopsignal=INT"],
    ["stopwaitsecs=1"],
    ["stopasgroup=true"],
    ["killasgroup=true"],
    ["user=chris"],
    ["umask=0"],
    ["directory=/"],
    ["redirect_stderr=true"],
    ["environment=A=1"],
    ["serverurl=http://h:1"],
    ["stdout_logfile=/tmp/x"],
    ["stdout_logfile=NONE"],
    ["stdout_logfile_maxbytes=1"],
    ["stderr_logfile_backups=1"],
    ["stderr_capture_maxbytes=1"],
    ["stdout_events_enabled=true"],
    ["stderr_syslog=true"],
  ])("%j, in both directions", (line) => {
    const changed = { ...nothing, changed: ["a"] };
    expect(diff(A, `${A}${line}\n`)).toEqual(changed);
    expect(diff(`${A}${line}\n`, A)).toEqual(changed);
  });

  test.each([
    ["a global environment", "a", A, `${A}[supervisord]\nenvironment=G=1\n`],
    ["the events of a pool", "e", LISTENER, "[eventlistener:e]\ncommand=x\nevents=TICK_5\n"],
    ["the buffer of a pool", "e", LISTENER, `${LISTENER}buffer_size=11\n`],
    ["the socket", "f", FCGI, "[fcgi-program:f]\ncommand=x\nsocket=unix:///tmp/g\n"],
    ["the kind", "e", LISTENER, "[program:e]\ncommand=x\npriority=-1\n"],
    [
      "the order of members",
      "g",
      `${A}[program:b]\ncommand=x\n[group:g]\nprograms=a,b\n`,
      `${A}[program:b]\ncommand=x\n[group:g]\nprograms=b,a\n`,
    ],
    [
      "the priority of a group",
      "g",
      `${A}[group:g]\nprograms=a\n`,
      `${A}[group:g]\nprograms=a\npriority=1\n`,
    ],
    [
      "the socket of a member",
      "g",
      `${FCGI}[group:g]\nprograms=f\n`,
      "[fcgi-program:f]\ncommand=x\nsocket=tcp://h:1\n[group:g]\nprograms=f\n",
    ],
  ])("%s", (_what, name, before, after) => {
    expect(diff(before, after)).toEqual({ ...nothing, changed: [name] });
  });
});
