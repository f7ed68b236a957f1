/** What the documentation shows is run as it stands there. */
import { execFileSync, spawn } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { parseConfig } from "../../src/daemon/parse-config.js";
import { boot } from "../support/boot.js";
import { environment } from "../support/programs.js";
import { runCommand } from "../support/run-command.js";
import { scratch } from "../support/scratch.js";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const PAGES = ["README.md", "examples/django/README.md"];

function blocks(file: string, language: string): readonly string[] {
  const text = readFileSync(join(ROOT, file), "utf8");
  return [...text.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, "g"))].map(
    ([, body]) => body ?? "",
  );
}

/** Commands without their remarks. */
const commands = new Set(
  PAGES.flatMap((page) => blocks(page, "sh"))
    .flatMap((block) => block.split("\n"))
    .map((line) => line.replace(/\s+# .*$/, "").trim())
    .filter((line) => line !== ""),
);

/** The package as `npm pack` names it. */
function version(): string {
  return (JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { readonly version: string })
    .version;
}

const MOVE = 'pid=$(supervisorctl pid) && supervisorctl shutdown && tail --pid="$pid" -f /dev/null';

/** Shown, and run by another test. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  "npm ci && npm start": "test/integration/quickstart.test.ts",
  "npm ci && npm test": ".ci/run",
  "npm install -g supervisord-ts": "test/integration/package.test.ts",
  "npm ci": ".ci/run",
  "npm pack": "test/integration/package.test.ts",
  [`npm install -g ./supervisord-ts-${version()}.tgz`]: "test/integration/package.test.ts",
  "supervisorctl-ts upgrade": "test/integration/upgrade.test.ts",
  [MOVE]: "test/integration/move-over.test.ts",
  "supervisord-ts -c /etc/supervisor/supervisord.conf": "test/integration/move-over.test.ts",
  "supervisord-ts --respawn -c supervisord.conf": "test/integration/respawn.test.ts",
  "node examples/django/setup.mjs /tmp/site": "test/integration/django.test.ts",
  "supervisord-ts -n -c /tmp/site/supervisord.conf": "test/integration/django.test.ts",
  "apt-get install nginx uwsgi uwsgi-plugin-python3 python3-django gunicorn celery python3-redis redis-server":
    "test/support/counterparts.mjs",
};

/** Shown, and run here, in this order, in a directory with a small conf. */
const DAILY = [
  "supervisord-ts -c supervisord.conf",
  "supervisorctl-ts -c supervisord.conf status",
  "supervisorctl-ts -c supervisord.conf restart my",
  "supervisorctl-ts -c supervisord.conf tail -f my",
  "supervisorctl-ts -c supervisord.conf update",
  "echo_supervisord_conf-ts > supervisord.conf",
] as const;

test("every command in the documentation is run by a test", () => {
  expect(
    [...commands].filter((line) => !(line in ELSEWHERE) && !DAILY.some((known) => known === line)),
  ).toEqual([]);
  expect(Object.values(ELSEWHERE).map((file) => readFileSync(join(ROOT, file)).length > 0)).not.toContain(
    false,
  );
});

test("the commands of daily use do what the README says", { timeout: 60_000 }, async () => {
  using place = scratch();
  const { dir } = place;
  mkdirSync(join(dir, "bin"));
  for (const name of ["supervisord-ts", "supervisorctl-ts", "echo_supervisord_conf-ts"])
    symlinkSync(join(ROOT, "bin", `${name}.js`), join(dir, "bin", name));
  chmodSync(join(ROOT, "bin/supervisord-ts.js"), 0o755);
  const PATH = `${dir}/bin:${process.execPath.replace(/\/[^/]+$/, "")}:/usr/bin:/bin`;
  const env = { ...environment(dir), PATH };
  writeFileSync(
    join(dir, "supervisord.conf"),
    `[unix_http_server]\nfile=%(here)s/s.sock\n[supervisord]\nlogfile=%(here)s/main.log\npidfile=%(here)s/pid\n` +
      "[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n" +
      "[supervisorctl]\nserverurl=unix://%(here)s/s.sock\n" +
      "[program:my]\ncommand=/bin/sh -c 'echo hello; exec sleep 1000' ; 说明\nstdout_logfile=%(here)s/my.log\nstartsecs=0\n",
  );
  const run = (line: string) => runCommand(["/bin/sh", "-c", line], { cwd: dir, env });
  const [daemon, status, restart, tail, update, sample] = DAILY;
  expect(await run(daemon)).toEqual({ out: "", err: "", exit: 0 });
  expect((await run(status)).out).toMatch(/^my +RUNNING +pid \d+, uptime 0:00:0\d\n$/);
  expect(await run(restart)).toEqual({ out: "my: stopped\nmy: started\n", err: "", exit: 0 });
  expect(await followed(tail, dir, env)).toContain("hello");
  expect(await run(update)).toEqual({ out: "", err: "", exit: 0 });
  expect((await run("supervisorctl-ts -c supervisord.conf shutdown")).out).toBe("Shut down\n");
  expect(await run(sample)).toEqual({ out: "", err: "", exit: 0 });
  expect(parseConfig({ path: join(dir, "supervisord.conf") }).ok).toBe(true);
});

/** What a following command shows before it is interrupted. */
function followed(line: string, cwd: string, env: NodeJS.ProcessEnv): Promise<string> {
  return new Promise((resolve) => {
    const child = spawn("/bin/sh", ["-c", `exec ${line}`], { cwd, env });
    let out = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      out += text;
      if (out.includes("hello")) child.kill("SIGINT");
    });
    child.on("close", () => resolve(out));
  });
}

