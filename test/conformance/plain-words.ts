/** Lines in which Python's supervisorctl shows an exception's class and place, as ours words them. */

const EXCEPTION = /error: <class '([\w.]+)'>, ([\s\S]*?): file: (?:FILE|\S+) line: (?:N|\d+)\n/g;
const FAULT = /^<Fault (\d+): (["'])([\s\S]*)\2>$/;
const STATUS = /^<ProtocolError for \S+: (\d+) ([^>]*)>$/;

/** All strings of a transcript; `serverurl` is the one that was asked. */
export function inPlainWords<T>(transcript: T, serverurl = "SERVERURL"): T {
  const reword = (value: unknown): unknown => {
    if (typeof value === "string")
      return value.replace(EXCEPTION, (_all, type: string, text: string) => sentence(type, text, serverurl));
    if (Array.isArray(value)) return value.map(reword);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, reword(item)]));
  };
  return reword(transcript) as T;
}

function sentence(type: string, text: string, serverurl: string): string {
  const [, code, , faultString] = FAULT.exec(text) ?? [];
  if (code === "6") return "ERROR: supervisor shutting down (or reloading)\n";
  if (faultString !== undefined) return `ERROR: ${unquoted(faultString)}\n`;
  const [, status, reason] = STATUS.exec(text) ?? [];
  // "Server requires authentication" has been said.
  if (status === "401") return "";
  if (status !== undefined) return `${serverurl} answered ${status} ${reason}\n`;
  if (type === "FileNotFoundError") return `${serverurl} no such file\n`;
  if (type === "ConnectionRefusedError") return `${serverurl} refused connection\n`;
  return `ERROR: ${text}\n`;
}

/** The content of a Python string literal. */
function unquoted(text: string): string {
  return text.replace(/\\(.)/g, (_all, letter: string) => (letter === "n" ? "\n" : letter));
}
