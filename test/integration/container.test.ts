/** As the first process of a container: no terminal, no users, no environment, everything on stdout. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { INSIDE, startContainer } from "../support/container.js";
import { commandLine } from "../support/processes.js";
import { scratch } from "../support/scratch.js";
import { until } from "../support/until.js";

const EXAMPLE = fileURLToPath(new URL("../../examples/container/", import.meta.url));
const describeAsRoot = describe.runIf(process.getuid?.() === 0);

const dockerfile = readFileSync(join(EXAMPLE, "Dockerfile"), "utf8");
const copied = /^COPY (.*) (\S+)\/$/m.exec(dockerfile);
const command = JSON.parse(/^CMD (\[.*\])$/m.exec(dockerfile)?.[1] ?? "[]") as readonly string[];

function exampleFiles(): Readonly<Record<string, string>> {
  const names = (copied?.[1] ?? "").split(" ");
  return Object.fromEntries(names.map((name) => [name, readFileSync(join(EXAMPLE, name), "utf8")]));
}

/** Lines without their timestamps, pids made one. */
function lines(text: string): readonly string[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => line.replace(/^[-\d]+ [\d:,]+ /, "").replace(/pid \d+/, "pid N"));
}

const HEAD = "[supervisord]\nnodaemon=true\nlogfile=/dev/stdout\nlogfile_maxbytes=0\npidfile=/run/pid\n";

