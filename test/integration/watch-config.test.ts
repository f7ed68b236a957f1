/** watch_config: an edit that parses is taken over, one that doesn't changes nothing and is told with its place. */
import { appendFileSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type Booted, boot } from "../support/boot.js";

const WATCH = { supervisord: "watch_config=true" };
const stay = "command=/bin/sleep 1000\nstartsecs=0";

async function pidOf(daemon: Booted, name: string): Promise<unknown> {
  return (await daemon.info(name))["pid"];
}

test("an edit starts what is new and restarts what changed, and leaves the rest alone", async () => {
  await using daemon = await boot(`[program:a]\n${stay}\n[program:b]\n${stay}`, WATCH);
  await daemon.state("a", "RUNNING");
  const [a, b] = [await pidOf(daemon, "a"), await pidOf(daemon, "b")];
  const text = readFileSync(daemon.conf, "utf8");
  const edited = text.replace(
    `[program:b]\n${stay}`,
    `[program:b]\n${stay}\npriority=7\n[program:c]\n${stay}`,
  );
  writeFileSync(daemon.conf, edited);
  await daemon.logged("spawned: 'c'");
  expect(await pidOf(daemon, "a")).toBe(a);
  expect(await pidOf(daemon, "b")).not.toBe(b);
});

test("a broken edit changes nothing and is logged with file and line, and the next good one is taken", async () => {
  await using daemon = await boot(`[program:a]\n${stay}`, WATCH);
  await daemon.state("a", "RUNNING");
  const a = await pidOf(daemon, "a");
  const good = readFileSync(daemon.conf, "utf8");
  const broken = `${good}\n[program:b]\n${stay}\nstartretries=many\n`;
  writeFileSync(daemon.conf, broken);
  const line = broken.split("\n").indexOf("startretries=many") + 1;
  expect(await daemon.logged("many")).toContain(`supervisord.conf:${line})`);
  expect(await pidOf(daemon, "a")).toBe(a);
  await expect(daemon.info("b")).rejects.toThrow("BAD_NAME");
  // As editors save: a new file under the old name.
  writeFileSync(`${daemon.conf}.new`, broken.replace("many", "2"));
  renameSync(`${daemon.conf}.new`, daemon.conf);
  await daemon.logged("spawned: 'b'");
  expect(await pidOf(daemon, "a")).toBe(a);
});

test("a new file among the includes is taken, and what an operator stopped stays stopped", async () => {
  await using daemon = await boot("[include]\nfiles=*.ini", {
    ...WATCH,
    files: { "a.ini": `[program:a]\n${stay}` },
  });
  await daemon.state("a", "RUNNING");
  await daemon.rpc("supervisor.stopProcess", "a");
  writeFileSync(join(daemon.dir, "b.ini"), `[program:b]\n${stay}`);
  await daemon.logged("spawned: 'b'");
  appendFileSync(join(daemon.dir, "a.ini"), `\npriority=7\n[program:c]\n${stay}`);
  await daemon.logged("spawned: 'c'");
  expect((await daemon.info("a"))["statename"]).toBe("STOPPED");
});
