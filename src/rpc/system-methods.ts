/** The `system.*` methods: what there is, and many calls in one. */
import { isPassage } from "../core/passage.js";
import type { Daemon } from "./daemon.js";
import { FAULTS, RpcFault } from "./fault.js";
import type { Answer, Method, MethodTable, Result, Value } from "./method.js";

export interface Dispatcher {
  call(daemon: Daemon, method: string, params: readonly Value[]): Answer;
  /** Every method a daemon has, by full name. */
  methods(daemon: Daemon): ReadonlyMap<string, Method>;
}

const MULTICALL = "system.multicall";

export function systemMethods(dispatcher: Dispatcher): MethodTable {
  return {
    listMethods: {
      help: "Lists the names of all methods.",
      params: [],
      required: 0,
      returns: "array result The names, sorted",
      always: true,
      run: (daemon) => [...dispatcher.methods(daemon).keys()].sort(),
    },
    methodHelp: {
      help: "Tells what a method does.",
      params: ["string name The method"],
      required: 1,
      returns: "string result The text",
      always: true,
      run: (daemon, [name]) => helpText(find(dispatcher, daemon, name)),
    },
    methodSignature: {
      help: "Tells what a method returns and takes.",
      params: ["string name The method"],
      required: 1,
      returns: "array result The type it returns, then those it takes",
      always: true,
      run(daemon, [name]) {
        const { returns, params } = find(dispatcher, daemon, name);
        return [returns, ...params].map((line) => line.split(" ")[0] ?? "");
      },
    },
    multicall: {
      help: "Makes several calls one after the other, each when the one before has its answer.",
      params: ["array calls Structs of methodName and params"],
      required: 1,
      returns: "array result The answer of each call; a struct of faultCode and faultString for a fault",
      always: true,
      run: (daemon, [calls]) => multicall(dispatcher, daemon, calls),
    },
  };
}

function find(dispatcher: Dispatcher, daemon: Daemon, name: Value | undefined): Method {
  const method = dispatcher.methods(daemon).get(String(name));
  if (method === undefined) throw new RpcFault("SIGNATURE_UNSUPPORTED");
  return method;
}

/** The lines of it that begin with @ are what clients read types from. */
function helpText({ help, params, returns }: Method): string {
  return [help, "", ...params.map((param) => `@param ${param}`), `@return ${returns}`, ""].join("\n");
}

/** What the answers of one multicall may weigh together. */
const MOST_WEIGHT = 16 << 20;
/** Every value takes some room, whatever it says. */
const LEAST_WEIGHT = 50;
/** How long calls that need not wait may follow each other before others have a turn. */
const TURN_MS = 10;

async function multicall(dispatcher: Dispatcher, daemon: Daemon, calls: Value | undefined): Promise<Result> {
  if (!Array.isArray(calls)) throw new TypeError("array of calls expected");
  const results: Result[] = [];
  let weight = 0;
  let turn = performance.now();
  for (const call of calls as readonly Value[]) {
    const result = weight < MOST_WEIGHT ? await callOne(dispatcher, daemon, call) : TOO_MUCH;
    weight += weightOf(result);
    results.push(result);
    if (performance.now() - turn < TURN_MS) continue;
    await new Promise((resolve) => setImmediate(resolve));
    turn = performance.now();
  }
  return results;
}

const TOO_MUCH: Value = {
  faultCode: FAULTS.FAILED,
  faultString: `FAILED: the answers of one ${MULTICALL} are limited to 16 MiB`,
};

/** About as many bytes as it takes in an answer. A passage of a log is not held in memory. */
function weightOf(value: Result): number {
  if (typeof value === "string") return LEAST_WEIGHT + value.length;
  if (typeof value !== "object" || value === null || isPassage(value)) return LEAST_WEIGHT;
  let weight = LEAST_WEIGHT;
  for (const [name, each] of Object.entries<Result>(value)) weight += name.length + weightOf(each);
  return weight;
}

async function callOne(dispatcher: Dispatcher, daemon: Daemon, call: Value): Promise<Result> {
  try {
    const struct = isStruct(call) ? call : {};
    const name = struct["methodName"];
    if (name === undefined || name === null || name === "")
      throw new RpcFault("INCORRECT_PARAMETERS", "No methodName");
    if (name === MULTICALL)
      throw new RpcFault("INCORRECT_PARAMETERS", "Recursive system.multicall forbidden");
    const params = struct["params"] ?? [];
    return await dispatcher.call(
      daemon,
      String(name),
      Array.isArray(params) ? (params as readonly Value[]) : [],
    );
  } catch (error) {
    if (error instanceof RpcFault) return { faultCode: error.code, faultString: error.message };
    const [type, text] = error instanceof Error ? [error.name, error.message] : ["Error", String(error)];
    return { faultCode: FAULTS.FAILED, faultString: `FAILED: <class '${type}'>:${text}` };
  }
}

function isStruct(value: Value): value is { readonly [name: string]: Value } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
