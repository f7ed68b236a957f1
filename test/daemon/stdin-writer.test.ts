/** The daemon's end of a child's stdin, on real pipes: what the pipe doesn't take waits, in order, up to a limit. */
import { closeSync, constants, openSync, readSync, writeSync } from "node:fs";
import { afterEach, expect, test } from "vitest";
import { createStdinWriter, type StdinWriter } from "../../src/daemon/stdin-writer.js";
import { inputPipe } from "../../src/posix/pipe.js";
import { until } from "../support/until.js";

const LIMIT = 16 * 1024 * 1024;
/** What a pipe holds. */
const PIPE_BYTES = 64 * 1024;

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

interface Reader {
  /** At most so many bytes of what is there now. */
  read(most?: number): Buffer;
  close(): void;
}

/** A writer and whoever reads its pipe, who is the only one that does. */
function open(): { readonly writer: StdinWriter; readonly reader: Reader } {
  const { near, reader } = ends();
  const writer = createStdinWriter(near);
  closers.push(() => writer.close());
  return { writer, reader };
}

function ends(): { readonly near: number; readonly reader: Reader } {
  const { near, child } = inputPipe(null, false);
  const fd = openSync(`/proc/self/fd/${child}`, constants.O_RDONLY | constants.O_NONBLOCK);
  closeSync(child);
  let isOpen = true;
  const close = (): void => {
    if (isOpen) closeSync(fd);
    isOpen = false;
  };
  closers.push(close);
  const buffer = Buffer.alloc(PIPE_BYTES);
  return {
    near,
    reader: {
      read(most = PIPE_BYTES) {
        try {
          return Buffer.from(buffer.subarray(0, readSync(fd, buffer, 0, most, null)));
        } catch {
          return Buffer.alloc(0);
        }
      },
      close,
    },
  };
}

/** Numbered, so that a byte out of place is seen. */
function numbers(from: number, to: number): Buffer {
  let text = "";
  for (let number = from; number < to; number += 1) text += `${number}\n`;
  return Buffer.from(text);
}

/** Reads until so many bytes are there. */
async function readAll(reader: Reader, bytes: number, have: readonly Buffer[] = []): Promise<Buffer> {
  const parts = [...have];
  let seen = parts.reduce((sum, part) => sum + part.length, 0);
  await until(
    () => {
      for (let part = reader.read(); part.length > 0; part = reader.read()) {
        parts.push(part);
        seen += part.length;
      }
      return seen >= bytes;
    },
    `${bytes} bytes`,
    { everyMs: 1 },
  );
  return Buffer.concat(parts);
}

test("what the pipe takes is there at once", () => {
  const { writer, reader } = open();
  expect(writer.write(Buffer.from("one\n"))).toBe("written");
  expect(writer.write(Buffer.from("two\n"))).toBe("written");
  expect([reader.read().toString(), writer.pending().length]).toEqual(["one\ntwo\n", 0]);
});

test("nothing is a write, too", () => {
  const { writer, reader } = open();
  expect(writer.write(Buffer.alloc(0))).toBe("written");
  expect([reader.read().length, writer.pending().length]).toEqual([0, 0]);
});

test("a full pipe queues, and whoever reads gets all of it in order, later writes behind earlier ones", async () => {
  const { writer, reader } = open();
  const parts = [
    numbers(0, 50_000),
    numbers(50_000, 50_003),
    numbers(50_003, 120_000),
    numbers(120_000, 120_001),
  ];
  for (const part of parts) expect(writer.write(part)).toBe("written");
  const all = Buffer.concat(parts);
  expect(writer.pending().equals(all.subarray(PIPE_BYTES))).toBe(true);
  // The pipe has room now, but others come first: only the loop moves them.
  const begin = reader.read(PIPE_BYTES / 2);
  expect(writer.write(numbers(120_001, 120_010))).toBe("written");
  const expected = Buffer.concat([all, numbers(120_001, 120_010)]);
  const read = await readAll(reader, expected.length, [begin]);
  expect(read.equals(expected)).toBe(true);
  expect(writer.pending().length).toBe(0);
});

test("after it has drained, it writes straight into the pipe again", async () => {
  const { writer, reader } = open();
  const first = numbers(0, 50_000);
  writer.write(first);
  await readAll(reader, first.length);
  await until(() => writer.pending().length === 0, "an empty queue", { everyMs: 1 });
  expect(writer.write(Buffer.from("straight"))).toBe("written");
  expect(reader.read().toString()).toBe("straight");
  // And it can be full a second time.
  writer.write(first);
  expect(writer.pending().length).toBe(first.length - PIPE_BYTES);
  expect((await readAll(reader, first.length)).equals(first)).toBe(true);
});

test("pending is exactly what is neither read nor in the pipe, at every step", async () => {
  const { writer, reader } = open();
  const all = numbers(0, 60_000);
  writer.write(all.subarray(0, 200_000));
  writer.write(all.subarray(200_000));
  const taken: Buffer[] = [];
  let seen = 0;
  while (writer.pending().length > 0) {
    const before = writer.pending().length;
    while (seen < all.length - before) {
      const part = reader.read(7000);
      taken.push(part);
      seen += part.length;
    }
    // The pipe is empty now: what was read and what is pending is everything.
    expect(Buffer.concat([...taken, writer.pending()]).equals(all)).toBe(true);
    await until(() => writer.pending().length < before, "the pipe being filled again", { everyMs: 1 });
  }
  expect((await readAll(reader, all.length, taken)).equals(all)).toBe(true);
});

