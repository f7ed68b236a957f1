/** A web page elsewhere can make somebody's browser do nothing to a daemon, and other clients notice nothing of it. */
import { hostname } from "node:os";
import { describe, expect, test } from "vitest";
import { type Booted, boot } from "../support/boot.js";
import { freePort } from "../support/free-port.js";
import { request } from "../support/http.js";

const PROGRAM = "[program:p]\ncommand=/bin/sleep 1000\nautostart=false\nstartsecs=0";
const START = "/index.html?processname=p&action=start";
const LOCK = "username=me\npassword=secret";
const FIREFOX = { "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0" };
const XML = `<methodCall><methodName>supervisor.startProcess</methodName><params><param><value>p</value></param></params></methodCall>`;

interface Target {
  readonly daemon: Booted;
  ask(
    method: string,
    path: string,
    headers?: Readonly<Record<string, string>>,
    body?: string,
  ): Promise<{ readonly status: number; readonly page: string; readonly location: string | undefined }>;
  state(): Promise<unknown>;
}

async function raise(more: string, section = "inet_http_server"): Promise<Target & AsyncDisposable> {
  const port = await freePort();
  const daemon = await boot(`[${section}]\nport=127.0.0.1:${port}\n${more}\n${PROGRAM}`);
  const target = more.includes("password") ? { port, auth: "me:secret" } : { port };
  return {
    daemon,
    async ask(method, path, headers = {}, body) {
      const answer = await request(target, method, path, {
        headers,
        ...(body === undefined ? {} : { body }),
      });
      const { status, headers: got } = answer;
      return { status, page: answer.body.toString(), location: got.location };
    },
    state: async () => (await daemon.info("p"))["statename"],
    [Symbol.asyncDispose]: () => daemon[Symbol.asyncDispose](),
  };
}

const tokenOf = (page: string): string => /name="token" value="([0-9a-f]+)"/.exec(page)?.[1] ?? "";

describe("a name that was made to lead here (DNS rebinding)", () => {
  const REBOUND = { ...FIREFOX, Host: "evil.example:9001" };

  test("is refused to browsers, whatever they ask for, and the answer says which key allows it", async () => {
    await using at = await raise("", "inet_http_server:x");
    const signs = [
      FIREFOX,
      { Origin: "http://evil.example:9001" },
      { Referer: "http://evil.example:9001/" },
      { Cookie: "a=b" },
      { "Sec-Fetch-Site": "same-origin" },
      { "Sec-Fetch-Dest": "script" },
    ];
    for (const sign of signs) {
      const headers = { ...sign, Host: "evil.example:9001" };
      for (const [method, path] of [
        ["GET", "/"],
        ["GET", START],
        ["GET", "/logtail/p"],
        ["GET", "/mainlogtail"],
        ["GET", "/tail.html?processname=p"],
        ["GET", "/stylesheets/supervisor.css"],
      ] as const)
        expect([path, (await at.ask(method, path, headers)).status]).toEqual([path, 403]);
      expect((await at.ask("POST", "/RPC2", headers, XML)).status).toBe(403);
    }
    const { page } = await at.ask("GET", "/", { ...REBOUND, Host: "<b>.example" });
    expect(page).toContain("allowed_hosts in [inet_http_server:x]");
    expect(page).toContain("&lt;b>.example");
    expect(await at.state()).toBe("STOPPED");
    const said = at.daemon.log().filter((line) => line.includes("which is in no allowed_hosts"));
    expect(said).toHaveLength(6); // of 43: 1, 2, 4, 8, 16, 32
    expect(said[0]).toBe(
      'WARN refused a browser that asked for host "evil.example:9001", which is in no allowed_hosts of [inet_http_server:x] (1 refused so far)',
    );
  });

  test("is no matter to scripts, exporters and whoever else is no browser", async () => {
    await using at = await raise("");
    for (const agent of ["curl/7.88.1", "Prometheus/2.53.0", "Python-xmlrpc/3.11", "Go-http-client/1.1"]) {
      const headers = { "User-Agent": agent, Host: "supervisor:9001" };
      expect((await at.ask("GET", "/", headers)).status).toBe(200);
      expect(
        (await at.ask("POST", "/RPC2", headers, XML.replace("startProcess", "getProcessInfo"))).status,
      ).toBe(200);
    }
    expect((await at.ask("GET", START, { Host: "supervisor:9001" })).location).toContain(
      "http://supervisor:9001/",
    );
    expect(await at.state()).toBe("RUNNING");
    expect(at.daemon.log().filter((line) => line.includes("refused"))).toEqual([]);
  });

  test("is told from the machine's own names, addresses, and allowed_hosts", async () => {
    await using at = await raise("allowed_hosts = proxy.example, Other.Example:8080 ,");
    for (const host of [
      "127.0.0.1:9001",
      "[::1]:9001",
      "192.168.7.7",
      "localhost:9001",
      `${hostname()}:9001`,
      hostname().toUpperCase(),
      "proxy.example",
      "PROXY.example:443",
      "other.example:8080",
    ])
      expect([host, (await at.ask("GET", "/", { ...FIREFOX, Host: host })).status]).toEqual([host, 200]);
    for (const host of ["x.proxy.example", "other.example:8081"])
      expect([host, (await at.ask("GET", "/", { ...FIREFOX, Host: host })).status]).toEqual([host, 403]);
  });

  test("does not matter where there is a password, nor on a unix socket", async () => {
    await using at = await raise(LOCK);
    expect((await at.ask("GET", "/", REBOUND)).status).toBe(200);
    const socket = { socketPath: at.daemon.socket };
    expect((await request(socket, "GET", "/", { headers: REBOUND })).status).toBe(200);
  });
});

