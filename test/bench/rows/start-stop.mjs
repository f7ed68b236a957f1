/** Starting and stopping many at once. */
import { holding } from "../support/hold.mjs";
import { alternate, row, succeeded, timed } from "../support/measure.mjs";
import { bootPm2 } from "../support/pm2.mjs";
import { boot, program } from "../support/supervisor.mjs";

export const about = "start and stop 100 and 500 programs";

export async function run(context) {
  const { short } = context;
  const rows = [];
  for (const count of short ? [100] : [100, 500]) rows.push(...(await startAndStop(count, context)));
  return rows;
}

async function startAndStop(count, { short, names, pm2 }) {
  const all = pm2 === null || count > 100 ? names : [...names, "pm2"];
  const medians = await alternate(short ? 2 : 5, all, (name) =>
    name === "pm2" ? measurePm2(count, pm2) : measure(count, name),
  );
  const goals = count === 500 ? { start: { atMost: 0.5 }, stop: { atMost: 0.2 } } : {};
  return [
    row(`start ${count} programs until RUNNING`, "ms", medians, "start", goals.start ?? null),
    row(`stop ${count} programs`, "ms", medians, "stop", goals.stop ?? null),
  ];
}

function measure(count, name) {
  const options = `numprocs=${count}\nprocess_name=%(program_name)s_%(process_num)03d\nautostart=false`;
  return holding(async (hold) => {
    const { rpc } = hold(await boot(name, program("many", "/bin/sleep 1000000", options)));
    const start = await timed(async () => {
      succeeded(await rpc.call("supervisor.startAllProcesses", true), count);
    });
    const stop = await timed(async () =>
      succeeded(await rpc.call("supervisor.stopAllProcesses", true), count),
    );
    return { start, stop };
  });
}

function measurePm2(count, pm2) {
  return holding(async (hold) => {
    const daemon = hold(await bootPm2(pm2));
    const app = { name: "many", script: "/bin/sleep", args: ["1000000"], instances: count };
    const start = await timed(() => daemon.start(app));
    const stop = await timed(() => daemon.stopAll());
    return { start, stop };
  });
}
