import { describe, expect, test } from "vitest";
import * as convert from "../../src/config/convert.js";
import { parseEnvironment } from "../../src/config/environment.js";
import { expand } from "../../src/config/expand.js";
import type { Result } from "../../src/config/result.js";
import { splitWords } from "../../src/core/words.js";
import { toyHost } from "./support.js";

const host = toyHost({ "/etc/x/y": "" });
const said = (result: Result<unknown>): unknown => (result.ok ? result.value : `! ${result.text}`);
const int = (text: string): string => `! invalid literal for int() with base 10: ${text}`;

describe("converters", () => {
  const { integer, boolean, byteSize, octal, logLevel, user, exitcodes, signalNumber } = convert;
  test.each<[convert.Convert<unknown>, string, unknown]>([
    [integer, " -1_000 ", -1000],
    [integer, "+010", 10],
    [integer, "1__0", int("'1__0'")],
    [integer, "", int("''")],
    [integer, "it's", int(`"it's"`)],
    [boolean, "Yes", true],
    [boolean, "oN", true],
    [boolean, "0", false],
    [boolean, "off ", "! not a valid boolean value: 'off '"],
    [byteSize, "50 MB", 52428800],
    [byteSize, "1gB", 1073741824],
    [byteSize, "1k", int("'1k'")],
    [byteSize, "1.5MB", int("'1.5'")],
    [byteSize, "KB", int("''")],
    [octal, "022", 18],
    [octal, "0o22", 18],
    [octal, "22", 18],
    [octal, "9", "! 9 can not be converted to an octal type"],
    [logLevel, "BLATHER", "blather"],
    [logLevel, "Warning", "! bad logging level name 'Warning'"],
    [user, "chris", { name: "chris", uid: 1000, gid: 100 }],
    [user, " 1_000 ", { name: "chris", uid: 1000, gid: 100 }],
    [user, "X", "! Invalid user name X"],
    [user, "", "! Invalid user name "],
    [user, "99999", "! Invalid user id 99999"],
    [exitcodes, " 0 , 255", [0, 255]],
    [exitcodes, "", []],
    [exitcodes, "256", "! not a valid list of exit codes: '256'"],
    [exitcodes, "1,", "! not a valid list of exit codes: '1,'"],
    [signalNumber, " term ", 15],
    [signalNumber, "sigusr1", 10],
    [signalNumber, "CLD", 17],
    [signalNumber, "RTMAX", 64],
    [signalNumber, "0", 0],
    [signalNumber, "35", "! value '35' is not a valid signal number"],
    [signalNumber, "FOO", "! value 'FOO' is not a valid signal name"],
    [signalNumber, "-1", "! value '-1' is not a valid signal number"],
    [convert.autorestart, "Unexpected", "unexpected"],
    [convert.autorestart, "TRUE", true],
    [convert.autorestart, "Maybe", "! invalid 'autorestart' value 'maybe'"],
    [convert.existingDirectory, "~chris", "/home/chris"],
    [convert.existingDirectory, "/etc/x/y", "! /etc/x/y is not an existing directory"],
    [convert.existingDirpath, "/etc/x/new", "/etc/x/new"],
    [convert.existingDirpath, "new", "new"],
    [convert.existingDirpath, "/no/x", "! The directory named as part of the path /no/x does not exist"],
    [convert.logfile, "Auto", "AUTO"],
    [convert.logfile, "OFF", null],
    [convert.logfile, "", ""],
    [convert.inetAddress, "9001", { host: "", port: 9001 }],
    [convert.inetAddress, ":9001", { host: "", port: 9001 }],
    [convert.inetAddress, "*:9001", { host: "", port: 9001 }],
    [convert.inetAddress, "[::1]:9001", { host: "::1", port: 9001 }],
    [convert.inetAddress, "[::]:9001", { host: "::", port: 9001 }],
    [convert.inetAddress, "::1:9001", { host: "::1", port: 9001 }],
    [convert.inetAddress, "LocalHost:9001", { host: "localhost", port: 9001 }],
    [convert.inetAddress, "abc", "! not a valid port number: 'abc' "],
    [convert.inetAddress, "h:abc", int("'abc'")],
    [convert.inetAddress, "h:70000", "! 70000 is above upper bound (65535)"],
    [convert.inetAddress, "h:0", "! 0 is below lower bound (1)"],
    [convert.inetAddress, "h:", "! no port number specified in ''"],
    [convert.processOrGroupName, " a ", "a"],
    [convert.processOrGroupName, "a b", "! Invalid name: 'a b' because of character: ' '"],
    [convert.processOrGroupName, "a/b:c", "! Invalid name: 'a/b:c' because of character: ':'"],
    [convert.listOfStrings, " a, b ,,c", ["a", "b", "", "c"]],
  ])("%# %o takes %j for %j", (converter, text, expected) => {
    expect(said(converter(text, host))).toEqual(expected);
  });

  test("an owner is a user, or a user and a group", () => {
    expect(
      ["chris", "1000:staff", "root:0", "chris:nosuch", "nosuch", "chris:"].map((text) =>
        convert.owner(text, host),
      ),
    ).toEqual([{ uid: 1000, gid: -1 }, { uid: 1000, gid: 50 }, { uid: 0, gid: 0 }, null, null, null]);
  });
});

