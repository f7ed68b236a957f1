/** Moving from Supervisor to supervisord-ts as README tells it: the same conf, the old daemon gone before the new one. */
import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import { baseConf, readLog } from "../support/boot.js";
import { needs } from "../support/needs.js";
import { environment, REFERENCE_SUPERVISORCTL, supervisord } from "../support/programs.js";
import { runCommand } from "../support/run-command.js";
import { scratch } from "../support/scratch.js";
import { until } from "../support/until.js";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const { test } = needs("supervisor");

test("the steps of README move a running Supervisor over", { timeout: 120_000 }, async () => {
  using place = scratch();
  const { dir } = place;
  const conf = join(dir, "supervisord.conf");
  // Longer than a second to stop: who starts the new daemon at once finds the old one on the socket.
  const slow = "/bin/sh -c 'trap \"sleep 2; exit 0\" TERM; while :; do sleep 0.1; done'";
  writeFileSync(conf, `${baseConf(dir)}[program:slow]\ncommand=${slow}\nstartsecs=0\n`);
  mkdirSync(join(dir, "bin"));
  symlinkSync(join(ROOT, "bin/supervisord-ts.js"), join(dir, "bin/supervisord-ts"));
  // README's commands find the conf in /etc; these find it here.
  writeFileSync(
    join(dir, "bin/supervisorctl"),
    `#!/bin/sh\nexec ${REFERENCE_SUPERVISORCTL} -c ${conf} "$@"\n`,
  );
  chmodSync(join(dir, "bin/supervisorctl"), 0o755);
  const env = environment(dir);
  const run = (line: string) =>
    runCommand(["/bin/sh", "-c", line.replaceAll("/etc/supervisor/supervisord.conf", conf)], {
      cwd: dir,
      env: { ...env, PATH: `${join(dir, "bin")}:${env["PATH"]}` },
    });
  const started = (): number =>
    readLog(join(dir, "main.log")).filter((line) => line.includes("spawned: 'slow'")).length;

  const [reference = ""] = supervisord("reference");
  expect((await run(`${reference} -c ${conf}`)).exit).toBe(0);
  await until(() => started() === 1, "the old daemon's program");
  const before = Number(readFileSync(join(dir, "supervisord.pid"), "utf8"));

  const steps = /from Supervisor\n[\s\S]*?```sh\n([\s\S]*?)```/.exec(
    readFileSync(join(ROOT, "README.md"), "utf8"),
  )?.[1];
  for (const line of (steps ?? "").trim().split("\n"))
    expect(await run(line), line).toMatchObject({ err: "", exit: 0 });

  await until(() => started() === 2, "the new daemon's program");
  expect(Number(readFileSync(join(dir, "supervisord.pid"), "utf8"))).not.toBe(before);
  expect((await run("supervisorctl status")).out).toMatch(/^slow +RUNNING/);
  const end = 'pid=$(supervisorctl pid) && supervisorctl shutdown && tail --pid="$pid" -f /dev/null';
  expect(await run(end)).toMatchObject({ err: "", exit: 0 });
});
