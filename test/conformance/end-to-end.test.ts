/**
 * Supervisor's own end-to-end tests, as Debian's package brings them, played on our commands. They start
 * `python -m supervisor.supervisord`; the program that stands in for Python starts ours instead. A test that fails is
 * played on the reference too: one that fails there as well says nothing about us.
 */
import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect } from "vitest";
import { needs } from "../support/needs.js";
import { type Ran, runCommand } from "../support/run-command.js";
import { scratch } from "../support/scratch.js";

const PYTHON = "/usr/bin/python3";
const RUNNER = fileURLToPath(new URL("../support/end-to-end.py", import.meta.url));
const BIN = fileURLToPath(new URL("../../bin", import.meta.url));
const TEST_MS = 170_000;

const { present, test } = needs("supervisor", "python3-pexpect");
const place = scratch();
afterAll(() => place[Symbol.dispose]());

/** Supervisor's modules that are commands, and our command for each. */
const COMMANDS = {
  "supervisor.supervisord": "supervisord-ts.js",
  "supervisor.supervisorctl": "supervisorctl-ts.js",
  "supervisor.pidproxy": "pidproxy-ts.js",
  "supervisor.confecho": "echo_supervisord_conf-ts.js",
};

function standIn(): string {
  const file = join(place.dir, "python3");
  const cases = Object.entries(COMMANDS).map(
    ([module, command]) => `  "-m ${module}") shift 2; exec "${BIN}/${command}" "$@" ;;`,
  );
  writeFileSync(file, `#!/bin/sh\ncase "$1 $2" in\n${cases.join("\n")}\nesac\nexec ${PYTHON} "$@"\n`);
  chmodSync(file, 0o755);
  return file;
}

const env = { PATH: process.env["PATH"] ?? "", LANG: "C.UTF-8", TERM: "dumb", HOME: place.dir };

/** Daemons get a directory each for AUTO logs: one of the same identifier clears away those of the others. */
function play(name: string, python: string): Promise<Ran> {
  const TMPDIR = mkdtempSync(join(place.dir, "auto-"));
  return runCommand([PYTHON, RUNNER, name, python], {
    cwd: place.dir,
    env: { ...env, TMPDIR },
    ceilingMs: TEST_MS,
  });
}

describe("Supervisor's own end-to-end test", () => {
  const names = present
    ? execFileSync(PYTHON, [RUNNER], { env, encoding: "utf8" }).trim().split("\n")
    : ["none"];
  const python = standIn();
  for (const name of names)
    test.concurrent(name, { timeout: 2 * TEST_MS }, async () => {
      const ours = await play(name, python);
      if (ours.exit === 0) return;
      const reference = await play(name, PYTHON);
      expect(reference.exit, `${name} passes on the reference: ${ours.err}`).not.toBe(0);
    });
});
