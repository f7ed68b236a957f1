import fs from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test, vi } from "vitest";
import { openGuarded } from "../../src/posix/guarded.js";
import { useScratch } from "./scratch.js";
import { useToldLogs } from "./told-log.js";

vi.mock("../../src/posix/guarded.js", async (load) => {
  const real = await load<typeof import("../../src/posix/guarded.js")>();
  return { ...real, openGuarded: vi.fn(real.openGuarded) };
});

const scratch = useScratch();
const openLog = useToldLogs();

afterEach(() => {
  vi.restoreAllMocks();
});

function contents(directory: string): Record<string, string> {
  const names = fs.readdirSync(directory);
  return Object.fromEntries(names.map((name) => [name, fs.readFileSync(join(directory, name), "utf8")]));
}

function systemError(code: string, errno: number): Error {
  return Object.assign(new Error(`${code}: told by a test, write`), { code, errno });
}

describe("an ordinary log", () => {
  test("is appended to, and what is written is there at once", () => {
    const directory = scratch();
    const path = join(directory, "log");
    fs.writeFileSync(path, "old\n");
    const { log } = openLog(path);
    log.write("new\n");
    log.write(Buffer.from("é\n"));
    expect(contents(directory)).toEqual({ log: "old\nnew\né\n" });
    expect(log.size).toBe(11);
  });

  test("is created with the mode asked for", () => {
    const path = join(scratch(), "log");
    openLog(path, { mode: 0o600 });
    expect(fs.statSync(path).mode & 0o777).toBe(0o600);
  });

  test("drops what is written after it was closed", () => {
    const directory = scratch();
    const { log } = openLog(join(directory, "log"));
    log.close();
    log.write("late");
    log.reopen();
    log.clear();
    log.close();
    expect(contents(directory)).toEqual({ log: "" });
  });

  test.each([
    ["a directory", (directory: string) => directory, "EISDIR"],
    ["a missing directory", (directory: string) => join(directory, "no", "log"), "ENOENT"],
    ["the empty path", () => "", "ENOENT"],
  ])("opening %s throws its code", (_what, path, code) => {
    expect(() => openLog(path(scratch()))).toThrow(expect.objectContaining({ code }));
  });

  test("goes on with short writes until all is written", () => {
    const directory = scratch();
    const { log } = openLog(join(directory, "log"));
    const real = fs.writeSync as (fd: number, bytes: Uint8Array, at: number, length: number) => number;
    vi.spyOn(fs, "writeSync").mockImplementation(((
      fd: number,
      bytes: Uint8Array,
      at: number,
      length: number,
    ) => real(fd, bytes, at, Math.min(length, 3))) as typeof fs.writeSync);
    log.write("0123456789");
    expect(contents(directory)).toEqual({ log: "0123456789" });
  });
});

describe("rotation", () => {
  test("comes after the write that reaches maxbytes", () => {
    const directory = scratch();
    const { log } = openLog(join(directory, "log"), { maxbytes: 10, backups: 2 });
    for (const word of ["12345", "678", "9abcd", "x", "0123456789", "y", "0123456789ABC", "z"])
      log.write(word);
    expect(contents(directory)).toEqual({ log: "z", "log.1": "y0123456789ABC", "log.2": "x0123456789" });
  });

  test("counts what was in the file before", () => {
    const directory = scratch();
    fs.writeFileSync(join(directory, "log"), "0123456789");
    const { log } = openLog(join(directory, "log"), { maxbytes: 10, backups: 1 });
    log.write("a");
    expect(contents(directory)).toEqual({ log: "", "log.1": "0123456789a" });
  });

  test("without backups truncates in place", () => {
    const directory = scratch();
    const { log } = openLog(join(directory, "log"), { maxbytes: 10, backups: 0 });
    for (const word of ["12345", "67890", "x"]) log.write(word);
    expect(contents(directory)).toEqual({ log: "x" });
  });

  test("renames a link and leaves its target", () => {
    const directory = scratch();
    fs.symlinkSync("target", join(directory, "log"));
    const { log } = openLog(join(directory, "log"), { maxbytes: 5, backups: 1 });
    log.write("12345");
    log.write("x");
    expect(fs.lstatSync(join(directory, "log.1")).isSymbolicLink()).toBe(true);
    expect(contents(directory)).toEqual({ log: "x", "log.1": "12345", target: "12345" });
  });

  test("survives that somebody deleted the log", () => {
    const directory = scratch();
    const { log, said } = openLog(join(directory, "log"), { maxbytes: 5, backups: 2 });
    log.write("123");
    fs.unlinkSync(join(directory, "log"));
    log.write("45");
    log.write("x");
    expect([contents(directory), said]).toEqual([{ log: "x" }, []]);
  });

  test("does not rotate too early after a truncation in place", () => {
    const directory = scratch();
    const { log } = openLog(join(directory, "log"), { maxbytes: 10, backups: 1 });
    log.write("123456789");
    fs.truncateSync(join(directory, "log"));
    log.write("ab");
    expect([contents(directory), log.size]).toEqual([{ log: "ab" }, 2]);
  });

  test("two logs on one path rotate once: the other notices and follows", () => {
    const directory = scratch();
    const path = join(directory, "log");
    const one = openLog(path, { maxbytes: 8, backups: 3 }).log;
    const two = openLog(path, { maxbytes: 8, backups: 3 }).log;
    one.write("1111");
    two.write("2222");
    one.write("3");
    one.write("4");
    expect(contents(directory)).toEqual({ log: "4", "log.1": "111122223" });
  });

  test("that fails is said once, nothing is lost, and it is tried again", () => {
    const directory = scratch();
    const path = join(directory, "log");
    fs.mkdirSync(`${path}.1`);
    const { log, said, wait } = openLog(path, { maxbytes: 3, backups: 1 });
    log.write("123");
    log.write("456");
    wait(1000);
    log.write("789");
    fs.rmdirSync(`${path}.1`);
    wait(1000);
    log.write("0");
    log.write("x");
    expect(contents(directory)).toEqual({ log: "x", "log.1": "1234567890" });
    expect(said).toEqual([
      `- cannot rotate log ${path}: EISDIR: illegal operation on a directory`,
      `+ can rotate log ${path} again`,
    ]);
  });

  test("does not push the copies out while the new file cannot be opened", () => {
    const directory = scratch();
    const path = join(directory, "log");
    fs.writeFileSync(`${path}.1`, "older");
    const { log, said, wait } = openLog(path, { maxbytes: 3, backups: 3 });
    const real = vi.mocked(openGuarded).getMockImplementation();
    vi.mocked(openGuarded).mockImplementation(() => {
      throw systemError("EMFILE", -24);
    });
    for (const word of ["123", "4", "5"]) {
      log.write(word);
      wait(1000);
    }
    vi.mocked(openGuarded).mockImplementation(real ?? (() => expect.unreachable()));
    log.write("6");
    log.write("x");
    expect(contents(directory)).toEqual({ log: "x", "log.1": "123456", "log.2": "older" });
    expect(said).toEqual([
      `- cannot rotate log ${path}: EMFILE: too many open files`,
      `+ can rotate log ${path} again`,
    ]);
  });
});

