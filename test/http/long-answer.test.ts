/** A long answer keeps to the length it began with, and lets go of its log however it ends. */
import { readdirSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PassThrough, Writable } from "node:stream";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { passage } from "../../src/core/passage.js";
import { type LongAnswer, sendLong } from "../../src/http/long-answer.js";
import { useScratch } from "../logs/scratch.js";
import { until } from "../support/until.js";

const scratch = useScratch();
const MIB = 1 << 20;
const reader: LongAnswer["reader"] = () => (slice) => slice.toString("latin1").replaceAll("&", "&amp;");

function logOf(size: number): string {
  const path = join(scratch(), "log");
  writeFileSync(path, Buffer.alloc(size, "&"));
  return path;
}

const openHere = (): number => readdirSync("/proc/self/fd").length;

/** The bytes that are sent, and the length that was promised. */
async function sent(
  answer: LongAnswer,
  onBegin: () => void = () => undefined,
): Promise<readonly [string, number]> {
  const out = new PassThrough();
  let promised = 0;
  const whole = text(out);
  await sendLong(answer, out, (length) => {
    promised = length;
    onBegin();
  });
  out.end();
  return [await whole, promised];
}

test("texts and passages go out in their order", async () => {
  const path = logOf(5);
  const parts = ["é", passage(path, 0, 2), "b", passage(path, 2, 5), ""];
  expect(await sent({ parts, reader })).toEqual(["é&amp;&amp;b&amp;&amp;&amp;", 28]);
});

test("a log that is cut meanwhile leaves blanks", async () => {
  const path = logOf(MIB);
  const before = openHere();
  const parts = ["<", passage(path, 0, MIB), ">"];
  const [body, length] = await sent({ parts, reader }, () => truncateSync(path, 1000));
  expect(length).toBe(2 + 5 * MIB);
  expect(body).toHaveLength(length);
  expect(body.replace(/^<(&amp;)+ +>$/, "as it should be")).toBe("as it should be");
  expect(openHere()).toBe(before);
});

test("a log that becomes another meanwhile is never half a reference", async () => {
  const path = logOf(MIB);
  writeFileSync(path, Buffer.alloc(MIB, "x"));
  const parts = [passage(path, 0, MIB)];
  const [body, length] = await sent({ parts, reader }, () => writeFileSync(path, Buffer.alloc(MIB, "&")));
  expect(length).toBe(MIB);
  expect(body).toHaveLength(length);
  expect(body.replace(/^(&amp;)* +$/, "as it should be")).toBe("as it should be");
});

test("a client that does not read is not sent more than it takes, and what it leaves is let go of", async () => {
  const path = logOf(10 * MIB);
  const before = openHere();
  let taken = 0;
  const stuck = new Writable({
    write(chunk: Buffer, _encoding, _done) {
      taken += chunk.length;
    },
  });
  let ended = false;
  const parts = [passage(path, 0, 10 * MIB)];
  const sending = sendLong({ parts, reader }, stuck, () => undefined).finally(() => {
    ended = true;
  });
  await until(() => taken > 0, "the first slice");
  expect([ended, stuck.writableLength < MIB, openHere()]).toEqual([false, true, before + 1]);
  stuck.destroy();
  await sending;
  expect(openHere()).toBe(before);
});

test("what can't be opened is refused before anything is sent", async () => {
  const before = openHere();
  const out = new PassThrough();
  const parts = ["head", passage(logOf(1), 0, 1), passage("/nowhere/log", 0, 1)];
  await expect(sendLong({ parts, reader }, out, () => undefined)).rejects.toThrow("FAILED");
  expect([out.readableLength, openHere()]).toEqual([0, before]);
});
