/** Remarks of `update` about changes that it has not made. */
import { readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { type Booted, boot } from "../support/boot.js";
import { needs } from "../support/needs.js";

const PROGRAMS = ["a", "b", "c"]
  .map(
    (name) => `[program:${name}]\ncommand=/bin/cat\nstartsecs=0\n${name === "c" ? "autostart=false\n" : ""}`,
  )
  .join("");

function edit({ conf }: Booted, ...changes: readonly (readonly [string, string])[]): void {
  let text = readFileSync(conf, "utf8");
  for (const [from, to] of changes) text = text.replaceAll(from, to);
  writeFileSync(conf, text);
}

test("a stopped program whose section has changed is said to stay so, and a change that needs a reload", async () => {
  await using daemon = await boot(PROGRAMS, { supervisord: "loglevel=info" });
  await daemon.rpc("supervisor.stopProcess", "a");
  edit(daemon, ["command=/bin/cat", "command=/bin/cat -u"], ["loglevel=info", "loglevel=debug"]);
  const { out, exit } = await daemon.ctl(["update"]);
  expect(out.split("\n").slice(-3)).toEqual([
    "a: stays stopped (keep_stopped)",
    "[supervisord] loglevel has changed: that takes effect with a reload",
    "",
  ]);
  expect(exit).toBe(0);
  expect((await daemon.info("a"))["statename"]).toBe("STOPPED");
  // The groups are as the files have them; the reload is still to come.
  expect((await daemon.ctl(["update"])).out).toBe(
    "[supervisord] loglevel has changed: that takes effect with a reload\n",
  );
});

const { test: withSupervisor } = needs("supervisor");

withSupervisor("nothing more is said of Supervisor's own daemon", async () => {
  await using daemon = await boot(PROGRAMS, { which: "reference", supervisord: "loglevel=info" });
  await daemon.rpc("supervisor.stopProcess", "a");
  edit(daemon, ["command=/bin/cat", "command=/bin/cat -u"], ["loglevel=info", "loglevel=debug"]);
  expect((await daemon.ctl(["update"])).out).toBe(
    ["a", "b", "c"].map((name) => `${name}: stopped\n${name}: updated process group\n`).join(""),
  );
});
