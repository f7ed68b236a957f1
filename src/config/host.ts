/** What reading a configuration needs to know of the machine. Tests hand in a plain object. */
import { posix } from "node:path";
import type { User } from "../core/config.js";
import { trimRight } from "../core/trim.js";

/** A file can be opened, but its content cannot be a configuration. */
export class NoConfiguration extends Error {
  override readonly name = "NoConfiguration";
}

export interface ConfigHost {
  readonly env: Readonly<Record<string, string>>;
  readonly hostname: string;
  /** Where relative paths start; fixed when the daemon starts, so that a later chdir changes nothing. */
  readonly cwd: string;
  readonly home: string | null;
  readonly tmpdir: string;
  /** The user we are, when known. */
  readonly uid?: number;
  /** Throws as `node:fs` does, or `NoConfiguration`. Paths that reach these functions are absolute. */
  readFile(path: string): Uint8Array;
  exists(path: string): boolean;
  isDirectory(path: string): boolean;
  /** Sorted; empty when nothing matches. */
  glob(pattern: string): readonly string[];
  lookupUser(nameOrUid: string): User | null;
  lookupGroup(nameOrGid: string): number | null;
  /** Home directory of a user, for `~user`. */
  userHome(name: string): string | null;
}

/** `~` and `~user` at the start of a path, where a home is known. */
export function expandUser(path: string, host: ConfigHost): string {
  if (!path.startsWith("~")) return path;
  const slash = path.indexOf("/");
  const end = slash < 0 ? path.length : slash;
  const home = end === 1 ? host.home : host.userHome(path.slice(1, end));
  if (home === null) return path;
  return trimRight(home, "/") + path.slice(end) || "/";
}

/** Absolute and without `..`, from where the daemon was started. */
export function absolute(path: string, host: ConfigHost): string {
  return posix.resolve(host.cwd, path);
}

/** Absolute, with `~` expanded. */
export function normalizePath(path: string, host: ConfigHost): string {
  return absolute(expandUser(path, host), host);
}

/** The same host, asking the machine only once for each user, group and directory. */
export function remembering(host: ConfigHost): ConfigHost {
  return {
    ...host,
    readFile: (path) => host.readFile(path),
    exists: (path) => host.exists(path),
    glob: (pattern) => host.glob(pattern),
    isDirectory: once((path) => host.isDirectory(path)),
    lookupUser: once((name) => host.lookupUser(name)),
    lookupGroup: once((name) => host.lookupGroup(name)),
    userHome: once((name) => host.userHome(name)),
  };
}

function once<T>(ask: (name: string) => T): (name: string) => T {
  const known = new Map<string, { readonly answer: T }>();
  return (name) => {
    const before = known.get(name);
    if (before !== undefined) return before.answer;
    const answer = ask(name);
    known.set(name, { answer });
    return answer;
  };
}
