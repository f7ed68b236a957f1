/** `[supervisorctl]` of the main file; includes are not read. */
import { posix } from "node:path";
import type { CtlConfig, Issue } from "../core/config.js";
import { absolute, type ConfigHost, normalizePath } from "./host.js";
import { readMain } from "./include.js";
import { createIssues } from "./issues.js";
import { CTL_OPTIONS } from "./options.js";
import type { CtlOverrides } from "./overrides.js";
import { readCtlPlugins } from "./plugins.js";
import { type Reading, readOptions, sectionScope } from "./scope.js";

export type ParsedCtlConfig =
  | { readonly ok: true; readonly config: CtlConfig }
  | { readonly ok: false; readonly issues: readonly Issue[] };

const DEFAULTS: CtlConfig = {
  serverurl: CTL_OPTIONS.serverurl.default,
  username: null,
  password: null,
  prompt: CTL_OPTIONS.prompt.default,
  history_file: null,
};

/** The client's configuration; without a file, the built-in defaults under the command line. */
export function parseCtlConfig(
  path: string | null,
  host: ConfigHost,
  commandLine: CtlOverrides = {},
): ParsedCtlConfig {
  const overrides = {
    ...commandLine,
    ...(commandLine.history_file === undefined
      ? {}
      : { history_file: normalizePath(commandLine.history_file, host) }),
  };
  if (path === null) return { ok: true, config: { ...DEFAULTS, ...overrides } };

  const issues = createIssues();
  const conf = readMain(path, host, issues);
  if (conf === null) return { ok: false, issues: issues.list };
  const file = absolute(path, host);
  const section = conf.sections.get("supervisorctl");
  if (section === undefined) {
    const text = ".ini file does not include supervisorctl section";
    issues.add({ text, file, line: null, section: null, key: null });
    return { ok: false, issues: issues.list };
  }
  const reading: Reading = {
    conf,
    host,
    issues,
    environment: new Map(Object.entries(host.env).map(([name, value]) => [`ENV_${name}`, value])),
    environmentUnknown: false,
    here: posix.dirname(file),
  };
  const values = readOptions(sectionScope(reading, section), CTL_OPTIONS);
  const plugins = readCtlPlugins(reading);
  if (issues.list.length > 0) return { ok: false, issues: issues.list };
  const { serverurl, history_file } = values;
  return {
    ok: true,
    config: {
      ...values,
      serverurl: serverurl.startsWith("unix://")
        ? `unix://${normalizePath(serverurl.slice("unix://".length), host)}`
        : serverurl,
      history_file: history_file ? normalizePath(history_file, host) : null,
      ...(plugins.length === 0 ? {} : { plugins }),
      ...overrides,
    },
  };
}
