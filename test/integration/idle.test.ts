/** An idle daemon sleeps: not one of its threads wakes up. */
import { readdirSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
import { expect, test } from "vitest";
import { boot } from "../support/boot.js";
import { status } from "../support/processes.js";
import { until } from "../support/until.js";

function wakeups(pid: number): number {
  const tasks = readdirSync(`/proc/${pid}/task`);
  return tasks.reduce(
    (sum, task) =>
      sum + Number(status(`${pid}/task/${task}` as unknown as number)["voluntary_ctxt_switches"]),
    0,
  );
}

test("ten idle seconds pass without a wake-up", { timeout: 150_000 }, async () => {
  await using daemon = await boot(
    "[program:p]\ncommand=/bin/sleep 1000\nnumprocs=5\nprocess_name=p%(process_num)d",
  );
  await until(async () => {
    const infos = (await daemon.rpc("supervisor.getAllProcessInfo")) as unknown as readonly {
      statename: string;
    }[];
    return infos.every(({ statename }) => statename === "RUNNING");
  }, "all RUNNING");
  // The garbage collector tidies up after the start; then there is a span of ten seconds with nothing at all.
  await until(
    async () => {
      const before = wakeups(daemon.pid);
      await wait(10_000);
      return wakeups(daemon.pid) === before;
    },
    "ten seconds without a wake-up",
    { ceilingMs: 100_000 },
  );
  expect(daemon.log().some((line) => line.startsWith("ERRO"))).toBe(false);
});
