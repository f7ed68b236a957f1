/** Tests that meet a real program: skipped by name where it is missing, failing where skipping is forbidden. */
import { describe, test } from "vitest";
import { missingCounterparts } from "./counterparts.mjs";

/** Set by the runner: comma-separated names of what could not be found or installed. */
const listed = process.env["SUPERVISORD_TS_TEST_MISSING"];
const missing = new Set(listed === undefined ? missingCounterparts() : listed.split(",").filter(Boolean));
const forbidden = process.env["CI"] === "true" || process.env["SUPERVISORD_TS_NO_SKIP"] === "1";

/** `const { test } = needs("uwsgi")`: the runner's own functions, or their skipping forms. */
export function needs(...counterparts: readonly string[]): {
  readonly describe: typeof describe | typeof describe.skip;
  readonly test: typeof test | typeof test.skip;
  readonly present: boolean;
} {
  const absent = counterparts.filter((name) => missing.has(name));
  if (absent.length === 0) return { describe, test, present: true };
  if (forbidden) throw new Error(`Cannot test against ${absent.join(", ")}: not installed`);
  return { describe: describe.skip, test: test.skip, present: false };
}
