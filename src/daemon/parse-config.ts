import { resolve } from "node:path";
import { nodeHost } from "../config/node-host.js";
import { parseConfig as parse } from "../config/parse.js";
import { lookupGroup, lookupUser, userHome } from "../posix/user.js";
import type { Reading } from "./reconcile.js";

/** A file, or a text that stands for one; `path` then says where `%(here)s` is and what messages call it. */
export type ConfigSource = { readonly path: string } | { readonly text: string; readonly path?: string };

/** The configuration, or everything that is wrong with it. */
export type ParsedConfig = Reading;

/**
 * Reads a supervisord.conf. Never throws for what is in it: each mistake is an issue with Supervisor's text,
 * file and line.
 *
 * @example
 * ```ts
 * import { parseConfig } from "supervisord-ts";
 *
 * const parsed = parseConfig({ text: "[supervisord]\n[program:web]\ncommand=/bin/cat\nstartsecs=soon\n" });
 * if (!parsed.ok) for (const issue of parsed.issues) console.log(`${issue.line}: ${issue.text}`);
 * ```
 */
export function parseConfig(source: ConfigSource): ParsedConfig {
  const host = nodeHost({ lookupUser, lookupGroup, userHome });
  if (!("text" in source)) return parse(resolve(source.path), host);
  const path = resolve(source.path ?? "supervisord.conf");
  const readFile = (wanted: string): Uint8Array =>
    wanted === path ? Buffer.from(source.text, "utf8") : host.readFile(wanted);
  return parse(path, { ...host, readFile, exists: (wanted) => wanted === path || host.exists(wanted) });
}
