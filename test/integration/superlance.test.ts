/** Listeners in the manner of superlance, on Supervisor's own childutils, as they are. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { boot } from "../support/boot.js";
import { fixture } from "../support/fixture.js";
import { needs } from "../support/needs.js";
import { until } from "../support/until.js";
import { freePort } from "./support-examples.js";

const { test } = needs("supervisor");

function text(file: string): string {
  return existsSync(file) ? readFileSync(file, "utf8") : "";
}

test("memmon: what grows over its limit is restarted at a tick, through RPC from the environment", {
  timeout: 60_000,
}, async () => {
  await using daemon = await boot(
    `[program:greedy]\ncommand=${fixture("grow-once")} %(dir)s/grown\nstartsecs=0\n` +
      `[program:modest]\ncommand=/bin/sleep 1000\nstartsecs=0\n` +
      `[eventlistener:memmon]\ncommand=${fixture("memory-guard")} greedy=50000 modest=50000\nevents=TICK_5\nautostart=false\nstartsecs=0\n`,
  );
  await daemon.line("greedy", `ready ${64 << 20}`);
  const [greedy, modest] = [await daemon.info("greedy"), await daemon.info("modest")];
  await daemon.rpc("supervisor.startProcess", "memmon");
  await daemon.line("greedy", /^ready 0$/);
  await until(
    async () => (await daemon.output("memmon", "stderr")) === "restarted greedy:greedy\n",
    "one restart said",
  );
  expect((await daemon.info("greedy"))["pid"]).not.toBe(greedy["pid"]);
  expect((await daemon.info("modest"))["pid"]).toBe(modest["pid"]);
});

test("httpok: what answers wrongly is restarted, and left alone once it answers", {
  timeout: 60_000,
}, async () => {
  const port = await freePort();
  await using daemon = await boot(
    `[program:web]\ncommand=${fixture("serve-status")} ${port} %(dir)s/served\nstartsecs=0\n` +
      `[eventlistener:httpok]\ncommand=${fixture("http-guard")} web http://127.0.0.1:${port}/\nevents=TICK_5\nautostart=false\nstartsecs=0\n`,
  );
  await daemon.line("web", "ready 500");
  await daemon.rpc("supervisor.startProcess", "httpok");
  await daemon.line("web", "ready 200");
  await until(
    async () => (await daemon.output("httpok", "stderr")) === "web answered 500, restarted\n",
    "one restart said",
  );
});

test("crashmail and fatalmailbatch: unexpected ends are mailed one by one, what became FATAL in one batch", {
  timeout: 60_000,
}, async () => {
  await using daemon = await boot(
    `[program:crash]\ncommand=${fixture("exit-with")} 3\nstartsecs=0\nautorestart=false\nautostart=false\n` +
      `[program:fine]\ncommand=${fixture("exit-with")} 0\nstartsecs=0\nautorestart=false\nautostart=false\n` +
      `[program:broken]\ncommand=/nosuch\nstartretries=0\n` +
      `[program:absent]\ncommand=/nosuch\nstartretries=0\n` +
      `[eventlistener:crashmail]\ncommand=${fixture("crash-mail")} ops@example.org /usr/bin/tee -a %(dir)s/mail\nevents=PROCESS_STATE_EXITED\nstartsecs=0\nstdout_logfile=NONE\n` +
      `[eventlistener:fatalmailbatch]\ncommand=${fixture("fatal-batch")} %(dir)s/batch\nevents=PROCESS_STATE_FATAL,TICK_5\nstartsecs=0\n`,
  );
  for (const name of ["fine", "crash"]) {
    await daemon.rpc("supervisor.startProcess", name);
    await daemon.state(name, "EXITED");
  }
  const mail = join(daemon.dir, "mail");
  await until(() => text(mail) !== "", "a mail");
  expect(text(mail)).toMatch(
    /^To: ops@example\.org\nSubject: crash crashed\n\nProcess crash in group crash exited unexpectedly \(pid \d+\) from state RUNNING\n$/,
  );
  const batch = join(daemon.dir, "batch");
  await until(() => text(batch) !== "", "a batch");
  expect(text(batch)).toBe(
    "batch of 2: absent:absent failed to start too many times, broken:broken failed to start too many times\n",
  );
});
