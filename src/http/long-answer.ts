/**
 * Answers that hold passages of logs. Their text is made twice, slice by slice: first only to be counted, since an
 * answer begins with its length, then to be sent, as fast as the client reads. None of it is ever in memory whole.
 */
import type { Writable } from "node:stream";
import type { Passage } from "../core/passage.js";
import { type OpenPassage, openPassage } from "../logs/passage.js";
import { SLICE_BYTES } from "../logs/tail.js";

export interface LongAnswer {
  readonly parts: readonly (string | Passage)[];
  /** Makes what turns the slices of one passage, in order, into the text that stands for them. */
  readonly reader: () => (slice: Buffer) => string;
}

type Piece = string | { readonly passage: OpenPassage; bytes: number };

/**
 * `begin` gets the length in bytes, and sends the head. Settles when everything is written or the client is gone; an
 * answer that breaks off takes its connection with it. Rejects only while nothing has been sent.
 */
export async function sendLong(
  { parts, reader }: LongAnswer,
  out: Writable,
  begin: (length: number) => void,
): Promise<void> {
  const pieces: Piece[] = [];
  let begun = false;
  try {
    for (const part of parts)
      pieces.push(typeof part === "string" ? part : { passage: openPassage(part), bytes: 0 });
    let length = 0;
    for (const piece of pieces) {
      if (typeof piece !== "string") piece.bytes = await count(piece.passage, reader(), out);
      length += typeof piece === "string" ? Buffer.byteLength(piece) : piece.bytes;
    }
    if (out.destroyed) return;
    begun = true;
    begin(length);
    for (const piece of pieces) {
      if (typeof piece === "string") await write(out, Buffer.from(piece));
      else await copy(piece.passage, piece.bytes, reader(), out);
    }
  } catch (error) {
    if (!begun) throw error;
    out.destroy();
  } finally {
    for (const piece of pieces) if (typeof piece !== "string") piece.passage.close();
  }
}

async function count(
  { slices }: OpenPassage,
  read: (slice: Buffer) => string,
  out: Writable,
): Promise<number> {
  let bytes = 0;
  for await (const slice of slices()) {
    if (out.destroyed) break;
    bytes += Buffer.byteLength(read(slice));
  }
  return bytes;
}

/** Exactly so many bytes: a log that became another meanwhile is cut at a slice, and filled up with blanks. */
async function copy(
  { slices }: OpenPassage,
  counted: number,
  read: (slice: Buffer) => string,
  out: Writable,
): Promise<void> {
  let left = counted;
  for await (const slice of slices()) {
    const bytes = Buffer.from(read(slice));
    if (out.destroyed || bytes.length > left) break;
    left -= bytes.length;
    await write(out, bytes);
  }
  for (; left > 0 && !out.destroyed; left -= Math.min(left, SLICE_BYTES))
    await write(out, Buffer.alloc(Math.min(left, SLICE_BYTES), " "));
}

/** Settles when there is room for more, or nobody to send it to. */
function write(out: Writable, bytes: Buffer): Promise<void> | undefined {
  if (out.destroyed || out.write(bytes)) return undefined;
  return new Promise((resolve) => {
    const settle = (): void => {
      out.off("drain", settle).off("close", settle);
      resolve();
    };
    out.on("drain", settle).on("close", settle);
  });
}
