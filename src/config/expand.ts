/**
 * Values are Python %-format strings over a dict of names: `%(name)s`, `%(process_num)02d`, `%%`. What Python
 * does with them, errors included, is done here too, since those errors are what people search the web for.
 */
import { repr } from "./python.js";
import { bad, good, type Result } from "./result.js";

export type Names = ReadonlyMap<string, string | number>;

/** Looks names up in `own` first, then in `shared`. */
export interface Expansions {
  readonly own: Names;
  readonly shared: Names;
}

/** `unknown` is the name that could not be found, when that was the trouble. */
export type Expanded = Result<string> & { readonly unknown?: string };

/** Expands a value; `label` is what the error texts call it. */
export function expand(value: string, names: Expansions, label: string): Expanded {
  if (!value.includes("%")) return good(value);
  const state: State = { value, names, argument: null, used: false };
  const done = run(state);
  if (done.ok) return done;
  const what = `Format string ${repr(value)} for ${repr(label)}`;
  if ("name" in done) {
    const available = [...new Set([...names.own.keys(), ...names.shared.keys()])].sort();
    const text = `${what} contains names (${repr(done.name)}) which cannot be expanded. Available names: ${available.join(", ")}`;
    return { ...bad(text), unknown: done.name };
  }
  return bad(`${what} is badly formatted: ${done.text}`);
}

type Failure = { readonly ok: false; readonly name: string } | { readonly ok: false; readonly text: string };
type Outcome = { readonly ok: true; readonly value: string } | Failure;

type Argument = string | number | null;

interface State {
  readonly value: string;
  readonly names: Expansions;
  /** What a conversion formats: the last `%(name)`, or null for the whole dict. */
  argument: Argument;
  used: boolean;
}

