/** The machine as Node sees it. */
import { accessSync, constants, lstatSync, readdirSync, readFileSync, statSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import type { User } from "../core/config.js";
import { glob } from "./glob.js";
import type { ConfigHost } from "./host.js";
import { readBounded } from "./read-file.js";

/**
 * A host for `parseConfig`. Users and groups come from `/etc/passwd` and `/etc/group`; the daemon overrides that
 * with libc's answers, which know of other sources too.
 */
export function nodeHost(overrides: Partial<ConfigHost> = {}): ConfigHost {
  const env = environment();
  const uid = process.getuid?.();
  return {
    env,
    hostname: hostname(),
    cwd: process.cwd(),
    home: env["HOME"] ?? (uid === undefined ? null : (accountOf(String(uid))?.home ?? null)),
    tmpdir: temporaryDirectory(env),
    ...(uid === undefined ? {} : { uid }),
    readFile: (path) => readBounded(path),
    exists,
    isDirectory,
    glob: (pattern) => glob(pattern, { exists: isThere, isDirectory, list }),
    lookupUser: (nameOrUid) => accountOf(nameOrUid)?.user ?? null,
    lookupGroup,
    userHome: (name) => accountOf(name)?.home ?? null,
    ...overrides,
  };
}

/** What the daemon's start script and its background half tell each other is nothing that people set. */
const INTERNAL: ReadonlySet<string> = new Set([
  "SUPERVISORD_TS_NOFILE",
  "SUPERVISORD_TS_BACKGROUND",
  "SUPERVISORD_TS_RESPAWN",
]);

function environment(): Readonly<Record<string, string>> {
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env))
    if (value !== undefined && !INTERNAL.has(name)) env[name] = value;
  return env;
}

function exists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}

function isDirectory(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
  } catch {
    return false; // ENOTDIR, EACCES, ELOOP: not one that we could use
  }
}

/** Whether the name is there at all, be it a link to nowhere. */
function isThere(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false;
  }
}

function list(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

/** The first of the usual places that we may write to, in Python's order. */
function temporaryDirectory(env: Readonly<Record<string, string>>): string {
  const places = [env["TMPDIR"], env["TEMP"], env["TMP"], "/tmp", "/var/tmp", "/usr/tmp"];
  return (
    places.find((place) => place !== undefined && place !== "" && isWritableDirectory(place)) ?? tmpdir()
  );
}

function isWritableDirectory(path: string): boolean {
  try {
    accessSync(path, constants.W_OK | constants.X_OK);
    return isDirectory(path);
  } catch {
    return false;
  }
}

interface Account {
  readonly user: User;
  readonly home: string;
}

const NUMBER = /^[0-9]+$/;

function accountOf(nameOrUid: string): Account | null {
  const byNumber = NUMBER.test(nameOrUid);
  for (const [name = "", , uid = "", gid = "", , home = ""] of records("/etc/passwd")) {
    if (!NUMBER.test(uid)) continue;
    if (byNumber ? Number(uid) === Number(nameOrUid) : name === nameOrUid)
      return { user: { name, uid: Number(uid), gid: Number(gid) }, home };
  }
  return null;
}

function lookupGroup(nameOrGid: string): number | null {
  const byNumber = NUMBER.test(nameOrGid);
  for (const [name = "", , gid = ""] of records("/etc/group")) {
    if (!NUMBER.test(gid)) continue;
    if (byNumber ? Number(gid) === Number(nameOrGid) : name === nameOrGid) return Number(gid);
  }
  return null;
}

function records(file: string): readonly (readonly string[])[] {
  try {
    return readFileSync(file, "utf8")
      .split("\n")
      .map((line) => line.split(":"));
  } catch {
    return []; // a container without that file simply knows nobody
  }
}
