/** A log that fills itself from a pipe: real pipes, real files, and everything that others may do to them meanwhile. */
import { execFileSync, spawn } from "node:child_process";
import fs from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import type { LogFile, Taken } from "../../src/logs/file.js";
import { fcntl } from "../../src/posix/libc.js";
import { outputPipe } from "../../src/posix/pipe.js";
import { useScratch } from "./scratch.js";
import { useToldLogs } from "./told-log.js";

const asRoot = test.runIf(process.getuid?.() === 0);
const scratch = useScratch();
const openLog = useToldLogs();
const closers: (() => void)[] = [];

afterEach(() => {
  for (const close of closers.splice(0).reverse()) close();
});

interface Piped {
  readonly near: number;
  write(text: string): void;
  /** The writer is gone. */
  end(): void;
  /** What is in it still. */
  rest(): string;
}

const F_SETPIPE_SZ = 1031;
const PIPE_BYTES = 1 << 20;

/** Of the largest size that anybody may ask for, so that one take can't have it all. */
function pipe(): Piped {
  const { near, child } = outputPipe(null, false);
  expect(fcntl(near, F_SETPIPE_SZ, "int", PIPE_BYTES)).toBe(PIPE_BYTES);
  let open = true;
  const end = (): void => {
    if (open) fs.closeSync(child);
    open = false;
  };
  closers.push(end, () => fs.closeSync(near));
  return {
    near,
    write: (text) => expect(fs.writeSync(child, text)).toBe(Buffer.byteLength(text)),
    end,
    rest() {
      const buffer = Buffer.alloc(PIPE_BYTES);
      try {
        return buffer.toString("utf8", 0, fs.readSync(near, buffer));
      } catch {
        return "";
      }
    },
  };
}

/** Until there is nothing more: how much each time, and what it ended with. */
function takeAll(log: LogFile, from: Piped): { readonly moved: readonly number[]; readonly last: Taken } {
  const moved: number[] = [];
  for (;;) {
    const taken = log.takeFrom(from.near);
    if (typeof taken === "string" || taken === 0) return { moved, last: taken };
    moved.push(taken);
  }
}

/** As the daemon does it: what the log can't take is read and written. */
function pass(log: LogFile, from: Piped): void {
  if (log.takeFrom(from.near) === "unfit") log.write(from.rest());
}

function lines(from: number, to: number): string {
  let text = "";
  for (let number = from; number < to; number += 1) text += `line ${number}\n`;
  return text;
}

function contents(directory: string): Record<string, string> {
  const names = fs.readdirSync(directory);
  return Object.fromEntries(names.map((name) => [name, fs.readFileSync(join(directory, name), "utf8")]));
}

/** The log with its rotated copies, oldest first. */
function parts(path: string): readonly string[] {
  const found = [fs.readFileSync(path, "utf8")];
  for (let number = 1; fs.existsSync(`${path}.${number}`); number += 1)
    found.unshift(fs.readFileSync(`${path}.${number}`, "utf8"));
  return found;
}

describe("a pipe's bytes", () => {
  test("are behind what was in the file, and a pause is no end", () => {
    const directory = scratch();
    const path = join(directory, "log");
    fs.writeFileSync(path, "old\n");
    const { log } = openLog(path);
    const from = pipe();
    expect(log.takeFrom(from.near)).toBe("empty");
    from.write("one\n");
    expect([log.takeFrom(from.near), log.size]).toEqual([4, 8]);
    expect(log.takeFrom(from.near)).toBe("empty");
    from.write("two\n");
    from.end();
    expect([log.takeFrom(from.near), log.size]).toEqual([4, 12]);
    expect([log.takeFrom(from.near), log.takeFrom(from.near)]).toEqual([0, 0]);
    expect(contents(directory)).toEqual({ log: "old\none\ntwo\n" });
  });

  test("keep their place between what is written", () => {
    const directory = scratch();
    const { log } = openLog(join(directory, "log"));
    const from = pipe();
    for (const word of ["a", "b", "c"]) {
      log.write(`written ${word}\n`);
      from.write(`taken ${word}\n`);
      log.takeFrom(from.near);
    }
    expect(contents(directory)).toEqual({
      log: "written a\ntaken a\nwritten b\ntaken b\nwritten c\ntaken c\n",
    });
  });

  test("stay in the pipe when the log is closed", () => {
    const { log } = openLog(join(scratch(), "log"));
    const from = pipe();
    from.write("kept");
    log.close();
    expect([log.takeFrom(from.near), from.rest()]).toEqual(["unfit", "kept"]);
  });
});

