/**
 * Reading a passage of a log in slices, each a whole number of characters. All readers together get one slice in a
 * turn of the event loop, so that many of them hold up nobody any longer than one does.
 */
import fs from "node:fs";
import { promisify } from "node:util";
import type { Passage } from "../core/passage.js";
import { LogFault, openToRead, SLICE_BYTES } from "./tail.js";

export interface OpenPassage {
  /** From the beginning, as often as it is asked for. A slice is good until the next one is asked for. */
  slices(): AsyncGenerator<Buffer, void>;
  close(): void;
}

/** Limit of passages open at once: each holds a descriptor for as long as its reader takes. */
const MOST_OPEN = 64;

const read = promisify(fs.read);
let open = 0;
let turn: Promise<void> = Promise.resolve();

/** Throws `LogFault`. */
export function openPassage({ path, start, end }: Passage): OpenPassage {
  if (open >= MOST_OPEN)
    throw new LogFault("FAILED", `more than ${MOST_OPEN} long readings of logs at a time`);
  const fd = openFd(path);
  open += 1;

  async function* slices(): AsyncGenerator<Buffer, void> {
    const buffer = Buffer.allocUnsafe(SLICE_BYTES);
    let at = start;
    while (at < end) {
      const { bytesRead } = await read(fd, buffer, 0, Math.min(SLICE_BYTES, end - at), at);
      if (bytesRead === 0) return;
      const length = at + bytesRead < end ? wholeCharacters(buffer.subarray(0, bytesRead)) : bytesRead;
      at += length;
      await nextTurn();
      yield buffer.subarray(0, length);
    }
  }

  return {
    slices,
    close() {
      open -= 1;
      fs.closeSync(fd);
    },
  };
}

function openFd(path: string): number {
  try {
    return openToRead(path);
  } catch (cause) {
    throw new LogFault("FAILED", null, { cause });
  }
}

function nextTurn(): Promise<void> {
  turn = turn.then(() => new Promise((resolve) => setImmediate(resolve)));
  return turn;
}

/** All of it in memory, for whoever cannot do with less. Throws `LogFault`. */
export async function readPassage(passage: Passage): Promise<Buffer> {
  const opened = openPassage(passage);
  try {
    const slices: Buffer[] = [];
    for await (const slice of opened.slices()) slices.push(Buffer.from(slice));
    return Buffer.concat(slices);
  } finally {
    opened.close();
  }
}

const LONGEST_CHARACTER_BYTES = 4;

/**
 * How many bytes stand before a character that the end may have cut. Whatever a decoder makes of bytes that are no
 * UTF-8, a byte that can begin a character begins something new.
 */
function wholeCharacters(bytes: Buffer): number {
  for (let back = 1; back <= LONGEST_CHARACTER_BYTES && back < bytes.length; back += 1) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte < 0x80) return bytes.length - back + 1;
    if (byte >= 0xc0) return bytes.length - back;
  }
  return bytes.length;
}
