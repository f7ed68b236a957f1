/** A sender decides what the bytes are: no reader of them may take time in the square of their number. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createAnswerReader } from "../../src/client/answer.js";
import { glob } from "../../src/config/glob.js";
import { readIni } from "../../src/config/ini.js";
import { complete } from "../../src/ctl/completion.js";
import { readHead } from "../../src/http/request-head.js";
import { createSyslogLines } from "../../src/logs/syslog-lines.js";
import { decodeText } from "../../src/logs/text.js";
import { integer } from "../../src/rpc/method.js";
import { createAnsiStripper } from "../../src/wire/ansi.js";
import { createCaptureBuffer, createCaptureParser } from "../../src/wire/capture.js";
import { createListener } from "../../src/wire/listener-protocol.js";
import { decodeOrRepr } from "../../src/wire/python.js";
import { readStateFile } from "../../src/wire/state-file.js";
import { encodeResponse, parseCall, parseResponse } from "../../src/wire/xmlrpc.js";
import { scanCall, scanResponse } from "../../src/wire/xmlrpc-scan.js";
import { superlinear } from "../support/growth.js";

/** A reader of a whole text, what may stand before, be repeated and stand behind, to lead it astray. */
interface Reader {
  readonly read: (text: string) => unknown;
  readonly before: readonly string[];
  readonly pumps: readonly string[];
  readonly behind: readonly string[];
}

const CALL = "<methodCall><methodName>a</methodName><params><param><value>";
const TYPES = [
  "<double>",
  "<int>",
  "<i4>",
  "<boolean>",
  "<string>",
  "<base64>",
  "<array><data>",
  "<struct>",
  "",
];
const XML: Omit<Reader, "read"> = {
  before: [
    ...TYPES.map((type) => CALL + type),
    "",
    "<?xml version='1.0'",
    "<methodCall",
    "<!DOCTYPE a [",
    "<a b='",
  ],
  pumps: [
    ..."1|.|1.|e|+| |\n|\r|\t|&amp;|&|&a|]|]]|<|>|<a>|<a/>|<a></a>|<!--|<!|<?|<![CDATA[|-|=| b=''|\"|'|x|\0|é|\ud800".split(
      "|",
    ),
    "<value>1</value>",
    "<value><int>1</int></value>",
    "<member><name>a</name><value>1</value></member>",
    "<param><value>1</value></param>",
  ],
  behind: ["", "x", "</double>", "x</double></value></param></params></methodCall>", ">", "]]>", "-->"],
};
const TEXT: Omit<Reader, "read"> = {
  before: ["", "x", "[a]\nk=", "[", "\x1b["],
  pumps: [
    ..." |\n|\t|\r\n|\n |\n[|\n;| ;|;|#|=|:|[|]|[]|a|a=b\n|\\|\"|'|%|%(|\0|\x1b|\x1b[|\x1b[m|é|\n[a]\n".split(
      "|",
    ),
  ],
  behind: ["", "x", "\n", "]"],
};

const READERS: Readonly<Record<string, Reader>> = {
  "the scanner of calls": { ...XML, read: scanCall },
  "the parser of calls": { ...XML, read: parseCall },
  "the scanner of answers": { ...XML, read: (text) => scanResponse(answered(text)) },
  "the parser of answers": { ...XML, read: (text) => parseResponse(answered(text)) },
  "the writer of answers": { ...XML, read: (text) => encodeResponse([text]) },
  "a number in a call": {
    ...TEXT,
    pumps: [..."1| |+|-|\n|a".split("|")],
    before: ["", "+", " "],
    read: integer,
  },
  "the head of a request": {
    read: (text) => readHead(Buffer.from(text.slice(0, 16_000), "latin1")),
    before: ["POST /RPC2 HTTP/1.1\r\n", "POST /RPC2 HTTP/1.1\r\nHost:", "POST /RPC2 HTTP/1.1\r\nHost: x"],
    pumps: [" ", "\t", " x", "x", ":", "\r", "\r\n", "\r\nAccept: x", "\0", "é"],
    behind: ["", "\x01\r\n\r\n", "\r\n\r\n"],
  },
  "the head of an answer": {
    read: (text) => createAnswerReader().add(Buffer.from(text, "latin1")),
    before: ["HTTP/1.1 200 ", "HTTP/1.1 200 OK\r\ncontent-length:", "HTTP/1.1 200 OK\r\nconnection:"],
    pumps: [" ", "\t", "1", "\r", "\r\ncontent-length:", "\r\ncontent-length: 1", "\r\nconnection: ", "x"],
    behind: ["", "\r\n\r\n", "x\r\n\r\n"],
  },
  "a configuration": { ...TEXT, read: (text) => readIni(text, new Map()) },
  "a log's text": { ...TEXT, read: (text) => decodeText(Buffer.from(text, "latin1")) },
  "output that is perhaps no text": { ...TEXT, read: (text) => decodeOrRepr(Buffer.from(text, "latin1")) },
  "a state file": { ...TEXT, read: readStateFile },
  "a line to complete": { ...TEXT, read: (text) => complete(text, async () => []) },
  "output for syslog": {
    ...TEXT,
    read(text) {
      const lines = createSyslogLines("x", () => undefined);
      lines.write(Buffer.from(text));
      lines.end();
    },
  },
};

