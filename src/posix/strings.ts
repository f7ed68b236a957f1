import * as libc from "./libc.js";

/** A NULL-terminated array of C strings, pointers and bytes in one block. */
export function cStrings(strings: readonly string[]): Buffer {
  const head = (strings.length + 1) * 8;
  const text = strings.length === 0 ? "" : `${strings.join("\0")}\0`;
  const block = Buffer.allocUnsafeSlow(head + Buffer.byteLength(text));
  block.write(text, head, "utf8");
  const base = libc.addressOf(block);
  let at = head;
  for (let index = 0; index < strings.length; index += 1) {
    block.writeBigUInt64LE(base + BigInt(at), index * 8);
    at = block.indexOf(0, at) + 1;
  }
  block.writeBigUInt64LE(0n, strings.length * 8);
  return block;
}
