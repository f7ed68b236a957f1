/**
 * `npm run bench [-- [--short] [--without NAME] [--json] [ROWS…]]`: the same work for Supervisor, for us and, where
 * it applies, for pm2 and runit, taking turns; one table at the end. It judges nothing: only a bench that cannot
 * run makes it fail. `npm run bench -- churn [--minutes N]` is a day in the life of our daemon, in minutes.
 */
import { parseArgs } from "node:util";
import { SUPERVISOR_VERSION, VERSION } from "../../dist/version.js";
import { churn } from "./churn.mjs";
import { installPm2 } from "./support/pm2.mjs";
import { machine, table } from "./support/report.mjs";
import { findRunit } from "./support/runit.mjs";
import { referenceVersion } from "./support/supervisor.mjs";

/** In the order of the table. */
const ROWS = ["restart", "start-stop", "state", "idle", "output", "rpc", "busy", "many"];
/** Too long for every change. */
const NOT_SHORT = new Set(["busy", "many"]);

process.exitCode = await main();
// pm2's library keeps handles that would keep us.
process.exit();

async function main() {
  const { values: options, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      short: { type: "boolean", default: false },
      without: { type: "string", multiple: true, default: [] },
      json: { type: "boolean", default: false },
      minutes: { type: "string", default: "5" },
    },
  });
  if (positionals.includes("churn")) return churn(Number(options.minutes));
  const unknown = positionals.filter((name) => !ROWS.includes(name));
  if (unknown.length > 0) {
    console.error(`No bench ${unknown.join(", ")}; there are ${ROWS.join(", ")} and churn`);
    return 2;
  }
  const wanted =
    positionals.length > 0 ? positionals : ROWS.filter((name) => !options.short || !NOT_SHORT.has(name));
  const context = contenders(options);
  const head = machine(context.versions);
  const rows = [];
  let failed = 0;
  for (const name of ROWS.filter((each) => wanted.includes(each))) {
    const { about, run } = await import(`./rows/${name}.mjs`);
    const began = performance.now();
    try {
      rows.push(...(await run(context)));
      console.error(`${name}: ${about} (${((performance.now() - began) / 1000).toFixed(0)} s)`);
    } catch (error) {
      failed += 1;
      console.error(`${name} could not run:`, error);
    }
  }
  if (options.json) console.log(JSON.stringify({ machine: head, notes: context.notes, rows }, null, 2));
  else {
    for (const line of [...head, ...context.notes]) console.log(`- ${line}`);
    console.log(`\n${table(rows)}`);
  }
  return failed === 0 ? 0 : 1;
}

/** Who takes part, and why the others don't. */
function contenders({ short, without }) {
  const notes = [];
  const leftOut = (name) => without.includes(name);
  const reference = leftOut("reference") ? null : referenceVersion();
  const unwanted = { missing: "not asked for" };
  const pm2 = leftOut("pm2") ? unwanted : short ? { missing: "not in short runs" } : installPm2();
  const runit = leftOut("runit") ? unwanted : findRunit();
  return {
    short,
    names: reference === null ? ["ours"] : ["reference", "ours"],
    pm2: pm2.missing === undefined ? pm2 : null,
    runit: runit.missing === undefined ? runit : null,
    notes,
    note: (text) => notes.push(text),
    versions: {
      supervisord: reference === null ? { missing: "not installed" } : { version: reference },
      "supervisord-ts": { version: `${VERSION} (as Supervisor ${SUPERVISOR_VERSION})` },
      pm2,
      runit,
    },
  };
}
