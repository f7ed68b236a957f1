/** Children as another user: their groups, and the pipes they write to. */
import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { boot } from "../support/boot.js";

const asRoot = test.runIf(process.getuid?.() === 0);

asRoot("a child as another user opens /dev/stdout and has its supplementary groups", async () => {
  const groups = execFileSync("id", ["-G", "www-data"], { encoding: "utf8" }).trim();
  await using daemon = await boot(
    `[program:p]\nuser=www-data\ncommand=/bin/sh -c 'echo opened > /dev/stdout; echo too > /dev/stderr; id -un; id -G; exec sleep 1000'\nredirect_stderr=true`,
  );
  await daemon.line("p", groups);
  expect((await daemon.output("p")).split("\n")).toEqual(["opened", "too", "www-data", groups, ""]);
});

asRoot("a child gets groups that its user has beyond the primary one", async () => {
  const user = "supervisord-ts-test";
  try {
    execFileSync("useradd", ["-M", "-G", "adm,www-data", user]);
    const groups = execFileSync("id", ["-G", user], { encoding: "utf8" }).trim().split(" ").sort();
    expect(groups.length).toBe(3);
    await using daemon = await boot(`[program:p]\nuser=${user}\ncommand=/bin/sh -c 'id -G; exec sleep 1000'`);
    const line = await daemon.line("p", /^\d+ /);
    expect(line.split(" ").sort()).toEqual(groups);
  } finally {
    execFileSync("userdel", [user]);
  }
});
