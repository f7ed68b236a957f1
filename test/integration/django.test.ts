/** examples/django: nginx, uWSGI, Django, gunicorn, redis and celery, for real and together. */
import { existsSync, readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { needs } from "../support/needs.js";
import { alive } from "../support/processes.js";
import { type Ran, runCommand } from "../support/run-command.js";
import { scratch } from "../support/scratch.js";
import { until } from "../support/until.js";
import { children, EXAMPLES, type Example, get, leftovers, raise } from "./support-examples.js";

const { describe } = needs(
  "uwsgi",
  "uwsgi-plugin-python3",
  "nginx",
  "python3-django",
  "gunicorn",
  "celery",
  "python3-redis",
  "redis-server",
);

const PROGRAMS = ["beat", "celery", "gunicorn", "my", "my-ini", "nginx", "redis"] as const;
const allIn = (statename: string): Record<string, string> =>
  Object.fromEntries(PROGRAMS.map((name) => [name, statename]));
/** What supervisorctl prints for all of them, sorted; the first is what follows the last newline. */
const lines = (done: string): string[] => ["", ...PROGRAMS.map((name) => `${name}: ${done}`).sort()];
/** Which program answers under which path. */
const SERVERS = { my: "/", "my-ini": "/ini/", gunicorn: "/gunicorn/" } as const;
const setup = (...args: readonly string[]): Promise<Ran> =>
  runCommand([process.execPath, join(EXAMPLES, "django/setup.mjs"), ...args]);
const PATIENT = { ceilingMs: 60_000 };

interface Home {
  readonly pid: number;
  readonly parent: number;
  readonly server: string;
}

interface Stats {
  readonly pid: number;
  readonly workers: readonly { readonly id: number; readonly pid: number }[];
}

describe("nginx, uWSGI, Django and their company", { timeout: 180_000 }, () => {
  let example: Example;
  let dir: string;
  let ports: { readonly http_port: number; readonly stats_port: number };

  beforeAll(async () => {
    const place = scratch();
    dir = place.dir;
    const ran = await setup(dir);
    expect({ err: ran.err, exit: ran.exit }).toEqual({ err: "", exit: 0 });
    ports = JSON.parse(read("site.json")) as typeof ports;
    example = await raise(place, { socket: "supervisor.sock", log: "log/supervisord.log" });
  }, 60_000);
  afterAll(() => example?.[Symbol.dispose]());

  const read = (name: string): string => readFileSync(join(dir, name), "utf8");

  const allRunning = (): Promise<unknown> =>
    until(
      async () => {
        const states = Object.values(await example.states().catch(() => ({})));
        return states.length === PROGRAMS.length && states.every((state) => state === "RUNNING");
      },
      "every program RUNNING",
      PATIENT,
    );

  /** What the home page says, once this program's own workers are the ones that answer. */
  const home = (name: keyof typeof SERVERS): Promise<Home> =>
    until(
      async () => {
        const page = await get(ports.http_port, SERVERS[name]);
        if (page?.status !== 200) return null;
        const said = JSON.parse(page.text) as Home;
        return said.parent === (await example.pid(name)) && said;
      },
      `${name} answering through nginx`,
      PATIENT,
    );

  /** uWSGI writes its statistics to whoever connects, and hangs up. */
  async function stats(): Promise<Stats> {
    const chunks: Buffer[] = [];
    for await (const chunk of connect({ host: "127.0.0.1", port: ports.stats_port })) chunks.push(chunk);
    return JSON.parse(Buffer.concat(chunks).toString("utf8")) as Stats;
  }

  const pids = async (): Promise<Record<string, number>> =>
    Object.fromEntries(
      await Promise.all(PROGRAMS.map(async (name) => [name, await example.pid(name)] as const)),
    );

  const gone = (old: readonly number[]): Promise<unknown> =>
    until(() => old.every((pid) => !alive(pid)), `the end of ${old.join(", ")}`);

  test("setup refuses a directory that holds anything", async () => {
    expect(await setup(dir)).toEqual({ out: "", err: `Cannot set up in ${dir}: it is not empty\n`, exit: 1 });
  });

  test("with the filesystem as broker there is no redis", async () => {
    using other = scratch();
    expect((await setup(other.dir, "--broker=filesystem")).exit).toBe(0);
    expect(readdirSync(join(other.dir, "conf.d"))).toEqual([]);
    expect(readFileSync(join(other.dir, "mysite/celery.py"), "utf8")).toContain('broker="filesystem://"');
  });

  test("everything under one conf is RUNNING", async () => {
    await allRunning();
    expect(await example.states()).toEqual(allIn("RUNNING"));
  });

  test("Django answers through nginx from uWSGI, from uWSGI with an ini, and from gunicorn", async () => {
    expect((await home("my")).server).toBe("uwsgi");
    expect((await home("my-ini")).server).toBe("uwsgi");
    expect((await home("gunicorn")).server).toMatch(/^gunicorn\//);
  });

  test("nginx serves static files and writes its access log to the stdout that supervisord keeps", async () => {
    const path = "/static/hello.txt?here-is-the-line";
    expect(await get(ports.http_port, path)).toEqual({ status: 200, text: "served by nginx itself\n" });
    const log = "log/nginx-access.log";
    await until(() => read(log).includes(`"GET ${path} HTTP/1.1" 200`), "the access log line");
    const info = (await example.rpc("supervisor.getProcessInfo", "nginx")) as Record<string, unknown>;
    expect(info["stdout_logfile"]).toBe(join(dir, log));
  });

  test("uWSGI's stats socket names the master supervisord knows and its four workers", async () => {
    await home("my");
    const { pid, workers } = await stats();
    expect({ pid, workers: workers.length }).toEqual({ pid: await example.pid("my"), workers: 4 });
    expect(children(pid)).toEqual(expect.arrayContaining(workers.map((worker) => worker.pid)));
  });

  test("a task enqueued by a page is worked off by celery, and beat's own tasks too", async () => {
    await home("my");
    const page = await get(ports.http_port, "/enqueue/hello");
    expect(page?.status).toBe(202);
    const { task } = JSON.parse(page?.text ?? "") as { readonly task: string };
    const result = await until(async () => {
      const answer = await get(ports.http_port, `/result/${task}`);
      return answer?.status === 200 && answer;
    }, "the task's result");
    expect(JSON.parse(result.text)).toEqual({ done: true, text: "HELLO" });
    await until(() => existsSync(join(dir, "results/time.txt")), "what beat has ordered");
  });

  test("TERM makes uWSGI reload and live on, hence stopsignal=QUIT", async () => {
    const before = await home("my");
    const workers = children(before.parent);
    expect(await example.ctl("signal", "TERM", "my")).toEqual({ out: "my: signalled\n", err: "", exit: 0 });
    await gone(workers);
    expect((await home("my")).parent).toBe(before.parent);
  });

  test("after kill -9 of the uWSGI master the site is back and no old worker is left", async () => {
    const { parent } = await home("my");
    const old = [parent, ...children(parent)];
    expect(old).toHaveLength(5);
    process.kill(parent, "SIGKILL");
    await until(async () => (await example.pid("my")) !== parent, "another pid");
    const back = await home("my");
    await example.state("my", "RUNNING");
    await gone(old);
    expect(old).not.toContain(back.pid);
    expect(example.log()).toContain("WARN exited: my (terminated by SIGKILL; not expected)");
  });

  test("restart my brings other workers and touches nothing else", async () => {
    const { parent } = await home("my");
    const old = [parent, ...children(parent)];
    const before = await pids();
    expect(await example.ctl("restart", "my")).toEqual({
      out: "my: stopped\nmy: started\n",
      err: "",
      exit: 0,
    });
    expect((await home("my")).parent).not.toBe(parent);
    expect(old.filter(alive)).toEqual([]);
    expect(await pids()).toEqual({ ...before, my: await example.pid("my") });
    expect(example.log()).not.toContain(`WARN killing 'my' (${parent}) with SIGKILL`);
  });

  test("a uWSGI with die-on-term stops on TERM, and its socket goes with it", async () => {
    const { parent } = await home("my-ini");
    expect(await example.ctl("stop", "my-ini")).toEqual({ out: "my-ini: stopped\n", err: "", exit: 0 });
    expect(example.log()).toContain("INFO stopped: my-ini (exit status 0)");
    expect({ alive: alive(parent), socket: existsSync(join(dir, "run/my-ini.sock")) }).toEqual({
      alive: false,
      socket: false,
    });
    expect((await get(ports.http_port, "/ini/"))?.status).toBe(502);
    expect((await example.ctl("start", "my-ini")).out).toBe("my-ini: started\n");
    await home("my-ini");
  });

  test("update after an edit restarts what was edited and nothing else", async () => {
    const before = await pids();
    const conf = join(dir, "supervisord.conf");
    writeFileSync(conf, readFileSync(conf, "utf8").replace("--processes 4", "--processes 2"));
    expect(await example.ctl("update")).toEqual({
      out: "my: stopped\nmy: updated process group\n",
      err: "",
      exit: 0,
    });
    await home("my");
    await until(async () => (await stats()).workers.length === 2, "two workers");
    const after = await pids();
    expect(after).toEqual({ ...before, my: after["my"] });
    expect(after["my"]).not.toBe(before["my"]);
  });

  // From here until its next start that uWSGI would leave its socket behind when stopped: having re-executed itself,
  // it takes the socket for somebody else's ("changed inode").
  test("py-autoreload gives new workers after an edit, under the pid that supervisord knows", async () => {
    const before = await home("my-ini");
    const workers = children(before.parent);
    const later = new Date(Date.now() + 10_000);
    utimesSync(join(dir, "mysite/wsgi.py"), later, later);
    await gone(workers);
    expect((await home("my-ini")).parent).toBe(before.parent);
  });

  test("reload restarts the whole chain under the same daemon", async () => {
    const before = await pids();
    const old = Object.values(before).flatMap((pid) => [pid, ...children(pid)]);
    expect(await example.ctl("reload")).toEqual({ out: "Restarted supervisord\n", err: "", exit: 0 });
    await gone(old);
    await allRunning();
    for (const name of ["my", "my-ini", "gunicorn"] as const) await home(name);
    expect(await example.rpc("supervisor.getPID")).toBe(example.daemon.pid);
  });

  test("stop all leaves only the daemon, start all brings everything back", async () => {
    const stopped = await example.ctl("stop", "all");
    expect({ ...stopped, out: stopped.out.split("\n").sort() }).toEqual({
      out: lines("stopped"),
      err: "",
      exit: 0,
    });
    expect(await example.states()).toEqual(allIn("STOPPED"));
    expect(await get(ports.http_port, "/static/hello.txt")).toBeNull();
    const mine = `process ${example.daemon.pid}: `;
    expect(
      leftovers(dir)
        .filter((line) => !line.startsWith(mine))
        .sort(),
    ).toEqual([join(dir, "supervisor.sock"), join(dir, "supervisord.pid")]);
    const started = await example.ctl("start", "all");
    expect({ ...started, out: started.out.split("\n").sort() }).toEqual({
      out: lines("started"),
      err: "",
      exit: 0,
    });
    await home("my");
  });

  test("after shutdown no process, socket or pidfile is left", async () => {
    expect(await example.ctl("shutdown")).toEqual({ out: "Shut down\n", err: "", exit: 0 });
    expect(await example.daemon.exited).toBe(0);
    expect(leftovers(dir)).toEqual([]);
  });
});
