import fs from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test, vi } from "vitest";
import { LOG_LEVELS, type LogLevel } from "../../src/core/config.js";
import { type ActivityLogOptions, openActivityLog } from "../../src/logs/activity.js";
import { useScratch } from "./scratch.js";

const scratch = useScratch();
const LEVELS = Object.keys(LOG_LEVELS) as LogLevel[];

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

function open(options: Partial<ActivityLogOptions> & Pick<ActivityLogOptions, "logfile">) {
  return openActivityLog({
    maxbytes: 0,
    backups: 0,
    loglevel: "blather",
    format: "text",
    echo: false,
    ident: "supervisord",
    ...options,
  });
}

function at(year: number, ...rest: readonly [number, number, number, number, number, number]): void {
  vi.useFakeTimers({ toFake: ["Date"] });
  vi.setSystemTime(new Date(year, ...rest));
}

describe("the activity log as text", () => {
  test("is Supervisor's line, byte for byte, in local time, for each level", () => {
    const logfile = join(scratch(), "log");
    using log = open({ logfile });
    at(2024, 0, 2, 3, 4, 5, 6);
    for (const level of LEVELS) log.log(level, `some ${level} %s %d`);
    at(2024, 11, 31, 23, 59, 59, 999);
    log.info("two\nlines é");
    log.info("");
    expect(fs.readFileSync(logfile, "utf8")).toBe(
      [
        "2024-01-02 03:04:05,006 CRIT some critical %s %d",
        "2024-01-02 03:04:05,006 ERRO some error %s %d",
        "2024-01-02 03:04:05,006 WARN some warn %s %d",
        "2024-01-02 03:04:05,006 INFO some info %s %d",
        "2024-01-02 03:04:05,006 DEBG some debug %s %d",
        "2024-01-02 03:04:05,006 TRAC some trace %s %d",
        "2024-01-02 03:04:05,006 BLAT some blather %s %d",
        "2024-12-31 23:59:59,999 INFO two",
        "lines é",
        "2024-12-31 23:59:59,999 INFO ",
        "",
      ].join("\n"),
    );
  });

  test.each(LEVELS)("at level %s writes that level and what is graver", (loglevel) => {
    const logfile = join(scratch(), "log");
    using log = open({ logfile, loglevel });
    for (const level of LEVELS) log[level](level);
    const written = fs.readFileSync(logfile, "utf8").trimEnd().split("\n");
    const wanted = LEVELS.slice(0, LEVELS.indexOf(loglevel) + 1);
    expect(written.map((line) => line.split(" ")[3])).toEqual(wanted);
    expect(LEVELS.filter((level) => log.enabled(level))).toEqual(wanted);
  });

  test("rotates, reopens and clears like any log", () => {
    const directory = scratch();
    const logfile = join(directory, "log");
    using log = open({ logfile, maxbytes: 100, backups: 1 });
    log.info("x".repeat(100));
    expect(fs.readdirSync(directory)).toEqual(["log", "log.1"]);
    log.info("old");
    fs.renameSync(logfile, join(directory, "moved"));
    log.reopen();
    log.info("gone");
    log.clear();
    log.info("new");
    expect(fs.readFileSync(logfile, "utf8")).toMatch(/^\S+ \S+ INFO new\n$/);
    expect(log.path).toBe(logfile);
  });

  test("a file that cannot be opened throws its code", () => {
    expect(() => open({ logfile: scratch() })).toThrow(expect.objectContaining({ code: "EISDIR" }));
  });
});

test("as JSON it has pino's lines: level by name, ISO time, message", () => {
  const logfile = join(scratch(), "log");
  using log = open({ logfile, format: "json" });
  at(2024, 0, 2, 3, 4, 5, 6);
  log.warn('a "quoted"\nmessage %s');
  log.blather("more");
  const time = new Date(2024, 0, 2, 3, 4, 5, 6).toISOString();
  const lines = fs.readFileSync(logfile, "utf8").trimEnd().split("\n");
  expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
    { level: "warn", time, message: 'a "quoted"\nmessage %s' },
    { level: "blather", time, message: "more" },
  ]);
});

