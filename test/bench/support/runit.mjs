/** runsv of Debian's runit: installed, or else unpacked from its package. */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { find } from "../../support/counterparts.mjs";
import { killTree } from "./proc.mjs";
import { removeScratch, scratch } from "./scratch.mjs";

/** `{ runsv, version }`, or `{ missing }` with the reason. */
export function findRunit() {
  const installed = find("runsv");
  if (installed !== null) return { runsv: installed, version: packageVersion() };
  const dir = scratch("runit");
  const got = spawnSync("apt-get", ["download", "-qq", "runit"], { cwd: dir });
  const file = readdirSync(dir).find((name) => name.endsWith(".deb"));
  if (got.status !== 0 || file === undefined) return { missing: "runsv is not installed" };
  spawnSync("dpkg", ["-x", file, "."], { cwd: dir });
  const runsv = join(dir, "usr/bin/runsv");
  return existsSync(runsv)
    ? { runsv, version: file.split("_")[1] ?? "" }
    : { missing: "runsv is not in its package" };
}

function packageVersion() {
  const { stdout } = spawnSync("dpkg-query", ["-W", "runit"]);
  return (
    String(stdout ?? "")
      .trim()
      .split("\t")[1] ?? ""
  );
}

export function prepareRunsv({ runsv }, command) {
  const dir = scratch("runsv");
  mkdirSync(join(dir, "service"));
  writeFileSync(join(dir, "service/run"), `#!/bin/sh\nexec ${command}\n`, { mode: 0o755 });
  let child = null;
  return {
    name: "runit",
    get pid() {
      return child.pid;
    },
    launch() {
      const began = performance.now();
      child = spawn(runsv, [join(dir, "service")], { stdio: "ignore" });
      return began;
    },
    async stop() {
      const exited = new Promise((resolve) => child.once("exit", resolve));
      killTree(child.pid);
      await exited;
      removeScratch(dir);
    },
  };
}
