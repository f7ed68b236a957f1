/** From what a plugin's factory returned to rows of the dispatch table, once, when it is loaded. */
import type { Daemon } from "./daemon.js";
import { RpcFault } from "./fault.js";
import type { Answer, Method, Value } from "./method.js";

const NAME = /^[A-Za-z][A-Za-z0-9_]*$/;
const TRUE = "boolean result Always true; everything else is a fault";
const DEPTH_LIMIT = 64;

type Unknown = Readonly<Record<string, unknown>>;

/** Rows by full name. Throws what is wrong with the first method that is none. */
export function pluginMethods(namespace: string, returned: unknown): ReadonlyMap<string, Method> {
  if (!isObject(returned)) throw new Error("the factory returns no object of methods");
  const rows = new Map<string, Method>();
  for (const [name, method] of Object.entries(returned)) {
    if (!NAME.test(name) || name in Object.prototype) throw new Error(`"${name}" cannot name a method`);
    rows.set(`${namespace}.${name}`, readMethod(`${namespace}.${name}`, method));
  }
  return rows;
}

function readMethod(fullName: string, method: unknown): Method {
  const wrong = (what: string): Error => new Error(`${what} of method "${fullName}" is not usable`);
  if (!isObject(method)) throw wrong("the description");
  const { help = "", params = [], returns = TRUE, always = false, run } = method;
  if (typeof run !== "function") throw wrong("run");
  if (typeof help !== "string") throw wrong("help");
  if (!Array.isArray(params) || !params.every((param) => typeof param === "string")) throw wrong("params");
  if (typeof returns !== "string") throw wrong("returns");
  if (typeof always !== "boolean") throw wrong("always");
  const { required = params.length } = method;
  if (!Number.isInteger(required) || Number(required) < 0 || Number(required) > params.length)
    throw wrong("required");
  const act = (args: readonly Value[]): unknown => Reflect.apply(run, method, args);
  return {
    help,
    params: params as readonly string[],
    required: Number(required),
    returns,
    always,
    run: (daemon, args) => answer(daemon, fullName, () => act(args)),
  };
}

function answer(daemon: Daemon, fullName: string, act: () => unknown): Answer {
  const fail = (error: unknown): never => {
    throw toFault(daemon, fullName, error);
  };
  try {
    const value = act();
    return isThenable(value) ? Promise.resolve(value).then(toValue).catch(fail) : toValue(value);
  } catch (error) {
    return fail(error);
  }
}

/** An error with a whole number as `code` is meant for the client; anything else is the plugin's bug. */
function toFault(daemon: Daemon, fullName: string, error: unknown): RpcFault {
  if (error instanceof RpcFault) return error;
  if (error instanceof Error && "code" in error && Number.isSafeInteger(error.code))
    return new RpcFault(Number(error.code), error.message, { cause: error });
  const text = error instanceof Error ? error.message : String(error);
  const stack = error instanceof Error ? (error.stack ?? text) : text;
  daemon.log("error", `${fullName} failed: ${stack}`);
  return new RpcFault("FAILED", text, { cause: error });
}

/** What XML-RPC can carry of it. Throws for the rest, instead of breaking the answer later. */
function toValue(value: unknown, depth = 0): Value {
  if (value === undefined || value === null) {
    if (depth === 0) return true;
    throw new TypeError("null inside an answer: XML-RPC has none");
  }
  if (depth > DEPTH_LIMIT) throw new TypeError("an answer that is too deep");
  if (typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "number") {
    if (Number.isFinite(value)) return value;
    throw new TypeError(`XML-RPC has no ${value}`);
  }
  if (Array.isArray(value)) return value.map((each) => toValue(each, depth + 1));
  if (isObject(value))
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, toValue(each, depth + 1)]));
  throw new TypeError(`XML-RPC has no ${typeof value}`);
}

function isObject(value: unknown): value is Unknown {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return isObject(value) && typeof value["then"] === "function";
}
