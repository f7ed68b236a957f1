import { execFileSync } from "node:child_process";
import fs from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { type LogFile, openLogFile } from "../../src/logs/file.js";
import { inheritedFd } from "../../src/logs/open.js";
import { QUEUE_BYTES } from "../../src/logs/stream.js";
import { useScratch } from "./scratch.js";

const scratch = useScratch();
const closers: (() => void)[] = [];

afterEach(() => {
  for (const close of closers.splice(0)) close();
});

function fifo(): string {
  const path = join(scratch(), "fifo");
  execFileSync("mkfifo", [path]);
  return path;
}

function openLog(path: string, said: string[] = []): LogFile {
  const log = openLogFile(path, {
    maxbytes: 4,
    backups: 1,
    onTrouble: (text) => said.push(`- ${text}`),
    onRecovered: (text) => said.push(`+ ${text}`),
  });
  closers.push(() => log.close());
  return log;
}

function openReader(path: string): number {
  const fd = fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
  closers.push(() => fs.closeSync(fd));
  return fd;
}

/** All there is to read now. */
function readAvailable(fd: number): string {
  const buffer = Buffer.alloc(1 << 16);
  let text = "";
  for (;;) {
    try {
      const got = fs.readSync(fd, buffer);
      if (got === 0) return text;
      text += buffer.toString("latin1", 0, got);
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "EAGAIN") return text;
      throw error;
    }
  }
}

async function readUntil(fd: number, length: number): Promise<string> {
  let text = "";
  while (text.length < length) {
    text += readAvailable(fd);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return text;
}

describe("a device as a log", () => {
  test("a fifo without a reader opens at once, keeps what it takes, and is never rotated", () => {
    const path = fifo();
    const log = openLog(path);
    log.write("12345");
    log.write("67890");
    expect(readAvailable(openReader(path))).toBe("1234567890");
    expect(fs.statSync(path).isFIFO()).toBe(true);
    expect(fs.existsSync(`${path}.1`)).toBe(false);
    expect(log.size).toBe(0);
  });

  test("is not removed by clear", () => {
    const path = fifo();
    const log = openLog(path);
    log.clear();
    expect(fs.statSync(path).isFIFO()).toBe(true);
  });

  test("what a full fifo does not take waits, in order", async () => {
    const path = fifo();
    const said: string[] = [];
    const log = openLog(path, said);
    const reader = openReader(path);
    const lines = Array.from({ length: 20_000 }, (_, index) => `line ${index}\n`);
    for (const line of lines) log.write(line);
    const whole = lines.join("");
    expect(await readUntil(reader, whole.length)).toBe(whole);
    log.write("direct again");
    expect(await readUntil(reader, 12)).toBe("direct again");
    expect(said).toEqual([]);
  });

  test("when too much waits, the oldest goes, is counted, and the loss is told", async () => {
    const path = fifo();
    const said: string[] = [];
    const log = openLog(path, said);
    const reader = openReader(path);
    const chunk = Buffer.alloc(65_536, "a");
    const chunks = QUEUE_BYTES / chunk.length + 4;
    for (let count = 0; count < chunks; count += 1) log.write(chunk);
    log.write("the end");
    let text = "";
    while (!text.endsWith("the end")) text += await readUntil(reader, 1);
    const lost = chunks * chunk.length + 7 - text.length;
    expect(lost).toBeGreaterThan(0);
    expect(said).toEqual([
      `- cannot write to log ${path}: nobody reads it, the oldest output is dropped`,
      `+ can write to log ${path} again, ${lost} bytes were lost`,
    ]);
  });

  test("a writer that pauses when there is no room loses nothing", async () => {
    const path = fifo();
    const said: string[] = [];
    const log = openLog(path, said);
    const reader = openReader(path);
    expect(log.room()).toBeNull();
    const lines = Array.from({ length: 64 }, (_, index) => String(index).padEnd(65_535, ".").concat("\n"));
    const whole = lines.join("");
    let pauses = 0;
    const writing = (async () => {
      for (const line of lines) {
        log.write(line);
        const room = log.room();
        if (room === null) continue;
        pauses += 1;
        await room;
      }
    })();
    expect((await readUntil(reader, whole.length)) === whole).toBe(true);
    await writing;
    expect([pauses > 0, log.room(), said]).toEqual([true, null, []]);
  });

  test("whoever waits for room goes on when the log is closed", async () => {
    const log = openLog(fifo());
    for (let count = 0; count < 12; count += 1) log.write("x".repeat(65_536));
    const room = log.room();
    expect(room).toBeInstanceOf(Promise);
    log.close();
    await room;
    expect(log.room()).toBeNull();
  });

  test("logs on the same device share its queue, and the last to close it gives what it can", () => {
    const path = fifo();
    const one = openLog(path);
    const two = openLog(path);
    const reader = openReader(path);
    one.write("a".repeat(65_536));
    const chunk = Buffer.from("b");
    one.write(chunk);
    chunk.fill("?");
    two.write("c");
    one.close();
    one.write("nobody");
    expect(readAvailable(reader)).toBe("a".repeat(65_536));
    two.close();
    expect(readAvailable(reader)).toBe("bc");
  });

  test("/dev/null takes everything", () => {
    const log = openLog("/dev/null");
    log.write("gone");
    log.clear();
    expect(fs.statSync("/dev/null").isCharacterDevice()).toBe(true);
  });
});

describe("what the daemon was started with", () => {
  test("is known by any of its names, through links too", () => {
    const directory = scratch();
    fs.symlinkSync("/dev/stdout", join(directory, "access.log"));
    fs.symlinkSync("access.log", join(directory, "link"));
    const names = [
      "/dev/stdout",
      "/dev/../dev/stderr",
      "/dev/fd/7",
      "/proc/self/fd/12",
      join(directory, "link"),
    ];
    expect(names.map(inheritedFd)).toEqual([1, 2, 7, 12, 1]);
    expect(["/dev/null", "/dev/shm/log", directory, "/dev/fd/x"].map(inheritedFd)).toEqual([
      null,
      null,
      null,
      null,
    ]);
  });

  test("a regular file behind /dev/fd/N is written at its own offset and never rotated", () => {
    const directory = scratch();
    const path = join(directory, "out");
    const fd = fs.openSync(path, "w");
    closers.push(() => fs.closeSync(fd));
    const log = openLog(`/dev/fd/${fd}`);
    fs.writeSync(fd, "one ");
    log.write("two ");
    fs.writeSync(fd, "three ");
    log.write("four");
    log.clear();
    log.close();
    fs.writeSync(fd, "!");
    expect(fs.readFileSync(path, "utf8")).toBe("one two three four!");
    expect(fs.readdirSync(directory)).toEqual(["out"]);
  });

  test("a descriptor that is not open is a missing file", () => {
    expect(() => openLog("/dev/fd/987")).toThrow(expect.objectContaining({ code: "ENOENT" }));
  });
});
