/** How Python writes values, where Supervisor lets that show through. */

/** The kinds of XML-RPC values. */
type Value = string | number | boolean | null | readonly Value[] | { readonly [name: string]: Value };

/** As Python's `str` writes a value. */
export function pythonText(value: Value): string {
  return typeof value === "string" ? value : valueRepr(value);
}

function valueRepr(value: Value): string {
  if (typeof value === "string") return repr(value);
  if (typeof value === "number") return String(value);
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (isList(value)) return `[${value.map(valueRepr).join(", ")}]`;
  const members = Object.keys(value).map((name) => `${repr(name)}: ${valueRepr(value[name] ?? null)}`);
  return `{${members.join(", ")}}`;
}

function isList(value: Value): value is readonly Value[] {
  return Array.isArray(value);
}

/** The text between quotes, as Python's `repr` writes it. */
export function repr(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  let quoted = "";
  for (const char of text) quoted += reprChar(char, quote);
  return quote + quoted + quote;
}

const UNPRINTABLE = /[\p{C}\p{Z}]/u;
const ESCAPES: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\" };

function reprChar(char: string, quote: string): string {
  const known = ESCAPES[char];
  if (known !== undefined) return known;
  if (char === quote) return `\\${char}`;
  if (char === " " || !UNPRINTABLE.test(char)) return char;
  const code = char.codePointAt(0) ?? 0;
  if (code < 0x100) return `\\x${code.toString(16).padStart(2, "0")}`;
  if (code < 0x10000) return `\\u${code.toString(16).padStart(4, "0")}`;
  return `\\U${code.toString(16).padStart(8, "0")}`;
}
