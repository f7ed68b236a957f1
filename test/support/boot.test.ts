/** The tools of the tests, tried on the reference Supervisor. */
import { existsSync } from "node:fs";
import { expect } from "vitest";
import { boot } from "./boot.js";
import { fixture } from "./fixture.js";
import { needs } from "./needs.js";
import { decodeResponse, encodeCall } from "./xmlrpc.js";

const { test } = needs("supervisor");

test("a booted daemon answers, logs, is controlled, and leaves nothing behind", async () => {
  let dir = "";
  {
    await using daemon = await boot(`[program:p]\ncommand=${fixture("ready")}`, {
      which: "reference",
      client: "python",
    });
    dir = daemon.dir;
    expect(await daemon.line("p", "ready")).toBe("ready");
    expect(await daemon.state("p", "RUNNING")).toMatchObject({ name: "p", statename: "RUNNING" });
    expect(await daemon.rpc("supervisor.getPID")).toBe(daemon.pid);
    expect(await daemon.logged("spawned: 'p'")).toMatch(/^INFO spawned: 'p' with pid \d+$/);
    expect(await daemon.ctl(["stop", "p"])).toEqual({ out: "p: stopped\n", err: "", exit: 0 });
    expect(existsSync(dir)).toBe(true);
  }
  expect(existsSync(dir)).toBe(false);
});

test("a process that is left behind fails the test, and is ended", async () => {
  const daemon = await boot(`[program:p]\ncommand=${fixture("grandchild")}`, { which: "reference" });
  await daemon.line("p", "ready");
  await expect(daemon[Symbol.asyncDispose]()).rejects.toThrow(
    /^Cannot leave these behind: process \d+: sleep 1000$/,
  );
  expect(existsSync(daemon.dir)).toBe(false);
});

test("a conf the daemon refuses is told with its own words", async () => {
  await expect(boot("[program:p]\n", { which: "reference" })).rejects.toThrow(
    "program section program:p does not specify a command",
  );
});

test("the tests' own XML-RPC writes and reads every type", () => {
  const xml = encodeCall("a.b", ["<&>", 1, true, ["x", [2]], { name: "v" }]);
  expect(xml).toContain("<string>&lt;&amp;&gt;</string>");
  expect(
    decodeResponse(
      "<?xml version='1.0'?>\n<methodResponse><params><param><value><array><data><value><int>-3</int></value><value>bare</value><value><boolean>0</boolean></value><value><struct><member><name>k</name><value><string>&lt;&#233;</string></value></member></struct></value><value><string/></value></data></array></value></param></params></methodResponse>",
    ),
  ).toEqual([-3, "bare", false, { k: "<é" }, ""]);
});
