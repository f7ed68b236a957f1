/**
 * ES modules that a configuration names, loaded before a life begins and before the one before it ends: a plugin
 * that can't be loaded must never take down what runs.
 */
import { isDeepStrictEqual } from "node:util";
import { inTime } from "../config/in-time.js";
import { loadExport } from "../config/load-module.js";
import type { Config, ListenerGroupConfig, PluginModule, RpcInterfaceConfig } from "../core/config.js";
import type { Method } from "../rpc/method.js";
import type { RpcPluginContext } from "../rpc/plugin.js";
import { pluginMethods } from "../rpc/plugin-methods.js";
import type { Log } from "./log.js";
import { createPluginContext, type PluginContext } from "./plugin-context.js";
import { type ResultHandler, synchronous } from "./result-handler.js";
import type { Supervision } from "./supervision.js";

/** Why a plugin can't be used, in one text with file and line. */
export class PluginProblem extends Error {
  override readonly name = "PluginProblem";
}

export interface Plugins {
  /** By full name. */
  readonly methods: ReadonlyMap<string, Method>;
  /** Null: no module is named, or the one that is named has come with an update and is not loaded. */
  handler(config: ListenerGroupConfig, log: Pick<Log, "log">): ResultHandler | null;
  /** Gives the daemon to the plugins, until disposed. */
  begin(supervision: Supervision): Disposable;
  /** For those that never get a life. */
  discard(): void;
}

type RpcPlugin = RpcInterfaceConfig & { readonly module: PluginModule };

interface Wanted {
  readonly rpc: readonly RpcPlugin[];
  readonly handlers: readonly { readonly group: string; readonly module: PluginModule }[];
}

function wantedBy(config: Config): Wanted {
  return {
    rpc: config.rpcinterfaces.flatMap((each) =>
      each.module === undefined ? [] : [{ ...each, module: each.module }],
    ),
    handlers: config.groups.flatMap((group) =>
      group.kind === "eventlistener" && group.handler !== undefined
        ? [{ group: group.name, module: group.handler }]
        : [],
    ),
  };
}

/** Loads all of them or none. Rejects with `PluginProblem`. */
export async function loadPlugins(config: Config): Promise<Plugins> {
  const { rpc, handlers } = wantedBy(config);
  const contexts: PluginContext[] = [];
  const methods = new Map<string, Method>();
  const byPlace = new Map<string, ResultHandler>();
  const discard = (): void => {
    for (const context of contexts) context.end();
  };
  try {
    for (const plugin of rpc) {
      const context = createPluginContext(plugin.name);
      contexts.push(context);
      for (const [name, method] of await makeMethods(plugin, context.context)) methods.set(name, method);
    }
    for (const { group, module } of handlers) byPlace.set(place(module), await loadHandler(group, module));
  } catch (error) {
    discard();
    throw error;
  }
  return {
    methods,
    handler({ name, handler, result_handler }, log) {
      const loaded = handler === undefined ? null : (byPlace.get(place(handler)) ?? null);
      if (handler !== undefined && loaded === null) {
        const text = `${result_handler} within [eventlistener:${name}] is loaded by a reload only, until then results are accepted whatever they say`;
        log.log("warn", text);
      }
      return loaded;
    },
    begin(supervision) {
      for (const context of contexts) context.begin(supervision);
      return { [Symbol.dispose]: discard };
    },
    discard,
  };
}

async function makeMethods(
  { name, options, module }: RpcPlugin,
  context: RpcPluginContext,
): Promise<ReadonlyMap<string, Method>> {
  try {
    const returned = await inTime(async () => (await loadExport(module))(context, options));
    return pluginMethods(name, returned);
  } catch (cause) {
    throw problem(`Could not make ${name} rpc interface`, module, cause);
  }
}

async function loadHandler(group: string, module: PluginModule): Promise<ResultHandler> {
  try {
    return synchronous(await inTime(() => loadExport(module)));
  } catch (cause) {
    throw problem(`result_handler cannot be resolved within [eventlistener:${group}]`, module, cause);
  }
}

function problem(what: string, { file, line }: PluginModule, cause: unknown): PluginProblem {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new PluginProblem(`${what}: ${why} (${file}:${line})`, { cause });
}

function place({ specifier, name }: PluginModule): string {
  return JSON.stringify([specifier, name]);
}

export interface PluginShelf {
  /** Loads what the configuration wants, for the next life; null when it wants nothing. */
  readonly prepare: (config: Config) => Promise<void> | null;
  /** What was prepared for such a configuration, or else loaded now. Rejects with `PluginProblem`. */
  readonly take: (config: Config) => Promise<Plugins>;
}

export function createPluginShelf(): PluginShelf {
  let prepared: { readonly wanted: Wanted; readonly plugins: Plugins } | null = null;
  const put = (next: typeof prepared): void => {
    prepared?.plugins.discard();
    prepared = next;
  };
  return {
    prepare(config) {
      const wanted = wantedBy(config);
      if (wanted.rpc.length === 0 && wanted.handlers.length === 0) return null;
      return loadPlugins(config).then((plugins) => put({ wanted, plugins }));
    },
    async take(config) {
      const ready = prepared;
      if (ready !== null && isDeepStrictEqual(ready.wanted, wantedBy(config))) {
        prepared = null;
        return ready.plugins;
      }
      put(null);
      return loadPlugins(config);
    },
  };
}
