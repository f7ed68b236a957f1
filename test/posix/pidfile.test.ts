/** Pidfiles: whole at every moment, written where they can be, removed only when they are ours. */
import fs from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readPidfile, removePidfile, writePidfile } from "../../src/posix/pidfile.js";
import { useScratch } from "../logs/scratch.js";

const NOBODY = 65_534;
const scratch = useScratch();
const asRoot = test.runIf(process.getuid?.() === 0);

test("is put in the place of an older one, by a rename, and removed again", () => {
  const directory = scratch();
  const path = join(directory, "pid");
  fs.writeFileSync(path, "99999999\n");
  const before = fs.openSync(path, "r");
  expect(readPidfile(path, 17)).toBe("another");
  expect(writePidfile(path, 17)).toBeNull();
  expect(fs.readFileSync(path, "utf8")).toBe("17\n");
  expect(fs.readFileSync(before, "utf8")).toBe("99999999\n");
  fs.closeSync(before);
  expect(readPidfile(path, 17)).toBe("ours");
  expect(fs.readdirSync(directory)).toEqual(["pid"]);
  removePidfile(path, 18);
  expect(fs.existsSync(path)).toBe(true);
  removePidfile(path, 17);
  expect(readPidfile(path, 17)).toBe("nothing");
});

test("one's own link is followed, and stays", () => {
  const [directory, other] = [scratch(), scratch()];
  const path = join(directory, "pid");
  fs.symlinkSync(join(other, "real"), path);
  expect(writePidfile(path, 17)).toBeNull();
  expect(writePidfile(path, 18)).toBeNull();
  expect(fs.readFileSync(join(other, "real"), "utf8")).toBe("18\n");
  expect(fs.lstatSync(path).isSymbolicLink()).toBe(true);
});

asRoot("somebody else's link is replaced", () => {
  const [directory, other] = [scratch(), scratch()];
  const path = join(directory, "pid");
  const secret = join(other, "secret");
  fs.writeFileSync(secret, "17\n");
  for (const name of [path, `${path}.17`]) {
    fs.symlinkSync(secret, name);
    fs.lchownSync(name, NOBODY, NOBODY);
  }
  expect(readPidfile(path, 17)).toBe("nothing");
  removePidfile(path, 17);
  expect(fs.lstatSync(path).isSymbolicLink()).toBe(true);
  expect(writePidfile(path, 18)).toBeNull();
  expect(fs.lstatSync(path).isFile()).toBe(true);
  expect(fs.readFileSync(secret, "utf8")).toBe("17\n");
});

test("a device is written into and stays one", () => {
  expect(writePidfile("/dev/null", 17)).toBeNull();
  expect(fs.statSync("/dev/null").isCharacterDevice()).toBe(true);
});

asRoot("a file in a directory that takes no new ones is written into", () => {
  const directory = scratch();
  const path = join(directory, "pid");
  fs.writeFileSync(path, "99999999\n");
  fs.chownSync(path, NOBODY, NOBODY);
  fs.chmodSync(directory, 0o755);
  process.seteuid?.(NOBODY);
  try {
    expect(writePidfile(path, 17)).toBeNull();
  } finally {
    process.seteuid?.(0);
  }
  expect(fs.readFileSync(path, "utf8")).toBe("17\n");
});

test("what stands in the way is told by its name", () => {
  const directory = scratch();
  expect(writePidfile(directory, 17)).toBe("EISDIR");
  expect(writePidfile(join(directory, "no", "pid"), 17)).toBe("ENOENT");
});
