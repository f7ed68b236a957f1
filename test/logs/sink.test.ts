import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type ChannelLogOptions, openChannelLog } from "../../src/logs/sink.js";
import { useScratch } from "./scratch.js";

const scratch = useScratch();
const BEGIN = "<!--XSUPERVISOR:BEGIN-->";
const END = "<!--XSUPERVISOR:END-->";

interface Played {
  readonly file: string | null;
  readonly heard: readonly string[];
  readonly events: readonly string[];
  readonly syslog: readonly string[];
}

/** Writes the chunks, reusing one buffer as a pipe reader does, then ends the stream. */
function play(chunks: readonly string[], options: Partial<ChannelLogOptions> = {}): Played {
  const heard: string[] = [];
  const events: string[] = [];
  const syslog: string[] = [];
  const log = openChannelLog({
    path: null,
    maxbytes: 0,
    backups: 0,
    syslogName: null,
    stripAnsi: false,
    captureMaxbytes: 0,
    onLog: (bytes) => heard.push(bytes.toString("latin1")),
    onCapture: (bytes) => events.push(bytes.toString("latin1")),
    syslog: (text) => syslog.push(text),
    ...options,
  });
  const buffer = Buffer.alloc(1024);
  for (const chunk of chunks) {
    const length = buffer.write(chunk, "latin1");
    log.write(buffer.subarray(0, length));
    buffer.fill("?");
  }
  log.close();
  const file = log.path === null ? null : readFileSync(log.path, "latin1");
  return { file, heard, events, syslog };
}

describe("a channel's log", () => {
  test("with a file alone takes the bytes as they are", () => {
    const path = join(scratch(), "log");
    expect(play(["a\xff", "\x1b[1mb"], { path, onLog: null, onCapture: null }).file).toBe("a\xff\x1b[1mb");
  });

  test("NONE takes everything and keeps nothing", () => {
    expect(play(["abc"])).toEqual({ file: null, heard: ["abc"], events: [], syslog: [] });
  });

  test("a file that cannot be opened throws its code", () => {
    expect(() => play([], { path: scratch() })).toThrow(expect.objectContaining({ code: "EISDIR" }));
  });

  test("keeps captured text out of the file and makes an event of it; listeners hear it all", () => {
    const path = join(scratch(), "log");
    const played = play([`one ${BEGIN}ev`, `ent${END}two`], { path, captureMaxbytes: 100 });
    expect(played).toEqual({
      file: "one two",
      heard: ["one ", "ev", "ent", "two"],
      events: ["event"],
      syslog: [],
    });
  });

  test("a short output before the end of a captured stream is not lost", () => {
    const path = join(scratch(), "log");
    expect(play(["hi", "<!--X"], { path, captureMaxbytes: 100 }).file).toBe("hi<!--X");
  });

  test("a capture that never ends is no event", () => {
    const played = play([`a${BEGIN}b`], { captureMaxbytes: 100 });
    expect([played.heard, played.events]).toEqual([["a", "b"], []]);
  });

  test("strips sequences from file, listeners and events, over reads", () => {
    const path = join(scratch(), "log");
    const played = play([`\x1b[3`, `1mred${BEGIN}\x1b`, `[1mbold${END}\x1b`], {
      path,
      stripAnsi: true,
      captureMaxbytes: 100,
    });
    expect(played).toEqual({ file: "red\x1b", heard: ["red", "bold", "\x1b"], events: ["bold"], syslog: [] });
  });

  test("stripping can be turned on and off while output flows", () => {
    const heard: string[] = [];
    const options = { path: null, maxbytes: 0, backups: 0, syslogName: null, captureMaxbytes: 0 } as const;
    const log = openChannelLog({
      ...options,
      stripAnsi: false,
      onLog: (bytes) => heard.push(bytes.toString()),
    });
    log.write(Buffer.from("\x1b[1ma"));
    log.stripAnsi = true;
    log.write(Buffer.from("\x1b[1mb\x1b"));
    log.stripAnsi = false;
    log.write(Buffer.from("\x1b[1mc"));
    expect(heard).toEqual(["\x1b[1ma", "b", "\x1b", "\x1b[1mc"]);
  });

  test("another stream may follow an ended one, and nothing follows close", () => {
    const path = join(scratch(), "log");
    const log = openChannelLog({
      path,
      maxbytes: 0,
      backups: 0,
      syslogName: null,
      stripAnsi: false,
      captureMaxbytes: 9,
    });
    log.write(Buffer.from(`one ${BEGIN}`));
    log.end();
    log.write(Buffer.from("two"));
    log.close();
    log.write(Buffer.from("three"));
    log.close();
    expect(readFileSync(path, "utf8")).toBe("one two");
  });

  test("clear and reopen reach the file", () => {
    const path = join(scratch(), "log");
    using log = openChannelLog({
      path,
      maxbytes: 0,
      backups: 0,
      syslogName: null,
      stripAnsi: false,
      captureMaxbytes: 0,
    });
    log.write(Buffer.from("old"));
    log.clear();
    log.reopen();
    log.write(Buffer.from("new"));
    expect([readFileSync(path, "utf8"), existsSync(`${path}.1`)]).toEqual(["new", false]);
  });

  test("what the file gets does not depend on how reads cut the stream", () => {
    const path = join(scratch(), "log");
    const part = fc.constantFrom(BEGIN, END, "\x1b[3", "1m", "\x1b", "text", "<!--", "\n");
    fc.assert(
      fc.property(fc.array(part, { maxLength: 10 }), (parts) => {
        const options = { stripAnsi: true, captureMaxbytes: 100_000 };
        const join = (played: Played): unknown => [played.heard.join(""), played.events];
        expect(join(play(parts, options))).toEqual(join(play([...parts.join("")], options)));
      }),
    );
    expect(existsSync(path)).toBe(false);
  });
});

describe("a channel in syslog", () => {
  test("is one message a line, the process name before it, beside the file", () => {
    const path = join(scratch(), "log");
    const played = play(["one\ntwo\n", "\n\n", "a\n\nb\n\n"], { path, syslogName: "cat" });
    expect(played.syslog).toEqual(["cat one", "cat two", "cat ", "cat a", "cat ", "cat b"]);
    expect(played.file).toBe("one\ntwo\n\n\na\n\nb\n\n");
  });

  test("a line that two reads share is one message, what has no end goes at the end", () => {
    expect(play(["on", "e\ntw", "o\nrest"], { syslogName: "cat" }).syslog).toEqual([
      "cat one",
      "cat two",
      "cat rest",
    ]);
  });

  test("takes bytes that aren't text, a character in two reads, and NUL", () => {
    expect(play(["\xc3", "\xa9 \xff \0\n"], { syslogName: "cat" }).syslog).toEqual(["cat é \uFFFD \uFFFD"]);
  });

  test("a line without end is sent in parts", () => {
    const chunks = Array.from({ length: 100 }, () => "x".repeat(1000));
    const sent = play(chunks, { syslogName: "cat" }).syslog;
    expect(sent.map((text) => text.length - "cat ".length)).toEqual([66_000, 34_000]);
  });
});
