/** The package as a user gets it: packed, installed elsewhere, its commands and its programmatic API at work. */
import { mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { environment } from "../support/programs.js";
import { type Ran, runCommand } from "../support/run-command.js";
import { scratch } from "../support/scratch.js";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { version: string };

test("installed from its package, every command and the API work", { timeout: 280_000 }, async () => {
  using place = scratch();
  const { dir } = place;
  const prefix = join(dir, "prefix");
  const npm = (...words: readonly string[]): Promise<Ran> =>
    runCommand(["npm", ...words, "--loglevel=error", "--no-audit", "--no-fund"], {
      cwd: ROOT,
      ceilingMs: 240_000,
    });

  // dist is built already, and other tests are running from it: no script may build it again now.
  const packed = await npm("pack", "--ignore-scripts", "--silent", "--pack-destination", dir);
  expect(packed.exit, packed.err).toBe(0);
  const tarball = join(dir, packed.out.trim().split("\n").at(-1) ?? "");
  const installed = await npm("install", "--global", "--prefer-offline", "--prefix", prefix, tarball);
  expect(installed.exit, installed.err).toBe(0);

  const env = environment(dir);
  const PATH = `${join(prefix, "bin")}:${process.execPath.replace(/\/[^/]+$/, "")}:${env["PATH"]}`;
  const command = (...words: readonly string[]): Promise<Ran> =>
    runCommand(["/usr/bin/env", ...words], { cwd: dir, env: { ...env, PATH } });

  expect(await command("supervisord-ts", "-v")).toEqual({ out: `${version}\n`, err: "", exit: 0 });
  expect(await command("supervisorctl-ts", "-h")).toMatchObject({
    out: expect.stringContaining("--serverurl"),
    err: "",
    exit: 0,
  });
  const sample = await command("echo_supervisord_conf-ts");
  expect(sample).toMatchObject({ out: expect.stringContaining("[supervisord]"), err: "", exit: 0 });

  // The program that user= needs is still executable; without its words it does nothing.
  const runAs = join(prefix, "lib/node_modules/supervisord-ts/bin", `run-as-${process.arch}`);
  expect(await command(runAs)).toEqual({ out: "", err: "", exit: 127 });

  const project = join(dir, "project");
  mkdirSync(join(project, "node_modules"), { recursive: true });
  symlinkSync(join(prefix, "lib/node_modules/supervisord-ts"), join(project, "node_modules/supervisord-ts"));
  const script = 'import { parseConfig } from "supervisord-ts"; console.log(typeof parseConfig);';
  expect(
    await runCommand([process.execPath, "--input-type=module", "--eval", script], { cwd: project, env }),
  ).toEqual({ out: "function\n", err: "", exit: 0 });
});
