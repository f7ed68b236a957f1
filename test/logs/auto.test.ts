import { mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { expect, test } from "vitest";
import { cleanAutoLogs, createAutoLog } from "../../src/logs/auto.js";
import { useScratch } from "./scratch.js";

const scratch = useScratch();

test("an AUTO log is named after process, channel and identifier, is empty and private", () => {
  const childlogdir = scratch();
  const path = createAutoLog({ childlogdir, identifier: "supervisor", process: "cat_00", channel: "stderr" });
  expect(dirname(path)).toBe(childlogdir);
  expect(basename(path)).toMatch(/^cat_00-stderr---supervisor-[a-z0-9_]{8}\.log$/);
  expect([statSync(path).size, statSync(path).mode & 0o777]).toEqual([0, 0o600]);
});

test("two AUTO logs never share a name", () => {
  const log = { childlogdir: scratch(), identifier: "s", process: "p", channel: "stdout" } as const;
  expect(new Set(Array.from({ length: 50 }, () => createAutoLog(log))).size).toBe(50);
});

test("a directory that isn't there throws what the file system says", () => {
  const log = {
    childlogdir: join(scratch(), "no"),
    identifier: "s",
    process: "p",
    channel: "stdout",
  } as const;
  expect(() => createAutoLog(log)).toThrow(expect.objectContaining({ code: "ENOENT" }));
});

test("cleaning removes this identifier's logs and copies, and nothing else", () => {
  const directory = scratch();
  const mine = ["a-stdout---super.visor-abcdefgh.log", "a-stderr---super.visor-12345678.log.10"];
  // Supervisor's pattern has no end.
  const alsoMine = ["a---super.visor-x.logs"];
  const others = [
    "---super.visor-abcdefgh.log",
    "a-stdout---superXvisor-abcdefgh.log",
    "a-stdout---super.visor-.log",
    "a-stdout---super.visor-ab cd.log",
    "a-stdout---super.visor-abcdefgh.txt",
    "own.log",
  ];
  for (const name of [...mine, ...alsoMine, ...others]) writeFileSync(join(directory, name), "");
  expect(cleanAutoLogs(directory, "super.visor")).toEqual([]);
  expect(readdirSync(directory).sort()).toEqual([...others].sort());
});

test("what cannot be removed is warned of, and the rest still goes", () => {
  const directory = scratch();
  mkdirSync(join(directory, "a-stdout---s-directry.log"));
  mkdirSync(join(directory, "it's-stdout---s-directry.log"));
  writeFileSync(join(directory, "b-stdout---s-abcdefgh.log"), "");
  expect([...cleanAutoLogs(directory, "s")].sort()).toEqual([
    `Failed to clean up "${join(directory, "it's-stdout---s-directry.log")}"`,
    `Failed to clean up '${join(directory, "a-stdout---s-directry.log")}'`,
  ]);
  expect(readdirSync(directory)).toHaveLength(2);
});

test("a directory that cannot be read is warned of", () => {
  const directory = join(scratch(), "no");
  expect(cleanAutoLogs(directory, "s")).toEqual(["Could not clear childlog dir"]);
  mkdirSync(directory);
  expect(cleanAutoLogs(directory, "s")).toEqual([]);
});
