/** Many programs, and many rounds: nothing may be left behind in the daemon. */
import { readdirSync } from "node:fs";
import { expect, test } from "vitest";
import { boot } from "../support/boot.js";
import { stat } from "../support/processes.js";
import { processRoom } from "../support/room.js";
import { until } from "../support/until.js";

/** A thousand, or what a machine with a limit has room for beside the tests themselves. */
const COUNT = Math.min(1000, Math.max(50, Math.floor(processRoom() / 2)));

function fds(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

function zombies(pid: number): number {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((name) => stat(Number(name)))
    .filter((seen) => seen !== null && seen.ppid === pid && seen.state === "Z").length;
}

interface Info {
  readonly statename: string;
}

test(`${COUNT} programs start, are listed and stop`, { timeout: 120_000 }, async () => {
  await using daemon = await boot(
    `[program:many]\ncommand=/bin/sleep 1000\nnumprocs=${COUNT}\nprocess_name=p%(process_num)04d\nstartsecs=0\nstdout_logfile=NONE\nstderr_logfile=NONE\nautostart=false`,
  );
  const before = fds(daemon.pid);
  const started = (await daemon.rpc("supervisor.startAllProcesses")) as readonly unknown[];
  expect(started).toHaveLength(COUNT);
  const listed = (await daemon.rpc("supervisor.getAllProcessInfo")) as unknown as readonly Info[];
  expect(listed.filter(({ statename }) => statename === "RUNNING")).toHaveLength(COUNT);
  const stopped = (await daemon.rpc("supervisor.stopAllProcesses")) as readonly unknown[];
  expect(stopped).toHaveLength(COUNT);
  expect(zombies(daemon.pid)).toBe(0);
  await until(() => fds(daemon.pid) <= before, "descriptors back to where they were");
});

test("50 rounds of start and stop leave no zombie and no descriptor", { timeout: 120_000 }, async () => {
  await using daemon = await boot(
    `[program:some]\ncommand=/bin/sleep 1000\nnumprocs=20\nprocess_name=p%(process_num)02d\nstartsecs=0\nautostart=false`,
  );
  const before = fds(daemon.pid);
  for (let round = 0; round < 50; round += 1) {
    await daemon.rpc("supervisor.startAllProcesses");
    await daemon.rpc("supervisor.stopAllProcesses");
  }
  expect(zombies(daemon.pid)).toBe(0);
  await until(() => fds(daemon.pid) <= before, "descriptors back to where they were");
});
