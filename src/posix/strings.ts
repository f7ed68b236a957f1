import * as libc from "./libc.js";

/** A NULL-terminated array of C strings, pointers and bytes in one block. */
export interface StringBlock {
  /** Fills the block anew; what it held before is gone. */
  fill(strings: readonly string[]): Buffer;
}

const POINTER_BYTES = 8;
const HALF = 2 ** 32;

/** Keeps its memory from one filling to the next: an environment has some kilobytes, and is written for each child. */
export function createStringBlock(): StringBlock {
  let block = Buffer.allocUnsafeSlow(0);
  let address = 0;

  function reserve(bytes: number): void {
    if (block.length >= bytes) return;
    block = Buffer.allocUnsafeSlow(2 * bytes);
    // No address of user space needs more than the 53 bits a number has.
    address = Number(libc.addressOf(block));
  }

  function point(index: number, to: number): void {
    block.writeUInt32LE(to % HALF, index * POINTER_BYTES);
    block.writeUInt32LE(Math.trunc(to / HALF), index * POINTER_BYTES + HALF_POINTER_BYTES);
  }

  return {
    fill(strings) {
      const head = (strings.length + 1) * POINTER_BYTES;
      const text = strings.length === 0 ? "" : `${strings.join("\0")}\0`;
      // A character of UTF-16 has three bytes of UTF-8 at most.
      reserve(head + 3 * text.length);
      const end = head + block.write(text, head, "utf8");
      const narrow = end - head === text.length;
      let at = head;
      for (const [index, string] of strings.entries()) {
        point(index, address + at);
        at = narrow ? at + string.length + 1 : block.indexOf(0, at) + 1;
      }
      point(strings.length, 0);
      return block;
    },
  };
}

const HALF_POINTER_BYTES = POINTER_BYTES / 2;

/** The same in a block of its own. */
export function cStrings(strings: readonly string[]): Buffer {
  return createStringBlock().fill(strings);
}
