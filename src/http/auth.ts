/** HTTP Basic, as far as Supervisor has it. */
import { createHash, timingSafeEqual } from "node:crypto";
import type { ServerConfig } from "../core/config.js";

export type Verdict =
  | "welcome"
  | "unauthorized"
  /** What was sent can't be read; the reference answers 500. */
  | "unreadable";

const SHA_PREFIX = "{SHA}";

/** Judges an Authorization header against the server's username and password. */
export function authorize(server: ServerConfig, header: string | undefined): Verdict {
  if (server.username === null) return "welcome";
  const [scheme = "", cookie] = (header ?? "").split(" ", 2);
  if (scheme.toLowerCase() !== "basic" || cookie === undefined) return "unauthorized";
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(cookie) || cookie.length % 4 === 1) return "unreadable";
  const credentials = Buffer.from(cookie, "base64").toString("utf8");
  const colon = credentials.indexOf(":");
  if (colon < 0) return "unreadable";
  const userIsRight = same(credentials.slice(0, colon), server.username);
  const passwordIsRight = samePassword(credentials.slice(colon + 1), server.password ?? "");
  return userIsRight && passwordIsRight ? "welcome" : "unauthorized";
}

function samePassword(sent: string, configured: string): boolean {
  if (!configured.startsWith(SHA_PREFIX)) return same(sent, configured);
  return same(createHash("sha1").update(sent).digest("hex"), configured.slice(SHA_PREFIX.length));
}

/** Takes as long for a near miss as for any other. */
function same(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
