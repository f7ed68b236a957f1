import { describe, expect, test } from "vitest";
import type { ServerConfig } from "../../src/core/config.js";
import { authorize } from "../../src/http/auth.js";

const server = (username: string | null, password: string | null): ServerConfig => ({
  kind: "inet",
  section: "inet_http_server",
  host: "127.0.0.1",
  port: 9001,
  allowed_hosts: [],
  username,
  password,
});
const basic = (credentials: string): string => `Basic ${Buffer.from(credentials).toString("base64")}`;

describe("credentials", () => {
  const plain = server("me", "secret:with:colons");
  test.each([
    ["none where none are asked for", server(null, null), undefined, "welcome"],
    ["right ones", plain, basic("me:secret:with:colons"), "welcome"],
    ["a scheme in other letters", plain, basic("me:secret:with:colons").replace("Basic", "bAsIc"), "welcome"],
    ["none", plain, undefined, "unauthorized"],
    ["a wrong password", plain, basic("me:secret"), "unauthorized"],
    ["a wrong user", plain, basic("you:secret:with:colons"), "unauthorized"],
    ["another scheme", plain, "Bearer abc", "unauthorized"],
    ["no colon", plain, basic("me"), "unreadable"],
    ["no base64", plain, "Basic ***", "unreadable"],
  ] as const)("%s", (_what, config, header, verdict) => {
    expect(authorize(config, header)).toBe(verdict);
  });

  test("a {SHA} password is compared by its lower-case digest", () => {
    const digest = "e5e9fa1ba31ecd1ae84f75caaa474f3a663f05f4"; // of "secret"
    expect(authorize(server("me", `{SHA}${digest}`), basic("me:secret"))).toBe("welcome");
    expect(authorize(server("me", `{SHA}${digest}`), basic("me:Secret"))).toBe("unauthorized");
    expect(authorize(server("me", `{SHA}${digest.toUpperCase()}`), basic("me:secret"))).toBe("unauthorized");
  });
});