/** Python's bound is the memory; nobody wants a value of that length. */
const MOST = 1_000_000;
const NOT_ENOUGH = "not enough arguments for format string";
const CONVERSION = /([-+ #0]*)(\*|[0-9]+)?(?:\.(\*|[0-9]*))?[hlL]?/y;

function run(state: State): Outcome {
  const { value } = state;
  let result = "";
  let at = 0;
  for (;;) {
    const percent = value.indexOf("%", at);
    if (percent < 0) return { ok: true, value: result + value.slice(at) };
    result += value.slice(at, percent);
    at = percent + 1;
    // A literal percent is `%%` and nothing between.
    if (value[at] === "%") {
      result += "%";
      at += 1;
      continue;
    }
    if (value[at] === "(") {
      const end = closing(value, at);
      if (end < 0) return bad("incomplete format key");
      const name = value.slice(at + 1, end);
      const found = state.names.own.get(name) ?? state.names.shared.get(name);
      if (found === undefined) return { ok: false, name };
      state.argument = found;
      state.used = false;
      at = end + 1;
    }
    CONVERSION.lastIndex = at;
    const [all = "", flags = "", width, precision] = CONVERSION.exec(value) ?? [];
    at += all.length;
    const spec: Spec = { flags, width: 0, precision: null, type: value[at] ?? "" };
    // A `*` takes the one argument there is, so its number never comes to be used.
    for (const part of [width, precision]) {
      if (part !== "*") continue;
      if (state.used) return bad(NOT_ENOUGH);
      if (typeof state.argument !== "number") return bad("* wants int");
      state.used = true;
    }
    if (width !== undefined) spec.width = Number(width);
    if (precision !== undefined) spec.precision = Number(precision);
    if (spec.width > MOST) return bad("width too big");
    if ((spec.precision ?? 0) > MOST) return bad("precision too big");
    if (spec.type === "") return bad("incomplete format");
    const formatted = convert(state, spec, at);
    if (!formatted.ok) return formatted;
    result += formatted.value;
    at += 1;
  }
}

/** Index of the parenthesis that closes the one at `open`; -1 when it stays open. */
function closing(text: string, open: number): number {
  let depth = 0;
  for (let at = open; at < text.length; at += 1) {
    if (text[at] === "(") depth += 1;
    else if (text[at] === ")") depth -= 1;
    if (depth === 0) return at;
  }
  return -1;
}

interface Spec {
  readonly flags: string;
  width: number;
  precision: number | null;
  readonly type: string;
}

function convert(state: State, spec: Spec, at: number): Result<string> {
  if (state.used) return bad(NOT_ENOUGH);
  state.used = true;
  const { argument } = state;
  switch (spec.type) {
    case "s":
      return good(pad(cut(argument === null ? dictText(state.names) : String(argument), spec), spec));
    case "r":
    case "a":
      return good(pad(cut(reprOf(argument, state.names), spec), spec));
    case "c":
      if (typeof argument === "number")
        return argument >= 0 && argument <= 0x10ffff
          ? good(pad(String.fromCodePoint(argument), spec))
          : bad("%c arg not in range(0x110000)");
      return typeof argument === "string" && [...argument].length === 1
        ? good(pad(argument, spec))
        : bad("%c requires int or char");
    case "d":
    case "i":
    case "u":
      return typeof argument === "number"
        ? good(integer(argument, 10, spec))
        : bad(`%${spec.type} format: a real number is required, not ${typeName(argument)}`);
    case "o":
    case "x":
    case "X":
      return typeof argument === "number"
        ? good(integer(argument, spec.type === "o" ? 8 : 16, spec))
        : bad(`%${spec.type} format: an integer is required, not ${typeName(argument)}`);
    case "e":
    case "E":
    case "f":
    case "F":
    case "g":
    case "G":
      return typeof argument === "number"
        ? good(signed(argument, float(Math.abs(argument), spec), "", spec))
        : bad(`must be real number, not ${typeName(argument)}`);
    default:
      return bad(unsupported(state.value, at));
  }
}

function unsupported(value: string, at: number): string {
  const code = value.codePointAt(at) ?? 0;
  const shown = code > 31 && code < 127 ? String.fromCharCode(code) : "?";
  // Python counts characters, not UTF-16 units.
  const index = [...value.slice(0, at)].length;
  return `unsupported format character '${shown}' (0x${code.toString(16)}) at index ${index}`;
}

function typeName(argument: Argument): string {
  return argument === null ? "dict" : typeof argument === "number" ? "int" : "str";
}

function reprOf(argument: Argument, names: Expansions): string {
  if (argument === null) return dictText(names);
  return typeof argument === "number" ? String(argument) : repr(argument);
}

/** A conversion without a name formats the whole dict, as it does in Python. */
function dictText({ own, shared }: Expansions): string {
  const pairs = [...new Map([...shared, ...own])].map(
    ([name, value]) => `${repr(name)}: ${typeof value === "number" ? value : repr(value)}`,
  );
  return `{${pairs.join(", ")}}`;
}

function cut(text: string, { precision }: Spec): string {
  return precision === null ? text : [...text].slice(0, precision).join("");
}

function pad(text: string, { flags, width }: Spec): string {
  return flags.includes("-") ? text.padEnd(width) : text.padStart(width);
}

function integer(value: number, base: 8 | 10 | 16, spec: Spec): string {
  const digits = Math.abs(value)
    .toString(base)
    .padStart(spec.precision ?? 0, "0");
  const prefix = spec.flags.includes("#") ? { 8: "0o", 10: "", 16: "0x" }[base] : "";
  return spec.type === "X"
    ? signed(value, digits.toUpperCase(), prefix.toUpperCase(), spec)
    : signed(value, digits, prefix, spec);
}

function signed(value: number, digits: string, prefix: string, spec: Spec): string {
  const sign = value < 0 ? "-" : spec.flags.includes("+") ? "+" : spec.flags.includes(" ") ? " " : "";
  const zeros = spec.flags.includes("0") && !spec.flags.includes("-");
  const filled = zeros ? digits.padStart(spec.width - sign.length - prefix.length, "0") : digits;
  return pad(sign + prefix + filled, spec);
}

function float(value: number, { type, precision, flags }: Spec): string {
  const places = Math.min(precision ?? 6, 100);
  const text =
    type === "f" || type === "F"
      ? value.toFixed(places)
      : type === "e" || type === "E"
        ? exponent(value.toExponential(places))
        : general(value, Math.max(places, 1), flags.includes("#"));
  return type === type.toUpperCase() ? text.toUpperCase() : text;
}

/** The shorter of the two notations, without trailing zeros unless asked for. */
function general(value: number, places: number, keepZeros: boolean): string {
  const power = value === 0 ? 0 : Math.floor(Math.log10(value));
  const text =
    power < -4 || power >= places
      ? value.toExponential(places - 1)
      : value.toFixed(Math.max(places - 1 - power, 0));
  const [digits = "", tail = ""] = text.split(/(?=e)/);
  const short = keepZeros || !digits.includes(".") ? digits : digits.replace(/\.?0+$/, "");
  return exponent(short + tail);
}

/** Python writes at least two digits of exponent. */
function exponent(text: string): string {
  return text.replace(/e([+-])(\d)$/, "e$10$2");
}
