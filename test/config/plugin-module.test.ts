/** Which factories are ES modules, and where they are looked for. */
import { expect, test } from "vitest";
import { parseConfig } from "../../src/config/parse.js";
import { configOf, toyHost } from "./support.js";

const PLUGIN = "[rpcinterface:x]\nsupervisor.rpcinterface_factory=";

function moduleOf(factory: string, more: Readonly<Record<string, string>> = {}) {
  const conf = `[supervisord]\n${PLUGIN}${factory}\n`;
  const config = configOf(parseConfig("/etc/sup/s.conf", toyHost({ "/etc/sup/s.conf": conf, ...more })));
  return { module: config.rpcinterfaces[0]?.module, warnings: config.messages.map(({ text }) => text) };
}

test.each([
  ["./x.mjs:make", "/etc/sup/x.mjs", "make"],
  ["../x.js : make", "/etc/x.js", "make"],
  ["x.mjs", "/etc/sup/x.mjs", "default"],
  ["/opt/x.mjs:", "/opt/x.mjs", "default"],
  ["@scope/x:make", "@scope/x", "make"],
  ["my-plugin:make", "my-plugin", "make"],
])("%s is a module", (factory, specifier, name) => {
  const place = { file: "/etc/sup/s.conf", line: 3 };
  expect(moduleOf(factory)).toEqual({ module: { specifier, name, ...place }, warnings: [] });
});

test.each(["superlance.rpc:make", "my_plugin:make", "plain"])("%s is Python", (factory) => {
  expect(moduleOf(factory)).toEqual({
    module: undefined,
    warnings: [`${factory} within [rpcinterface:x] is a Python factory, its methods are not available`],
  });
});

test("what Python could be called is a module where such a package is installed", () => {
  const installed = { "/etc/node_modules/plain/package.json": "{}" };
  expect(moduleOf("plain:make", installed).module).toMatchObject({ specifier: "plain", name: "make" });
});

test("a path in an included file starts there", () => {
  const files = {
    "/etc/sup/s.conf": "[supervisord]\n[include]\nfiles=conf.d/*.conf\n",
    "/etc/sup/conf.d/l.conf": "[eventlistener:l]\ncommand=x\nevents=TICK_5\nresult_handler=./h.mjs:accept\n",
  };
  const config = configOf(parseConfig("/etc/sup/s.conf", toyHost(files)));
  expect(config.groups[0]).toMatchObject({
    handler: {
      specifier: "/etc/sup/conf.d/h.mjs",
      name: "accept",
      file: "/etc/sup/conf.d/l.conf",
      line: 4,
    },
  });
  expect(config.messages.filter(({ level }) => level === "warn")).toEqual([]);
});
