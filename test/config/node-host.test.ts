import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { toRegExp } from "../../src/config/glob.js";
import { expandUser, normalizePath } from "../../src/config/host.js";
import { nodeHost } from "../../src/config/node-host.js";
import { parseConfig } from "../../src/config/parse.js";
import { sampleConf } from "../../src/config/sample.js";
import { scratch } from "../support/scratch.js";
import { configOf } from "./support.js";

test("patterns find files as Python's glob does", () => {
  using place = scratch();
  const { dir } = place;
  for (const name of [
    "b.ini",
    "a.ini",
    ".h.ini",
    "[x].ini",
    "é.ini",
    "10.conf",
    "9.conf",
    "d1/x.ini",
    "d2/x.ini",
    "d2/y",
    ".d/x.ini",
  ]) {
    mkdirSync(join(dir, name, ".."), { recursive: true });
    writeFileSync(join(dir, name), "");
  }
  symlinkSync("nowhere", join(dir, "dangling.ini"));
  const host = nodeHost();
  const found = (pattern: string): readonly string[] =>
    host.glob(`${dir}/${pattern}`).map((path) => path.slice(dir.length + 1));
  expect(found("*.ini")).toEqual(["[x].ini", "a.ini", "b.ini", "dangling.ini", "é.ini"]);
  expect(found("?.ini")).toEqual(["a.ini", "b.ini", "é.ini"]);
  expect(found("[!a].ini")).toEqual(["b.ini", "é.ini"]);
  expect(found("[a-b].ini")).toEqual(["a.ini", "b.ini"]);
  expect(found("[[]x].ini")).toEqual(["[x].ini"]);
  expect(found(".*.ini")).toEqual([".h.ini"]);
  expect(found("*.conf")).toEqual(["10.conf", "9.conf"]);
  expect(found("d*/x.ini")).toEqual(["d1/x.ini", "d2/x.ini"]);
  expect(found("d*/../a.ini")).toEqual(["d1/../a.ini", "d2/../a.ini"]);
  expect(found("./a.ini")).toEqual(["./a.ini"]);
  expect(found("dangling.ini")).toEqual(["dangling.ini"]);
  expect(found("nosuch.ini")).toEqual([]);
  expect(found("nosuch/*.ini")).toEqual([]);
  expect(found("a.ini/*")).toEqual([]);
});

test("stars stand for anything, however many there are", () => {
  const text = fc.string({ unit: fc.constantFrom("a", "b", "*"), maxLength: 8 });
  fc.assert(
    fc.property(text, text, (pattern, name) => {
      const simple = new RegExp(`^${pattern.replaceAll("*", ".*")}$`);
      expect(toRegExp(pattern).test(name)).toBe(simple.test(name));
    }),
  );
});

test.each([
  ["a.c", "abc", false],
  ["[]a]", "]", true],
  ["[!]a]", "]", false],
  ["[z-a]", "b", false],
  ["[", "[", true],
  ["[^a]", "^", true],
  ["[\\]", "\\", true],
  ["?", "😀", true],
  ["*(x){1}+$", "a(x){1}+$", true],
])("%s on %s: %s", (pattern, name, matches) => {
  expect(toRegExp(pattern).test(name)).toBe(matches);
});

test("users, groups and homes come from the system's files", () => {
  const host = nodeHost();
  const root = { name: "root", uid: 0, gid: 0 };
  expect([host.lookupUser("root"), host.lookupUser("0"), host.lookupUser("nosuchuser")]).toEqual([
    root,
    root,
    null,
  ]);
  expect([host.lookupGroup("root"), host.lookupGroup("0"), host.lookupGroup("nosuchgroup")]).toEqual([
    0,
    0,
    null,
  ]);
  expect([host.userHome("root"), host.userHome("nosuchuser")]).toEqual(["/root", null]);
});

test("the environment is the process' own, without what the start script leaves in it", () => {
  process.env["SUPERVISORD_TS_NOFILE"] = "1024";
  try {
    const { SUPERVISORD_TS_NOFILE: _left, ...rest } = process.env;
    expect(nodeHost().env).toEqual(rest);
  } finally {
    delete process.env["SUPERVISORD_TS_NOFILE"];
  }
});

test("~ is a home where there is one", () => {
  const host = nodeHost({
    home: "/home/me/",
    cwd: "/srv",
    userHome: (name) => (name === "you" ? "/" : null),
  });
  expect(["~", "~/x", "~you/x", "~you", "~nobody/x", "a~"].map((path) => expandUser(path, host))).toEqual([
    "/home/me",
    "/home/me/x",
    "/x",
    "/",
    "~nobody/x",
    "a~",
  ]);
  expect(expandUser("~/x", { ...host, home: null })).toBe("~/x");
  expect(normalizePath("a/../b/", host)).toBe("/srv/b");
});

test("an included directory is passed over in silence", () => {
  using place = scratch();
  const { dir } = place;
  mkdirSync(join(dir, "a.ini"));
  writeFileSync(join(dir, "b.ini"), "[program:b]\ncommand=x\n");
  const main = join(dir, "s.conf");
  writeFileSync(main, "[supervisord]\n[include]\nfiles=*.ini\n");
  const { files, groups } = configOf(parseConfig(main, nodeHost()));
  expect([files, groups.map(({ name }) => name)]).toEqual([[main, join(dir, "b.ini")], ["b"]]);
});

describe("the sample", () => {
  const read = (text: string): ReturnType<typeof configOf> => {
    using place = scratch();
    const main = join(place.dir, "s.conf");
    writeFileSync(main, text);
    chmodSync(main, 0o600);
    return configOf(parseConfig(main, nodeHost()));
  };

  test("is usable as it is", () => {
    const { servers, groups, rpcinterfaces, messages } = read(sampleConf());
    expect({ servers, groups, rpcinterfaces, messages }).toEqual({
      servers: [
        {
          kind: "unix",
          section: "unix_http_server",
          username: null,
          password: null,
          file: "/tmp/supervisor.sock",
          chmod: 0o700,
          chown: null,
        },
      ],
      groups: [],
      rpcinterfaces: [
        { name: "supervisor", factory: "supervisor.rpcinterface:make_main_rpcinterface", options: {} },
      ],
      messages: [],
    });
  });

  test("stays valid when its commented settings are uncommented", () => {
    const settings = sampleConf()
      .replace(/^;(?=[a-z_]+ ?=|\[)/gm, "")
      .replace(/^(user|chown|socket_owner)=.*$/gm, "$1=root")
      .replace(/^socket=.*$/m, "socket=unix:///tmp/f.sock")
      .replaceAll("/a/path", "/tmp/log")
      .replace("programs=progname1,progname2", "programs=theprogramname");
    const { groups, servers } = read(settings);
    expect(groups.map(({ kind, name }) => [kind, name])).toEqual([
      ["eventlistener", "theeventlistenername"],
      ["fcgi", "thefcgiprogram"],
      ["program", "thegroupname"],
    ]);
    expect(servers.map(({ kind }) => kind)).toEqual(["inet", "unix"]);
  });
});
