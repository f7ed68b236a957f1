/** An HTTP answer of known length, from the pieces it comes in. */
import { createByteQueue } from "../wire/byte-queue.js";

export interface Answer {
  readonly status: number;
  readonly reason: string;
  readonly body: string;
  /** Whether the connection may be used again. */
  readonly keep: boolean;
}

export interface AnswerReader {
  /** The answer once it is whole; throws when it is none. */
  add(chunk: Buffer): Answer | null;
}

const STATUS = /^HTTP\/1\.[01] (\d{3})(?: ([^\r\n]*))?\r\n/;
/** More than any server says before it comes to the point. */
const HEAD_LIMIT_BYTES = 64 * 1024;

interface Head {
  readonly status: number;
  readonly reason: string;
  readonly keep: boolean;
  readonly end: number;
  readonly length: number;
}

export function createAnswerReader(): AnswerReader {
  const start = createByteQueue();
  /** The bytes so far, once the head is there. */
  const chunks: Buffer[] = [];
  let size = 0;
  let head: Head | null = null;

  return {
    add(chunk) {
      const before = size;
      size += chunk.length;
      if (head === null) {
        start.add(chunk);
        head = readHead(start.bytes, before);
        if (head === null) return null;
        chunks.push(start.bytes);
      } else chunks.push(chunk);
      const { end, length, status, reason, keep } = head;
      if (size < end + length) return null;
      const body = Buffer.concat(chunks, size).toString("utf8", end, end + length);
      return { status, reason, body, keep: keep && size === end + length };
    },
  };
}

/** No end of the head begins in the bytes `before`, but in the last three of them. */
function readHead(bytes: Buffer, before: number): Head | null {
  const end = bytes.indexOf("\r\n\r\n", Math.max(before - 3, 0));
  if (end < 0) {
    if (bytes.length > HEAD_LIMIT_BYTES) throw new Error("Cannot read the answer, its head has no end");
    return null;
  }
  const text = bytes.toString("latin1", 0, end + 2);
  const [, status, reason = ""] = STATUS.exec(text) ?? [];
  const length = /\r\ncontent-length:[ \t]*(\d+)[ \t]*\r\n/i.exec(text)?.[1];
  if (status === undefined || length === undefined)
    throw new Error("Cannot read the answer, it is no HTTP of known length");
  const keep = !/\r\nconnection:[ \t]*close[ \t]*\r\n/i.test(text);
  return { status: Number(status), reason, keep, end: end + 4, length: Number(length) };
}
