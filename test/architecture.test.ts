/** Imports point one way: core knows nobody, the daemon knows most, and nothing knows the daemon. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const MAY_IMPORT = {
  core: [],
  config: ["core"],
  wire: ["core"],
  posix: ["core"],
  logs: ["core", "wire", "posix"],
  rpc: ["core", "logs"],
  http: ["core", "wire", "logs", "rpc"],
  daemon: ["core", "config", "wire", "posix", "logs", "rpc", "http"],
  client: ["core", "wire"],
  ctl: ["core", "config", "client"],
  pidproxy: [],
} satisfies Record<string, readonly string[]>;

const SRC = fileURLToPath(new URL("../src", import.meta.url));
const IMPORT =
  /(?:^|\n)\s*(?:import|export)\b[^"';]*?from\s*"([^"]+)"|\bimport\(\s*"([^"]+)"\s*\)|(?:^|\n)import\s*"([^"]+)"/g;

interface Import {
  readonly from: string;
  readonly to: string;
}

function importsOf(file: string): readonly string[] {
  return [...readFileSync(file, "utf8").matchAll(IMPORT)].map(
    ([, named, dynamic, bare]) => named ?? dynamic ?? bare ?? "",
  );
}

const files = readdirSync(SRC, { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".ts"))
  .map((name) => join(SRC, name));

const imports: readonly Import[] = files.flatMap((from) => importsOf(from).map((to) => ({ from, to })));

/** The layer a path below src belongs to; null for the files beside the layers. */
function layer(path: string): string | null {
  const [first = "", ...rest] = relative(SRC, path).split(sep);
  return rest.length === 0 ? null : first;
}

describe("imports point one way", () => {
  for (const [name, allowed] of Object.entries(MAY_IMPORT)) {
    test(`${name} imports ${allowed.length === 0 ? "nothing of the others" : `only ${allowed.join(", ")}`}`, () => {
      const wrong = imports
        .filter(({ from, to }) => layer(from) === name && to.startsWith("."))
        .map(({ from, to }) => ({ from, target: layer(join(dirname(from), to)) }))
        .filter(
          ({ target }) =>
            target !== null && target !== name && !(allowed as readonly string[]).includes(target),
        )
        .map(({ from, target }) => `${relative(SRC, from)} imports ${target}`);
      expect(wrong).toEqual([]);
    });
  }

  test("every directory of src has its row in the table", () => {
    const directories = readdirSync(SRC, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    expect(directories.map(({ name }) => name).filter((name) => !(name in MAY_IMPORT))).toEqual([]);
  });
});

test("the core imports no Node module", () => {
  const wrong = imports.filter(({ from, to }) => layer(from) === "core" && !to.startsWith("."));
  expect(wrong.map(({ from, to }) => `${relative(SRC, from)}: ${to}`)).toEqual([]);
});

test("the core asks neither the clock nor chance", () => {
  const wrong = files.filter(
    (file) =>
      layer(file) === "core" &&
      /\bDate\.now\b|\bnew Date\(\)|\bMath\.random\b|\bperformance\b/.test(readFileSync(file, "utf8")),
  );
  expect(wrong.map((file) => relative(SRC, file))).toEqual([]);
});

// The one exception runs before there is a daemon: the command that starts it in the background and leaves.
test("nothing that reaps with wait4 uses child_process, but for the way into the background", () => {
  const reaping = new Set(["posix", "logs", "rpc", "http", "daemon"]);
  const wrong = imports.filter(
    ({ from, to }) => /child_process|worker_threads|cluster/.test(to) && reaping.has(layer(from) ?? ""),
  );
  expect([...new Set(wrong.map(({ from, to }) => `${relative(SRC, from)}: ${to}`))]).toEqual([
    "posix/daemonize.ts: node:child_process",
    // Only asked which thread this is.
    "posix/readiness.ts: node:worker_threads",
  ]);
});

test("imports between our files name the .js they become", () => {
  const wrong = imports.filter(
    ({ to }) => to.startsWith(".") && !to.endsWith(".js") && !to.endsWith(".json"),
  );
  expect(wrong.map(({ from, to }) => `${relative(SRC, from)}: ${to}`)).toEqual([]);
});
