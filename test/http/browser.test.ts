/** Headers tell a browser from other clients, and a page of this server from a page elsewhere. */
import { describe, expect, test } from "vitest";
import { hasForeignOrigin, isCrossSite, isHostOf, looksLikeBrowser } from "../../src/http/browser.js";
import { machineNames } from "../../src/http/machine-names.js";

describe("looks like a browser", () => {
  test.each([
    { origin: "null" },
    { referer: "http://x/" },
    { cookie: "a=b" },
    { "sec-fetch-mode": "navigate" },
    { "sec-fetch-dest": "image" },
    { "user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0" },
  ])("%j", (headers) => {
    expect(looksLikeBrowser(headers)).toBe(true);
  });

  test.each([
    ["curl", { "user-agent": "curl/7.88.1", accept: "*/*" }],
    ["Prometheus", { "user-agent": "Prometheus/2.53.0", accept: "text/plain", "accept-encoding": "gzip" }],
    ["Python", { "user-agent": "Python-xmlrpc/3.11", "content-type": "text/xml" }],
    ["requests", { "user-agent": "python-requests/2.32", accept: "*/*", connection: "keep-alive" }],
    ["Go", { "user-agent": "Go-http-client/1.1" }],
    ["wget", { "user-agent": "Wget/1.21.3" }],
    ["a load balancer", { "user-agent": "ELB-HealthChecker/2.0" }],
    ["nobody", {}],
  ])("%s does not", (_who, headers) => {
    expect(looksLikeBrowser(headers)).toBe(false);
  });
});

describe("a Host", () => {
  const names = ["localhost", "web1", "web1.corp.example", "proxy:8080"];
  test.each([
    "127.0.0.1",
    "10.1.2.3:9001",
    "[::1]",
    "[fe80::1]:9001",
    "localhost:9001",
    "LocalHost.",
    "WEB1:9001",
    "web1.corp.example",
    "proxy:8080",
  ])("%s is known", (host) => {
    expect(isHostOf(host, names)).toBe(true);
  });

  test.each([
    "",
    "evil.example",
    "127.0.0.1.evil.example",
    "localhost.evil.example:9001",
    "evil.example:127",
    "web1.evil.example",
    "web1@evil.example",
    "proxy:8081",
    "[::1].evil.example",
  ])("%j is not", (host) => {
    expect(isHostOf(host, names)).toBe(false);
  });
});

describe("a page of another site", () => {
  test.each([
    ["cross-site", true],
    ["same-site", true],
    ["what is yet to come", true],
    ["same-origin", false],
    ["none", false],
    [undefined, false],
  ])("is known by Sec-Fetch-Site: %s", (site, expected) => {
    expect(isCrossSite(site === undefined ? {} : { "sec-fetch-site": site })).toBe(expected);
  });

  test.each([
    ["none", undefined, { host: "here" }, false],
    ["its own", "http://here:9001", { host: "here:9001" }, false],
    ["its own, in other letters", "http://HERE", { host: "here" }, false],
    ["its own behind TLS", "https://here", { host: "here:443" }, false],
    [
      "a proxy's that says so",
      "https://proxy",
      { host: "127.0.0.1:9001", "x-forwarded-host": "proxy" },
      false,
    ],
    ["a proxy's before another", "https://a", { host: "c", "x-forwarded-host": "a, b" }, false],
    ["another host", "http://evil", { host: "here" }, true],
    ["another port", "http://here:9002", { host: "here:9001" }, true],
    ["nobody's", "null", { host: "here" }, true],
    ["any, to no host", "http://evil", {}, true],
    ["one that begins alike", "http://here.evil", { host: "here" }, true],
  ] as const)("is known by its Origin: %s", (_what, origin, headers, expected) => {
    expect(hasForeignOrigin(origin === undefined ? headers : { origin, ...headers })).toBe(expected);
  });

  test("is not looked for in Origin where the browser has compared it", () => {
    const headers = { origin: "https://proxy", host: "here", "sec-fetch-site": "same-origin" };
    expect(hasForeignOrigin(headers)).toBe(false);
  });
});

describe("the machine's names", () => {
  const none = { hosts: "", resolv: "" };

  test("are its host name, long, short and on the local link, and localhost", () => {
    expect([...machineNames("Web1.Corp.example", none)]).toEqual([
      "localhost",
      "web1.corp.example",
      "web1",
      "web1.local",
    ]);
  });

  test("are those beside it in /etc/hosts, not others that lead here", () => {
    const hosts =
      "127.0.0.1 localhost\n127.0.1.1\tweb1.corp.example web1 # alias: evil\n0.0.0.0 ads.example\n# 10.0.0.1 web1 old\n";
    const names = machineNames("web1", { ...none, hosts });
    expect(names.has("web1.corp.example")).toBe(true);
    for (const name of ["ads.example", "evil", "old"]) expect(names.has(name)).toBe(false);
  });

  test("are also those that a search domain makes", () => {
    const resolv = "nameserver 10.0.0.2\nsearch corp.example. lab.example\n; domain old.example\n";
    const names = machineNames("web1", { ...none, resolv });
    expect([...names].slice(3)).toEqual(["web1.local", "web1.corp.example", "web1.lab.example"].slice(1));
  });

  test("are read from what is there", () => {
    expect(machineNames().has("localhost")).toBe(true);
  });
});
