/** Up to 5,000 programs: whether ten times as many take ten times as long. */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { holding } from "../support/hold.mjs";
import { alternate, median, row, succeeded, timed } from "../support/measure.mjs";
import { prepare, sleepers } from "../support/supervisor.mjs";

export const about = "500 to 5,000 programs: parse, start, list, update, stop";

const OPTIONS = "stdout_logfile=NONE";
/** One after the other; what counts is the median. */
const CHANGED = ["p0007", "p0123", "p0321"];

export async function run({ short, names, note }) {
  const open = Number(execFileSync("/bin/sh", ["-c", "ulimit -Hn"], { encoding: "utf8" })) || Infinity;
  const wanted = short ? [500] : [500, 1000, 2500, 5000];
  // A pipe for stdin and one for stdout each, and some to spare.
  const counts = wanted.filter((count) => count * 2 + 500 < open);
  if (counts.length < wanted.length)
    note(`only ${open} open files are allowed, so not all of ${wanted} programs`);
  const rows = [];
  for (const count of counts) {
    const medians = await alternate(short || count > 1000 ? 1 : 3, names, (name) => measure(name, count));
    const many = count.toLocaleString("en");
    rows.push(
      row(`${many} programs: exec until it answers, autostart off`, "ms", medians, "parse"),
      row(`${many} programs: start until RUNNING`, "ms", medians, "start"),
      row(`${many} programs: list`, "ms", medians, "list"),
      row(`${many} programs: reread without a change`, "ms", medians, "reread"),
      row(
        `${many} programs: update with one change`,
        "ms",
        medians,
        "update",
        count === 5000 ? { absolute: 50 } : null,
      ),
      row(`${many} programs: stop`, "ms", medians, "stop"),
    );
  }
  return rows;
}

function measure(name, count) {
  return holding(async (hold) => {
    const text = sleepers(count, `${OPTIONS}\nautostart=false`);
    const daemon = hold(prepare(name, text, { minfds: count * 2 + 500 }));
    const { rpc, conf } = daemon;
    const began = daemon.launch();
    await daemon.up();
    const parse = performance.now() - began;
    const start = await timed(async () => {
      succeeded(await rpc.call("supervisor.startAllProcesses", true), count);
    });
    const list = await timed(() => rpc.call("supervisor.getAllProcessInfo"));
    const reread = await timed(() => rpc.call("supervisor.reloadConfig"));
    const updates = [];
    for (const program of CHANGED) {
      const [line, other] = ["1000000", "2000000"].map(
        (time) => `[program:${program}]\ncommand=/bin/sleep ${time}`,
      );
      writeFileSync(conf, readFileSync(conf, "utf8").replace(line, other));
      // What supervisorctl update does.
      const update = await timed(async () => {
        const changes = await rpc.call("supervisor.reloadConfig");
        if (!changes.includes(program)) throw new Error(`${name} sees no change`);
        await rpc.call("supervisor.stopProcessGroup", program);
        await rpc.call("supervisor.removeProcessGroup", program);
        await rpc.call("supervisor.addProcessGroup", program);
      });
      updates.push(update);
    }
    const update = median(updates);
    // The changed ones were not started again: nothing here starts by itself.
    const stop = await timed(async () =>
      succeeded(await rpc.call("supervisor.stopAllProcesses", true), count - CHANGED.length),
    );
    return { parse, start, list, reread, update, stop };
  });
}