describe.each([
  ["without a password", ""],
  ["with the password that the browser remembers", LOCK],
])("a request that a page elsewhere makes, %s", (_what, lock) => {
  test("changes nothing: by forms, XML-RPC in any disguise, or links", async () => {
    await using at = await raise(lock);
    const token = tokenOf((await at.ask("GET", "/", FIREFOX)).page);
    const origins = [
      { "Sec-Fetch-Site": "cross-site", Origin: "http://evil.example" },
      { "Sec-Fetch-Site": "cross-site" },
      { "Sec-Fetch-Site": "same-site", Origin: "http://localhost:8080" },
      { Origin: "http://evil.example" },
      { Origin: "null" },
    ];
    for (const origin of origins) {
      for (const type of [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "text/xml",
      ]) {
        const headers = { ...FIREFOX, ...origin, "Content-Type": type };
        expect((await at.ask("POST", "/RPC2", headers, XML)).status).toBe(403);
      }
      expect((await at.ask("POST", "/RPC2", { ...origin }, XML)).status).toBe(403);
      expect((await at.ask("POST", START, { ...FIREFOX, ...origin }, "")).status).toBe(403);
      const link = await at.ask("GET", START, { ...FIREFOX, ...origin });
      expect([link.status, link.page.includes("Really start p?")]).toEqual([403, true]);
    }
    const site = { ...FIREFOX, "Sec-Fetch-Site": "cross-site" };
    expect((await at.ask("POST", START, site, `token=${token}`)).status).toBe(403);
    expect(await at.state()).toBe("STOPPED");
    const said = at.daemon.log().filter((line) => line.includes("page of another site"));
    expect(said).toHaveLength(6); // of 36
    expect(said[0]).toBe(
      'WARN refused POST "/RPC2", which a page of another site made a browser send (origin "http://evil.example"; 1 refused so far)',
    );
  });

  test("shows what it would change nothing of", async () => {
    await using at = await raise(lock);
    const site = { ...FIREFOX, "Sec-Fetch-Site": "cross-site" };
    for (const path of ["/", "/index.html?action=refresh", "/tail.html?processname=p", "/ok.html"])
      expect((await at.ask("GET", path, site)).status).toBeLessThan(400);
  });
});

describe("the page's own buttons work", () => {
  /** The page's own POST as each kind of proxy changes it. */
  const proxies = {
    "straight to it": { Host: "localhost:9001", Origin: "http://localhost:9001" },
    "in a browser that tells more": {
      Host: "localhost:9001",
      Origin: "http://localhost:9001",
      "Sec-Fetch-Site": "same-origin",
    },
    "behind a proxy that hands Host on": { Host: "proxy.example", Origin: "https://proxy.example" },
    "behind a proxy that says what it was": {
      Host: "127.0.0.1:9001",
      Origin: "https://proxy.example",
      "X-Forwarded-Host": "proxy.example",
      "X-Forwarded-Proto": "https",
    },
    "behind a proxy that tells nothing": { Host: "127.0.0.1:9001", Origin: "http://proxy.example" },
    "behind a proxy that tells nothing, in a browser that does": {
      Host: "127.0.0.1:9001",
      Origin: "https://proxy.example",
      "Sec-Fetch-Site": "same-origin",
    },
    "in a browser that hides where it is": { Host: "localhost:9001", Origin: "null" },
  };
  test.each(Object.entries(proxies))("%s", async (_how, headers) => {
    await using at = await raise("allowed_hosts=proxy.example");
    const { page } = await at.ask("GET", "/", { ...FIREFOX, Host: headers.Host });
    const sent = { ...FIREFOX, ...headers, "Content-Type": "application/x-www-form-urlencoded" };
    expect(await at.ask("POST", START, sent, `token=${tokenOf(page)}`)).toMatchObject({
      status: 303,
      location: "index.html?message=Process%20p%20started",
    });
    expect(await at.state()).toBe("RUNNING");
  });

  test("those of the question behind a foreign link too", async () => {
    await using at = await raise("");
    const { page } = await at.ask("GET", START, { ...FIREFOX, "Sec-Fetch-Site": "cross-site" });
    const own = { ...FIREFOX, "Sec-Fetch-Site": "same-origin" };
    expect((await at.ask("POST", START, own, `token=${tokenOf(page)}`)).status).toBe(303);
  });

  test("XML-RPC from a page of the same origin, too", async () => {
    await using at = await raise("");
    const headers = {
      ...FIREFOX,
      Host: "localhost:1",
      Origin: "http://localhost:1",
      "Content-Type": "text/xml",
    };
    expect((await at.ask("POST", "/RPC2", headers, XML)).status).toBe(200);
    expect(await at.state()).toBe("RUNNING");
  });
});