describe("expansion", () => {
  const own = new Map<string, string | number>([
    ["program_name", "cat"],
    ["process_num", 7],
  ]);
  const names = { own, shared: new Map([["ENV_A", "a%b"]]) };

  test.each([
    ["plain", "plain"],
    ["%(program_name)s_%(process_num)02d", "cat_07"],
    ["%(process_num)x%(process_num)+d%(process_num)-3d|", "7+77  |"],
    ["%(process_num)s%(ENV_A)s%%", "7a%b%"],
    ["%(program_name)5s%(program_name).1s", "  catc"],
  ])("of %j is %j", (text, expected) => {
    expect(said(expand(text, names, "x"))).toBe(expected);
  });

  test.each([
    ["100%", "is badly formatted: incomplete format"],
    ["%(program_name", "is badly formatted: incomplete format key"],
    ["date +%Y", "is badly formatted: unsupported format character 'Y' (0x59) at index 7"],
    ["%(program_name)s %Y", "is badly formatted: not enough arguments for format string"],
    ["%(program_name)d", "is badly formatted: %d format: a real number is required, not str"],
    [
      "%(foo)s",
      "contains names ('foo') which cannot be expanded. Available names: ENV_A, process_num, program_name",
    ],
  ])("of %j fails", (text, expected) => {
    expect(said(expand(text, names, "a.b"))).toBe(`! Format string '${text}' for 'a.b' ${expected}`);
  });

  test("neither width nor precision can make it fall over", () => {
    for (const text of ["%(process_num)9999999999d", "%(process_num).999999f", "%(program_name).9999999999s"])
      expect(() => expand(text, names, "x")).not.toThrow();
  });
});

