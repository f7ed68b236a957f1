/** Notations of Python that Supervisor lets show through, and that tools parse. */

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** `b'READY\n'`: bytes as Python writes them. */
export function bytesRepr(bytes: Uint8Array): string {
  const quote = bytes.includes(0x27) && !bytes.includes(0x22) ? '"' : "'";
  let text = "";
  for (const byte of bytes) text += byteRepr(byte, quote);
  return `b${quote}${text}${quote}`;
}

function byteRepr(byte: number, quote: string): string {
  if (byte === 0x0a) return "\\n";
  if (byte === 0x0d) return "\\r";
  if (byte === 0x09) return "\\t";
  if (byte === 0x5c) return "\\\\";
  if (byte < 0x20 || byte > 0x7e) return `\\x${byte.toString(16).padStart(2, "0")}`;
  const char = String.fromCharCode(byte);
  return char === quote ? `\\${char}` : char;
}

/** The text, or `Undecodable: b'…'` when the bytes are not UTF-8. */
export function decodeOrRepr(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch {
    return `Undecodable: ${bytesRepr(bytes)}`;
  }
}
