/** The library: a supervisor inside somebody else's program, beside that program's own children. */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { Client, Fault } from "../../src/client/client.js";
import { parseConfig } from "../../src/daemon/parse-config.js";
import { boot } from "../support/boot.js";
import { needs } from "../support/needs.js";
import { scratch } from "../support/scratch.js";

const LIBRARY = fileURLToPath(new URL("../../dist/index.js", import.meta.url));

describe("parseConfig", () => {
  test("gives the configuration as data", () => {
    const parsed = parseConfig({
      text: "[supervisord]\n[program:a]\ncommand=/bin/a ; 说明\nstopsignal=QUIT\n",
    });
    expect(parsed.ok && parsed.config.groups[0]?.processes[0]).toMatchObject({
      name: "a",
      command: "/bin/a",
      stopsignal: 3,
    });
  });

  test("gives every mistake as an issue with its place, and never throws", () => {
    const parsed = parseConfig({
      text: "[supervisord]\nloglevel=x\n[program:a]\nstartsecs=y\n",
      path: "/etc/s.conf",
    });
    expect(parsed.ok ? [] : parsed.issues.map(({ file, line, key }) => [file, line, key])).toEqual([
      ["/etc/s.conf", 2, "loglevel"],
      ["/etc/s.conf", 4, "startsecs"],
      ["/etc/s.conf", 3, "command"],
    ]);
  });
});

/** Runs a script that has the library, and gives what it prints as JSON, a line each. */
function play(dir: string, script: string): readonly unknown[] {
  const file = join(dir, "play.mjs");
  writeFileSync(
    file,
    `import { Client, parseConfig, ProcessError, Supervisor } from ${JSON.stringify(LIBRARY)};\n${script}`,
  );
  const out = execFileSync(process.execPath, [file], { encoding: "utf8", cwd: dir, timeout: 60_000 });
  return out
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as unknown);
}

const BEGIN = (conf: string): string => `
const parsed = parseConfig({ text: ${JSON.stringify(`[supervisord]\nchildlogdir=.\n${conf}`)} });
if (!parsed.ok) throw new Error(JSON.stringify(parsed.issues));
const supervisor = new Supervisor(parsed.config);
const say = (value) => console.log(JSON.stringify(value));
`;

