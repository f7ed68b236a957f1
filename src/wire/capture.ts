/**
 * Capture mode: a child writes `<!--XSUPERVISOR:BEGIN-->…<!--XSUPERVISOR:END-->` and what stands between
 * becomes a PROCESS_COMMUNICATION event instead of log text.
 *
 * The parser only finds the tokens, however reads cut them; the buffer holds what an event will carry. Only a
 * true beginning of the awaited token is held back, so nothing waits longer than it must and nothing is lost
 * at the end (the reference holds back up to 24 bytes of any text, and loses them).
 */

import { createByteQueue } from "./byte-queue.js";

export const BEGIN_TOKEN = "<!--XSUPERVISOR:BEGIN-->";
export const END_TOKEN = "<!--XSUPERVISOR:END-->";

const BEGIN = bytesOf(BEGIN_TOKEN);
const END = bytesOf(END_TOKEN);
const OPENING = 0x3c;
const NOTHING = new Uint8Array(0);

/** `event` is the end token: what was captured since the begin token is complete. */
export type Piece =
  | { readonly kind: "log"; readonly bytes: Uint8Array }
  | { readonly kind: "captured"; readonly bytes: Uint8Array }
  | { readonly kind: "event" };

/** Finds the tokens in a stream. Pieces may be views of the chunk given. */
export interface CaptureParser {
  push(chunk: Uint8Array): readonly Piece[];
  /** The stream is over: what was held back is text after all. */
  end(): readonly Piece[];
}

export function createCaptureParser(): CaptureParser {
  let capturing = false;
  let held = NOTHING;

  function text(bytes: Uint8Array): Piece[] {
    if (bytes.length === 0) return [];
    return [{ kind: capturing ? "captured" : "log", bytes }];
  }

  function push(chunk: Uint8Array): readonly Piece[] {
    let rest = held.length === 0 ? chunk : concat(held, chunk);
    held = NOTHING;
    const pieces: Piece[] = [];
    for (;;) {
      const token = capturing ? END : BEGIN;
      const at = find(rest, token);
      const whole = at + token.length <= rest.length;
      pieces.push(...text(rest.subarray(0, at)));
      if (!whole) {
        // A copy (slice would be none for a Buffer): the next read may fill the same memory again.
        held = new Uint8Array(rest.subarray(at));
        return pieces;
      }
      if (capturing) pieces.push({ kind: "event" });
      capturing = !capturing;
      rest = rest.subarray(at + token.length);
    }
  }

  function end(): readonly Piece[] {
    const pieces = text(held);
    held = NOTHING;
    capturing = false;
    return pieces;
  }

  return { push, end };
}

/** What an event will carry, kept near a limit. */
export interface CaptureBuffer {
  append(bytes: Uint8Array): void;
  /** What is in it; empties it. */
  take(): Uint8Array;
}

/**
 * Supervisor's limit: when a write would exceed it, as many bytes as the write is long go first, from the
 * front. So the newest write is always kept whole, even one that is longer than the limit.
 */
export function createCaptureBuffer(maxbytes: number): CaptureBuffer {
  const kept = createByteQueue();
  return {
    append(bytes) {
      if (kept.bytes.length + bytes.length > maxbytes) kept.drop(bytes.length);
      kept.add(bytes);
    },
    take() {
      const whole = kept.bytes;
      kept.drop(whole.length);
      return whole;
    },
  };
}

/** Where the token stands, or where a beginning of it ends the bytes; else their length. */
function find(bytes: Uint8Array, token: Uint8Array): number {
  let at = bytes.indexOf(OPENING);
  while (at >= 0) {
    let same = 1;
    while (same < token.length && at + same < bytes.length && bytes[at + same] === token[same]) same += 1;
    if (same === token.length || at + same === bytes.length) return at;
    at = bytes.indexOf(OPENING, at + 1);
  }
  return bytes.length;
}

function bytesOf(ascii: string): Uint8Array {
  return Uint8Array.from(ascii, (char) => char.charCodeAt(0));
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array {
  const out = new Uint8Array(a.length + b.length);
  out.set(a);
  out.set(b, a.length);
  return out;
}
