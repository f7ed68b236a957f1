/** Which factories and handlers are ES modules, and which are names of Python callables in a conf of old. */
import { posix } from "node:path";
import type { PluginModule } from "../core/config.js";
import type { ConfigHost } from "./host.js";
import { entryOf, type Scope } from "./scope.js";

const DEFAULT_EXPORT = "default";
/** `package.module`, which is what Python's names look like, and what some packages' names look like too. */
const PYTHON_NAME = /^[\p{L}_][\p{L}\p{N}_]*(\.[\p{L}_][\p{L}\p{N}_]*)*$/u;
const MODULE_FILE = /\.[cm]?js$/;

/**
 * `./file.mjs:name`, `/dir/file.js`, `package:name`, seen from the directory of the file that says so. Null when it
 * is Python: a dotted name that is no package in a `node_modules` from there upwards.
 */
export function pluginModule(scope: Scope, key: string, spec: string): PluginModule | null {
  const colon = spec.lastIndexOf(":");
  const target = (colon < 0 ? spec : spec.slice(0, colon)).trim();
  const name = (colon < 0 ? "" : spec.slice(colon + 1).trim()) || DEFAULT_EXPORT;
  const { file, line } = entryOf(scope, key) ?? scope.section;
  const directory = posix.dirname(file);
  if (target === "") return null;
  if (/^\.{0,2}\//.test(target) || (MODULE_FILE.test(target) && !target.includes("/")))
    return { specifier: posix.resolve(directory, target), name, file, line };
  if (PYTHON_NAME.test(target) && !isInstalled(target, directory, scope.reading.host)) return null;
  return { specifier: target, name, file, line };
}

function isInstalled(name: string, from: string, host: ConfigHost): boolean {
  for (let directory = from; ; directory = posix.dirname(directory)) {
    if (host.isDirectory(posix.join(directory, "node_modules", name))) return true;
    if (directory === posix.dirname(directory)) return false;
  }
}