describe("rotation", () => {
  /** As much as the reference reads at once: by so much a file may outgrow maxbytes. */
  const READ_BYTES = 128 * 1024;

  test.each([
    ["small pieces", 50],
    ["more at once than is taken at once", 40_000],
  ])("loses nothing, and no copy outgrows maxbytes by more than one read: %s", (_what, atOnce) => {
    const maxbytes = 20_000;
    const path = join(scratch(), "log");
    const { log } = openLog(path, { maxbytes, backups: 1000 });
    const from = pipe();
    const total = 200_000;
    for (let number = 0; number < total; number += atOnce) {
      from.write(lines(number, number + atOnce));
      expect(takeAll(log, from).last).toBe("empty");
    }
    const found = parts(path);
    expect(found.join("") === lines(0, total)).toBe(true);
    expect(found.length).toBeGreaterThan(5);
    const wrong = found
      .slice(0, -1)
      .filter(({ length }) => length < maxbytes || length >= maxbytes + READ_BYTES);
    expect(wrong.map(({ length }) => length)).toEqual([]);
    expect(found.at(-1)?.length).toBeLessThan(maxbytes);
  });

  test("keeps as many copies as it should, and those the newest", () => {
    const path = join(scratch(), "log");
    const { log } = openLog(path, { maxbytes: 1000, backups: 2 });
    const from = pipe();
    for (let number = 0; number < 1000; number += 10) {
      from.write(lines(number, number + 10));
      takeAll(log, from);
    }
    const found = parts(path);
    expect(found).toHaveLength(3);
    expect(lines(0, 1000).endsWith(found.join(""))).toBe(true);
  });

  test("without backups truncates in place", () => {
    const directory = scratch();
    const path = join(directory, "log");
    const { log } = openLog(path, { maxbytes: 10, backups: 0 });
    const { ino } = fs.statSync(path);
    const from = pipe();
    for (const word of ["12345", "67890", "x"]) {
      from.write(word);
      log.takeFrom(from.near);
    }
    expect([contents(directory), fs.statSync(path).ino]).toEqual([{ log: "x" }, ino]);
  });

  test("two logs on one path rotate once: the other notices and follows", () => {
    const directory = scratch();
    const path = join(directory, "log");
    const [out, err] = [pipe(), pipe()];
    const [one, two] = [out, err].map(() => openLog(path, { maxbytes: 8, backups: 3 }).log);
    const put = (log: LogFile | undefined, from: Piped, text: string): void => {
      from.write(text);
      if (log !== undefined) pass(log, from);
    };
    put(one, out, "1111");
    put(two, err, "2222");
    put(one, out, "3");
    put(one, out, "4");
    // The second one doesn't measure yet: what it puts into the old file is in there.
    put(two, err, "5");
    put(two, err, "6");
    const { log = "", "log.1": rotated = "" } = contents(directory);
    expect([...log, ...rotated].sort().join("")).toBe("11112222" + "3456");
    expect([rotated.startsWith("1111222"), log.startsWith("4"), log.endsWith("6")]).toEqual([
      true,
      true,
      true,
    ]);
  });

  test("that fails is said once, nothing is lost, and it is tried again", () => {
    const directory = scratch();
    const path = join(directory, "log");
    fs.mkdirSync(`${path}.1`);
    const { log, said, wait } = openLog(path, { maxbytes: 3, backups: 1 });
    const from = pipe();
    const take = (text: string): void => {
      from.write(text);
      expect(log.takeFrom(from.near)).toBe(text.length);
    };
    take("123");
    take("456");
    wait(1000);
    take("789");
    fs.rmdirSync(`${path}.1`);
    wait(1000);
    take("0");
    take("x");
    expect(contents(directory)).toEqual({ log: "x", "log.1": "1234567890" });
    expect(said).toEqual([
      `- cannot rotate log ${path}: EISDIR: illegal operation on a directory`,
      `+ can rotate log ${path} again`,
    ]);
  });
});

