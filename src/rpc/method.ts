/** One row of the dispatch table, and what its values may be. */
import type { Passage } from "../core/passage.js";
import { pythonText } from "../core/python-repr.js";
import type { Daemon } from "./daemon.js";

/** Parameters of methods: the values XML-RPC knows. */
export type Value = string | number | boolean | null | readonly Value[] | { readonly [name: string]: Value };

/** Results of methods, which may also hold passages of logs, in place of their text. */
export type Result = Value | Passage | readonly Result[] | { readonly [name: string]: Result };

export type Answer = Result | Promise<Result>;

export interface Method {
  /** What it does, in a sentence. */
  readonly help: string;
  /** `type name meaning`, in order; those beyond `required` may be left out. */
  readonly params: readonly string[];
  readonly required: number;
  /** `type name meaning`. */
  readonly returns: string;
  /** True when it answers while the daemon shuts down or reloads. */
  readonly always?: boolean;
  readonly run: (daemon: Daemon, args: readonly Value[]) => Answer;
}

export type MethodTable = Readonly<Record<string, Method>>;

/** A name or text parameter. What is no string is a caller's bug, and answered as one. */
export function text(value: Value | undefined): string {
  if (typeof value === "string") return value;
  throw new TypeError(`string expected, ${shown(value)} found`);
}

/** The name of a group: whatever Python can look up, so a number is a name that is not there. */
export function groupName(value: Value | undefined): string {
  return value === undefined || typeof value === "object" ? text(value) : pythonText(value);
}

/** A number, or a text that holds one, as Python's int() takes both. */
export function integer(value: Value | undefined): number {
  if (typeof value === "number") return Math.trunc(value);
  if (typeof value === "boolean") return Number(value);
  if (typeof value === "string" && /^\s*[+-]?\d+\s*$/.test(value)) return Number(value);
  throw new TypeError(`int expected, ${shown(value)} found`);
}

/** Short enough for a log. */
function shown(value: Value | undefined): string {
  if (typeof value === "object" && value !== null) return Array.isArray(value) ? "array" : "struct";
  return String(JSON.stringify(value)).slice(0, 1000);
}

/** Python's idea of truth; left out means `otherwise`. */
export function truth(value: Value | undefined, otherwise: boolean): boolean {
  if (value === undefined) return otherwise;
  if (Array.isArray(value)) return value.length > 0;
  if (typeof value === "object" && value !== null) return Object.keys(value).length > 0;
  return Boolean(value);
}
