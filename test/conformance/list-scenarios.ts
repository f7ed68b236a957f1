/** The names of all scenarios, `file: name`, as vitest itself finds them. */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
let known: ReadonlySet<string> | null = null;

export function listScenarios(): ReadonlySet<string> {
  known ??= new Set(
    execFileSync(
      process.execPath,
      ["node_modules/vitest/vitest.mjs", "list", "--config", ".config/vitest.config.ts", "test/conformance"],
      { cwd: ROOT, encoding: "utf8", maxBuffer: 1 << 26 },
    )
      .split("\n")
      .map((line) => line.replace("test/conformance/", "").replace(".test.ts > ", ": "))
      .filter((name) => name !== "" && !name.startsWith("coverage: ")),
  );
  return known;
}
