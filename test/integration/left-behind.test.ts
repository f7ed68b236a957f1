/** Processes that a stop, or the daemon's end, leaves behind are named, with the setting that would end them. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { boot, readLog } from "../support/boot.js";
import { alive } from "../support/processes.js";
import { until } from "../support/until.js";

/** A shell that doesn't hand its signal on to what it has started, which tells its pid. */
const PARENT = `/bin/sh -c 'sleep 1000 & echo child $!; wait'`;

function conf(more = ""): string {
  return `[program:p]\ncommand=${PARENT}\nstartsecs=0\n${more}`;
}

async function childOf(daemon: Awaited<ReturnType<typeof boot>>): Promise<number> {
  return Number((await daemon.line("p", "child")).split(" ")[1]);
}

test("a stop that leaves a process of the group behind says which, and which keys would end it", async () => {
  await using daemon = await boot(conf());
  const child = await childOf(daemon);
  const { pid } = await daemon.info("p");
  try {
    await daemon.rpc("supervisor.stopProcess", "p");
    expect(await daemon.logged("lives on")).toBe(
      `WARN p (${pid}) was stopped, but a process of its group lives on: ${child} (sleep 1000); stopasgroup=true and killasgroup=true end them too`,
    );
    expect(alive(child)).toBe(true);
  } finally {
    process.kill(child, "SIGKILL");
  }
});

test("at the shutdown too, with what becomes of its output", async () => {
  let dir = "";
  let child = 0;
  {
    await using daemon = await boot(conf());
    dir = daemon.dir;
    child = await childOf(daemon);
    daemon.signal("SIGTERM");
    await daemon.exited;
    const lines = readLog(join(dir, "main.log"));
    expect(lines.find((line) => line.includes("lives on"))).toContain(`${child} (sleep 1000)`);
    expect(lines.find((line) => line.includes("no longer reading"))).toMatch(
      /descendants of 'p' \(\d+\) write/,
    );
    process.kill(child, "SIGKILL");
    await until(() => !alive(child), "the end of what was left");
  }
});

test("nothing is said where the signal goes to the group, or where nothing is left", async () => {
  await using daemon = await boot(
    `${conf("stopasgroup=true\n")}[program:q]\ncommand=/bin/cat\nstartsecs=0\n`,
  );
  const child = await childOf(daemon);
  for (const name of ["p", "q"]) await daemon.rpc("supervisor.stopProcess", name);
  await until(() => !alive(child), "the end of the group");
  daemon.signal("SIGTERM");
  await daemon.exited;
  expect(readFileSync(join(daemon.dir, "main.log"), "utf8")).not.toMatch(/lives? on|no longer reading/);
});
