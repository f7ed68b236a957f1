/** Loading what a configuration names: an export of an ES module, which must be a function. */
import { readFileSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import type { PluginModule } from "../core/config.js";

export type Exported = (...args: readonly unknown[]) => unknown;

/** Loads the module and gives the function. Rejects with what is wrong, in one line. */
export async function loadExport(module: PluginModule): Promise<Exported> {
  let exports: Readonly<Record<string, unknown>>;
  try {
    exports = (await import(urlOf(module))) as Readonly<Record<string, unknown>>;
  } catch (cause) {
    throw new Error(describeProblem(module.specifier, cause), { cause });
  }
  const found = Object.hasOwn(exports, module.name) ? exports[module.name] : undefined;
  if (typeof found === "function") return found as Exported;
  const what = found === undefined ? "has no export" : "has, but not as a function, the export";
  throw new Error(`${module.specifier} ${what} "${module.name}"`);
}

/** The time of its last change is part of a module's name, so that a reload takes the file as it is now. */
function urlOf({ specifier, file }: PluginModule): string {
  const path = specifier.startsWith("/") ? specifier : resolvePackage(specifier, file);
  const url = pathToFileURL(path);
  url.searchParams.set("mtime", String(statSync(path).mtimeMs));
  return url.href;
}

function resolvePackage(specifier: string, file: string): string {
  const { resolve } = createRequire(file);
  try {
    return resolve(specifier);
  } catch (error) {
    const entry = isNotExported(error) ? importEntry(specifier, file) : null;
    if (entry === null) throw error;
    return entry;
  }
}

function isNotExported(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ERR_PACKAGE_PATH_NOT_EXPORTED";
}

/** `require` doesn't see the entry of a package that is for `import` only. */
function importEntry(specifier: string, file: string): string | null {
  for (let directory = dirname(file); ; directory = dirname(directory)) {
    const home = join(directory, "node_modules", specifier);
    const manifest = readManifest(join(home, "package.json"));
    const entry = manifest === null ? null : importCondition(manifest["exports"]);
    if (entry !== null) return join(home, entry);
    if (directory === dirname(directory)) return null;
  }
}

function readManifest(path: string): Readonly<Record<string, unknown>> | null {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as Readonly<Record<string, unknown>>;
  } catch {
    return null;
  }
}

function importCondition(exports: unknown): string | null {
  if (typeof exports === "string") return exports;
  if (typeof exports !== "object" || exports === null) return null;
  for (const [condition, target] of Object.entries(exports))
    if ([".", "import", "node", "default"].includes(condition)) {
      const entry = importCondition(target);
      if (entry !== null) return entry;
    }
  return null;
}

/** What went wrong in a module does not say by itself in which. */
function describeProblem(specifier: string, error: unknown): string {
  if (!(error instanceof Error)) return `${specifier}: ${String(error)}`;
  const [text = ""] = error.message.split("\n", 1);
  return text.includes(specifier) ? text : `${specifier}: ${text}`;
}
