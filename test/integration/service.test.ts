/** The files of examples/service: under the managers that are here, and by their words for the others. */
import { spawn } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { baseConf } from "../support/boot.js";
import { find } from "../support/counterparts.mjs";
import { needs } from "../support/needs.js";
import { alive, marked } from "../support/processes.js";
import { environment, OUR_SUPERVISORD } from "../support/programs.js";
import { runCommand } from "../support/run-command.js";
import { scratch } from "../support/scratch.js";
import { until } from "../support/until.js";
import { call } from "../support/xmlrpc.js";

const example = (name: string): string =>
  fileURLToPath(new URL(`../../examples/service/${name}`, import.meta.url));

/** A daemon that was killed is brought back and has its worker still; told to end, all of it ends. */
async function outlives(run: string, manager: string): Promise<void> {
  using place = scratch();
  const { dir } = place;
  const service = join(dir, "service");
  mkdirSync(join(dir, "bin"));
  mkdirSync(service);
  symlinkSync(OUR_SUPERVISORD, join(dir, "bin/supervisord-ts"));
  copyFileSync(example(run), join(service, "run"));
  const conf = join(dir, "supervisord.conf");
  writeFileSync(conf, `${baseConf(dir)}[program:cat]\ncommand=/bin/cat\n`);
  const env = environment(dir, { SUPERVISORD_CONF: conf });
  const child = spawn(manager, [service], {
    env: { ...env, PATH: `${dir}/bin:${env["PATH"]}` },
    stdio: "ignore",
  });
  const exited = new Promise((resolve) => child.once("exit", resolve));
  const ask = async <T>(method: string, ...params: readonly string[]): Promise<T | null> => {
    try {
      return (await call({ socketPath: join(dir, "s.sock") }, method, params)) as T;
    } catch {
      return null;
    }
  };
  const worker = (): Promise<number> =>
    until(async () => {
      const info = await ask<{ pid: number; statename: string }>("supervisor.getProcessInfo", "cat");
      return info?.statename === "RUNNING" && info.pid;
    }, "the worker");
  const cat = await worker();
  const daemon = await until(() => ask<number>("supervisor.getPID"), "the daemon");
  process.kill(daemon, "SIGKILL");
  const next = await until(async () => {
    const now = await ask<number>("supervisor.getPID");
    return now !== daemon && now;
  }, "another daemon");
  expect(await worker()).toBe(cat);
  expect(alive(next)).toBe(true);
  child.kill("SIGTERM");
  await exited;
  await until(() => marked(dir).length === 0, "everything ending");
}

const { test: withRunit } = needs("runit");
withRunit(
  "runit brings a killed daemon back, and its worker never stopped",
  () => outlives("runit/run", find("runsv") ?? ""),
  60_000,
);

const { test: withS6 } = needs("s6");
withS6(
  "s6 brings a killed daemon back, and its worker never stopped",
  () => outlives("s6/run", find("s6-supervise") ?? ""),
  60_000,
);

test("the systemd unit kills the daemon alone, starts it again and waits for its word", () => {
  const lines = readFileSync(example("systemd/supervisord-ts.service"), "utf8").split("\n");
  const settings = lines.filter((line) => line !== "" && !line.startsWith("#"));
  expect(settings).toEqual(expect.arrayContaining(["Type=notify", "NotifyAccess=main", "KillMode=process"]));
  expect(settings).toEqual(expect.arrayContaining(["Restart=always", "RestartPreventExitStatus=2"]));
  expect(settings.every((line) => /^(\[\w+\]|[A-Z]\w+=.+)$/.test(line))).toBe(true);
});

/** A program's path as a unit has it. */
function unitWord(text: string): string {
  return `"${text.replace(/["\\]/g, "\\$&").replaceAll("%", "%%")}"`;
}

const { test: withSystemd } = needs("systemd");
withSystemd("systemd finds nothing wrong with it", async () => {
  using place = scratch();
  const unit = join(place.dir, "supervisord-ts.service");
  const text = readFileSync(example("systemd/supervisord-ts.service"), "utf8");
  // The program has to be there for the check; the manual pages need not.
  writeFileSync(
    unit,
    text.replace("/usr/bin/supervisord-ts", () => unitWord(OUR_SUPERVISORD)),
  );
  const ran = await runCommand([find("systemd-analyze") ?? "", "verify", "--man=no", unit]);
  expect({
    exit: ran.exit,
    about: ran.err.split("\n").filter((line) => line.includes("supervisord-ts")),
  }).toEqual({
    exit: 0,
    about: [],
  });
});

test.each(["runit/run", "s6/run", "openrc/supervisord-ts"])("%s is sh", async (name) => {
  expect(await runCommand(["/bin/sh", "-n", example(name)])).toEqual({ out: "", err: "", exit: 0 });
});