describe("others at the same file", () => {
  test("truncating it in place leaves no hole, and no rotation comes too early", () => {
    const directory = scratch();
    const path = join(directory, "log");
    const { log } = openLog(path, { maxbytes: 10, backups: 1 });
    const from = pipe();
    from.write("123456789");
    pass(log, from);
    fs.copyFileSync(path, join(directory, "copy"));
    fs.truncateSync(path);
    from.write("ab");
    pass(log, from);
    expect([contents(directory), log.size]).toEqual([{ log: "ab", copy: "123456789" }, 2]);
    // Nor a hole for what is written when the bytes must be seen again.
    fs.truncateSync(path);
    log.write("cd");
    expect(contents(directory)).toEqual({ log: "cd", copy: "123456789" });
  });

  test("appending to it between two takes: neither writes over the other", () => {
    const directory = scratch();
    const path = join(directory, "log");
    const { log } = openLog(path);
    const from = pipe();
    for (const word of ["a", "bb", "ccc"]) {
      from.write(`taken ${word}\n`);
      pass(log, from);
      fs.appendFileSync(path, `appended ${word}\n`);
    }
    expect(contents(directory)).toEqual({
      log: "taken a\nappended a\ntaken bb\nappended bb\ntaken ccc\nappended ccc\n",
    });
  });

  test("appending counts towards maxbytes", () => {
    const directory = scratch();
    const path = join(directory, "log");
    const { log } = openLog(path, { maxbytes: 10, backups: 1 });
    const from = pipe();
    fs.appendFileSync(path, "0123456789");
    from.write("a");
    pass(log, from);
    from.write("b");
    pass(log, from);
    expect(contents(directory)).toEqual({ log: "b", "log.1": "0123456789a" });
  });

  test("appending to it all the time: neither writes over the other", async () => {
    const path = join(scratch(), "log");
    const { log } = openLog(path);
    const from = pipe();
    // It is known from the beginning that somebody does.
    from.write("ours 0\n");
    pass(log, from);
    fs.appendFileSync(path, "other 0\n");
    from.write("ours 1\n");
    pass(log, from);
    const other = spawn("/bin/sh", [
      "-c",
      'i=0; while [ $i -lt 50000 ]; do i=$((i+1)); echo "other $i"; done >>"$0"',
      path,
    ]);
    let done = false;
    other.once("exit", () => {
      done = true;
    });
    let number = 1;
    while (!done) {
      number += 1;
      from.write(`ours ${number}\n`);
      pass(log, from);
      await new Promise((resolve) => setImmediate(resolve));
    }
    const text = fs.readFileSync(path, "utf8");
    const of = (who: string): string => (text.match(new RegExp(`^${who} \\d+\n`, "gm")) ?? []).join("");
    const all = (who: string, to: number): string => lines(0, to + 1).replaceAll("line", who);
    expect([of("ours") === all("ours", number), of("other") === all("other", 50_000)]).toEqual([true, true]);
    expect(text.length).toBe(of("ours").length + of("other").length);
  });

  test("moving it away is followed by a reopen, removing it by a clear", () => {
    const directory = scratch();
    const path = join(directory, "log");
    const { log } = openLog(path);
    const from = pipe();
    const take = (text: string): void => {
      from.write(text);
      expect(log.takeFrom(from.near)).toBe(text.length);
    };
    take("old");
    fs.renameSync(path, join(directory, "moved"));
    take(" still old");
    log.reopen();
    take("new");
    expect(contents(directory)).toEqual({ log: "new", moved: "old still old" });
    log.clear();
    take("newest");
    expect(contents(directory)).toEqual({ log: "newest", moved: "old still old" });
  });
});

describe("a log that can't be filled this way", () => {
  test.each(["/dev/null", "/dev/full"])("is unfit, and the bytes stay in the pipe: %s", (path) => {
    const { log, said } = openLog(path);
    const from = pipe();
    from.write("kept");
    expect([log.takeFrom(from.near), from.rest(), said]).toEqual(["unfit", "kept", []]);
  });

  test("a fifo", () => {
    const path = join(scratch(), "fifo");
    execFileSync("mkfifo", [path]);
    const { log } = openLog(path);
    const from = pipe();
    from.write("kept");
    expect([log.takeFrom(from.near), from.rest()]).toEqual(["unfit", "kept"]);
  });

  test("a regular file of a file system without splice, for good, and it is written to", () => {
    const path = "/proc/self/oom_score_adj";
    const score = fs.readFileSync(path, "utf8");
    const { log, said } = openLog(path);
    const from = pipe();
    from.write(score);
    expect([log.takeFrom(from.near), log.takeFrom(from.near)]).toEqual(["unfit", "unfit"]);
    log.write(from.rest());
    expect([fs.readFileSync(path, "utf8"), said]).toEqual([score, []]);
  });

  asRoot(
    "a full disk: what was taken is in the file, the rest in the pipe, and it goes on when there is room",
    () => {
      const directory = scratch();
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k", "none", directory]);
      closers.push(() => void execFileSync("umount", ["-l", directory]));
      const path = join(directory, "log");
      const filler = join(directory, "filler");
      const { log, said, wait } = openLog(path);
      const from = pipe();
      fs.writeFileSync(filler, Buffer.alloc(30_000));
      const text = lines(0, 10_000);
      from.write(text);
      const { moved, last } = takeAll(log, from);
      expect(last).toBe("unfit");
      const taken = moved.reduce((sum, bytes) => sum + bytes, 0);
      expect(taken).toBeGreaterThan(0);
      expect(fs.readFileSync(path, "utf8") === text.slice(0, taken)).toBe(true);
      // It is the write that says what is wrong, and as long as it is, nothing is taken.
      const rest = from.rest();
      expect(rest === text.slice(taken)).toBe(true);
      log.write(rest.slice(0, 5));
      from.write("waiting\n");
      expect(log.takeFrom(from.near)).toBe("unfit");
      fs.rmSync(filler);
      wait(1000);
      log.write(from.rest());
      from.write("room again\n");
      expect(log.takeFrom(from.near)).toBe(11);
      expect(fs.readFileSync(path, "utf8") === `${text.slice(0, taken)}waiting\nroom again\n`).toBe(true);
      expect(said).toEqual([
        `- cannot write to log ${path}: ENOSPC: no space left on device`,
        `+ can write to log ${path} again, 5 bytes were lost`,
      ]);
    },
  );
});