test("the conf that the README shows is one", () => {
  for (const text of blocks("README.md", "ini")) {
    const parsed = parseConfig({ text, path: join(ROOT, "README.conf") });
    expect(parsed.ok ? [] : parsed.issues).toEqual([]);
  }
});

const [libraryExample = "", clientExample = ""] = blocks("README.md", "ts");

function docExamples(file: string): readonly string[] {
  const text = readFileSync(join(ROOT, file), "utf8");
  return [...text.matchAll(/@example\n \* ```ts\n([\s\S]*?) \* ```/g)].map(([, body]) =>
    (body ?? "").replace(/^ \* ?/gm, ""),
  );
}

/** Node 20 has no `await using`: what it does at the end is written out. */
function plain(example: string, socket: string): string {
  const names = [...example.matchAll(/await using (\w+) =/g)].map(([, name]) => name);
  return [
    example.replaceAll("await using ", "const ").replaceAll("/var/run/supervisor.sock", socket),
    ...names.reverse().map((name) => `await ${name}[Symbol.asyncDispose]();`),
  ].join("\n");
}

describe("the examples of the library run:", () => {
  test.each([
    ["README, a supervisor", libraryExample, "cat: STOPPED -> STARTING\ncat: STARTING -> RUNNING\n"],
    ["README, a client", `import { Client } from "supervisord-ts";\n${clientExample}`, "p RUNNING\n"],
    ...docExamples("src/client/client.ts").map((text) => ["Client", text, "p RUNNING\n"]),
    ...docExamples("src/daemon/supervisor.ts").map((text) => [
      "Supervisor",
      text,
      "cat: STOPPED -> STARTING\ncat: STARTING -> RUNNING\n",
    ]),
    ...docExamples("src/daemon/parse-config.ts").map((text) => [
      "parseConfig",
      text,
      "4: invalid literal for int() with base 10: 'soon'",
    ]),
  ])("%s", async (_name, example = "", out = "") => {
    await using daemon = await boot("[program:p]\ncommand=/bin/sleep 1000\nstartsecs=0");
    mkdirSync(join(daemon.dir, "node_modules"));
    symlinkSync(ROOT, join(daemon.dir, "node_modules/supervisord-ts"));
    const file = join(daemon.dir, "example.mjs");
    writeFileSync(file, plain(example, daemon.socket));
    const env = { ...process.env, TMPDIR: daemon.dir };
    expect(execFileSync(process.execPath, [file], { encoding: "utf8", cwd: daemon.dir, env })).toContain(out);
  });

  test("each export of the library that is a class or function has one", () => {
    for (const file of ["src/client/client.ts", "src/daemon/supervisor.ts", "src/daemon/parse-config.ts"])
      expect(docExamples(file), file).toHaveLength(1);
  });
});
