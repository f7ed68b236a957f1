/** Calls per second, and the `status` command. */
import { holding } from "../support/hold.mjs";
import { alternate, row, timed } from "../support/measure.mjs";
import { bootPm2 } from "../support/pm2.mjs";
import { childrenCpuMs, cpuNs } from "../support/proc.mjs";
import { Rpc } from "../support/rpc.mjs";
import { boot, sleepers } from "../support/supervisor.mjs";

export const about = "XML-RPC calls, and the status command";

export async function run(context) {
  const { short } = context;
  const rows = await calls(100, context);
  if (!short) rows.push(...(await calls(1000, context)));
  return rows;
}

function calls(programs, { short, names, pm2 }) {
  const few = programs === 100;
  return holding(async (hold) => {
    const daemons = new Map();
    for (const name of names)
      daemons.set(name, hold(await boot(name, sleepers(programs), { running: programs, minfds: 10_000 })));
    if (pm2 !== null && few) {
      const daemon = hold(await bootPm2(pm2));
      await daemon.start({ name: "p", script: "/bin/sleep", args: ["1000000"], instances: 100 });
      daemons.set("pm2", daemon);
    }
    const supervisors = [...daemons.keys()].filter((name) => name !== "pm2");
    const rounds = short ? 3 : 9;
    const measure = async (all, count, work) => {
      // Once for warming up.
      for (const name of all) await work(daemons.get(name));
      return alternate(rounds, all, async (name) => {
        const daemon = daemons.get(name);
        const cpu = cpuNs(daemon.pid);
        const children = childrenCpuMs();
        const ms = await timed(async () => {
          for (let n = 0; n < count; n += 1) await work(daemon);
        });
        return {
          rate: count / (ms / 1000),
          cpu: (cpuNs(daemon.pid) - cpu) / 1000 / count,
          ms: ms / count,
          command: (childrenCpuMs() - children) / count,
        };
      });
    };
    const rows = [];
    if (few) {
      const kept = await measure(supervisors, short ? 300 : 1000, ({ rpc }) =>
        rpc.weigh("supervisor.getState"),
      );
      rows.push(row("getState on one connection", "calls/s", kept, "rate", { atLeast: 4 }));
      rows.push(row("… CPU of the daemon", "µs/call", kept, "cpu"));
      const fresh = await measure(supervisors, short ? 200 : 500, ({ socket }) =>
        new Rpc(socket, { keep: false }).weigh("supervisor.getState"),
      );
      rows.push(row("getState, a connection each", "calls/s", fresh, "rate", { atLeast: 4 }));
      rows.push(row("… CPU of the daemon", "µs/call", fresh, "cpu"));
    }
    const listed = await measure([...daemons.keys()], few ? 20 : 3, (daemon) =>
      daemon.name === "pm2" ? daemon.list() : daemon.rpc.weigh("supervisor.getAllProcessInfo"),
    );
    rows.push(
      row(`getAllProcessInfo of ${programs.toLocaleString("en")}`, "calls/s", listed, "rate", {
        atLeast: 15,
      }),
      row("… CPU of the daemon", "µs/call", listed, "cpu"),
    );
    if (few) {
      const status = await measure([...daemons.keys()], short ? 2 : 5, (daemon) => {
        if (daemon.name === "pm2") return daemon.command("jlist");
        const { text } = daemon.ctl("status");
        if (text.split("\n").length !== programs + 1) throw new Error(`status of ${daemon.name}: ${text}`);
      });
      rows.push(row("status command, 100 programs", "ms", status, "ms", { atMost: 0.35 }));
      rows.push(row("… CPU of the command", "ms", status, "command"));
    }
    return rows;
  });
}