test("at the limit it is full: a refused text leaves nothing, and there is room again once something is read", async () => {
  const { writer, reader } = open();
  const filling = Buffer.alloc(PIPE_BYTES, "f");
  expect(writer.write(filling)).toBe("written");
  const queued = Buffer.alloc(LIMIT - 1, "q");
  expect(writer.write(queued)).toBe("written");
  expect(writer.write(Buffer.from("no"))).toBe("full");
  expect(writer.write(Buffer.from("y"))).toBe("written");
  expect(writer.write(Buffer.from("n"))).toBe("full");
  expect(writer.pending().length).toBe(LIMIT);
  const begin = reader.read();
  await until(() => writer.pending().length < LIMIT, "room", { everyMs: 1 });
  expect(writer.write(Buffer.from("Y"))).toBe("written");
  const expected = Buffer.concat([filling, queued, Buffer.from("yY")]);
  expect((await readAll(reader, expected.length, [begin])).equals(expected)).toBe(true);
});

test("a text that is longer than the limit is refused as a whole: no part of it is read", () => {
  const { writer, reader } = open();
  expect(writer.write(Buffer.alloc(LIMIT + PIPE_BYTES + 1, "x"))).toBe("full");
  expect([reader.read().length, writer.pending().length]).toEqual([0, 0]);
});

test("is closed when the reader has gone", () => {
  const { writer, reader } = open();
  expect(writer.write(Buffer.from("heard"))).toBe("written");
  reader.close();
  expect(writer.write(Buffer.from("unheard"))).toBe("closed");
  expect(writer.write(Buffer.from("again"))).toBe("closed");
  expect(writer.pending().length).toBe(0);
});

test("a queue whose reader goes is dropped, and the descriptor closed", async () => {
  const { writer, reader } = open();
  writer.write(numbers(0, 50_000));
  expect(writer.fd).not.toBeNull();
  reader.close();
  await until(() => writer.fd === null, "its end", { everyMs: 1 });
  expect([writer.write(Buffer.from("x")), writer.pending().length]).toEqual(["closed", 0]);
});

test("closing drops what waits, gives the child its end of file, and may be done twice", async () => {
  const { writer, reader } = open();
  const all = numbers(0, 50_000);
  writer.write(all);
  writer.close();
  writer.close();
  expect([writer.fd, writer.write(Buffer.from("x")), writer.pending().length]).toEqual([null, "closed", 0]);
  const read = await readAll(reader, PIPE_BYTES);
  expect(read.equals(all.subarray(0, PIPE_BYTES))).toBe(true);
});

/** A writer whose pipe first gives these errno names, then takes what comes. */
function troubled(...errnos: readonly string[]): {
  readonly writer: StdinWriter;
  readonly reader: Reader;
  readonly said: string[];
} {
  const { near, reader } = ends();
  const said: string[] = [];
  const left = [...errnos];
  const writer = createStdinWriter(
    near,
    (text) => said.push(text),
    (fd, bytes) => {
      const code = left.shift();
      if (code !== undefined) throw Object.assign(new Error(code), { code });
      return writeSync(fd, bytes);
    },
  );
  closers.push(() => writer.close());
  return { writer, reader, said };
}

test("an interrupted write is made again, and one that the system has no memory for follows soon", async () => {
  const interrupted = troubled("EINTR", "EINTR");
  expect(interrupted.writer.write(Buffer.from("at once"))).toBe("written");
  expect(interrupted.reader.read().toString()).toBe("at once");
  const scarce = troubled("ENOMEM", "ENOBUFS", "EAGAIN");
  expect(scarce.writer.write(Buffer.from("later"))).toBe("written");
  expect((await readAll(scarce.reader, 5)).toString()).toBe("later");
  expect([...interrupted.said, ...scarce.said]).toEqual([]);
});

test("a pipe that fails is said once and closed; one without a reader is closed in silence", () => {
  const failing = troubled("EIO");
  expect(failing.writer.write(Buffer.from("x"))).toBe("closed");
  expect(failing.writer.write(Buffer.from("x"))).toBe("closed");
  expect([failing.said, failing.writer.fd]).toEqual([["cannot be written any more: EIO"], null]);
  const unread = troubled("EPIPE");
  expect(unread.writer.write(Buffer.from("x"))).toBe("closed");
  expect(unread.said).toEqual([]);
});

test("a descriptor that somebody else has closed ends the writer and nothing else", () => {
  const { near } = ends();
  const said: string[] = [];
  const writer = createStdinWriter(near, (text) => said.push(text));
  closeSync(near);
  expect(writer.write(Buffer.from("x"))).toBe("closed");
  writer.close();
  expect(said).toEqual(["cannot be written any more: EBADF"]);
});
