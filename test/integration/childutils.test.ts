/** Listeners in the style of superlance's, on Supervisor's own childutils: they watch, call back by RPC, and mail. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import { boot } from "../support/boot.js";
import { confWord } from "../support/fixture.js";
import { freePort } from "../support/free-port.js";
import { needs } from "../support/needs.js";
import { until } from "../support/until.js";

const { test } = needs("supervisor");

const MEGABYTE = 1024 * 1024;

function listener(name: string): string {
  return confWord(fileURLToPath(new URL(`../fixtures/listeners/${name}`, import.meta.url)));
}

/** Null while there is nothing in it. */
function read(file: string): string | null {
  return (existsSync(file) && readFileSync(file, "utf8")) || null;
}

test("one that watches memory restarts what has grown over its limit, and only that", async () => {
  await using daemon = await boot(
    `[eventlistener:memory]\ncommand=${listener("memory-limit")} big=${60 * MEGABYTE} small=${60 * MEGABYTE}\nevents=TICK_5\nstartsecs=0\n` +
      `[program:big]\ncommand=${listener("grow-once")} %(dir)s/grown ${120 * MEGABYTE}\nstartsecs=0\n` +
      `[program:small]\ncommand=${listener("grow-once")} /dev/null 0\nstartsecs=0\n`,
  );
  await daemon.line("big", "grown");
  const [big, small] = [await daemon.info("big"), await daemon.info("small")];
  await daemon.line("big", "small");
  const said = await until(async () => (await daemon.output("memory", "stderr")) || null, "what it says");
  const after = await daemon.info("big");
  expect(said).toBe(`big:big had pid ${big["pid"]}, has pid ${after["pid"]}\n`);
  expect(after["pid"]).not.toBe(big["pid"]);
  expect(await daemon.info("small")).toMatchObject({ pid: small["pid"], statename: "RUNNING" });
  expect(daemon.log()).toContain("WARN stopped: big (terminated by SIGTERM)");
});

test("one that asks by HTTP restarts the program whose answer is not 200", async () => {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}/`;
  await using daemon = await boot(
    `[eventlistener:http]\ncommand=${listener("http-check")} ${url} web\nevents=TICK_5\nstartsecs=0\n` +
      `[program:web]\ncommand=${listener("break-when-told")} ${port} %(dir)s/broken\n`,
  );
  await daemon.line("web", "ready");
  const before = await daemon.state("web", "RUNNING");
  writeFileSync(join(daemon.dir, "broken"), "");
  await until(async () => (await daemon.output("http", "stderr")).includes("restarted"), "a restart");
  expect(await daemon.output("http", "stderr")).toMatch(
    new RegExp(`^(.*refused.*\n)?${url}: status 500\nrestarted web:web\n`),
  );
  const after = await daemon.state("web", "RUNNING");
  expect(after["pid"]).not.toBe(before["pid"]);
  expect(existsSync(join(daemon.dir, "broken"))).toBe(false);
});

test("one that mails crashes mails each unexpected exit, and no other", async () => {
  await using daemon = await boot(
    `[eventlistener:mail]\ncommand=${listener("crash-mail")} ops@example.org ${listener("keep-mail")} %(dir)s/mail\nevents=PROCESS_STATE\nstartsecs=0\nbuffer_size=100\npriority=1\n` +
      "[program:crash]\ncommand=/bin/sh -c 'exit 3'\nautostart=false\nautorestart=false\nstartsecs=0\n" +
      "[program:fine]\ncommand=/bin/sh -c 'exit 0'\nautostart=false\nautorestart=false\nstartsecs=0\n",
  );
  await daemon.state("mail", "RUNNING");
  for (const name of ["fine", "crash"]) {
    await daemon.rpc("supervisor.startProcess", name);
    await daemon.state(name, "EXITED");
  }
  const mails = await until(() => read(join(daemon.dir, "mail")), "a mail");
  const spawned = daemon.log().find((line) => line.includes("spawned: 'crash'")) ?? "";
  expect(mails).toBe(
    "To: ops@example.org\nSubject: crash crashed\n\n" +
      `Process crash in group crash exited unexpectedly (pid ${/\d+$/.exec(spawned)?.[0]}) from state RUNNING\n`,
  );
});

test("one that mails in batches mails at a tick what became FATAL until then", async () => {
  await using daemon = await boot(
    `[eventlistener:mail]\ncommand=${listener("fatal-mail-batch")} ops@example.org ${listener("keep-mail")} %(dir)s/mail\nevents=PROCESS_STATE_FATAL,TICK_5\nstartsecs=0\nbuffer_size=100\n` +
      "[program:a]\ncommand=/bin/false\nstartretries=0\n[program:b]\ncommand=/no/such/program\nstartretries=0\n",
  );
  const names = (mails: string | null): readonly string[] =>
    [...(mails ?? "").matchAll(/^(\w+:\w+) failed to start too many times$/gm)].map(([, name]) => name ?? "");
  const mails = await until(() => {
    const seen = read(join(daemon.dir, "mail"));
    return names(seen).length >= 2 && seen;
  }, "mail about both");
  expect(names(mails)).toEqual(["a:a", "b:b"]);
  // One mail, unless the tick came just between the two.
  expect(mails.match(/^Subject: .*$/gm)).toEqual(
    mails.includes("2 fatal") ? ["Subject: 2 fatal"] : ["Subject: 1 fatal", "Subject: 1 fatal"],
  );
  expect(daemon.log().filter((line) => /rejected|UNKNOWN|caused an error/.test(line))).toEqual([]);
});
