/** What a daemon takes while nothing happens: memory, and wake-ups. */
import { setTimeout as wait } from "node:timers/promises";
import { holding } from "../support/hold.mjs";
import { row } from "../support/measure.mjs";
import { bootPm2 } from "../support/pm2.mjs";
import { cpuNs, memory, switches } from "../support/proc.mjs";
import { boot, sleepers } from "../support/supervisor.mjs";

export const about = "memory with 10 and 1,000 programs, wake-ups when idle";

export async function run({ short, names, pm2 }) {
  const seconds = short ? 4 : 10;
  const few = await measure(10, seconds, names, pm2);
  const rows = [
    row("idle wake-ups", "per s", few, "wakeups", { absolute: 0 }),
    row("idle CPU", "ms per s", few, "cpu"),
    row("RSS with 10 programs", "KB", few, "rss", { atMost: 1.4 }),
    row("private dirty with 10 programs", "KB", few, "dirty", { atMost: 0.6 }),
  ];
  if (short) return rows;
  const many = await measure(1000, seconds, names, null);
  const growth = new Map([...many].map(([name, { dirty }]) => [name, (dirty - few.get(name).dirty) / 990]));
  return [
    ...rows,
    row("RSS with 1,000 programs", "KB", many, "rss"),
    row("private dirty with 1,000 programs", "KB", many, "dirty", { atMost: 0.8 }),
    row("growth per program, private dirty", "KB", growth, null, { absolute: 10 }),
    row("idle wake-ups with 1,000 programs", "per s", many, "wakeups", { absolute: 0 }),
  ];
}

/** All of them over the same seconds: an idle daemon disturbs nobody. */
function measure(count, seconds, names, pm2) {
  return holding(async (hold) => {
    const daemons = [];
    for (const name of names)
      daemons.push(hold(await boot(name, sleepers(count), { running: count, minfds: 10_000 })));
    if (pm2 !== null) {
      const daemon = hold(await bootPm2(pm2));
      await daemon.start({ name: "p", script: "/bin/sleep", args: ["1000000"], instances: count });
      daemons.push(daemon);
    }
    for (const { rpc } of daemons) rpc?.close();
    // Whatever the start left to be done is done by then: V8 tidies up some ten seconds after the last event,
    // and text pages are given back ten seconds after the start.
    await wait(seconds < 10 ? 6000 : 25_000);
    const before = daemons.map(({ pid }) => ({ woken: switches(pid), cpu: cpuNs(pid) }));
    await wait(seconds * 1000);
    return new Map(
      daemons.map(({ name, pid }, at) => {
        const wakeups = (switches(pid) - before[at].woken) / seconds;
        return [name, { wakeups, cpu: (cpuNs(pid) - before[at].cpu) / 1e6 / seconds, ...memory(pid) }];
      }),
    );
  });
}