function answered(text: string): string {
  return text.replace(CALL, "<methodResponse><params><param><value>");
}

function quietly(read: () => unknown): void {
  try {
    read();
  } catch {
    // Bad input may be refused; only the time that takes counts here.
  }
}

describe("time grows with the number of bytes, and no faster, in", () => {
  for (const [name, { read, before, pumps, behind }] of Object.entries(READERS)) {
    const grows = (start: string, pump: string, end: string): string | null =>
      superlinear(4000, (size) => quietly(() => read(start + pump.repeat(size / pump.length) + end)));

    test(name, () => {
      const slow: string[] = [];
      for (const start of before)
        for (const pump of pumps)
          for (const end of behind) {
            const growth = grows(start, pump, end);
            if (growth !== null) slow.push(`${JSON.stringify([start, pump, end])}: ${growth}`);
            if (slow.length > 2) expect(slow).toEqual([]);
          }
      expect(slow).toEqual([]);
    });

    test(`${name}, with anything repeated`, () => {
      const some = fc.array(fc.constantFrom(...pumps), { minLength: 2, maxLength: 4 });
      fc.assert(
        fc.property(fc.constantFrom(...before), some, fc.constantFrom(...behind), (start, pump, end) => {
          expect(grows(start, pump.join(""), end)).toBe(null);
        }),
        { numRuns: 20 },
      );
    });
  }
});

/** Takes a stream a byte at a time. */
const STREAMS: Readonly<Record<string, (bytes: Buffer) => void>> = {
  "an answer without an end of its head": eachByte(() => createAnswerReader().add),
  "a listener's line": eachByte(() => busyListener("").heard),
  "a listener's result": eachByte(() => busyListener("RESULT 16000000\n").heard),
  "captured output": eachByte(() => createCaptureParser().push),
  "what an event will carry": eachByte(() => createCaptureBuffer(1 << 30).append),
  "the newest of what is too much for an event": eachByte(() => createCaptureBuffer(30_000).append),
  "coloured output": eachByte(() => createAnsiStripper().write),
  "a line for syslog": eachByte(() => createSyslogLines("x", () => undefined).write),
};

function eachByte(open: () => (bytes: Buffer) => unknown): (bytes: Buffer) => void {
  return (bytes) => {
    const take = open();
    quietly(() => {
      for (let at = 0; at < bytes.length; at += 1) take(bytes.subarray(at, at + 1));
    });
  };
}

function busyListener(said: string): ReturnType<typeof createListener> {
  const listener = createListener();
  listener.heard(Buffer.from("READY\n"));
  listener.sent();
  listener.heard(Buffer.from(said));
  return listener;
}

describe("a byte at a time takes time in the number of bytes, and no more, in", () => {
  test.each(Object.entries(STREAMS))("%s", (_name, take) => {
    for (const byte of ["x", "<", "\x1b", " "])
      expect([byte, superlinear(20_000, (size) => take(Buffer.alloc(size, byte)))]).toEqual([byte, null]);
  });
});

test("a pattern of many stars is matched in time that the stars don't multiply", () => {
  const name = `${"a".repeat(250)}.conf`;
  const files = { exists: () => true, isDirectory: () => true, list: () => [name] };
  const before = process.cpuUsage();
  expect(glob(`/x/${"*a".repeat(5)}*b`, files)).toEqual([]);
  expect(glob(`/x/${"*a".repeat(5)}*.conf`, files)).toEqual([`/x/${name}`]);
  expect(process.cpuUsage(before).user / 1000).toBeLessThan(200);
});
