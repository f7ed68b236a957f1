/** The `system.*` methods: what there is, and many calls in one. */
import type { Daemon } from "./daemon.js";
import { FAULTS, RpcFault } from "./fault.js";
import type { Answer, Method, MethodTable, Value } from "./method.js";
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

/** Makes one call after the other. `underWay` is a call before them, and the results before that. */
export function inTurn(
  dispatcher: Pick<Dispatcher, "call">,
  daemon: Daemon,
  calls: readonly Value[],
  underWay: { readonly results: readonly Value[]; readonly now: () => Answer } | null = null,
): Promise<Value> {
  const results = [...(underWay?.results ?? [])];
  let now: Answer = true;
  let next = 0;
  const make = async (act: () => Answer): Promise<void> => {
    const outcome = await outcomeOf(() => {
      now = act();
      return now;
    });
    results.push(outcome);
  };
  async function makeAll(): Promise<Value> {
    if (underWay !== null) await make(underWay.now);
    while (next < calls.length) {
      const call = calls[next] ?? null;
      next += 1;
      await make(() => callOne(dispatcher, daemon, call));
    }
    return results;
  }
  return waiting(makeAll(), () => ({
    for: "calls",
    results,
    now: now instanceof Promise ? waitingOf(now) : { for: "lost" },
    rest: calls.slice(next),
  }));
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

async function outcomeOf(act: () => Answer): Promise<Value> {
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
