/**
 * The plain page in a real browser that runs no JavaScript: what people click on works, and what a page elsewhere
 * makes the browser ask for changes nothing. `*.test` names lead to this machine; unlike 127.0.0.1 they are no
 * "trustworthy" origins, to which browsers tell less about where a request comes from.
 */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, beforeAll, expect } from "vitest";
import { type Booted, boot } from "../support/boot.js";
import { fixture } from "../support/fixture.js";
import { freePort } from "../support/free-port.js";
import { needs } from "../support/needs.js";
import { faintTexts, focusRing, overflow, smallTargets } from "../support/page-measures.mjs";
import { environment } from "../support/programs.js";
import { runCommand } from "../support/run-command.js";
import { type Scratch, scratch } from "../support/scratch.js";
import { until } from "../support/until.js";

const { describe, test } = needs("chromium", "curl", "python3");

const FLAGS = [
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--host-resolver-rules=MAP *.test 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
];

interface Site extends AsyncDisposable {
  readonly daemon: Booted;
  readonly port: number;
  readonly url: string;
  pid(name: string): Promise<number>;
}

async function raise(conf: string, more = ""): Promise<Site> {
  const port = await freePort();
  const text = `[inet_http_server]\nport=127.0.0.1:${port}\n${more}\n${conf}`;
  const daemon = await boot(text, { supervisord: "loglevel=trace" }); // which tells each request
  return {
    daemon,
    port,
    url: `http://127.0.0.1:${port}/`,
    pid: async (name) => Number((await daemon.info(name))["pid"]),
    [Symbol.asyncDispose]: () => daemon[Symbol.asyncDispose](),
  };
}

const program = (name: string, more = ""): string =>
  `[program:${name}]\ncommand=${fixture("ready")}\nstartsecs=0\n${more}\n`;