describeAsRoot("as PID 1 of a container", () => {
  test("the example runs by its own CMD; stop is in order and the status 0", async () => {
    expect(copied?.[2]).toBe(INSIDE);
    using place = scratch();
    await using container = startContainer(place, exampleFiles(), { command });
    await container.line("web: listening on 8080");
    await container.line("worker: ready");
    await container.line("success: web entered RUNNING");
    await container.line("success: worker entered RUNNING");
    expect((await container.ctl("status")).out.replace(/pid \d+, uptime .*/g, "up")).toBe(
      "web                              RUNNING   up\nworker                           RUNNING   up\n",
    );
    container.signal("SIGTERM");
    expect(await container.exited).toBe(0);
    const said = lines(container.stdout());
    expect([...said].sort()).toEqual(
      [
        "CRIT Supervisor is running as root.  Privileges were not dropped because no user is specified in the config file.  If you intend to run as root, you can set user=root in the config file to avoid this message.",
        "CRIT Server 'unix_http_server' running without any HTTP authentication checking",
        "INFO RPC interface 'supervisor' initialized",
        "INFO spawned: 'web' with pid N",
        "INFO spawned: 'worker' with pid N",
        "INFO stopped: web (exit status 0)",
        "INFO stopped: worker (exit status 0)",
        "INFO success: web entered RUNNING state, process has stayed up for > than 1 seconds (startsecs)",
        "INFO success: worker entered RUNNING state, process has stayed up for > than 1 seconds (startsecs)",
        "INFO supervisord started with pid N",
        "INFO waiting for worker, web to die",
        "WARN received SIGTERM indicating exit request",
        "web: done",
        "web: listening on 8080",
        "worker: done",
        "worker: ready",
      ].sort(),
    );
    expect(said.indexOf("INFO stopped: web (exit status 0)")).toBeLessThan(
      said.indexOf("INFO stopped: worker (exit status 0)"),
    );
    expect(container.stderr()).toBe("");
  });

  test("children have the environment it has: no HOME, no USER, no PATH; a bare command is found all the same", async () => {
    using place = scratch();
    await using container = startContainer(place, {
      "supervisord.conf": `${HEAD}[program:p]\ncommand=env\nstdout_logfile=/dev/stdout\nstdout_logfile_maxbytes=0\nstartsecs=0\nautorestart=false\n`,
    });
    await container.line("exited: p (exit status 0; expected)");
    const names = [...container.stdout().matchAll(/^([A-Z_]+)=/gm)].map(([, name]) => name);
    expect(names.sort()).toEqual([
      "SUPERVISORD_TS_TEST_DIR",
      "SUPERVISOR_ENABLED",
      "SUPERVISOR_GROUP_NAME",
      "SUPERVISOR_PROCESS_NAME",
    ]);
    expect(container.stderr()).toBe("");
  });

  test("a program that does not stop is killed after stopwaitsecs, and the status is still 0", async () => {
    using place = scratch();
    await using container = startContainer(place, {
      "supervisord.conf": `${HEAD}[program:deaf]\ncommand=/bin/sh -c 'trap "" TERM; echo deaf; while :; do sleep 1; done'\nstopwaitsecs=1\nkillasgroup=true\nstdout_logfile=/dev/fd/1\nstdout_logfile_maxbytes=0\nstartsecs=0\n`,
    });
    await container.line(/^deaf$/);
    container.signal("SIGTERM");
    expect(await container.exited).toBe(0);
    const end = lines(container.stdout()).filter((line) => /killing|stopped/.test(line));
    expect(end.map((line) => line.replace(/\(\d+\)/, "(PID)"))).toEqual([
      "WARN killing 'deaf' (PID) with SIGKILL",
      "WARN stopped: deaf (terminated by SIGKILL)",
    ]);
  });

  test("as a user that no file has a name for, it and its children write to stdout as well", async () => {
    using place = scratch();
    await using container = startContainer(place, exampleFiles(), { command, uid: 12_345 });
    await container.line("web: listening on 8080");
    await container.line("worker: ready");
    expect((await container.exec("/bin/grep", "^Uid:", "/proc/1/status")).out).toContain("12345");
    container.signal("SIGTERM");
    expect(await container.exited).toBe(0);
    expect(lines(container.stdout()).filter((line) => /^CRIT/.test(line))).toEqual([
      "CRIT Server 'unix_http_server' running without any HTTP authentication checking",
    ]);
    expect(container.stderr()).toBe("");
  });

  test("Ctrl-C, which is SIGINT, ends it in order", async () => {
    using place = scratch();
    await using container = startContainer(place, exampleFiles(), { command });
    await container.line("web: listening");
    await container.line("worker: ready");
    container.signal("SIGINT");
    expect(await container.exited).toBe(0);
    expect(lines(container.stdout())).toContain("WARN received SIGINT indicating exit request");
    expect(lines(container.stdout())).toContain("web: done");
    expect(lines(container.stdout())).toContain("worker: done");
  });

  test("SIGHUP reloads: still PID 1, every line still once", async () => {
    using place = scratch();
    await using container = startContainer(place, exampleFiles(), { command });
    await container.line("web: listening");
    await container.line("worker: ready");
    const { pid } = container;
    container.signal("SIGHUP");
    const twice = (text: string): boolean => container.stdout().split(text).length === 3;
    await until(() => twice("web: listening on 8080\n") && twice("worker: ready\n"), "the second start");
    expect(container.pid).toBe(pid);
    expect(commandLine(pid)).toContain("supervisord");
    for (const text of ["WARN received SIGHUP", "INFO stopped: web", "INFO stopped: worker", "web: done"])
      expect(lines(container.stdout()).filter((line) => line.startsWith(text))).toHaveLength(1);
    container.signal("SIGTERM");
    expect(await container.exited).toBe(0);
  });

  test("orphans that die are collected; none stays a zombie", async () => {
    using place = scratch();
    await using container = startContainer(place, {
      "supervisord.conf": `${HEAD}[program:p]\ncommand=/bin/sh ${INSIDE}/orphans.sh\nstdout_logfile=/dev/stdout\nstdout_logfile_maxbytes=0\nstartsecs=0\n`,
      "orphans.sh":
        "i=0; while [ $i -lt 50 ]; do i=$((i+1)); (sleep 0.01 & ); done; echo made; exec sleep 1000\n",
    });
    await container.line(/^made$/);
    await until(() => container.stdout().split("reaped unknown pid").length === 51, "all 50 collected");
    expect(container.zombies()).toBe(0);
  });

  test("a mistake in the conf: told on stderr, status 2, nothing on stdout", async () => {
    using place = scratch();
    await using container = startContainer(place, {
      "supervisord.conf": `${HEAD}[program:p]\ncommand=/bin/true\nstartsecs=soon\n`,
    });
    expect(await container.exited).toBe(2);
    expect(container.stdout()).toBe("");
    expect(container.stderr()).toMatch(
      /^Error: invalid literal for int\(\) with base 10: 'soon'.* \(\/srv\/app\/supervisord\.conf:8\)\nFor help, use .* -h\n$/s,
    );
  });
});
