/** Names that somebody removes from under the daemon come back: socket, pidfile, logs. */
import fs from "node:fs";
import { createConnection, createServer, type Server } from "node:net";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type Booted, boot } from "../support/boot.js";
import { mortal } from "../support/mortal.js";
import { descriptors } from "../support/processes.js";
import { until } from "../support/until.js";
import { call, encodeCall } from "../support/xmlrpc.js";

const NOBODY = 65_534;
const asRoot = test.runIf(process.getuid?.() === 0);

function back(path: string): Promise<unknown> {
  return until(() => fs.existsSync(path), `${path} again`, { everyMs: 5 });
}

function removals(daemon: Booted): readonly string[] {
  return daemon.log().filter((line) => line.includes("was removed"));
}

/** A connection as a client keeps it: its requests are answered in order. */
function connect(path: string): Promise<(method: string) => Promise<string>> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(path);
    socket.once("error", reject);
    socket.once("connect", () => {
      resolve((method) => {
        const body = encodeCall(method, []);
        socket.write(
          `POST /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Type: text/xml\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
        );
        return new Promise((answer) => socket.once("data", (bytes) => answer(bytes.toString())));
      });
    });
  });
}

test("a removed socket is back within a second, as often as it takes, and who was connected stays so", async () => {
  await using daemon = await boot("[program:cat]\ncommand=/bin/cat");
  await daemon.state("cat", "RUNNING");
  const mode = fs.statSync(daemon.socket).mode;
  const early = await connect(daemon.socket);
  // Until it has an answer the daemon may not have accepted it.
  await early("supervisor.getState");
  const open = Object.keys(descriptors(daemon.pid)).length;
  for (let times = 1; times <= 3; times += 1) {
    fs.unlinkSync(daemon.socket);
    const start = performance.now();
    await back(daemon.socket);
    expect(await daemon.rpc("supervisor.getState")).toEqual({ statecode: 1, statename: "RUNNING" });
    expect(performance.now() - start).toBeLessThan(1000);
    expect(await early("supervisor.getState")).toContain("RUNNING");
    expect(fs.statSync(daemon.socket).mode).toBe(mode);
    await until(() => removals(daemon).length === times, `line ${times}`);
  }
  expect(removals(daemon)[0]).toBe(`WARN socket ${daemon.socket} was removed and is made again`);
  // The first listener and the last: the ones between are closed.
  await until(() => Object.keys(descriptors(daemon.pid)).length === open + 1, "descriptors closed");
  expect(fs.readdirSync(daemon.dir).filter((name) => name.startsWith("s.sock"))).toEqual(["s.sock"]);
});

asRoot("its owner and mode are the configured ones again", async () => {
  await using daemon = await boot("", {
    prepare: (place) => {
      const conf = join(place, "supervisord.conf");
      const text = fs.readFileSync(conf, "utf8");
      fs.writeFileSync(conf, text.replace("s.sock\n", "s.sock\nchmod=0640\nchown=nobody\n"));
    },
  });
  const before = fs.statSync(daemon.socket);
  expect([before.mode & 0o777, before.uid]).toEqual([0o640, NOBODY]);
  fs.unlinkSync(daemon.socket);
  await back(daemon.socket);
  const { mode, uid, gid } = fs.statSync(daemon.socket);
  expect({ mode, uid, gid }).toEqual({ mode: before.mode, uid: before.uid, gid: before.gid });
});

test("an upgrade hands on the listener that has the name, and the name comes back afterwards too", async () => {
  await using daemon = await boot("[program:cat]\ncommand=/bin/cat");
  fs.unlinkSync(daemon.socket);
  await back(daemon.socket);
  expect((await daemon.ctl(["upgrade"])).exit).toBe(0);
  expect(await daemon.rpc("supervisor.getState")).toEqual({ statecode: 1, statename: "RUNNING" });
  fs.unlinkSync(daemon.socket);
  await back(daemon.socket);
  expect(await daemon.rpc("supervisor.getState")).toEqual({ statecode: 1, statename: "RUNNING" });
  await until(() => removals(daemon).length === 2, "two lines");
});

test("a live socket of somebody else in its place is left alone, and said once", async () => {
  await using daemon = await boot("");
  const other: Server = createServer();
  const beside = `${daemon.socket}.other`;
  await new Promise<void>((resolve) => other.listen(beside, resolve));
  try {
    fs.renameSync(beside, daemon.socket);
    const { ino } = fs.statSync(daemon.socket);
    const line = await daemon.logged("is something else by now");
    expect(line).toBe(`WARN socket ${daemon.socket} is something else by now, and is left alone`);
    expect(fs.statSync(daemon.socket).ino).toBe(ino);
    fs.unlinkSync(daemon.socket);
    await back(daemon.socket);
    expect(await daemon.rpc("supervisor.getState")).toEqual({ statecode: 1, statename: "RUNNING" });
    expect(daemon.log().filter((text) => text.includes("something else")).length).toBe(1);
  } finally {
    await new Promise((resolve) => other.close(resolve));
  }
});

test("a socket that became somebody else's is not removed at the end", async () => {
  const other: Server = createServer();
  let path = "";
  {
    await using daemon = await boot("");
    path = daemon.socket;
    const beside = `${path}.other`;
    await new Promise<void>((resolve) => other.listen(beside, resolve));
    fs.renameSync(beside, path);
    await daemon.logged("is something else by now");
    daemon.signal("SIGTERM");
    await daemon.exited;
    expect(fs.statSync(path).isSocket()).toBe(true);
    fs.unlinkSync(path);
  }
  await new Promise((resolve) => other.close(resolve));
});

test("pidfile, activity log and child logs come back, each with a line", async () => {
  await using daemon = await boot(
    "[program:cat]\ncommand=/bin/cat\nstdout_logfile=%(dir)s/cat.log\nstderr_logfile=NONE",
  );
  await daemon.state("cat", "RUNNING");
  const [pidfile, main, child] = ["supervisord.pid", "main.log", "cat.log"].map((name) =>
    join(daemon.dir, name),
  ) as [string, string, string];
  const seen = (what: string): Promise<string> => daemon.logged(`WARN ${what} was removed and is made again`);
  for (const [path, what] of [
    [pidfile, `pidfile ${pidfile}`],
    [child, `log ${child}`],
    [main, `log ${main}`],
  ] as const) {
    fs.unlinkSync(path);
    await back(path);
    await seen(what);
  }
  expect(fs.readFileSync(pidfile, "utf8")).toBe(`${daemon.pid}\n`);
  await daemon.rpc("supervisor.sendProcessStdin", "cat", "after\n");
  await daemon.line("cat", "after");
  expect(fs.readFileSync(child, "utf8")).toBe("after\n");
});

test("a renamed child log is left alone until SIGUSR2", async () => {
  await using daemon = await boot("[program:cat]\ncommand=/bin/cat\nstdout_logfile=%(dir)s/cat.log");
  await daemon.state("cat", "RUNNING");
  const [log, renamed] = [join(daemon.dir, "cat.log"), join(daemon.dir, "cat.log-1")];
  fs.renameSync(log, renamed);
  // The socket is removed later and is back: by then the renamed log would have been made again too.
  fs.unlinkSync(daemon.socket);
  await back(daemon.socket);
  await daemon.rpc("supervisor.sendProcessStdin", "cat", "old\n");
  await until(() => fs.readFileSync(renamed, "utf8") === "old\n", "the renamed log");
  expect(fs.existsSync(log)).toBe(false);
  daemon.signal("SIGUSR2");
  await back(log);
});

test("a removed directory: all that was in it is back when the directory is", async () => {
  await using daemon = await boot("[program:cat]\ncommand=/bin/cat\nstdout_logfile=%(dir)s/run/cat.log", {
    prepare: (dir) => {
      fs.mkdirSync(join(dir, "run"));
      const conf = join(dir, "supervisord.conf");
      const text = fs.readFileSync(conf, "utf8");
      fs.writeFileSync(conf, text.replace("/supervisord.pid", "/run/supervisord.pid"));
    },
  });
  await daemon.state("cat", "RUNNING");
  const run = join(daemon.dir, "run");
  fs.rmSync(run, { recursive: true });
  await daemon.logged(`cannot reopen log ${run}/cat.log`);
  fs.mkdirSync(run);
  await back(join(run, "supervisord.pid"));
  await back(join(run, "cat.log"));
});

test("a removed FastCGI socket is said, and made again once its processes have ended", async () => {
  await using daemon = await boot("[fcgi-program:f]\ncommand=/bin/sleep 1000\nsocket=unix://%(dir)s/f.sock");
  await daemon.state("f", "RUNNING");
  const path = join(daemon.dir, "f.sock");
  fs.unlinkSync(path);
  await daemon.logged(`WARN FastCGI socket ${path} was removed; stop all programs that share it`);
  expect(fs.existsSync(path)).toBe(false);
  await daemon.rpc("supervisor.stopProcessGroup", "f");
  await daemon.rpc("supervisor.startProcessGroup", "f");
  expect(fs.statSync(path).isSocket()).toBe(true);
});

test("who removes the socket in a loop fills no log", { timeout: 60_000 }, async () => {
  await using daemon = await boot("");
  for (let times = 0; times < 7; times += 1) {
    await back(daemon.socket);
    fs.unlinkSync(daemon.socket);
  }
  await back(daemon.socket);
  expect(await call({ socketPath: daemon.socket }, "supervisor.getPID")).toBe(daemon.pid);
  expect(removals(daemon).length).toBe(5);
});

asRoot(
  "a pidfile that the daemon can't read itself is written once, and does not keep it from starting",
  async () => {
    await using daemon = mortal("[program:cat]\ncommand=/bin/cat\n");
    fs.chownSync(daemon.dir, NOBODY, NOBODY);
    fs.chmodSync(daemon.dir, 0o755);
    const as = ["setpriv", `--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups"];
    await daemon.start(true, [...as, "/bin/sh", "-c", 'umask 0777; exec "$@"', "sh"]);
    expect(fs.readFileSync(join(daemon.dir, "supervisord.pid"), "utf8")).toBe(`${daemon.daemon.pid}\n`);
  },
);