describe("the web page in Chromium without JavaScript", { timeout: 90_000 }, () => {
  let place: Scratch;
  let browser: Browser;

  beforeAll(async () => {
    place = scratch();
    const { chromium } = await import("playwright-core");
    browser = await chromium.launch({
      executablePath: "/usr/bin/chromium",
      args: FLAGS,
      env: { ...environment(place.dir), HOME: place.dir, TMPDIR: place.dir },
    });
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    place[Symbol.dispose]();
  });

  /** A page of its own, and what the browser complains about: blocked styles, missing files, refused scripts. */
  async function open(
    options: BrowserContextOptions = {},
  ): Promise<{ readonly page: Page; readonly complaints: string[] } & AsyncDisposable> {
    const context = await browser.newContext({ javaScriptEnabled: false, ...options });
    context.setDefaultTimeout(30_000);
    const complaints: string[] = [];
    context.on("console", (message) => complaints.push(message.text()));
    context.on("dialog", (dialog) => {
      complaints.push(`dialog ${dialog.message()}`);
      void dialog.dismiss();
    });
    const page = await context.newPage();
    return { page, complaints, [Symbol.asyncDispose]: () => context.close() };
  }

  const message = (page: Page): Promise<string | null> => page.getByRole("status").textContent();
  const badge = (page: Page, name: string): Promise<string | null> =>
    page
      .getByRole("row")
      .filter({ has: page.getByRole("link", { name, exact: true }) })
      .locator("td.status")
      .textContent();
  const press = (page: Page, name: string): Promise<void> =>
    page.getByRole("button", { name, exact: true }).click();

  test("starts, restarts, stops, clears, refreshes", async () => {
    await using site = await raise(program("web", "autostart=false") + program("other"));
    await using tab = await open();
    const { page } = tab;
    await page.goto(site.url);
    expect(await page.title()).toBe("Supervisor Status");
    expect([await badge(page, "web"), await badge(page, "other")]).toEqual(["stopped", "running"]);

    await press(page, "Start: web");
    expect([await message(page), await badge(page, "web")]).toEqual(["Process web started", "running"]);
    await site.daemon.line("web", "ready");
    const before = await site.pid("web");
    await press(page, "Restart: web");
    expect([await message(page), await badge(page, "web")]).toEqual(["Process web restarted", "running"]);
    expect(await site.pid("web")).not.toBe(before);
    await press(page, "Stop: web");
    expect([await message(page), await badge(page, "web")]).toEqual(["Process web stopped", "stopped"]);
    expect(await site.daemon.output("web")).toContain("ready");
    await press(page, "Clear Log: web");
    expect(await message(page)).toBe("Log for web cleared");
    expect(await site.daemon.output("web")).toBe("");
    await page.getByRole("link", { name: "Refresh" }).click();
    expect(await message(page)).toMatch(/^Page refreshed at /);
    expect(new URL(page.url()).pathname).toBe("/index.html");
    expect(tab.complaints).toEqual([]);
  });

  test("stops all and restarts all", async () => {
    await using site = await raise(program("a") + program("b"));
    await using tab = await open();
    const { page } = tab;
    await page.goto(site.url);
    await press(page, "Stop All");
    expect(await message(page)).toMatch(/^All stopped at /);
    expect([await badge(page, "a"), await badge(page, "b")]).toEqual(["stopped", "stopped"]);
    await press(page, "Restart All");
    expect(await message(page)).toMatch(/^All restarted at /);
    expect([await badge(page, "a"), await badge(page, "b")]).toEqual(["running", "running"]);
    expect(tab.complaints).toEqual([]);
  });

  test("tails a log, once and for ever", async () => {
    await using site = await raise(`[program:p]\ncommand=${fixture("say-when-told")} later\n`);
    await site.daemon.line("p", "ready");
    await using tab = await open();
    const { page } = tab;
    await page.goto(site.url);
    const [tail] = await Promise.all([
      page.waitForEvent("popup"),
      page.getByRole("link", { name: "p", exact: true }).click(),
    ]);
    expect(await tail.title()).toBe("Supervisor tail of process p");
    expect((await tail.locator("pre").textContent())?.trim()).toBe("ready");
    const [stream] = await Promise.all([
      page.waitForEvent("popup"),
      page.getByRole("link", { name: "Tail -f Stdout: p" }).click(),
    ]);
    const streamed = async (): Promise<string> => (await stream.locator("body").textContent()) ?? "";
    await until(async () => (await streamed()).includes("ready"), "the stream's beginning");
    await site.daemon.rpc("supervisor.signalProcess", "p", "USR1");
    await until(async () => (await streamed()).includes("later"), "what came later, in the stream");
    // A page is there before all of it has come.
    const shown = async (): Promise<string> => (await tail.locator("pre").textContent()) ?? "";
    await tail.getByRole("link", { name: "Refresh" }).click();
    await until(async () => (await shown()).includes("later"), "what came later, on the page");
    await tail.getByRole("link", { name: "More" }).click();
    expect(tail.url()).toContain("limit=8192");
    await until(async () => (await shown()).includes("later"), "what came later, on the page");
    await tail.getByRole("link", { name: "Status" }).click();
    expect(await tail.title()).toBe("Supervisor Status");
    expect(tab.complaints).toEqual([]);
  });

  test("needs no mouse", async () => {
    await using site = await raise(program("web", "autostart=false"));
    await using tab = await open();
    const { page } = tab;
    await page.goto(site.url);
    const focus = page.locator(":focus");
    const reached: string[] = [];
    for (let key = 0; key < 10 && !reached.includes("Start: web"); key += 1) {
      await page.keyboard.press("Tab");
      reached.push((await focus.getAttribute("aria-label")) ?? (await focus.textContent()) ?? "");
    }
    expect(reached).toEqual(["Refresh", "Restart All", "Stop All", "web", "Start: web"]);
    expect(await page.evaluate(focusRing)).toBe("solid");
    await page.keyboard.press("Enter");
    await page.getByText("Process web started").waitFor();
    expect(await badge(page, "web")).toBe("running");
  });

  for (const colorScheme of ["light", "dark"] as const) {
    test(`can be read in ${colorScheme}, and on a phone`, async () => {
      await using site = await raise(
        `${program("web")}${program("stopped", "autostart=false")}[program:a-program-with-a-long-name]
command=/nonexistent/program
startretries=0
numprocs=2
process_name=%(program_name)s_%(process_num)02d
`,
      );
      await site.daemon.state("a-program-with-a-long-name:a-program-with-a-long-name_01", "FATAL");
      await using tab = await open({ colorScheme, viewport: { width: 360, height: 640 } });
      const { page } = tab;
      for (const path of ["?message=Said", "tail.html?processname=web", "?action=stopall"]) {
        await page.goto(site.url + path);
        expect(await page.evaluate(overflow), path).toBe(0);
        expect(await page.evaluate(faintTexts), path).toEqual([]);
        expect(await page.evaluate(smallTargets), path).toEqual([]);
      }
      await page.setViewportSize({ width: 1280, height: 800 });
      await page.goto(`${site.url}?message=Said`);
      expect(await page.evaluate(overflow)).toBe(0);
      expect(await page.evaluate(faintTexts)).toEqual([]);
      expect(tab.complaints).toEqual([]);
    });
  }

  test("shows what logs, names and messages hold, and obeys none of it, even where scripts may run", async () => {
    const name = `x"><script>alert(1)</script>`;
    const script = "<script>document.title='owned'</script>";
    const text = `\\033[31mred\\033[0m \\033]0;title\\007 ${script}<img src=x onerror=alert(2)> \\000\\342\\200\\256txt`;
    await using site = await raise(
      `[program:evil]\ncommand=${fixture("print-raw")} "${text.replaceAll("\\", "\\\\")}"\nstartsecs=0\n[program:${name.replace("/", "")}]\ncommand=/bin/cat\n`,
    );
    await site.daemon.line("evil", "red");
    await using tab = await open({ javaScriptEnabled: true });
    const { page } = tab;
    await page.goto(`${site.url}?message=${encodeURIComponent(`${script}\u001b[2J`)}`);
    expect(await message(page)).toBe(`${script}\u241b[2J`);
    expect(await page.locator("script, img").count()).toBe(0);
    expect(await page.getByRole("row").count()).toBe(3);
    await page.goto(`${site.url}tail.html?processname=evil`);
    expect(await page.locator("pre").textContent()).toContain(
      `red \u241b]0;title\u2407 ${script}<img src=x onerror=alert(2)> \u2400\ufffdtxt`,
    );
    expect(await page.locator("script, img").count()).toBe(0);
    expect(await page.title()).toBe("Supervisor tail of process evil");
    await page.goto(`${site.url}logtail/evil`, { waitUntil: "commit" });
    await until(
      async () => (await page.locator("body").textContent())?.includes(script),
      "the stream as text",
    );
    expect(await page.locator("script, body img").count()).toBe(0);
    expect(tab.complaints).toEqual([]);
  });

  for (const host of ["127.0.0.1", "supervisor.test"]) {
    for (const credentials of [null, { username: "u", password: "p" }]) {
      test(`a page elsewhere changes nothing on ${host}${credentials === null ? "" : ", though one is logged in"}`, async () => {
        const login = credentials === null ? "allowed_hosts=supervisor.test" : "username=u\npassword=p";
        await using site = await raise(program("web") + program("down", "autostart=false"), login);
        const url = `http://${host}:${site.port}/`;
        await using elsewhere = await serve((path) => forgery(url, path));
        await using tab = await open(credentials === null ? {} : { httpCredentials: credentials });
        const { page } = tab;
        await page.goto(url);
        expect(await page.title()).toBe("Supervisor Status"); // from here on it is logged in
        const before = await site.pid("web");
        const unchanged = async (): Promise<void> => {
          expect([await site.pid("web"), await site.pid("down")]).toEqual([before, 0]);
        };

        // Images, styles, frames: asked for without a click, with and without a word on who asks.
        const asked = ["GET /?action=stopall", ...["stop", "restart", "start"].map(actionLine)];
        for (const [turn, referrer] of ["", "?no-referrer"].entries()) {
          await page.goto(`http://elsewhere.test:${elsewhere.port}/${referrer}`);
          for (const line of asked)
            await until(() => site.daemon.log().filter((each) => each.includes(line)).length > turn, line);
          await unchanged();
        }
        // A link that somebody does click on is asked about.
        await page.getByRole("link", { name: "Kittens" }).click();
        expect(await page.getByRole("heading").textContent()).toBe("Really stop web?");
        await unchanged();
        // Forms: as the page's own, without its token; and XML-RPC in the disguise of text.
        for (const form of ["own", "guessed", "rpc"]) {
          await page.goto(`http://elsewhere.test:${elsewhere.port}/`);
          const [answer] = await Promise.all([
            page.waitForResponse((response) => response.request().method() === "POST"),
            page.getByRole("button", { name: form }).click(),
          ]);
          expect([form, answer.status()]).toEqual([form, 403]);
          await unchanged();
        }
        // One's own answer counts.
        await page.goto(`${url}?processname=web&action=stop`);
        await press(page, "stop web");
        expect(await message(page)).toBe("Process web stopped");
        expect(await site.pid("web")).toBe(0);
      });
    }
  }

  test("shows nothing to a page that made its own name lead here", async () => {
    await using site = await raise(program("web"));
    await using tab = await open({ javaScriptEnabled: true });
    const { page } = tab;
    const answer = await page.goto(`http://rebound.test:${site.port}/`);
    expect([answer?.status(), await page.locator("form").count()]).toEqual([403, 0]);
    expect(await page.locator("body").textContent()).toContain("allowed_hosts in [inet_http_server]");
    const rpc = await page.evaluate(async () => {
      const body = "<methodCall><methodName>supervisor.getState</methodName></methodCall>";
      return (await fetch("/RPC2", { method: "POST", body })).status;
    });
    expect(rpc).toBe(403);
  });

  test("asks for the password, and then works as without", async () => {
    await using site = await raise(program("web"), "username=u\npassword=p:w");
    for (const httpCredentials of [undefined, { username: "u", password: "wrong" }]) {
      await using tab = await open(httpCredentials === undefined ? {} : { httpCredentials });
      const statuses: number[] = [];
      tab.page.on("response", (response) => statuses.push(response.status()));
      await tab.page.goto(site.url).catch(() => null); // some browsers show the page of a 401, others their own
      expect([...new Set(statuses)]).toEqual([401]);
    }
    await using tab = await open({ httpCredentials: { username: "u", password: "p:w" } });
    const { page } = tab;
    await page.goto(site.url);
    await press(page, "Stop: web");
    expect([await message(page), await badge(page, "web")]).toEqual(["Process web stopped", "stopped"]);
    await press(page, "Start: web");
    expect(await message(page)).toBe("Process web started");
    const [tail] = await Promise.all([
      page.waitForEvent("popup"),
      page.getByRole("link", { name: "web", exact: true }).click(),
    ]);
    await until(async () => {
      await tail.reload();
      return (await tail.locator("pre").textContent())?.includes("ready");
    }, "the log's tail");
    expect(tab.complaints).toEqual([]);
  });

  test("leaves curl the addresses it knows", async () => {
    await using site = await raise(program("web", "autostart=false"), "username=u\npassword=p");
    const curl = async (...words: readonly string[]): Promise<string> => {
      const command = ["curl", "-s", "-u", "u:p", "-w", "\n%{http_code} %{redirect_url}", ...words];
      return (await runCommand(command, { env: environment(site.daemon.dir) })).out;
    };
    const act = (action: string): Promise<string> =>
      curl(`${site.url}index.html?processname=web&action=${action}`);
    expect(await act("start")).toBe(`\n301 ${site.url}?message=Process%20web%20started`);
    expect(await site.pid("web")).not.toBe(0);
    expect(await act("restart")).toBe(`\n301 ${site.url}?message=Process%20web%20restarted`);
    expect(await act("clearlog")).toBe(`\n301 ${site.url}?message=Log%20for%20web%20cleared`);
    expect(await act("stop")).toBe(`\n301 ${site.url}?message=Process%20web%20stopped`);
    expect(await site.pid("web")).toBe(0);
    expect(await curl(`${site.url}?action=restartall`)).toContain("\n301 ");
    expect(await site.pid("web")).not.toBe(0);
    expect(await curl("-L", `${site.url}?action=stopall`)).toContain("All stopped at ");
    expect(await site.pid("web")).toBe(0);
    expect(await curl(`${site.url}ok.html`)).toBe("OK\n200 ");
    const call = "<methodCall><methodName>supervisor.startAllProcesses</methodName></methodCall>";
    expect(await curl("-d", call, `${site.url}RPC2`)).toContain("\n200 ");
    expect(await site.pid("web")).not.toBe(0);
  });
});

/** What the log says of a request for this. */
function actionLine(action: string): string {
  return `GET /index.html?processname=${action === "start" ? "down" : "web"}&action=${action} `;
}

interface Elsewhere extends AsyncDisposable {
  readonly port: number;
}

async function serve(pageOf: (path: string) => string): Promise<Elsewhere> {
  const server: Server = createServer((request, response) => {
    response.writeHead(200, { "Content-Type": "text/html" }).end(pageOf(request.url ?? ""));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** All that a page without scripts can make a browser ask of another site. */
function forgery(url: string, path: string): string {
  const xml = `<?xml version="1.0"?><methodCall><methodName>supervisor.startProcess</methodName><params><param><value>down</value></param></params><!--`;
  const attribute = xml.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;");
  return `<!DOCTYPE html><title>Elsewhere</title>
${path.includes("no-referrer") ? '<meta name="referrer" content="no-referrer">' : ""}
<link rel="stylesheet" href="${url}index.html?processname=web&amp;action=stop">
<img src="${url}?action=stopall" alt="">
<img src="${url}index.html?processname=web&amp;action=restart" alt="">
<iframe src="${url}index.html?processname=down&amp;action=start"></iframe>
<a href="${url}index.html?processname=web&amp;action=stop">Kittens</a>
<form method="post" action="${url}index.html?processname=web&amp;action=stop"><button>own</button></form>
<form method="post" action="${url}"><input type="hidden" name="action" value="stopall">
<input type="hidden" name="token" value="${"0".repeat(64)}"><button>guessed</button></form>
<form method="post" action="${url}RPC2" enctype="text/plain">
<input type="hidden" name="${attribute}" value="--&gt;&lt;/methodCall>"><button>rpc</button></form>
`;
}
