/** A line that is typed without being shown, from the bytes of a raw terminal. */
import type { Typed } from "./keyboard.js";

const INTERRUPT = 0x03;
const END = 0x04;
const BACKSPACE = 0x08;
const LINE_FEED = 0x0a;
const RETURN = 0x0d;
const KILL_LINE = 0x15;
const DELETE = 0x7f;

/** Takes bytes as they come, until it has settled. */
export function secretReader(settle: (typed: Typed) => void): (bytes: Buffer) => void {
  let typed: number[] = [];
  return (bytes) => {
    for (const byte of bytes) {
      if (byte === RETURN || byte === LINE_FEED) return settle({ line: Buffer.from(typed).toString("utf8") });
      if (byte === INTERRUPT) return settle("interrupt");
      if (byte === END && typed.length === 0) return settle("end");
      if (byte === DELETE || byte === BACKSPACE) typed = withoutLast(typed);
      else if (byte === KILL_LINE) typed = [];
      else if (byte >= 0x20) typed.push(byte);
    }
  };
}

/** Without its last character, which may be several bytes. */
function withoutLast(bytes: readonly number[]): number[] {
  const lead = bytes.findLastIndex((byte) => (byte & 0xc0) !== 0x80);
  return bytes.slice(0, Math.max(lead, 0));
}
