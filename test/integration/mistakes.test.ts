/** A conf full of mistakes: every one is told, with its place, and nothing starts. */
import { spawnSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { OUR_SUPERVISORD } from "../support/programs.js";
import { scratch } from "../support/scratch.js";

const MISTAKES = [
  ["supervisord", "loglevel=loud"],
  ["supervisord", "logfile_maxbytes=lots"],
  ["supervisord", "logfile_backups=some"],
  ["supervisord", "minfds=few"],
  ["supervisord", "umask=9"],
  ["supervisord", "nodaemon=perhaps"],
  ["supervisord", "childlogdir=/nonexistent"],
  ["unix_http_server", "chmod=rw"],
  ["unix_http_server", "chown=nosuchuser"],
  ["inet_http_server", "port=abc"],
  ["program:a", "startsecs=soon"],
  ["program:a", "startretries=1.5"],
  ["program:a", "autostart=maybe"],
  ["program:a", "autorestart=sometimes"],
  ["program:a", "exitcodes=0,256"],
  ["program:a", "stopsignal=FOO"],
  ["program:a", "stopwaitsecs="],
  ["program:a", "user=nosuchuser"],
  ["program:a", "umask=9"],
  ["program:a", "stdout_logfile=/nonexistent/a.log"],
  ["program:a", "stderr_logfile_maxbytes=1.5mb"],
  ["program:a", "environment=A"],
  ["program:a", "directory=%(nosuch)s"],
  ["program:b", "numprocs=2"],
  ["group:g", "programs=a,zz"],
] as const;

function confWithMistakes(dir: string): string {
  const started = join(dir, "started");
  const right: Readonly<Record<string, string>> = {
    unix_http_server: `file=${dir}/s.sock`,
    "program:a": `command=/bin/touch ${started}`,
    "program:b": `command=/bin/touch ${started}`,
    "program:right": `command=/bin/touch ${started}`,
  };
  const sections = [...new Set([...MISTAKES.map(([section]) => section), "program:right"])];
  return sections
    .map((section) => {
      const keys = MISTAKES.filter(([where]) => where === section).map(([, line]) => line);
      return [`[${section}]`, ...(right[section] === undefined ? [] : [right[section]]), ...keys].join("\n");
    })
    .join("\n\n");
}

test("25 mistakes are 25 messages with file and line, exit status 2, and no process", () => {
  using place = scratch();
  const conf = join(place.dir, "supervisord.conf");
  const text = confWithMistakes(place.dir);
  writeFileSync(conf, text);
  const ran = spawnSync(process.execPath, [OUR_SUPERVISORD, "-n", "-c", conf], { encoding: "utf8" });
  expect(ran.status).toBe(2);
  expect(ran.stdout).toBe("");
  const messages = ran.stderr.split("\n").filter((line) => line.startsWith("Error: "));
  expect(messages).toHaveLength(MISTAKES.length);
  const lines = text.split("\n");
  const told = messages.map((message) => Number(/supervisord\.conf:(\d+)\)(?:;|$)/.exec(message)?.[1]));
  expect(told.map((line) => lines[line - 1]).sort()).toEqual(
    MISTAKES.map(([, line]) => line as string).sort(),
  );
  expect(existsSync(join(place.dir, "started"))).toBe(false);
  expect(existsSync(join(place.dir, "s.sock"))).toBe(false);
});

test("a limit of open files that can't be raised is told as it is, and nothing starts", () => {
  using place = scratch();
  const conf = join(place.dir, "s.conf");
  writeFileSync(
    conf,
    `[supervisord]\nlogfile=${place.dir}/main.log\npidfile=${place.dir}/pid\nminfds=100000\n`,
  );
  const limited = `ulimit -Sn 512; ulimit -Hn 700; exec ${OUR_SUPERVISORD} -n -c ${conf}`;
  const { status, stderr } = spawnSync("/bin/sh", ["-c", limited], { encoding: "utf8" });
  expect(status).toBe(2);
  // The reference names the limit that was asked for a second time.
  expect(stderr).toContain("required to run this process is 100000 as per");
  expect(stderr).toContain("only allow you to open 700 file descriptors");
});