describe("the activity log in syslog", () => {
  const record = () => {
    const sent: string[] = [];
    const syslog = {
      openSyslog: (ident: string) => sent.push(`ident ${ident}`),
      syslog: (text: string) => sent.push(text),
    };
    return { sent, syslog: syslog as unknown as NonNullable<ActivityLogOptions["syslog"]> };
  };

  test("is one message a line, each under its own head", () => {
    const { sent, syslog } = record();
    using log = open({ logfile: null, syslog });
    at(2024, 0, 2, 3, 4, 5, 6);
    log.info("one\ntwo\n");
    log.reopen();
    log.clear();
    expect(sent).toEqual([
      "ident supervisord",
      "2024-01-02 03:04:05,006 INFO one",
      "2024-01-02 03:04:05,006 INFO two",
    ]);
    expect(log.path).toBeNull();
  });

  test("may be JSON", () => {
    const { sent, syslog } = record();
    using log = open({ logfile: null, format: "json", syslog });
    log.info("one\ntwo");
    expect(sent.slice(1).map((line) => JSON.parse(line) as unknown)).toEqual([
      { level: "info", time: expect.any(String), message: "one\ntwo" },
    ]);
  });
});

describe("the echo on stdout", () => {
  /** What is written to one descriptor, which counts as a socket here; `broken`: the others cannot be written. */
  function spyOn(fd: number, broken = false): string[] {
    const written: string[] = [];
    const real = fs.fstatSync;
    vi.spyOn(fs, "fstatSync").mockImplementation(((asked: number) => {
      const stat = real(asked);
      if (asked !== fd) return stat;
      return Object.assign(Object.create(stat) as object, {
        dev: -fd,
        isFIFO: () => false,
        isCharacterDevice: () => false,
      });
    }) as unknown as typeof fs.fstatSync);
    const write = fs.writeSync as (fd: number, bytes: Uint8Array, at: number, length: number) => number;
    vi.spyOn(fs, "writeSync").mockImplementation(((
      to: number,
      bytes: Uint8Array,
      from: number,
      length: number,
    ) => {
      if (to !== fd && broken) throw Object.assign(new Error("EIO"), { code: "EIO", errno: -5 });
      if (to !== fd) return write(to, bytes, from, length);
      written.push(Buffer.from(bytes.subarray(from, from + length)).toString());
      return length;
    }) as typeof fs.writeSync);
    return written;
  }

  test("has the same lines as the file", () => {
    const stdout = spyOn(1);
    const logfile = join(scratch(), "log");
    using log = open({ logfile, echo: true });
    log.info("hello");
    expect(stdout.join("")).toBe(fs.readFileSync(logfile, "utf8"));
  });

  test("a log that is stdout itself has each line once", () => {
    const stdout = spyOn(1);
    const link = join(scratch(), "log");
    fs.symlinkSync("/dev/stdout", link);
    using log = open({ logfile: link, echo: true });
    log.info("hello");
    log.clear();
    expect(stdout).toEqual([expect.stringMatching(/ INFO hello\n$/)]);
    expect(fs.lstatSync(link).isSymbolicLink()).toBe(true);
  });

  test("hears what is wrong with the file", () => {
    const stdout = spyOn(1);
    using log = open({ logfile: "/dev/full", echo: true });
    log.info("hello");
    log.info("again");
    expect(stdout.map((line) => line.slice("YYYY-MM-DD HH:MM:SS,mmm ".length))).toEqual([
      "INFO hello\n",
      "ERRO cannot write to log /dev/full: ENOSPC: no space left on device\n",
      "INFO again\n",
    ]);
  });

  test("without it, stderr hears what is wrong with the file", () => {
    const stderr = spyOn(2, true);
    using quiet = open({ logfile: join(scratch(), "log") });
    quiet.info("lost");
    expect(stderr).toEqual([expect.stringMatching(/ ERRO cannot write to log .*: EIO: i\/o error\n$/)]);
  });
});
