/** `[rpcinterface:x]` and `[ctlplugin:x]`: sections that name a factory, Supervisor's, an ES module's or Python's. */
import type { CtlPluginConfig, ParseMessage, PluginModule, RpcInterfaceConfig } from "../core/config.js";
import { keysOf } from "./conf.js";
import { text } from "./convert.js";
import { CTL_FACTORY_KEY, MAIN_RPCINTERFACE, RPCINTERFACE_FACTORY_KEY } from "./options.js";
import { pluginModule } from "./plugin-module.js";
import { nameOf } from "./program.js";
import { repr } from "./python.js";
import { mistake, type Reading, readOption, sectionScope } from "./scope.js";

/** A Python callable that we have an equivalent for. */
export interface KnownFactory {
  readonly module: string;
  readonly names: readonly string[];
}

/** A callable that isn't ours: somebody's Python, or one that Supervisor itself doesn't have. */
export type ForeignFactory =
  | { readonly kind: "python" }
  | { readonly kind: "missing"; readonly text: string };

/** Null when it is the known one. */
export function foreignFactory(spec: string, known: KnownFactory): ForeignFactory | null {
  const [module = "", name = ""] = spec.split(":").map((part) => part.trim());
  if (module !== known.module) return { kind: "python" };
  if (known.names.includes(name)) return null;
  return { kind: "missing", text: `module ${repr(module)} has no attribute ${repr(name)}` };
}

const MAIN: KnownFactory = {
  module: MAIN_RPCINTERFACE.split(":")[0] ?? "",
  names: [MAIN_RPCINTERFACE.split(":")[1] ?? ""],
};

/** All `[rpcinterface:x]`, Python's too; those are named in a message, since they can't be loaded here. */
export function readRpcInterfaces(
  reading: Reading,
  say: (message: ParseMessage) => void,
): readonly RpcInterfaceConfig[] {
  return readPlugins(reading, "rpcinterface", RPCINTERFACE_FACTORY_KEY, (spec) => {
    if (spec.module !== undefined) return null;
    const foreign = foreignFactory(spec.factory, MAIN);
    if (foreign?.kind === "python")
      say({
        level: "warn",
        text: `${spec.factory} within [rpcinterface:${spec.name}] is a Python factory, its methods are not available`,
      });
    return foreign?.kind === "missing" ? foreign.text : null;
  });
}

/** The main factory takes no options, not even those of `[DEFAULT]`: it fails once there is a server for it. */
export function checkMainOptions(reading: Reading, interfaces: readonly RpcInterfaceConfig[]): void {
  for (const { name, factory, options } of interfaces) {
    const section = reading.conf.sections.get(`rpcinterface:${name}`);
    const key = Object.keys(options)[0];
    if (section === undefined || key === undefined || foreignFactory(factory, MAIN) !== null) continue;
    mistake(sectionScope(reading, section), key, `Could not make ${name} rpc interface`);
  }
}

/** All `[ctlplugin:x]`, Python's too. */
export function readCtlPlugins(reading: Reading): readonly CtlPluginConfig[] {
  return readPlugins(reading, "ctlplugin", CTL_FACTORY_KEY, () => null);
}

function readPlugins(
  reading: Reading,
  kind: string,
  factoryKey: string,
  check: (plugin: RpcInterfaceConfig) => string | null,
): readonly RpcInterfaceConfig[] {
  const plugins: RpcInterfaceConfig[] = [];
  for (const section of reading.conf.sections.values()) {
    if (!section.name.startsWith(`${kind}:`)) continue;
    const scope = sectionScope(reading, section);
    const read = (key: string): string | null =>
      readOption(scope, key, { default: null, convert: text, names: "env" });
    const factory = read(factoryKey);
    if (factory === null) {
      if (!reading.issues.has(section.name, factoryKey))
        mistake(scope, factoryKey, `section [${section.name}] does not specify a ${factoryKey}`);
      continue;
    }
    const options: [key: string, value: string][] = [];
    for (const key of keysOf(reading.conf, section)) {
      if (key === factoryKey) continue;
      const value = read(key);
      if (value !== null) options.push([key, value]);
    }
    const module: PluginModule | null = pluginModule(scope, factoryKey, factory);
    const plugin = {
      name: nameOf(section),
      factory,
      options: Object.fromEntries(options),
      ...(module === null ? {} : { module }),
    };
    const missing = check(plugin);
    if (missing === null) plugins.push(plugin);
    else mistake(scope, factoryKey, `${factory} cannot be resolved within [${section.name}]: ${missing}`);
  }
  return plugins;
}