describe("environment=", () => {
  const unexpected = (text: string): string => `! Unexpected end of key/value pairs in value '${text}'`;
  test.each<[string, unknown]>([
    ["", {}],
    ["A=1,B=2", { A: "1", B: "2" }],
    ["A = 1 , B=2", { A: "1", B: "2" }],
    ["A=1;B=2", { A: "1", B: "2" }],
    ["A=1,", { A: "1" }],
    [`A="a,b"`, { A: "a,b" }],
    ["A='a,b'", { A: "a,b" }],
    [`A=""`, { A: "" }],
    [`A="1",\n B="2"`, { A: "1", B: "2" }],
    ["A=http://h:80/p?q=1", { A: "http://h:80/p", q: "1" }],
    ["A=a b", { A: "a" }],
    ["A=$HOME", { A: "$" }],
    ["A=~/x", { A: "~" }],
    ["A={}", { A: "{" }],
    [`A="say \\"hi\\""`, { A: 'say "hi"' }],
    [`A="a\\\\b"`, { A: "a\\b" }],
    ["A=a\\b", { A: "ab" }],
    [`A="x"y`, { A: "xy" }],
    [`A='q"q'`, { A: 'q"q' }],
    [`"A"=1`, { A: "1" }],
    ["A=1 # rest\n, B=2", { A: "1", B: "2" }],
    [`A="中文"`, { A: "中文" }],
    ["A=é", { A: "é" }],
    ["A=中文", { A: "中" }],
    [`A="#1"`, { A: "#1" }],
    ["A=", unexpected("A=")],
    ["A", unexpected("A")],
    ["A=1,B", unexpected("A=1,B")],
    ["A=1 B=2", unexpected("A=1 B=2")],
    [`A="1"\nB="2"`, unexpected(`A="1"\nB="2"`)],
    [`A="1".\nB="2"`, { A: "1", B: "2" }],
    [`A="C:\\",B=2`, { A: "C:\\", B: "2" }],
    [`A=it's`, { A: "it's" }],
    ["A=a@b", unexpected("A=a@b")],
    ["A=[1]", unexpected("A=[1]")],
    ["A=a=b", unexpected("A=a=b")],
    [`A="1`, "! No closing quotation"],
    ["A=1\\", { A: "1" }],
  ])("%j", (text, expected) => {
    expect(said(parseEnvironment(text))).toEqual(expected);
  });
});

describe("an environment= that may not mean what its author meant", () => {
  const doubtOf = (text: string): unknown => {
    const read = parseEnvironment(text);
    return read.ok ? read.doubt : `! ${read.hint}`;
  };
  const older = (names: string): string =>
    `read as Supervisor 4.3 does, since the quotes are not where a shell wants them; quote each whole value: ${names}`;
  const lost = (word: string): string =>
    `'${word}' ends the value of Q, and is lost; quote the value if it belongs there: Q="..."`;
  test.each<[string, unknown]>([
    ["A=1,B=2;C=3,", undefined],
    [`A="1".\nB="2"`, older(`A="...",B="..."`)],
    [`A=it's`, older(`A="..."`)],
    ["Q=a b", lost("b")],
    ["Q=http://h/p?q=1", lost("?")],
    ["Q=me@x.org", `! quote the value of Q: Q="..."`],
    ["A=1,Q=me@x.org", `! quote the value of Q: Q="..."`],
    ["A=1 B=2", `! put a comma before B, or quote the value of A: A="..."`],
    ["A=", `! write A="..."`],
    ["A=1,B", `! write B="..."`],
    [`A="x`, `! each " needs another; a ; or # with a blank before it begins a comment, also between quotes`],
  ])("%j", (text, doubt) => {
    expect(doubtOf(text)).toEqual(doubt);
  });
});

describe("words of a command", () => {
  test.each<[string, unknown]>([
    ["", []],
    ["  a\tb\nc  ", ["a", "b", "c"]],
    [`sh -c 'a "b" c' "d 'e'"`, ["sh", "-c", 'a "b" c', "d 'e'"]],
    [`a"b"'c'd`, ["abcd"]],
    [`'' ""`, ["", ""]],
    ["a\\ b \\\\ \\'", ["a b", "\\", "'"]],
    [`"\\"\\\\\\$\\n"`, ['"\\\\$\\n']],
    ["echo $HOME ~ * && ls #x ;y", ["echo", "$HOME", "~", "*", "&&", "ls", "#x", ";y"]],
    ["说 '你 好'", ["说", "你 好"]],
  ])("%j", (command, words) => {
    expect(splitWords(command)).toEqual({ ok: true, words });
  });

  test("an open quote, and a backslash with nothing after it", () => {
    expect(["a 'b", 'a "b', "a \\", '"a\\'].map(splitWords)).toEqual([
      { ok: false, error: "No closing quotation" },
      { ok: false, error: "No closing quotation" },
      { ok: false, error: "No escaped character" },
      { ok: false, error: "No escaped character" },
    ]);
  });
});
