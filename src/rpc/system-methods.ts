/** The `system.*` methods: what there is, and many calls in one. */
import { isPassage } from "../core/passage.js";
import type { Daemon } from "./daemon.js";
import { FAULTS, RpcFault } from "./fault.js";
import type { Answer, Method, MethodTable, Result, Value } from "./method.js";
import { waiting, waitingOf } from "./waiting.js";

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

function multicall(dispatcher: Dispatcher, daemon: Daemon, calls: Value | undefined): Answer {
  if (!Array.isArray(calls)) throw new TypeError("array of calls expected");
  return inTurn(dispatcher, daemon, calls as readonly Value[]);
}

/** The limit for the answers of one multicall together. */
const MOST_WEIGHT = 16 << 20;
/** Every value takes some room, whatever it says. */
const LEAST_WEIGHT = 50;
/** How long calls that need not wait may follow each other before others have a turn. */
const TURN_MS = 10;

/** Calls that another program has left: the results so far, and how to go on with the one that was under way. */
export interface UnderWay {
  readonly results: readonly Value[];
  readonly now: (() => Answer) | null;
}

/** Makes one call after the other, those that were `underWay` first. */
export function inTurn(
  dispatcher: Pick<Dispatcher, "call">,
  daemon: Daemon,
  calls: readonly Value[],
  underWay: UnderWay = { results: [], now: null },
): Promise<Result> {
  const results: Result[] = [...underWay.results];
  let weight = weightOf(results);
  let now: Answer | null = null;
  let next = 0;
  const make = async (act: () => Answer): Promise<void> => {
    const outcome = await outcomeOf(() => {
      now = act();
      return now;
    });
    now = null;
    weight += weightOf(outcome);
    results.push(outcome);
  };
  async function makeAll(): Promise<Result> {
    let turn = performance.now();
    if (underWay.now !== null) await make(underWay.now);
    while (next < calls.length) {
      const call = calls[next] ?? null;
      next += 1;
      if (weight < MOST_WEIGHT) await make(() => callOne(dispatcher, daemon, call));
      else results.push(TOO_MUCH);
      if (performance.now() - turn < TURN_MS) continue;
      await new Promise((resolve) => setImmediate(resolve));
      turn = performance.now();
    }
    return results;
  }
  return waiting(makeAll(), () => {
    // A passage of a log is no text yet, and the file may be another by then.
    if (results.some(holdsPassage)) return { for: "lost" };
    const state = now instanceof Promise ? waitingOf(now) : null;
    return { for: "calls", results: results as readonly Value[], now: state, rest: calls.slice(next) };
  });
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

function holdsPassage(value: Result): boolean {
  if (typeof value !== "object" || value === null) return false;
  return isPassage(value) || Object.values<Result>(value).some(holdsPassage);
}

function callOne(dispatcher: Pick<Dispatcher, "call">, daemon: Daemon, call: Value): Answer {
  const struct = isStruct(call) ? call : {};
  const name = struct["methodName"];
  if (name === undefined || name === null || name === "")
    throw new RpcFault("INCORRECT_PARAMETERS", "No methodName");
  if (name === MULTICALL) throw new RpcFault("INCORRECT_PARAMETERS", "Recursive system.multicall forbidden");
  const params = struct["params"] ?? [];
  return dispatcher.call(daemon, String(name), Array.isArray(params) ? (params as readonly Value[]) : []);
}

async function outcomeOf(act: () => Answer): Promise<Result> {
  try {
    return await act();
  } catch (error) {
    if (error instanceof RpcFault) return { faultCode: error.code, faultString: error.message };
    const [type, text] = error instanceof Error ? [error.name, error.message] : ["Error", String(error)];
    return { faultCode: FAULTS.FAILED, faultString: `FAILED: <class '${type}'>:${text}` };
  }
}

function isStruct(value: Value): value is { readonly [name: string]: Value } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
