import { mkdirSync, readdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { shiftBackups } from "../../src/logs/rotate.js";
import { useScratch } from "./scratch.js";

const scratch = useScratch();

function write(directory: string, names: readonly string[]): void {
  for (const name of names) writeFileSync(join(directory, name), name);
}

function contents(directory: string): Record<string, string> {
  return Object.fromEntries(
    readdirSync(directory).map((name) => [name, readFileSync(join(directory, name), "utf8")]),
  );
}

test("the log becomes .1, each copy moves up, the last one goes", () => {
  const directory = scratch();
  write(directory, ["log", "log.1", "log.2", "log.3"]);
  shiftBackups(join(directory, "log"), 3);
  expect(contents(directory)).toEqual({ "log.1": "log", "log.2": "log.1", "log.3": "log.2" });
});

test("gaps stay gaps and a missing log is no trouble", () => {
  const directory = scratch();
  write(directory, ["log.2", "log.9"]);
  shiftBackups(join(directory, "log"), 3);
  expect(contents(directory)).toEqual({ "log.3": "log.2", "log.9": "log.9" });
});

test("a very large number of backups costs only the files there are", () => {
  const directory = scratch();
  write(directory, ["log", "log.1", "log.200", "log.x", "log.01"]);
  shiftBackups(join(directory, "log"), 1_000_000_000);
  expect(contents(directory)).toEqual({
    "log.1": "log",
    "log.2": "log.1",
    "log.201": "log.200",
    "log.x": "log.x",
    "log.01": "log.01",
  });
});

test("a link is renamed, its target stays", () => {
  const directory = scratch();
  write(directory, ["target"]);
  symlinkSync("target", join(directory, "log"));
  shiftBackups(join(directory, "log"), 1);
  expect(readlinkSync(join(directory, "log.1"))).toBe("target");
  expect(contents(directory)).toEqual({ target: "target", "log.1": "target" });
});

test("what cannot be renamed is told", () => {
  const directory = scratch();
  write(directory, ["log"]);
  mkdirSync(join(directory, "log.1"));
  expect(() => shiftBackups(join(directory, "log"), 1)).toThrow(/EISDIR/);
});
