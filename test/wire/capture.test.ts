import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  BEGIN_TOKEN,
  createCaptureBuffer,
  createCaptureParser,
  END_TOKEN,
  type Piece,
} from "../../src/wire/capture.js";

const bytes = (value: string): Uint8Array => Buffer.from(value, "latin1");
const text = (value: Uint8Array): string => Buffer.from(value).toString("latin1");

/** Pieces as `kind text`, neighbours of one kind joined. */
function read(chunks: readonly string[]): readonly (readonly [string, string])[] {
  const parser = createCaptureParser();
  const pieces: Piece[] = [...chunks.flatMap((chunk) => parser.push(bytes(chunk))), ...parser.end()];
  const joined: [string, string][] = [];
  for (const piece of pieces) {
    const last = joined.at(-1);
    if (piece.kind === "event") joined.push(["event", ""]);
    else if (last?.[0] === piece.kind) last[1] += text(piece.bytes);
    else joined.push([piece.kind, text(piece.bytes)]);
  }
  return joined;
}

const pieces = fc.array(
  fc.constantFrom(BEGIN_TOKEN, END_TOKEN, "<", "<!--XSUPERVISOR:", "<!--X", "B", "text\n", "<<!--", "END-->"),
  { maxLength: 12 },
);

describe("capture mode", () => {
  test("text outside is log, text inside captured, tokens are neither", () => {
    expect(read([`a${BEGIN_TOKEN}b${END_TOKEN}c`])).toEqual([
      ["log", "a"],
      ["captured", "b"],
      ["event", ""],
      ["log", "c"],
    ]);
  });

  test("an empty capture is still an event", () => {
    expect(read([BEGIN_TOKEN + END_TOKEN])).toEqual([["event", ""]]);
  });

  test("a begin token inside and an end token outside are text", () => {
    expect(read([END_TOKEN + BEGIN_TOKEN + BEGIN_TOKEN + END_TOKEN])).toEqual([
      ["log", END_TOKEN],
      ["captured", BEGIN_TOKEN],
      ["event", ""],
    ]);
  });

  test("short text is given at once, and only a beginning of the token waits", () => {
    const parser = createCaptureParser();
    const texts = (chunk: string): string[] =>
      parser.push(bytes(chunk)).map((piece) => (piece.kind === "event" ? "" : text(piece.bytes)));
    expect([texts("hi"), texts("a<!-"), texts("no"), texts("<!--X")]).toEqual([["hi"], ["a"], ["<!-no"], []]);
    expect(parser.end()).toEqual([{ kind: "log", bytes: Uint8Array.from(bytes("<!--X")) }]);
  });

  test("what is held back survives the reuse of the chunk", () => {
    const parser = createCaptureParser();
    const chunk = Buffer.from("x<!--");
    parser.push(chunk);
    chunk.fill("?");
    expect(parser.end().map((piece) => (piece.kind === "log" ? text(piece.bytes) : piece.kind))).toEqual([
      "<!--",
    ]);
  });

  test("reads may cut the stream anywhere", () => {
    fc.assert(
      fc.property(pieces, fc.array(fc.nat(300)), (parts, cuts) => {
        const whole = parts.join("");
        const at = [0, ...cuts.map((cut) => cut % (whole.length + 1)).sort((a, b) => a - b), whole.length];
        const chunks = at.slice(1).map((end, index) => whole.slice(at[index], end));
        expect(read(chunks)).toEqual(read([whole]));
        expect(read([...whole])).toEqual(read([whole]));
      }),
    );
  });

  test("nothing is lost and nothing invented", () => {
    fc.assert(
      fc.property(pieces, (parts) => {
        const whole = parts.join("");
        let capturing = false;
        let again = "";
        for (const [kind, value] of read([whole])) {
          if ((kind === "log") === capturing) {
            again += capturing ? END_TOKEN : BEGIN_TOKEN;
            capturing = !capturing;
          }
          if (kind === "event") continue;
          again += value;
        }
        expect(whole.replaceAll(BEGIN_TOKEN, "").replaceAll(END_TOKEN, "")).toBe(
          again.replaceAll(BEGIN_TOKEN, "").replaceAll(END_TOKEN, ""),
        );
      }),
    );
  });
});

describe("the capture buffer", () => {
  const keptOf = (limit: number, writes: readonly string[]): string => {
    const buffer = createCaptureBuffer(limit);
    for (const write of writes) buffer.append(bytes(write));
    return text(buffer.take());
  };

  test("keeps one oversized write whole", () => {
    expect(keptOf(10, ["123456789012345"])).toBe("123456789012345");
  });

  test("drops as many leading bytes as the exceeding write is long", () => {
    expect(keptOf(10, ["12345678", "abc"])).toBe("45678abc");
    expect(keptOf(10, ["12", "34", "56", "abcde"])).toBe("6abcde");
    expect(keptOf(10, ["12345", "67890"])).toBe("1234567890");
  });

  test("is empty once taken", () => {
    const buffer = createCaptureBuffer(10);
    buffer.append(bytes("abc"));
    buffer.take();
    expect(buffer.take()).toHaveLength(0);
  });

  test("never holds more than the limit or the newest write, and ends with that write", () => {
    fc.assert(
      fc.property(
        fc.nat(20),
        fc.array(fc.string({ unit: "binary-ascii", maxLength: 30 })),
        (limit, writes) => {
          const kept = keptOf(limit, writes);
          const longest = Math.max(limit, ...writes.map((write) => write.length));
          expect(kept.length).toBeLessThanOrEqual(longest);
          expect(kept.endsWith(writes.at(-1) ?? "")).toBe(true);
          expect(writes.join("").endsWith(kept)).toBe(true);
        },
      ),
    );
  });
});
