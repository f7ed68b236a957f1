/**
 * `npm test`: makes sure of the programs the tests meet, builds when needed, runs vitest, and ends with one
 * line: how many tests passed and failed. File arguments are handed on.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { conformanceTable } from "./conformance-table.mjs";
import { missingCounterparts } from "./counterparts.mjs";
import { install } from "./install.mjs";
import { reachableClone } from "./reachable.mjs";

const ROOT = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");
const forbidden = process.env["CI"] === "true" || process.env["SUPERVISORD_TS_NO_SKIP"] === "1";

// Ctrl-C ends vitest, and then what was made here is removed.
process.on("SIGINT", () => undefined);
process.exit(main(process.argv.slice(2)));

function main(words) {
  const missing = install(missingCounterparts());
  if (missing.length > 0) {
    console.log(`Not installed: ${missing.join(", ")}`);
    if (forbidden) return 1;
    console.log("Tests that need them are skipped");
  }
  if (stale() && run("npm", ["run", "build"]) !== 0) return 1;
  if (words.length === 0) console.log("The whole suite takes about 10 minutes on two processors");
  const clone = reachableClone(ROOT, process.execPath);
  if (clone.remove !== null)
    console.log(
      `Other users cannot enter ${clone.root.startsWith(clone.remove) ? ROOT : dirname(process.execPath)}: the tests run on a copy in ${clone.remove}`,
    );
  try {
    return test(clone, words, missing);
  } finally {
    if (clone.remove !== null) rmSync(clone.remove, { recursive: true, force: true });
  }
}

/** Whether dist is missing or older than what it is built from. */
function stale() {
  if (!existsSync(join(ROOT, "dist"))) return true;
  return Math.max(newest("src"), newest("tsconfig.json")) > newest("dist");
}

function newest(path) {
  const full = join(ROOT, path);
  if (!statSync(full).isDirectory()) return statSync(full).mtimeMs;
  const files = readdirSync(full, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Math.max(0, ...files.map((entry) => statSync(join(entry.parentPath, entry.name)).mtimeMs));
}

function test({ root, node }, words, missing) {
  const place = mkdtempSync(join(tmpdir(), "sd-results-"));
  try {
    const results = join(place, "results.json");
    const conformance = join(place, "conformance.jsonl");
    const vitest = [
      join(root, "node_modules/vitest/vitest.mjs"),
      "run",
      "--config",
      join(root, ".config/vitest.config.ts"),
      "--reporter=default",
      "--reporter=json",
      `--outputFile.json=${results}`,
      ...words,
    ];
    const env = {
      ...process.env,
      PATH: `${dirname(node)}:${process.env["PATH"]}`,
      SUPERVISORD_TS_TEST_MISSING: missing.join(","),
      SUPERVISORD_TS_CONFORMANCE_REPORT: conformance,
    };
    const status = run(node, vitest, env, root);
    if (existsSync(conformance)) console.log(`\n${conformanceTable(readFileSync(conformance, "utf8"))}`);
    console.log(
      `\n${summary(existsSync(results) ? JSON.parse(readFileSync(results, "utf8")) : null, status)}`,
    );
    return status;
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

/** A test file that could not be read counts as one failure, and so does a run that fails without saying where. */
function summary(results, status) {
  const broken = (results?.testResults ?? []).filter(
    (file) => file.status === "failed" && file.assertionResults.every(({ status }) => status !== "failed"),
  );
  const passed = results?.numPassedTests ?? 0;
  const counted = (results?.numFailedTests ?? 0) + broken.length;
  const failed = counted === 0 && status !== 0 ? 1 : counted;
  const skipped = (results?.numPendingTests ?? 0) + (results?.numTodoTests ?? 0);
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}

function run(file, words, env = process.env, cwd = ROOT) {
  const { status, error } = spawnSync(file, words, { cwd, env, stdio: "inherit" });
  if (error !== undefined) console.error(`Cannot run ${file}: ${error.message}`);
  return status ?? 1;
}
