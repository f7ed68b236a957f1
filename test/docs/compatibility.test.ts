/** docs/compatibility.md names tests; each of them must exist. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { listScenarios } from "../conformance/list-scenarios.js";
import { needs } from "../support/needs.js";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const AREAS = new Set(
  readdirSync(`${ROOT}test/conformance`)
    .filter((name) => name.endsWith(".test.ts"))
    .map((name) => name.replace(".test.ts", "")),
);

interface Row {
  readonly text: string;
  readonly tests: readonly string[];
}

const rows: readonly Row[] = readFileSync(`${ROOT}docs/compatibility.md`, "utf8")
  .split("\n")
  .filter((line) => line.startsWith("| ") && !line.startsWith("| Behaviour"))
  .map((text) => {
    const last = text.split(" | ").at(-1) ?? "";
    return { text, tests: [...last.matchAll(/`([^`]+)`/g)].map(([, name]) => name ?? "") };
  });

test("every row of the compatibility page names a test, or says that there is none", () => {
  expect(rows.filter(({ text, tests }) => tests.length === 0 && !text.includes("no test"))).toEqual([]);
  expect(rows.length).toBeGreaterThan(90);
});

/** A scenario that is skipped is not listed. */
const { test: withAll } = needs("supervisor", "python3-pexpect");

withAll("every test that it names exists", { timeout: 400_000 }, () => {
  const scenarios = listScenarios();
  const missing = rows
    .flatMap(({ tests }) => tests)
    .filter((name) => {
      const area = name.split(": ", 1)[0] ?? "";
      return AREAS.has(area) ? !scenarios.has(name) : !existsSync(`${ROOT}test/${name}`);
    });
  expect(missing).toEqual([]);
});
