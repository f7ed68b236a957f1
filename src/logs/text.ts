const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * Log bytes as text that XML can carry: bytes that aren't UTF-8 and characters XML forbids become U+FFFD. The
 * reference answers HTTP 500 to the former and broken XML for the latter (an ANSI colour is enough).
 */
export function decodeText(bytes: Uint8Array): string {
  return decoder.decode(bytes).replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, "\uFFFD");
}
