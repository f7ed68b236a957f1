/** A daemon without any server, whose programs have all ended, is still there. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readLog } from "../support/boot.js";
import { launch } from "../support/launch.js";
import { scratch } from "../support/scratch.js";
import { until } from "../support/until.js";

test("a daemon without servers and without running programs goes on until it is told to end", async () => {
  using place = scratch();
  const { dir } = place;
  const conf = join(dir, "supervisord.conf");
  writeFileSync(
    conf,
    `[supervisord]\nlogfile=${dir}/main.log\npidfile=${dir}/pid\nchildlogdir=${dir}\n` +
      "[program:p]\ncommand=/bin/true\nstartsecs=0\nautorestart=false\nstdout_logfile=NONE\nstderr_logfile=NONE\n",
  );
  const log = (): readonly string[] => readLog(join(dir, "main.log"));
  const said = (text: string): Promise<unknown> =>
    until(() => log().some((line) => line.includes(text)), text);
  const daemon = await launch("ours", { dir, conf, socket: null });
  await said("exited: p");
  daemon.kill("SIGUSR2");
  await said("logreopen");
  daemon.kill("SIGTERM");
  expect(await daemon.exited).toBe(0);
});