describe("a full disk", () => {
  test("is said once, costs no system call for each chunk, and the loss is told at the end", () => {
    const directory = scratch();
    const path = join(directory, "log");
    const { log, said, wait } = openLog(path);
    log.write("before ");
    const spy = vi.spyOn(fs, "writeSync").mockImplementation(() => {
      throw systemError("ENOSPC", -28);
    });
    for (let count = 0; count < 100; count += 1) log.write("lost");
    expect(spy).toHaveBeenCalledTimes(1);
    wait(1000);
    log.write("lost");
    expect(spy).toHaveBeenCalledTimes(2);
    spy.mockRestore();
    log.write("lost");
    wait(1000);
    log.write("after");
    expect(contents(directory)).toEqual({ log: "before after" });
    expect(said).toEqual([
      `- cannot write to log ${path}: ENOSPC: no space left on device`,
      `+ can write to log ${path} again, 408 bytes were lost`,
    ]);
  });

  test("as the kernel tells it: nothing throws", () => {
    const { log, said, wait } = openLog("/dev/full");
    log.write("lost");
    wait(1000);
    log.write("lost");
    expect(said).toEqual(["- cannot write to log /dev/full: ENOSPC: no space left on device"]);
  });

  test("may complain into the log that is full", () => {
    const directory = scratch();
    const path = join(directory, "log");
    const said: string[] = [];
    const { log } = openLog(path, {
      onTrouble: (text) => {
        said.push(text);
        log.write(text);
      },
    });
    vi.spyOn(fs, "writeSync").mockImplementation(() => {
      throw systemError("EDQUOT", -122);
    });
    log.write("lost");
    expect(said).toEqual([expect.stringContaining("EDQUOT")]);
  });
});

describe("reopen and clear", () => {
  test("reopen goes on with a new file after the old one was moved away", () => {
    const directory = scratch();
    const path = join(directory, "log");
    const { log } = openLog(path);
    log.write("old");
    fs.renameSync(path, join(directory, "moved"));
    log.write(" still old");
    log.reopen();
    log.write("new");
    expect(contents(directory)).toEqual({ log: "new", moved: "old still old" });
  });

  test("a reopen that fails keeps the old file and is tried again with later writes", () => {
    const directory = scratch();
    const path = join(directory, "log");
    const { log, said, wait } = openLog(path);
    fs.renameSync(path, join(directory, "moved"));
    fs.mkdirSync(path);
    log.reopen();
    log.write("1");
    fs.rmdirSync(path);
    log.write("2");
    wait(1000);
    log.write("3");
    expect(contents(directory)).toEqual({ log: "3", moved: "12" });
    expect(said).toEqual([
      `- cannot reopen log ${path}: EISDIR: illegal operation on a directory`,
      `+ can reopen log ${path} again`,
    ]);
  });

  test("clear begins a new file and leaves rotated copies", () => {
    const directory = scratch();
    const path = join(directory, "log");
    const { log } = openLog(path, { maxbytes: 3, backups: 1 });
    for (const word of ["123", "4"]) log.write(word);
    log.clear();
    log.write("5");
    expect(contents(directory)).toEqual({ log: "5", "log.1": "123" });
  });

  test("clear removes a link, not its target", () => {
    const directory = scratch();
    fs.symlinkSync("target", join(directory, "log"));
    const { log } = openLog(join(directory, "log"));
    log.write("old");
    log.clear();
    log.write("new");
    expect(contents(directory)).toEqual({ log: "new", target: "old" });
  });

  test("clear works on a log that is gone already, and throws what stands in its way", () => {
    const directory = scratch();
    const path = join(directory, "log");
    const { log } = openLog(path);
    fs.unlinkSync(path);
    log.clear();
    log.write("here");
    expect(contents(directory)).toEqual({ log: "here" });
    fs.unlinkSync(path);
    fs.mkdirSync(path);
    expect(() => log.clear()).toThrow(expect.objectContaining({ code: expect.any(String) }));
    log.write("not lost, not seen");
  });
});
