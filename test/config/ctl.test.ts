import { expect, test } from "vitest";
import { describeIssue } from "../../src/config/describe-issue.js";
import { parseCtlConfig } from "../../src/config/parse.js";
import { toyHost } from "./support.js";

const read = (text: string, overrides = {}): ReturnType<typeof parseCtlConfig> =>
  parseCtlConfig("s.conf", toyHost({ "/etc/s.conf": text }, { cwd: "/etc" }), overrides);

const DEFAULTS = {
  serverurl: "http://localhost:9001",
  username: null,
  password: null,
  prompt: "supervisor",
  history_file: null,
};

test("without a file there are defaults, which the command line beats", () => {
  expect(parseCtlConfig(null, toyHost({}))).toEqual({ ok: true, config: DEFAULTS });
  expect(parseCtlConfig(null, toyHost({}), { serverurl: "http://h:1", history_file: "~/h" })).toEqual({
    ok: true,
    config: { ...DEFAULTS, serverurl: "http://h:1", history_file: "/root/h" },
  });
});

test("a section says what it says, with absolute paths", () => {
  expect(read("[supervisorctl]\n")).toEqual({ ok: true, config: DEFAULTS });
  expect(
    read(
      "[supervisorctl]\nserverurl=unix://%(here)s/../s.sock\nusername=%(ENV_PLACE)s\npassword=a;b ; 口令\nprompt=my\nhistory_file=~/.h\n",
      { username: "me" },
    ),
  ).toEqual({
    ok: true,
    config: {
      serverurl: "unix:///s.sock",
      username: "me",
      password: "a;b",
      prompt: "my",
      history_file: "/root/.h",
    },
  });
});

test("includes are not read", () => {
  expect(read("[include]\nfiles=%(bad\n[supervisorctl]\nprompt=x\n")).toEqual({
    ok: true,
    config: { ...DEFAULTS, prompt: "x" },
  });
});

test("mistakes have their place", () => {
  const say = (text: string): unknown => {
    const parsed = read(text);
    return parsed.ok ? parsed : parsed.issues.map(describeIssue);
  };
  expect(say("[supervisord]\n")).toEqual([".ini file does not include supervisorctl section"]);
  expect(say("[supervisorctl]\nbad\nprompt=%(here)s\nserverurl=%(x)s\n[ctlplugin:p]\n")).toEqual([
    "Source contains parsing errors: 's.conf'\n\t[line  2]: 'bad\\n'",
    "Format string '%(x)s' for 'supervisorctl.serverurl' contains names ('x') which cannot be expanded. Available names: ENV_HOME, ENV_PLACE, here (/etc/s.conf:4)",
    "Format string '%(here)s' for 'supervisorctl.prompt' contains names ('here') which cannot be expanded. Available names: ENV_HOME, ENV_PLACE (/etc/s.conf:3)",
    "section [ctlplugin:p] does not specify a supervisor.ctl_factory (/etc/s.conf:5)",
  ]);
  const missing = parseCtlConfig("/no.conf", toyHost({}));
  expect(missing.ok ? missing : missing.issues.map(({ text }) => text)).toEqual([
    "could not find config file /no.conf",
  ]);
});
