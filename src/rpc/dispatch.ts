/** From a method name to its row, by fixed tables; nothing else can be reached. */

import type { Daemon } from "./daemon.js";
import { DAEMON_METHODS } from "./daemon-methods.js";
import { EXTENSION_METHODS, EXTENSION_NAMESPACE } from "./extension-methods.js";
import { RpcFault } from "./fault.js";
import { INFO_METHODS } from "./info.js";
import { LOG_METHODS } from "./log-methods.js";
import type { Answer, Method, MethodTable, Value } from "./method.js";
import { PROCESS_METHODS } from "./process-methods.js";
import { inTurn, systemMethods, type UnderWay } from "./system-methods.js";

/** The name in a conf that stands for Supervisor's own methods; without it they don't exist. */
export const STANDARD_FACTORY = "supervisor.rpcinterface:make_main_rpcinterface";

const dispatcher = { call: dispatch, methods: methodsOf };

const SYSTEM = named("system", systemMethods(dispatcher));
const EXTENSION = named(EXTENSION_NAMESPACE, EXTENSION_METHODS);
const STANDARD = { ...DAEMON_METHODS, ...PROCESS_METHODS, ...LOG_METHODS, ...INFO_METHODS };
/** By the namespaces that a configuration gives Supervisor's methods; in practice there is one. */
const tables = new Map<string, ReadonlyMap<string, Method>>();

function named(namespace: string, table: MethodTable): readonly (readonly [string, Method])[] {
  return Object.entries(table).map(([name, method]) => [`${namespace}.${name}`, method] as const);
}

/** Plugins' methods beside ours, put together once for each load; `system` can't be taken by a plugin. */
const joined = new WeakMap<ReadonlyMap<string, Method>, ReadonlyMap<string, Method>>();

function methodsOf(daemon: Daemon): ReadonlyMap<string, Method> {
  const own = ownMethods(daemon);
  const plugins = daemon.pluginMethods;
  if (plugins === undefined || plugins.size === 0) return own;
  const known = joined.get(plugins);
  if (known !== undefined) return known;
  const table = new Map([...plugins, ...own]);
  joined.set(plugins, table);
  return table;
}

function ownMethods(daemon: Daemon): ReadonlyMap<string, Method> {
  const namespaces = daemon.rpcinterfaces
    .filter(({ factory }) => factory === STANDARD_FACTORY)
    .map(({ name }) => name);
  const key = namespaces.join(" ");
  const known = tables.get(key);
  if (known !== undefined) return known;
  const standard = namespaces.flatMap((namespace) => named(namespace, STANDARD));
  const table = new Map([...standard, ...(namespaces.length > 0 ? EXTENSION : []), ...SYSTEM]);
  tables.set(key, table);
  return table;
}

/** Goes on with a `system.multicall`: with the call that is under way, and then with the rest of them. */
export function goOnInTurn(daemon: Daemon, rest: readonly Value[], underWay: UnderWay): Answer {
  return inTurn(dispatcher, daemon, rest, underWay);
}

/**
 * Calls a method. The answer is a promise only when it has to wait. Throws or rejects with `RpcFault` for what
 * the client shall hear, with anything else for what is a bug, ours or the client's.
 */
export function dispatch(daemon: Daemon, name: string, params: readonly Value[]): Answer {
  const method = methodsOf(daemon).get(name);
  if (method === undefined) throw new RpcFault("UNKNOWN_METHOD");
  if (params.length < method.required || params.length > method.params.length)
    throw new RpcFault("INCORRECT_PARAMETERS");
  if (daemon.mood !== "RUNNING" && method.always !== true) throw new RpcFault("SHUTDOWN_STATE");
  return method.run(daemon, params);
}
