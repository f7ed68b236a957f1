/** The daemon's end of a child's output, on real pipes whose reads fail in each way that the system knows. */
import { closeSync, readSync, writeSync } from "node:fs";
import { afterEach, expect, test } from "vitest";
import { type PipeReader, type PipeSink, readPipe, type TakeShown } from "../../src/daemon/pipe-reader.js";
import { outputPipe } from "../../src/posix/pipe.js";
import { until } from "../support/until.js";

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

interface Pipe {
  readonly reader: PipeReader;
  readonly near: number;
  write(text: string): void;
  /** The other end is gone. */
  end(): void;
  readonly heard: () => string;
  readonly said: string[];
  readonly ends: () => number;
}

interface Faults {
  /** The outcomes of the next reads, instead of bytes. */
  readonly errnos?: readonly string[];
  /** Called with each chunk; may throw. */
  readonly onData?: (text: string, take: TakeShown) => void;
  readonly takeFrom?: PipeSink["takeFrom"];
  readonly shows?: boolean;
}

function open({ errnos = [], onData, takeFrom = () => "unfit", shows = false }: Faults = {}): Pipe {
  const { near, child } = outputPipe(null, false);
  const left = [...errnos];
  const said: string[] = [];
  let heard = "";
  let ends = 0;
  let isOpen = true;
  const sink: PipeSink = {
    takeFrom,
    shows: () => shows,
    data(_channel, chunk, take) {
      onData?.(chunk.toString(), take);
      heard += chunk;
      take(chunk.length);
      return null;
    },
    trouble: (_channel, text) => void said.push(text.split("\n", 1)[0] ?? ""),
    end: () => {
      ends += 1;
    },
  };
  const reader = readPipe(near, "stdout", sink, (fd, into) => {
    const code = left.shift();
    if (code !== undefined) throw Object.assign(new Error(code), { code });
    return readSync(fd, into, 0, into.length, null);
  });
  const end = (): void => {
    if (isOpen) closeSync(child);
    isOpen = false;
  };
  closers.push(() => reader.close(), end);
  return {
    reader,
    near,
    write: (text) => void writeSync(child, text),
    end,
    heard: () => heard,
    said,
    ends: () => ends,
  };
}

const toEnd = (pipe: Pipe): Promise<unknown> => until(() => pipe.reader.ended, "the end", { everyMs: 1 });

test("an interrupted read is made again", () => {
  const pipe = open({ errnos: ["EINTR", "EINTR"] });
  pipe.write("all of it");
  pipe.reader.drain();
  expect([pipe.heard(), pipe.reader.ended, pipe.said]).toEqual(["all of it", false, []]);
});

test.each(["ENOMEM", "ENOBUFS"])(
  "%s is no end: it is said once, and read again after a pause",
  async (errno) => {
    const pipe = open({ errnos: [errno, errno, errno] });
    pipe.write("late");
    await until(() => pipe.heard() === "late", "the text", { everyMs: 1 });
    pipe.write(", and on");
    pipe.end();
    await toEnd(pipe);
    expect([pipe.heard(), pipe.said]).toEqual(["late, and on", [`cannot be read for now: ${errno}`]]);
  },
);

test("after its child has ended, too, what the system had no memory for is read in the end", async () => {
  const pipe = open({ errnos: ["ENOMEM"] });
  pipe.write("last words");
  pipe.end();
  pipe.reader.drain();
  expect([pipe.heard(), pipe.reader.ended]).toEqual(["", false]);
  await toEnd(pipe);
  expect([pipe.heard(), pipe.ends()]).toEqual(["last words", 1]);
});

test.each(["EIO", "EBADF", "EISDIR"])("%s ends it, and says that output is lost", async (errno) => {
  const pipe = open({ errnos: [errno] });
  pipe.write("lost");
  await toEnd(pipe);
  const said = [`cannot be read any more: ${errno}; what the process writes there is lost`];
  expect([pipe.heard(), pipe.said, pipe.ends()]).toEqual(["", said, 1]);
});

test("a pipe that is lost is said even where a passing trouble was said before", async () => {
  const pipe = open({ errnos: ["ENOMEM", "EIO"] });
  pipe.write("lost");
  await toEnd(pipe);
  expect(pipe.said).toHaveLength(2);
});

test("a descriptor that somebody else has closed ends this reader and nothing else", () => {
  const pipe = open();
  closeSync(pipe.near);
  pipe.reader.drain();
  expect([pipe.reader.ended, pipe.ends(), pipe.said.length]).toEqual([true, 1, 1]);
});

test("what fails with some bytes is said once, and the next ones are read", async () => {
  const pipe = open({
    onData(text) {
      if (text.startsWith("bad")) throw new Error("cannot take these");
    },
  });
  for (const text of ["bad one", "bad two", "good", "bad three"]) {
    pipe.write(text);
    pipe.reader.drain();
  }
  pipe.end();
  await toEnd(pipe);
  expect([pipe.heard(), pipe.said]).toEqual([
    "good",
    ["Error: cannot take these", "Error: cannot take these"],
  ]);
});

test("bytes that are shown and fail leave the pipe, once, however much had been taken of them", () => {
  for (const takenBefore of [0, 4, 8]) {
    const pipe = open({
      shows: true,
      onData(text, take) {
        if (!text.startsWith("bad")) return;
        if (takenBefore > 0) take(takenBefore);
        throw new Error("cannot take these");
      },
    });
    pipe.write("bad ones");
    pipe.reader.drain();
    pipe.write("good");
    pipe.reader.drain();
    expect([pipe.heard(), pipe.said]).toEqual(["good", ["Error: cannot take these"]]);
  }
});

test("where the short way to the log throws, the bytes go the long way", () => {
  const pipe = open({
    takeFrom: () => {
      throw new Error("no short way");
    },
  });
  pipe.write("text");
  pipe.reader.drain();
  expect([pipe.heard(), pipe.said]).toEqual(["text", ["Error: no short way"]]);
});
