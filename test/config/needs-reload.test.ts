/** Changes that `update` can't put into force are named, without their values. */
import { readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { needsReload } from "../../src/config/needs-reload.js";
import { parseConfig } from "../../src/config/parse.js";
import type { Config } from "../../src/core/config.js";
import { boot } from "../support/boot.js";
import { configOf, toyHost } from "./support.js";

function read(text: string): Config {
  return configOf(parseConfig("/etc/s.conf", toyHost({ "/etc/s.conf": text })));
}

const BEFORE = `[supervisord]
loglevel=info
[unix_http_server]
file=/tmp/s.sock
[inet_http_server]
port=127.0.0.1:9001
username=u
password=old
[inet_http_server:gone]
port=127.0.0.1:9002
[program:x]
command=/bin/cat
`;

test.each<[string, string, readonly string[]]>([
  ["nothing", BEFORE, []],
  ["programs", BEFORE.replace("/bin/cat", "/bin/dog"), []],
  ["what takes effect at once", BEFORE.replace("loglevel=info", "keep_stopped=false\nenvironment=A=1"), []],
  ["an option of the daemon", BEFORE.replace("info", "debug"), ["[supervisord] loglevel"]],
  ["a password", BEFORE.replace("old", "new"), ["[inet_http_server] password"]],
  ["an address", BEFORE.replace("127.0.0.1:9001", "*:9003"), ["[inet_http_server] port"]],
  [
    "servers that come and go",
    BEFORE.replace("[inet_http_server:gone]", "[inet_http_server:new]").replace("chmod=0700", ""),
    ["[inet_http_server:gone]", "[inet_http_server:new]"],
  ],
  ["a plugin", `${BEFORE}[rpcinterface:x]\nsupervisor.rpcinterface_factory=a:b\n`, ["[rpcinterface:x]"]],
])("%s", (_what, after, places) => {
  expect(needsReload(read(BEFORE), read(after))).toEqual(places);
});

test("a reread says so in the log, and by the method", async () => {
  await using daemon = await boot("[program:p]\ncommand=/bin/cat\n", { supervisord: "loglevel=info" });
  expect(await daemon.rpc("supervisord_ts.needsReload")).toEqual([]);
  writeFileSync(daemon.conf, readFileSync(daemon.conf, "utf8").replace("loglevel=info", "loglevel=debug"));
  await daemon.rpc("supervisor.reloadConfig");
  expect(await daemon.rpc("supervisord_ts.needsReload")).toEqual(["[supervisord] loglevel"]);
  await daemon.logged("WARN [supervisord] loglevel has changed: that takes effect with a reload");
});
