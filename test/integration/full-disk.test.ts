/** A log that can't be written stops neither the worker nor the daemon, and is said once. */
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { boot } from "../support/boot.js";
import { scratch } from "../support/scratch.js";
import { until } from "../support/until.js";

/** A disk of 64 KiB. */
function mountSmall(dir: string): Disposable & { readonly dir: string } {
  mkdirSync(dir);
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k", "none", dir]);
  return { dir, [Symbol.dispose]: () => void execFileSync("umount", ["-l", dir]) };
}

function fill(file: string): void {
  execFileSync("sh", ["-c", `head -c 200000 /dev/zero > ${file} || true`], { stdio: "ignore" });
}

const said = (lines: readonly string[], what: string): readonly string[] =>
  lines.filter((line) => line.includes(what));

describe("a full disk", () => {
  test("under a child's log is said once, and the child goes on", async () => {
    const script =
      "i=0; while :; do i=$((i+1)); echo line $i; [ $((i %% 1000)) = 0 ] && echo $i > %(dir)s/count; done";
    await using daemon = await boot(
      `[program:p]\ncommand=/bin/sh -c '${script}'\nstdout_logfile=/dev/full\nstdout_logfile_maxbytes=0\n`,
    );
    const count = (): number => {
      try {
        return Number(readFileSync(join(daemon.dir, "count"), "utf8"));
      } catch {
        return 0;
      }
    };
    await until(() => count() > 5000, "the child getting on");
    await daemon.state("p", "RUNNING");
    expect(said(daemon.log(), "/dev/full")).toHaveLength(1);
    expect(said(daemon.log(), "/dev/full")[0]).toMatch(/^CRIT .*ENOSPC/);
  });

  test.runIf(process.getuid?.() === 0)("that has room again is said too, and logging goes on", async () => {
    using place = scratch();
    using small = mountSmall(join(place.dir, "small"));
    await using daemon = await boot(
      `[program:p]\ncommand=/bin/cat\nstdout_logfile=${small.dir}/p.log\nstdout_logfile_maxbytes=0\n`,
    );
    await daemon.state("p", "RUNNING");
    fill(`${small.dir}/filler`);
    for (let round = 0; round < 10; round += 1)
      await daemon.rpc("supervisor.sendProcessStdin", "p", "x\n".repeat(5000));
    await daemon.logged("ENOSPC");
    rmSync(`${small.dir}/filler`);
    await until(async () => {
      await daemon.rpc("supervisor.sendProcessStdin", "p", "room again\n");
      return readFileSync(`${small.dir}/p.log`, "utf8").includes("room again");
    }, "logging after there was room");
    expect(said(daemon.log(), "ENOSPC")).toHaveLength(1);
  });
});
