/** The plain page, as scripts and as browsers meet it. */
import { describe, expect, test } from "vitest";
import { type Booted, boot } from "../support/boot.js";
import { request } from "../support/http.js";

const CONF = "[program:p]\ncommand=/bin/sleep 1000\nautostart=false\nstartsecs=0";
const BROWSER = { Accept: "text/html,application/xhtml+xml", "Sec-Fetch-Site": "same-origin" };
/** An address that was typed, or a link in a mail. */
const LINK = { ...BROWSER, "Sec-Fetch-Site": "none" };
const START = "/index.html?processname=p&action=start";

async function ask(
  daemon: Booted,
  method: string,
  path: string,
  headers: Record<string, string> = {},
  body?: string,
): Promise<{ readonly status: number; readonly location: string | undefined; readonly page: string }> {
  const target = { socketPath: daemon.socket };
  const answer = await request(target, method, path, { headers, ...(body === undefined ? {} : { body }) });
  const location = answer.headers.location;
  return { status: answer.status, location, page: answer.body.toString() };
}

function tokenOf(page: string): string {
  return /name="token" value="([0-9a-f]+)"/.exec(page)?.[1] ?? "";
}

async function stateOf(daemon: Booted): Promise<unknown> {
  return (await daemon.info("p"))["statename"];
}

describe("the web page", () => {
  test("does what a script asks for by GET, as the reference does", async () => {
    await using daemon = await boot(CONF);
    expect(await ask(daemon, "GET", START, { Host: "example" })).toMatchObject({
      status: 301,
      location: "http://example/?message=Process%20p%20started",
    });
    expect(await stateOf(daemon)).toBe("RUNNING");
  });

  test("asks a browser to confirm what a link from elsewhere wants", async () => {
    await using daemon = await boot(CONF);
    const { status, page } = await ask(daemon, "GET", START, LINK);
    expect(status).toBe(200);
    expect(page).toContain("Really start p?");
    expect(await stateOf(daemon)).toBe("STOPPED");
  });

  test("knows a browser by what it cannot leave out", async () => {
    await using daemon = await boot(CONF);
    // An image on a page without referrer, over plain HTTP: no Sec-Fetch-…, no Origin, no Referer, no text/html.
    const image = { Accept: "image/avif,image/webp,*/*;q=0.8" };
    for (const sign of [{ "User-Agent": "Mozilla/5.0 (X11; Linux x86_64)" }, { "Accept-Language": "en" }])
      expect((await ask(daemon, "GET", START, { ...image, ...sign })).page).toContain("Really start p?");
    expect(await stateOf(daemon)).toBe("STOPPED");
  });

  test("takes no XML-RPC from pages elsewhere", async () => {
    await using daemon = await boot(CONF);
    const xml = (method: string): string =>
      `<methodCall><methodName>supervisor.${method}</methodName></methodCall>`;
    const post = async (headers: Record<string, string>): Promise<number> =>
      (await ask(daemon, "POST", "/RPC2", { Host: "here:9001", ...headers }, xml("getState"))).status;
    for (const origin of ["http://elsewhere", "null", "http://here:9002"]) {
      expect(await post({ Origin: origin, "Content-Type": "text/plain" })).toBe(403);
      expect(await post({ Origin: origin })).toBe(403);
      expect(await post({ Origin: origin, "Content-Type": "text/xml; charset=utf-8" })).toBe(403);
    }
    expect((await ask(daemon, "OPTIONS", "/RPC2", { Origin: "http://elsewhere" })).status).toBe(400);
    expect(await post({ Origin: "http://here:9001", "Content-Type": "text/plain" })).toBe(200);
    expect(await post({ Origin: "https://proxy", "Sec-Fetch-Site": "same-origin" })).toBe(200);
    expect(await post({ "Content-Type": "application/x-www-form-urlencoded" })).toBe(200); // curl -d
    expect(await post({})).toBe(200);
  });

  test("refuses a browser's POST without the page's token", async () => {
    await using daemon = await boot(CONF);
    const form = {
      ...BROWSER,
      Origin: "http://elsewhere",
      "Content-Type": "application/x-www-form-urlencoded",
    };
    expect((await ask(daemon, "POST", START, form, "")).status).toBe(403);
    expect((await ask(daemon, "POST", START, form, `token=${"0".repeat(64)}`)).status).toBe(403);
    expect(await stateOf(daemon)).toBe("STOPPED");
  });

  test("does what its own buttons ask for", async () => {
    await using daemon = await boot(CONF);
    const token = tokenOf((await ask(daemon, "GET", "/", BROWSER)).page);
    expect(token).toHaveLength(64);
    expect(await ask(daemon, "POST", START, BROWSER, `token=${token}`)).toMatchObject({
      status: 303,
      location: "index.html?message=Process%20p%20started",
    });
    expect(await stateOf(daemon)).toBe("RUNNING");
  });

  test("shows names, messages and log text as text", async () => {
    await using daemon = await boot(
      `[program:x"><script>alert]\ncommand=/bin/sh -c 'echo "<img src=x>"; exec sleep 1000'`,
    );
    await daemon.line('x"><script>alert', "<img");
    const { page } = await ask(daemon, "GET", "/?message=%3Cscript%3Ealert(1)%3C/script%3E");
    expect(page).not.toContain("<script>");
    expect(page).toContain("&lt;script>alert(1)");
    const tail = await ask(daemon, "GET", `/tail.html?processname=${encodeURIComponent('x"><script>alert')}`);
    expect(tail.page).toContain("&lt;img src=x>");
    expect(tail.page).not.toContain("<script>");
  });

  test("answers 404 for what it has not, and 500 for an action it doesn't know", async () => {
    await using daemon = await boot(CONF);
    expect((await ask(daemon, "GET", "/nosuch")).status).toBe(404);
    expect((await ask(daemon, "GET", "/index.html?action=nosuch")).status).toBe(500);
    expect((await ask(daemon, "GET", "/images/icon.png")).status).toBe(200);
  });
});
