/** Bytes of a configuration file to text: UTF-8, a byte order mark is skipped. */
import { isAscii } from "node:buffer";

export interface Decoded {
  /** Undecodable bytes are replaced, so that reading can go on and find more. */
  readonly text: string;
  /** The first thing wrong, in the words of Python's codec; null when all is well. */
  readonly problem: { readonly text: string; readonly line: number } | null;
}

const strict = new TextDecoder("utf-8", { fatal: true });
const lossy = new TextDecoder("utf-8");

export function decode(bytes: Uint8Array): Decoded {
  // A decoder's text takes two bytes a letter, and so would all that is cut out of it.
  if (isAscii(bytes)) return { text: Buffer.from(bytes).toString("latin1"), problem: null };
  try {
    return { text: strict.decode(bytes), problem: null };
  } catch {
    const { start, end, reason } = firstBad(bytes);
    const which =
      end - start === 1
        ? `byte 0x${(bytes[start] ?? 0).toString(16).padStart(2, "0")} in position ${start}`
        : `bytes in position ${start}-${end - 1}`;
    return {
      text: lossy.decode(bytes),
      problem: { text: `'utf-8' codec can't decode ${which}: ${reason}`, line: lineAt(bytes, start) },
    };
  }
}

interface Bad {
  readonly start: number;
  readonly end: number;
  readonly reason: string;
}

function firstBad(bytes: Uint8Array): Bad {
  for (let start = 0; start < bytes.length; ) {
    const lead = bytes[start] ?? 0;
    const more = followers(lead);
    if (more === null) return { start, end: start + 1, reason: "invalid start byte" };
    for (let n = 1; n <= more; n += 1) {
      const byte = bytes[start + n];
      if (byte === undefined) return { start, end: bytes.length, reason: "unexpected end of data" };
      const [low, high] = n === 1 ? secondByteRange(lead) : [0x80, 0xbf];
      if (byte < low || byte > high) return { start, end: start + n, reason: "invalid continuation byte" };
    }
    start += more + 1;
  }
  return { start: 0, end: 1, reason: "invalid start byte" };
}

function followers(lead: number): number | null {
  if (lead < 0x80) return 0;
  if (lead < 0xc2 || lead > 0xf4) return null;
  if (lead < 0xe0) return 1;
  return lead < 0xf0 ? 2 : 3;
}

/** Overlong forms, surrogates and what lies beyond Unicode all show in the second byte. */
function secondByteRange(lead: number): readonly [low: number, high: number] {
  switch (lead) {
    case 0xe0:
      return [0xa0, 0xbf];
    case 0xed:
      return [0x80, 0x9f];
    case 0xf0:
      return [0x90, 0xbf];
    case 0xf4:
      return [0x80, 0x8f];
    default:
      return [0x80, 0xbf];
  }
}

function lineAt(bytes: Uint8Array, position: number): number {
  let line = 1;
  for (let i = 0; i < position; i += 1)
    if (bytes[i] === 0x0a || (bytes[i] === 0x0d && bytes[i + 1] !== 0x0a)) line += 1;
  return line;
}
