/** A log that the daemon can't create is the trouble of the program that needs it, and of nothing else. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { boot } from "../support/boot.js";
import { until } from "../support/until.js";

const CONF = `[supervisord]
childlogdir=%(dir)s/auto
[program:plain]
command=/bin/cat
stdout_logfile=NONE
stderr_logfile=NONE
[group:pair]
programs=quiet,auto
[program:quiet]
command=/bin/cat
stdout_logfile=NONE
stderr_logfile=NONE
[program:auto]
command=/bin/sh -c 'echo here; exec sleep 600'
startretries=20
`;

test("a group whose log can't be created comes as a whole: its other programs run, and so does this one in time", async () => {
  await using daemon = await boot(CONF, { prepare: (dir) => mkdirSync(join(dir, "auto")) });
  await daemon.state("pair:auto", "RUNNING");
  await daemon.rpc("supervisor.stopProcessGroup", "pair");
  await daemon.rpc("supervisor.removeProcessGroup", "pair");
  rmSync(join(daemon.dir, "auto"), { recursive: true });
  expect(await daemon.rpc("supervisor.addProcessGroup", "pair")).toBe(true);
  await daemon.state("pair:quiet", "RUNNING");
  expect(await daemon.info("pair:auto")).toMatchObject({
    statename: "BACKOFF",
    spawnerr: "unknown error making dispatchers for 'auto': ENOENT",
    stdout_logfile: "",
  });
  const said = `CRIT cannot create a log for 'auto' in ${daemon.dir}/auto: ENOENT: no such file or directory`;
  expect(daemon.log()).toContain(said);
  mkdirSync(join(daemon.dir, "auto"));
  await daemon.state("pair:auto", "RUNNING");
  expect(await daemon.line("pair:auto", "here")).toBe("here");
  // A later supervisor goes on with the same log.
  const { stdout_logfile } = await daemon.info("pair:auto");
  expect(stdout_logfile).toContain(`${daemon.dir}/auto/auto-stdout---`);
  await daemon.rpc("supervisord_ts.upgrade");
  expect(await daemon.info("pair:auto")).toMatchObject({ stdout_logfile, statename: "RUNNING" });
}, 60_000);

test("the daemon starts, reloads and updates with a childlogdir that takes no files", async () => {
  const nowhere = CONF.replace("%(dir)s/auto", "/proc");
  await using daemon = await boot(nowhere);
  await daemon.state("plain", "RUNNING");
  await daemon.state("pair:auto", "BACKOFF");
  const { pid } = await daemon.info("plain");
  daemon.signal("SIGHUP");
  await until(async () => {
    try {
      const now = await daemon.info("plain");
      return now["pid"] !== pid && now["statename"] === "RUNNING";
    } catch {
      return false;
    }
  }, "another life");
  await daemon.state("pair:auto", "BACKOFF");
  writeFileSync(
    daemon.conf,
    `${readFileSync(daemon.conf, "utf8")}[program:more]\ncommand=/bin/cat\n[program:rest]\ncommand=/bin/cat\nstdout_logfile=NONE\nstderr_logfile=NONE\n`,
  );
  const { err } = await daemon.ctl(["update"]);
  expect(err).toBe("");
  await daemon.state("rest", "RUNNING");
  await daemon.state("more", "BACKOFF");
}, 60_000);
