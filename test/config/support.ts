/** What the configuration tests share. */
import { basename, dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { glob } from "../../src/config/glob.js";
import type { ConfigHost } from "../../src/config/host.js";
import { type ParsedConfig, parseConfig, type SupervisordOverrides } from "../../src/config/parse.js";
import type { Config, Issue } from "../../src/core/config.js";
import { find } from "../support/counterparts.mjs";

/** The system's Python; null when there is none. Where Supervisor is installed, this one has its package. */
export const python3 = find("python3");

export function fixtureFile(name: string): string {
  return fileURLToPath(new URL(`fixtures/${name}`, import.meta.url));
}

/** A machine made of a few files, with users root and chris, groups root and staff. */
export function toyHost(
  files: Readonly<Record<string, string | Uint8Array>>,
  more: Partial<ConfigHost> = {},
): ConfigHost {
  const directories = new Set(["/", "/tmp", "/home/chris", ...Object.keys(files).map(dirname)]);
  // Parents of directories are there too.
  for (const directory of directories) directories.add(dirname(directory));
  const exists = (path: string): boolean => path in files || directories.has(path);
  const list = (directory: string): readonly string[] =>
    [...Object.keys(files), ...directories]
      .filter((path) => path !== "/" && dirname(path) === directory)
      .map((path) => basename(path));
  return {
    env: { HOME: "/root", PLACE: "here and there" },
    hostname: "box",
    cwd: "/",
    home: "/root",
    tmpdir: "/tmp",
    uid: 0,
    readFile: (path) => {
      const content = files[path];
      if (content === undefined) throw Object.assign(new Error(`ENOENT: ${path}`), { code: "ENOENT" });
      return typeof content === "string" ? new TextEncoder().encode(content) : content;
    },
    exists,
    isDirectory: (path) => directories.has(path),
    glob: (pattern) => glob(pattern, { exists, isDirectory: (path) => directories.has(path), list }),
    lookupUser: (name) =>
      name === "chris" || name === "1000"
        ? { name: "chris", uid: 1000, gid: 100 }
        : name === "root" || name === "0"
          ? { name: "root", uid: 0, gid: 0 }
          : null,
    lookupGroup: (name) =>
      name === "staff" || name === "50" ? 50 : name === "root" || name === "0" ? 0 : null,
    userHome: (name) => (name === "chris" ? "/home/chris" : null),
    ...more,
  };
}

const SUPERVISORD = "[supervisord]\n";

/** Parses sections, with an empty `[supervisord]` behind them, as `/etc/s.conf`. */
export function parse(sections: string, overrides: SupervisordOverrides = {}): ParsedConfig {
  return parseConfig("/etc/s.conf", toyHost({ "/etc/s.conf": sections + SUPERVISORD }), overrides);
}

export function configOf(parsed: ParsedConfig): Config {
  if (!parsed.ok) throw new Error(`Cannot use this configuration: ${JSON.stringify(parsed.issues)}`);
  return parsed.config;
}

export function issuesOf(parsed: ParsedConfig): readonly Issue[] {
  if (parsed.ok) throw new Error("Cannot see any mistake in this configuration");
  return parsed.issues;
}

/** `line: text` of each mistake. */
export function mistakes(sections: string): readonly string[] {
  return issuesOf(parse(sections)).map(({ line, text }) => `${line}: ${text}`);
}
