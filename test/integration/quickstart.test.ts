/** examples/quickstart, which is what `npm start` runs. */
import { cpSync, existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freePort } from "../support/free-port.js";
import { runCommand } from "../support/run-command.js";
import { scratch } from "../support/scratch.js";
import { until } from "../support/until.js";
import { EXAMPLES, type Example, get, leftovers, notRunning, raise } from "./support-examples.js";

interface Answer {
  readonly pid: number;
  readonly parent: number;
}

describe("the quickstart", { timeout: 90_000 }, () => {
  let example: Example;
  let port: number;
  let dir: string;

  beforeAll(async () => {
    const place = scratch("sd my é-");
    dir = place.dir;
    port = await freePort();
    cpSync(join(EXAMPLES, "quickstart"), dir, {
      recursive: true,
      filter: notRunning,
    });
    example = await raise(place, {
      socket: "run/supervisor.sock",
      log: "run/supervisord.log",
      env: { PORT: String(port) },
    });
  });
  afterAll(() => example[Symbol.dispose]());

  const run = (name: string): string => readFileSync(join(dir, "run", name), "utf8");

  async function answer(path = "/"): Promise<Answer> {
    const page = await until(() => get(port, path), `port ${port} answering`);
    return JSON.parse(page.text) as Answer;
  }

  test("npm start names its conf", () => {
    const text = readFileSync(join(EXAMPLES, "../package.json"), "utf8");
    const { scripts } = JSON.parse(text) as { readonly scripts: Readonly<Record<string, string>> };
    expect(scripts["start"]).toBe("node bin/supervisord-ts.js -n -c examples/quickstart/supervisord.conf");
  });

  test("the workers come up and the port answers", async () => {
    for (const name of ["web", "noisy", "crashing"]) await example.state(name, "RUNNING");
    expect((await answer()).parent).toBe(await example.pid("web"));
  });

  test("hello says on the daemon's own stdout what to type next, and is done", async () => {
    await example.state("hello", "EXITED");
    await until(() => example.daemon.stdout().includes("Ctrl-C here stops everything."), "hello's last line");
    expect(example.daemon.stdout()).toContain(`The web worker answers on http://127.0.0.1:${port}/`);
    expect(example.daemon.stdout()).toContain("supervisord.conf status");
  });

  test("a child of the web worker that dies is replaced, and the parent stays", async () => {
    const listening = (): number => run("web.log").match(/^child \d+ listens on/gm)?.length ?? 0;
    await until(() => listening() >= 3, "three children listening");
    const before = listening();
    const died = await answer("/die");
    await until(() => listening() === before + 1, "a new child listening");
    expect(run("web.log")).toContain(`child ${died.pid} ended with 1`);
    expect((await answer()).parent).toBe(died.parent);
  });

  test("the crashing one comes back each time", async () => {
    const pid = await example.pid("crashing");
    await until(
      async () =>
        (await example.states())["crashing"] === "RUNNING" && (await example.pid("crashing")) !== pid,
      "crashing under another pid",
    );
    expect(example.log()).toContain("WARN exited: crashing (exit status 1; not expected)");
    expect(run("crashing.log")).toContain(" dies\n");
  });

  test("the noisy one's log rotates and keeps three old files", async () => {
    const oldest = join(dir, "run", "noisy.log.3");
    await until(() => existsSync(oldest), "three old files");
    const { ino } = statSync(oldest);
    await until(() => statSync(oldest, { throwIfNoEntry: false })?.ino !== ino, "one more rotation");
    const files = readdirSync(join(dir, "run")).filter((name) => /^noisy\.log\.\d+$/.test(name));
    expect(files.sort()).toEqual(["noisy.log.1", "noisy.log.2", "noisy.log.3"]);
    // Rotation comes after the write that reaches the limit, so a file may be one write longer.
    for (const name of files) {
      const { size } = statSync(join(dir, "run", name));
      expect(size).toBeGreaterThanOrEqual(64 * 1024);
      expect(size).toBeLessThan(2 * 64 * 1024);
    }
  });

  test("restart web ends its parent in good order and brings another", async () => {
    const before = await answer();
    expect(await example.ctl("restart", "web")).toEqual({
      out: "web: stopped\nweb: started\n",
      err: "",
      exit: 0,
    });
    expect(example.log()).toContain("INFO stopped: web (exit status 0)");
    const after = await answer();
    expect(after.parent).toBe(await example.pid("web"));
    expect(after.parent).not.toBe(before.parent);
  });

  test("TERM ends everything: no process, socket or pidfile is left", async () => {
    example.daemon.kill("SIGTERM");
    expect(await example.daemon.exited).toBe(0);
    expect(leftovers(dir)).toEqual([]);
    expect(await get(port, "/")).toBeNull();
  });
});

test("the quickstart says so when somebody else has the port", { timeout: 60_000 }, async () => {
  const foreign = createServer((_request, response) => response.end("somebody else\n"));
  const port = await new Promise<number>((resolve) => {
    foreign.listen(0, () => resolve((foreign.address() as AddressInfo).port));
  });
  try {
    const env = {
      PATH: process.env["PATH"] ?? "",
      PORT: String(port),
      SUPERVISOR_SERVER_URL: "unix:///nowhere",
    };
    const { out, exit } = await runCommand([process.execPath, join(EXAMPLES, "quickstart/hello.mjs")], {
      env,
    });
    expect(out).toContain(
      `Port ${port} belongs to another program. Stop with Ctrl-C, then: PORT=9090 npm start`,
    );
    expect(exit).toBe(0);
  } finally {
    foreign.close();
  }
});