describe("Supervisor", () => {
  test("starts, restarts, stops, and leaves nothing behind", () => {
    using place = scratch();
    const conf = "[program:p]\ncommand=/bin/sleep 1000\nstartsecs=0\nautorestart=true\n";
    const [first, changed, again, stopped, ended] = play(
      place.dir,
      `${BEGIN(conf)}
await supervisor.run();
const { pid, state } = supervisor.process("p");
say(state);
const seen = [];
const changes = supervisor.changes();
process.kill(pid, "SIGKILL");
for await (const { from, to } of changes) {
  seen.push(from + " " + to);
  if (to === "RUNNING") break;
}
say(seen);
say(supervisor.process("p").pid !== pid);
say((await supervisor.stopProcess("p")).state);
await supervisor.shutdown();
say(process.getActiveResourcesInfo().filter((name) => name === "Timeout" || name.includes("Pipe")));`,
    );
    expect([first, changed, again, stopped]).toEqual([
      "RUNNING",
      ["RUNNING EXITED", "EXITED STARTING", "STARTING RUNNING"],
      true,
      "STOPPED",
    ]);
    expect((ended as string[]).filter((name) => name === "Timeout")).toEqual([]);
  });

  test("ends for everybody when a client shuts it down, and can run again", () => {
    using place = scratch();
    const conf = `[program:p]\ncommand=/bin/sleep 1000\nstartsecs=0\n[unix_http_server]\nfile=${place.dir}/s.sock\n[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n`;
    const [pids, seen, refused, left, again, over] = play(
      place.dir,
      `import { existsSync } from "node:fs";
${BEGIN(conf)}
const client = new Client({ serverurl: "unix://${place.dir}/s.sock" });
const changes = supervisor.changes();
await supervisor.run();
const before = supervisor.process("p").pid;
await client.stopProcess("p");
await client.startProcess("p");
await client.restart();
for await (const { from, to } of changes) if (from === "STOPPING" && to === "STOPPED") break;
const later = supervisor.changes();
for await (const { to } of later) if (to === "RUNNING") break;
const other = new Client({ serverurl: "unix://${place.dir}/s.sock" });
say([before > 0, (await other.getProcessInfo("p")).pid !== before, supervisor.process("p").state]);
const last = supervisor.changes();
await other.shutdown();
const seen = [];
for await (const { from, to } of last) seen.push(from + " " + to);
await supervisor.finished;
say(seen);
try { supervisor.processes(); say(""); } catch (error) { say(error.message); }
say(existsSync("${place.dir}/s.sock"));
client.close();
other.close();
await supervisor.run();
say(supervisor.process("p").state);
await Promise.all([supervisor.shutdown(), supervisor.shutdown(), supervisor.finished]);
say(process.listenerCount("SIGCHLD"));`,
    );
    expect(pids).toEqual([true, true, "RUNNING"]);
    expect(seen).toEqual(["RUNNING STOPPING", "STOPPING STOPPED"]);
    expect([refused, left, again, over]).toEqual([
      "Cannot use a supervisor that is not running",
      false,
      "RUNNING",
      0,
    ]);
  });

  test("that is shut down while it reloads ends, and one that can't begin anew says so and ends", () => {
    using place = scratch();
    const conf = `[program:p]\ncommand=/bin/sleep 1000\nstartsecs=0\n[unix_http_server]\nfile=${place.dir}/sub/s.sock\n[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n`;
    const [first, second] = play(
      place.dir,
      `import { mkdirSync, rmSync } from "node:fs";
mkdirSync("${place.dir}/sub");
const said = [];
${BEGIN(conf).replace("new Supervisor(parsed.config)", "new Supervisor(parsed.config, { onLog: ({ text }) => said.push(text) })")}
const client = new Client({ serverurl: "unix://${place.dir}/sub/s.sock" });
await supervisor.run();
await client.restart();
await supervisor.shutdown();
say(said.filter((text) => text.startsWith("spawned")).length);
await supervisor.run();
await new Client({ serverurl: "unix://${place.dir}/sub/s.sock" }).restart();
rmSync("${place.dir}/sub", { recursive: true });
await supervisor.finished;
say(said.filter((text) => text.startsWith("cannot begin anew")).length);
client.close();
process.exit(0);`,
    );
    expect([first, second]).toEqual([1, 1]);
  });

  test("tells why a process could not be started", () => {
    using place = scratch();
    const [outcome] = play(
      place.dir,
      `${BEGIN("[program:p]\ncommand=/nonexistent/program\nautostart=false\n")}
await supervisor.run();
try { await supervisor.startProcess("p"); } catch (error) { say([error instanceof ProcessError, error.status.spawnerr]); }
await supervisor.shutdown();`,
    );
    expect(outcome).toEqual([true, "can't find command '/nonexistent/program'"]);
  });

  test("leaves the children of node:child_process to it", () => {
    using place = scratch();
    const [statuses] = play(
      place.dir,
      `import { spawn } from "node:child_process";
${BEGIN("[program:p]\ncommand=/bin/sleep 0.01\nstartsecs=0\nautorestart=true\n")}
await supervisor.run();
const exit = () => new Promise((resolve) => spawn("/bin/sh", ["-c", "exit 7"]).on("exit", resolve));
const statuses = [];
for (let round = 0; round < 20; round += 1) statuses.push(await exit());
say([...new Set(statuses)]);
await supervisor.shutdown();`,
    );
    expect(statuses).toEqual([7]);
  });
});

describe.each(["ours", "reference"] as const)("Client with %s", (which) => {
  const { test } = needs(...(which === "reference" ? ["supervisor"] : []));

  test("is typed, and turns faults into errors", async () => {
    await using daemon = await boot("[program:p]\ncommand=/bin/cat\nstartsecs=0\nautostart=false", { which });
    await using client = new Client({ serverurl: `unix://${daemon.socket}` });
    expect(await client.getState()).toEqual({ statecode: 1, statename: "RUNNING" });
    expect(await client.getPID()).toBe(daemon.pid);
    expect(await client.startProcess("p")).toBe(true);
    expect((await client.getProcessInfo("p")).statename).toBe("RUNNING");
    await client.sendProcessStdin("p", "héllo\n");
    await daemon.line("p", "héllo");
    expect(await client.readProcessStdoutLog("p", 0, 0)).toBe("héllo\n");
    expect((await client.getAllConfigInfo())[0]?.command).toBe("/bin/cat");
    expect(await client.multicall([{ methodName: "supervisor.getPID" }])).toEqual([daemon.pid]);
    await expect(client.startProcess("nosuch")).rejects.toEqual(new Fault(10, "BAD_NAME: nosuch"));
    expect((await client.stopAllProcesses()).map(({ name, status }) => [name, status])).toEqual([["p", 80]]);
    expect(await client.reloadConfig()).toEqual({ added: [], changed: [], removed: [] });
    expect(readFileSync(join(daemon.dir, "main.log"), "utf8")).toContain("spawned: 'p'");
  });
});
