/**
 * Child output for syslog: one message for each line. A line that two reads share is one message here (the
 * reference sends two); empty lines at the end of a read are dropped, as the reference does.
 */

import { TextDecoder } from "node:util";
import { trimRight } from "../core/trim.js";

export interface SyslogLines {
  write(chunk: Uint8Array): void;
  /** Sends what has no newline yet. */
  end(): void;
}

/** A line without an end is sent in parts of about this many characters. */
const LONGEST_LINE = 65_536;

/** `send` gets `<process name> <line>`. */
export function createSyslogLines(name: string, send: (text: string) => void): SyslogLines {
  let decoder = newDecoder();
  let partial = "";

  function take(text: string): void {
    if (text === "") return;
    partial += text;
    // A line that has no end yet is not looked at again with each piece.
    if (!text.includes("\n") && partial.length <= LONGEST_LINE) return;
    const whole = partial;
    partial = "";
    const lines = trimRight(whole, "\n").split("\n");
    if (!whole.endsWith("\n")) {
      const last = lines.pop() ?? "";
      if (last.length > LONGEST_LINE) lines.push(last);
      else partial = last;
    }
    // libc takes a C string: a NUL would end the message.
    for (const line of lines) send(`${name} ${line.replaceAll("\0", "\uFFFD")}`);
  }

  return {
    write: (chunk) => take(decoder.decode(chunk, { stream: true })),
    end() {
      take(decoder.decode());
      decoder = newDecoder();
      if (partial !== "") take("\n");
    },
  };
}

function newDecoder(): TextDecoder {
  return new TextDecoder("utf-8", { ignoreBOM: true });
}
