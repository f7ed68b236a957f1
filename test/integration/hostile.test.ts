/** Circumstances that nobody plans for: each is one clear sentence and the right status, never a trace, and leaves nothing. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { baseConf } from "../support/boot.js";
import { launch } from "../support/launch.js";
import { environment } from "../support/programs.js";
import { type Ran, runCommand } from "../support/run-command.js";
import { scratch } from "../support/scratch.js";
import { until } from "../support/until.js";
import { call } from "../support/xmlrpc.js";

const bin = (name: string): string => fileURLToPath(new URL(`../../bin/${name}-ts.js`, import.meta.url));
const WORDS = {
  D: bin("supervisord"),
  C: bin("supervisorctl"),
  E: bin("echo_supervisord_conf"),
  P: bin("pidproxy"),
};
const isRoot = process.getuid?.() === 0;
const TRACE = /\n\s+at |node:internal|Node\.js v|^\S+\.c?js:\d+\n|Error \[|Traceback/;

interface Place {
  readonly dir: string;
  readonly before: readonly string[];
  sh(script: string): Promise<Ran>;
}

/** A script in which `$D`, `$C`, `$E`, `$P` are our commands and `s.conf` is a conf, run in a directory of its own. */
async function at<T>(
  prepare: ((dir: string) => void) | null,
  work: (place: Place) => Promise<T>,
): Promise<T> {
  using place = scratch();
  const { dir } = place;
  chmodSync(dir, 0o755);
  writeFileSync(join(dir, "s.conf"), baseConf(dir, "identifier=hostile"));
  prepare?.(dir);
  const before = readdirSync(dir).sort();
  return await work({
    dir,
    before,
    async sh(script) {
      const ran = await runCommand(
        [
          "/bin/sh",
          "-c",
          `IFS=
${script}`,
        ],
        { cwd: dir, env: environment(dir, WORDS) },
      );
      const tidy = (text: string): string =>
        Object.values(WORDS)
          .reduce((whole, path) => whole.replaceAll(path, path.replace(/.*\//, "")), text)
          .replaceAll(dir, "DIR");
      return { ...ran, out: tidy(ran.out), err: tidy(ran.err) };
    },
  });
}

const HELP = (name: string): string => `For help, use ${name}-ts.js -h\n`;
const FULL = "Error: cannot write to stdout: no space left on device\n";
const AS_NOBODY = "setpriv --reuid=65534 --regid=65534 --clear-groups";

interface Row {
  readonly what: string;
  readonly script: string;
  readonly exit: number;
  /** But for the line about help. */
  readonly err: string | RegExp;
  readonly prepare: ((dir: string) => void) | null;
}

function row(
  what: string,
  script: string,
  exit: number,
  err: string | RegExp,
  prepare: Row["prepare"] = null,
): Row {
  return { what, script, exit, err, prepare };
}

const log = (dir: string): string => join(dir, "main.log");

const STARTS: readonly Row[] = [
  row(
    "the log is a directory",
    "$D -n -c s.conf",
    2,
    "Error: could not open log file DIR/main.log: EISDIR: illegal operation on a directory\n",
    (dir) => mkdirSync(log(dir)),
  ),
  row(
    "the log is a directory, in the background",
    "$D -c s.conf",
    2,
    "Error: could not open log file DIR/main.log: EISDIR: illegal operation on a directory\n",
    (dir) => mkdirSync(log(dir)),
  ),
  row(
    "the log's name is too long",
    `$D -n -c s.conf -l ${"x".repeat(300)}`,
    2,
    /^Error: could not open log file DIR\/x{300}: ENAMETOOLONG: name too long\n/,
  ),
  row(
    "the root directory as a log",
    "$D -n -c s.conf -l /",
    2,
    "Error: could not open log file /: EISDIR: illegal operation on a directory\n",
  ),
  row("the conf is a directory", "$D -n -c .", 2, "Error: could not read config file .\n"),
  row(
    "the conf never ends",
    "$D -n -c /dev/zero",
    2,
    "Error: could not read config file /dev/zero: it has more than 64 MiB\n",
  ),
  row(
    "the conf is larger than any",
    "$D -n -c large",
    2,
    "Error: could not read config file large: it has more than 64 MiB\n",
    (dir) => {
      writeFileSync(join(dir, "large"), "");
      truncateSync(join(dir, "large"), 3 * 1024 ** 3);
    },
  ),
  row(
    "what is included never ends",
    "$D -n -c s.conf",
    2,
    "Error: could not read config file /dev/zero: it has more than 64 MiB (DIR/s.conf:2)\n",
    (dir) => writeFileSync(join(dir, "s.conf"), `[include]\nfiles=/dev/zero\n${baseConf(dir)}`),
  ),
  row(
    "the conf is a program",
    "$D -n -c /bin/ls",
    2,
    /^Error: 'utf-8' codec can't decode byte 0x[0-9a-f]{2} in position \d+: [a-z ]+ \(\/bin\/ls:1\)\n/,
  ),
  row("the conf is missing", "$D -n -c none", 2, "Error: could not find config file none\n"),
  row("an option that nobody knows, said to a full disk", "$D --nosuch 2>/dev/full", 2, /^$/),
  row(
    "a port that somebody else has",
    "$D -n -c s.conf",
    2,
    /Error: Another program is already listening on a port that one of our HTTP servers is configured to use\. {2}Shut this program down first before starting supervisord\.\n/,
  ),
  row(
    "more open files than there may be",
    "$D -n -c s.conf -a 999999999",
    2,
    /^Error: The minimum number of file descriptors required to run this process is 999999999 /,
  ),
  row(
    "hardly any open files",
    "ulimit -n 20; $D -n -c s.conf -a 20",
    2,
    /^Error: Cannot open an HTTP server: socket\.error reported errno\.EMFILE \(24\)\n/,
  ),
  row("no files at all may grow", "ulimit -f 0; $D -h", 0, ""),
];

const SAID: readonly Row[] = [
  row("supervisord's help to a full disk", "$D -h >/dev/full", 1, FULL),
  row("supervisord's version to a full disk", "$D -v >/dev/full", 1, FULL),
  row("supervisord's help to nobody", "{ $D -h; echo $? >&2; } | true", 0, "0\n"),
  row("supervisord's help where there is no stdout", "$D -h >&-", 0, ""),
  row("supervisorctl's help to a full disk", "$C -h >/dev/full", 1, FULL),
  row("supervisorctl's status to a full disk", "$C -c s.conf status >/dev/full", 1, FULL),
  row("supervisorctl's help to nobody", "{ $C -h; echo $? >&2; } | true", 0, "0\n"),
  row("supervisorctl's shell without stdin", "$C -c s.conf <&-", 0, ""),
  row("supervisorctl's shell with a directory for stdin", "$C -c s.conf </", 0, ""),
  row(
    "supervisorctl's conf that is a directory",
    "$C -c . status",
    2,
    "Error: could not read config file .\n",
  ),
  row("supervisorctl without HOME", "env -u HOME $C -c s.conf avail </dev/null", 1, ""),
  row("the sample conf to a full disk", "$E >/dev/full", 1, FULL),
  row("the sample conf to who has read enough", "{ $E; echo $? >&2; } | head -1", 0, "0\n"),
  row("the sample conf to nobody", "{ $E; echo $? >&2; } | true", 0, "0\n"),
  row("pidproxy's usage to a full disk", "$P >/dev/full", 1, ""),
  row("pidproxy's complaint to a full disk", "$P x /nonexistent >/dev/full", 127, ""),
  row("pidproxy without any descriptor", "$P x /bin/true <&- >&- 2>&-", 0, ""),
];

function check(ran: Ran, { err, exit }: Row): void {
  expect(ran.err + ran.out).not.toMatch(TRACE);
  const said = ran.err.replace(/^For help, use supervisor(d|ctl)-ts\.js -h\n$/m, "");
  if (typeof err === "string") expect(said).toBe(err);
  else expect(said).toMatch(err);
  expect(ran.exit).toBe(exit);
}

describe("a start that fails is one sentence and status 2, and leaves nothing:", () => {
  test.each(STARTS.map((row) => [row.what, row] as const))("%s", async (_what, row) => {
    await at(row.prepare, async ({ dir, before, sh }) => {
      const server = createServer();
      if (row.what.startsWith("a port")) {
        await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
        const address = server.address();
        const port = typeof address === "object" ? address?.port : 0;
        writeFileSync(
          join(dir, "s.conf"),
          `[inet_http_server]\nport=127.0.0.1:${port}\n[program:never]\ncommand=/bin/touch ${dir}/started\n${baseConf(dir)}`,
        );
      }
      try {
        check(await sh(row.script), row);
      } finally {
        server.close();
      }
      // AUTO logs go at the next start, as in Supervisor.
      const isLog = (name: string): boolean => name === "main.log" || name.includes("---supervisor-");
      const left = readdirSync(dir).filter((name) => !before.includes(name) && !isLog(name));
      expect(left).toEqual([]);
    });
  });

  test.runIf(isRoot)("a log that root has left, found by another user", async () => {
    const prepare = (dir: string): void => {
      writeFileSync(log(dir), "", { mode: 0o600 });
      mkdirSync(join(dir, "own"), { mode: 0o777 });
      chmodSync(join(dir, "own"), 0o777);
      const conf = readFileSync(join(dir, "s.conf"), "utf8");
      writeFileSync(join(dir, "s.conf"), conf.replace(`${dir}/supervisord.pid`, `${dir}/own/pid`));
    };
    await at(prepare, async ({ dir, sh }) => {
      const ran = await sh(`${AS_NOBODY} $D -n -c s.conf`);
      expect(ran).toEqual({
        out: "",
        err: `Error: could not open log file DIR/main.log: EACCES: permission denied (it belongs to root)\n${HELP("supervisord")}`,
        exit: 2,
      });
      expect(readdirSync(join(dir, "own"))).toEqual([]);
    });
  });

  test.runIf(isRoot)("a directory without rights for the log, and a conf that may not be read", async () => {
    await at(null, async ({ dir, before, sh }) => {
      const ran = await sh(`${AS_NOBODY} $D -c s.conf`);
      expect(ran.err).toBe(
        `Error: could not open log file DIR/main.log: EACCES: permission denied\n${HELP("supervisord")}`,
      );
      expect(ran.exit).toBe(2);
      chmodSync(join(dir, "s.conf"), 0);
      const unreadable = await sh(`${AS_NOBODY} $D -c s.conf`);
      expect(unreadable.err).toBe(`Error: could not read config file s.conf\n${HELP("supervisord")}`);
      expect(unreadable.exit).toBe(2);
      expect(readdirSync(dir).sort()).toEqual(before);
    });
  });

  test("a pipe that nobody writes to, while one that somebody writes to late is read", async () => {
    await at(null, async ({ sh }) => {
      const script = `mkfifo f; (exec 3>f; printf '[supervisorctl]\\nserverurl=unix:///nowhere\\n' >&3) & $C -c f status; wait`;
      expect((await sh(script)).out).toContain("unix:///nowhere no such file");
      const silent = await sh("mkfifo g; $D -c g");
      expect(silent.err).toBe(
        `Error: could not read config file g: nothing has come from that pipe for 5 seconds\n${HELP("supervisord")}`,
      );
      expect(silent.exit).toBe(2);
    });
  });

  test.runIf(isRoot)("as root without -c the warning comes once, in the background too", async () => {
    await at(
      (dir) => writeFileSync(join(dir, "supervisord.conf"), baseConf(dir)),
      async ({ dir, sh }) => {
        const warnings = (text: string): number =>
          text.split("is running as root and it is searching").length - 1;
        mkdirSync(log(dir));
        expect(warnings((await sh("$D")).err)).toBe(1);
        expect(warnings((await sh("$D -n")).err)).toBe(1);
        rmSync(log(dir), { recursive: true });
        expect(warnings((await sh("$D")).err)).toBe(1);
        await call({ socketPath: join(dir, "s.sock") }, "supervisor.shutdown");
        await until(() => !existsSync(join(dir, "supervisord.pid")), "the end of the daemon");
      },
    );
  });
});

describe("what can't be said is no trace:", () => {
  test.each(SAID.map((row) => [row.what, row] as const))("%s", async (_what, row) => {
    await at(row.prepare, async ({ sh }) => check(await sh(row.script), row));
  });
});

describe("a daemon lives with", () => {
  test.each([
    ["stdout and stderr that are full", "1 2", "/dev/full"],
    ["no descriptor at all", "0 1 2", null],
  ])("%s", async (_what, fds, target) => {
    await at(null, async ({ dir }) => {
      const change = fds.split(" ").map((fd) => (target === null ? `${fd}>&-` : `${fd}>${target}`));
      const socket = join(dir, "s.sock");
      const daemon = await launch("ours", {
        dir,
        conf: join(dir, "s.conf"),
        socket,
        through: ["/bin/sh", "-c", `exec "$0" "$@" ${change.join(" ")}`],
      });
      await call({ socketPath: socket }, "supervisor.shutdown");
      expect(await daemon.exited).toBe(0);
      expect(readFileSync(log(dir), "utf8")).toMatch(/supervisord started with pid/);
    });
  });

  test("the name of a program that is too long for a log: it is FATAL with a sentence, the others run", async () => {
    const name = "x".repeat(255);
    const programs = `[program:${name}]\ncommand=/bin/cat\nstartretries=0\n[program:b]\ncommand=/bin/cat\n`;
    await at(
      (dir) => writeFileSync(join(dir, "s.conf"), baseConf(dir) + programs),
      async ({ dir }) => {
        const socket = join(dir, "s.sock");
        const daemon = await launch("ours", { dir, conf: join(dir, "s.conf"), socket });
        const state = async (of: string): Promise<unknown> =>
          ((await call({ socketPath: socket }, "supervisor.getProcessInfo", [of])) as { statename: string })
            .statename;
        await until(
          async () => (await state(name)) === "FATAL" && (await state("b")) === "RUNNING",
          "both states",
        );
        const said = readFileSync(log(dir), "utf8");
        expect(said).toContain(`cannot create a log for '${name}' in ${dir}: ENAMETOOLONG: name too long\n`);
        expect(said).not.toMatch(TRACE);
        daemon.kill("SIGTERM");
        expect(await daemon.exited).toBe(0);
      },
    );
  });
});
