/** The head of a plain `POST /RPC2`, read by hand; for every other request there is Node's own parser. */

export interface PlainHead {
  readonly kind: "plain";
  /** Where the body begins. */
  readonly end: number;
  readonly length: number;
  readonly authorization: string | undefined;
}

export type Head = PlainHead | { readonly kind: "more" } | { readonly kind: "other" };

const START = Buffer.from("POST /RPC2 HTTP/1.1\r\n");
/** The end of every head. */
export const END = "\r\n\r\n";
/** What Node allows all header lines together. */
const HEAD_LIMIT_BYTES = 16 * 1024;
/** Bodies beyond this arrive in many pieces, which Node's server is better at. */
const PLAIN_BODY_BYTES = 64 * 1024;
const PRINTABLE = /^[\x20-\x7e]*\r?$/;
/** The value begins with what is no blank, so that there is one way only to cut blanks off. */
const LINE = /^([A-Za-z0-9-]+):[ \t]*((?:[\x21-\x7e][\x20-\x7e]*)?)$/;
const LENGTH = /^\d{1,8}$/;

/** Headers that say nothing about how the request is read or answered, whatever their value. */
const IGNORED = new Set(["content-type", "accept", "accept-encoding", "accept-language"]);

/** How every browser's name begins. */
export const BROWSER = "Mozilla/";

const MORE = { kind: "more" } as const;
const OTHER = { kind: "other" } as const;

/** Looks at the bytes a request begins with: they are a plain call, not yet enough to tell, or something else. */
export function readHead(bytes: Buffer): Head {
  const start = Math.min(bytes.length, START.length);
  if (bytes.compare(START, 0, start, 0, start) !== 0) return isPartOfLine(bytes) ? MORE : OTHER;
  const end = bytes.indexOf(END, START.length - 2);
  if (end < 0) return bytes.length > HEAD_LIMIT_BYTES ? OTHER : MORE;
  if (end > HEAD_LIMIT_BYTES) return OTHER;
  return end < START.length
    ? OTHER
    : readLines(bytes.toString("latin1", START.length, end), end + END.length);
}

/** A first line that has no end yet, and may still become one of HTTP. */
function isPartOfLine(bytes: Buffer): boolean {
  return bytes.length <= HEAD_LIMIT_BYTES && PRINTABLE.test(bytes.toString("latin1"));
}

function readLines(lines: string, end: number): Head {
  let length: number | null = null;
  let authorization: string | undefined;
  let host = false;
  for (const line of lines.split("\r\n")) {
    const [, name = "", value = ""] = LINE.exec(line) ?? [];
    switch (name.toLowerCase()) {
      case "host":
        if (host) return OTHER;
        host = true;
        break;
      case "content-length":
        if (length !== null || !LENGTH.test(value)) return OTHER;
        length = Number(value);
        break;
      case "authorization":
        if (authorization !== undefined) return OTHER;
        authorization = value.trimEnd();
        break;
      case "user-agent":
        // A browser is asked more than a program is.
        if (value.startsWith(BROWSER)) return OTHER;
        break;
      case "connection":
        if (value.toLowerCase() !== "keep-alive") return OTHER;
        break;
      default:
        if (!IGNORED.has(name.toLowerCase())) return OTHER;
    }
  }
  if (!host || length === null || length > PLAIN_BODY_BYTES) return OTHER;
  return { kind: "plain", end, length, authorization };
}
