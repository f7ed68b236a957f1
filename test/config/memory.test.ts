/** Reading again takes over what is as it was, and never anything else. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type IniMemory, readIni } from "../../src/config/ini.js";
import { parseConfig } from "../../src/config/parse.js";
import { toyHost } from "./support.js";

const piece = fc.constantFrom(
  ..."[a] [b] [include] [a [] [c]d] ;[x] # x=1 x=2 y:3 bad =4 %(here)s \uFEFF".split(" "),
  "\n",
  "\n",
  "\n[a]\n",
  "\n[b] ; c\n",
  "\n  [b]\n",
  "\n more\n",
  "\r\n",
  " ",
);
const someText = fc.array(piece, { maxLength: 25 }).map((pieces) => pieces.join(""));

test("a text is read as without a memory, whatever was read before it", () => {
  fc.assert(
    fc.property(fc.array(someText, { minLength: 1, maxLength: 4 }), (texts) => {
      const memory: IniMemory = new Map();
      for (const text of [...texts, ...texts]) {
        const read = readIni(text, memory);
        expect(read).toEqual(readIni(text));
        const keys = read.sections.map(({ entries }) => [...entries.keys()]);
        expect(keys).toEqual(readIni(text).sections.map(({ entries }) => [...entries.keys()]));
      }
    }),
    { numRuns: 1000 },
  );
});

const line = fc.constantFrom(
  "[program:a]",
  "[program:b]",
  "[program:c]",
  "[group:g]",
  "[DEFAULT]",
  "[supervisord]",
  "[include]",
  "[unix_http_server]",
  "command=/bin/a",
  "command=/bin/b %(here)s %(ENV_PLACE)s",
  "priority=1",
  "priority=x",
  "numprocs=2",
  "process_name=%(program_name)s_%(process_num)d",
  "programs=a,b",
  "environment=A=1",
  "environment=B=%(ENV_A)s",
  "stdout_logfile=/tmp/x",
  "stdout_logfile=/nowhere/x",
  "stdout_logfile=syslog",
  "redirect_stderr=true",
  "user=chris",
  "file=/tmp/s.sock",
  "files=/etc/more.conf",
  "serverurl=AUTO",
  "",
);
const someConf = fc
  .array(line, { maxLength: 14 })
  .map((lines) => `[supervisord]\n[program:a]\ncommand=/bin/a\n${lines.join("\n")}\n`);

test("a configuration is read as by a new reader, whatever was read before it", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(someConf, someConf), { minLength: 3, maxLength: 5 }), (readings) => {
      const files: Record<string, string> = { "/etc/s.conf": "", "/etc/more.conf": "" };
      const host = toyHost(files);
      for (const [main, more] of readings) {
        files["/etc/s.conf"] = main;
        files["/etc/more.conf"] = more;
        expect(parseConfig("/etc/s.conf", host)).toEqual(parseConfig("/etc/s.conf", toyHost(files)));
      }
    }),
    { numRuns: 500 },
  );
});

describe("what is asked of the machine is asked again", () => {
  const conf = "[supervisord]\n[program:a]\ncommand=/bin/a\nuser=chris\nstdout_logfile=/var/log/a.log\n";

  test("a user whose number has changed", () => {
    let uid = 1000;
    const host = toyHost(
      { "/etc/s.conf": conf, "/var/log/x": "" },
      { lookupUser: (name) => ({ name, uid, gid: 100 }) },
    );
    const uids = (): unknown => {
      const parsed = parseConfig("/etc/s.conf", host);
      return parsed.ok && parsed.config.groups[0]?.processes[0]?.user?.uid;
    };
    expect([uids(), uids()]).toEqual([1000, 1000]);
    uid = 1001;
    expect(uids()).toBe(1001);
  });

  test("a directory that is gone", () => {
    const gone = new Set<string>();
    const host = toyHost(
      { "/etc/s.conf": conf, "/var/log/x": "" },
      { isDirectory: (path) => !gone.has(path) },
    );
    for (let reading = 0; reading < 2; reading += 1) expect(parseConfig("/etc/s.conf", host).ok).toBe(true);
    gone.add("/var/log");
    const after = parseConfig("/etc/s.conf", host);
    expect(after.ok ? [] : after.issues.map(({ text, line: at }) => [text.slice(0, 19), at])).toEqual([
      ["The directory named", 5],
    ]);
  });
});

test("of what has AUTO logs, each reading gives objects of its own", () => {
  const host = toyHost({ "/etc/s.conf": "[supervisord]\n[program:a]\ncommand=/bin/a\n" });
  const groups = Array.from({ length: 4 }, () => {
    const parsed = parseConfig("/etc/s.conf", host);
    if (!parsed.ok) throw new Error("a plain conf does not parse");
    return parsed.config.groups[0];
  });
  for (const group of groups) expect(group).toEqual(groups[0]);
  expect(new Set(groups).size).toBe(4);
  expect(new Set(groups.map((group) => group?.processes[0])).size).toBe(4);
});

test("a section that moved is told where it is now", () => {
  const files = {
    "/etc/s.conf": "[supervisord]\n[program:a]\ncommand=/bin/a\n[program:b]\ncommand=/bin/b\n",
  };
  const host = toyHost(files);
  for (let reading = 0; reading < 2; reading += 1) expect(parseConfig("/etc/s.conf", host).ok).toBe(true);
  files["/etc/s.conf"] =
    "[supervisord]\n; a line more\n[program:a]\ncommand=/bin/a\n[program:b]\npriority=x\n";
  const after = parseConfig("/etc/s.conf", host);
  expect(after.ok ? [] : after.issues.map(({ key, line: at }) => [key, at])).toEqual([
    ["priority", 6],
    ["command", 5],
  ]);
});
