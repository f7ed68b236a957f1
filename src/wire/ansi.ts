/**
 * `strip_ansi`: drops `ESC [` up to and including the first terminator. Unlike the reference, which looks at
 * each read alone, a sequence that two reads share is dropped whole.
 */

const ESC = 0x1b;
const BRACKET = 0x5b;
/** 1 at each byte that ends a sequence. */
const TERMINATES = new Uint8Array(256);
for (const char of "HfABCDRsuJKhlpm") TERMINATES[char.charCodeAt(0)] = 1;
const NOTHING = new Uint8Array(0);

/** Strips a stream of bytes; `end` gives what was held back and starts anew. */
export interface AnsiStripper {
  /** What is left of a chunk; the chunk itself where there is nothing to strip. */
  write(chunk: Uint8Array): Uint8Array;
  end(): Uint8Array;
}

/** A stripper that remembers where in a sequence the last chunk ended. */
export function createAnsiStripper(): AnsiStripper {
  let state: "text" | "escape" | "sequence" = "text";

  function write(chunk: Uint8Array): Uint8Array {
    if (state === "text" && chunk.indexOf(ESC) < 0) return chunk;
    // One byte more than came in: a held back ESC may turn out to be text.
    const out = new Uint8Array(chunk.length + 1);
    let length = 0;
    let at = 0;
    while (at < chunk.length) {
      if (state === "sequence") {
        while (at < chunk.length && TERMINATES[chunk[at] ?? 0] === 0) at += 1;
        if (at < chunk.length) state = "text";
        at += 1;
      } else if (state === "escape") {
        if (chunk[at] === BRACKET) {
          state = "sequence";
          at += 1;
        } else {
          out[length] = ESC;
          length += 1;
          state = "text";
        }
      } else {
        const next = chunk.indexOf(ESC, at);
        const end = next < 0 ? chunk.length : next;
        out.set(chunk.subarray(at, end), length);
        length += end - at;
        if (next >= 0) state = "escape";
        at = end + 1;
      }
    }
    return out.subarray(0, length);
  }

  function end(): Uint8Array {
    const held = state === "escape" ? Uint8Array.of(ESC) : NOTHING;
    state = "text";
    return held;
  }

  return { write, end };
}

/** The bytes without their ANSI sequences; an unfinished one at the end is dropped. */
export function stripAnsi(bytes: Uint8Array): Uint8Array {
  const stripper = createAnsiStripper();
  const text = stripper.write(bytes);
  const held = stripper.end();
  return held.length === 0 ? text : concat(text, held);
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array {
  const out = new Uint8Array(a.length + b.length);
  out.set(a);
  out.set(b, a.length);
  return out;
}
