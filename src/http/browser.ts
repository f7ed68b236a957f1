/**
 * Requests that a web page elsewhere may have made somebody's browser send. A browser always says something that
 * scripts and programs do not say, and a page cannot stop it from doing so. Two things are refused. A page that made its
 * own name point to this machine (DNS rebinding) is known by that name in Host. A page of another site that posts to
 * this one is known by Sec-Fetch-Site or, in an older browser, by Origin.
 */
import type { IncomingHttpHeaders } from "node:http";
import { isIP } from "node:net";
import { BROWSER } from "./request-head.js";

export function looksLikeBrowser(headers: IncomingHttpHeaders): boolean {
  const { origin, referer, cookie } = headers;
  if (origin !== undefined || referer !== undefined || cookie !== undefined) return true;
  if ((headers["user-agent"] ?? "").startsWith(BROWSER)) return true;
  return Object.keys(headers).some((name) => name.startsWith("sec-fetch-"));
}

/** Whether a Host header names an IP address or one of these names, which are in lower case. */
export function isHostOf(header: string, names: Iterable<string>): boolean {
  const host = header.trim().toLowerCase();
  const bare = host.replace(/:\d*$/, "").replace(/\.$/, "");
  if (isIP(bare.replace(/^\[(.*)\]$/, "$1")) !== 0) return true;
  for (const name of names) if (name === bare || name === host) return true;
  return false;
}

/** The browser itself says that the page that asks is of another origin. */
export function isCrossSite(headers: IncomingHttpHeaders): boolean {
  const site = headers["sec-fetch-site"];
  return site !== undefined && site !== "same-origin" && site !== "none";
}

/**
 * Whether Origin names another host than the request does. Behind a proxy that has a name of its own, X-Forwarded-Host
 * holds the name that the browser used; a page elsewhere cannot add that header without asking first. A browser that
 * sends Sec-Fetch-Site has compared the origins itself.
 */
export function hasForeignOrigin(headers: IncomingHttpHeaders): boolean {
  const { origin, host } = headers;
  if (origin === undefined || headers["sec-fetch-site"] !== undefined) return false;
  const [forwarded] = String(headers["x-forwarded-host"] ?? "").split(",", 1);
  const from = withoutDefaultPort(origin.replace(/^https?:\/\//, ""));
  return ![host, forwarded].some((name) => name !== undefined && from === withoutDefaultPort(name));
}

function withoutDefaultPort(host: string): string {
  return host
    .trim()
    .toLowerCase()
    .replace(/:(?:80|443)$/, "");
}
