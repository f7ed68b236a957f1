/** Configuration files to one `Config`, or to everything that is wrong with them. */
import { posix } from "node:path";
import type { Config, Issue, ParseMessage, SupervisordConfig } from "../core/config.js";
import type { Section } from "./conf.js";
import { user } from "./convert.js";
import { readGroups } from "./groups.js";
import { absolute, type ConfigHost, normalizePath, remembering } from "./host.js";
import { readSources } from "./include.js";
import { createIssues } from "./issues.js";
import { memoryOf } from "./memory.js";
import { SUPERVISORD_OPTIONS, type Values } from "./options.js";
import type { SupervisordOverrides } from "./overrides.js";
import { checkMainOptions, readRpcInterfaces } from "./plugins.js";
import { type Reading, readOption, readOptions, type Scope, sectionScope } from "./scope.js";
import { readServers, serverUrl } from "./servers.js";
import { unknownNames } from "./unknown.js";

export { parseCtlConfig } from "./ctl.js";
export type { CtlOverrides, SupervisordOverrides } from "./overrides.js";

export type ParsedConfig =
  | { readonly ok: true; readonly config: Config }
  | { readonly ok: false; readonly issues: readonly Issue[] };

/**
 * Reads a configuration and its includes. Goes on after a mistake wherever it can, so that all are told at once;
 * the first issue is the one that Supervisor would have stopped at.
 */
export function parseConfig(
  path: string,
  machine: ConfigHost,
  commandLine: SupervisordOverrides = {},
): ParsedConfig {
  const memory = memoryOf(machine);
  const asking = remembering(machine);
  const host = memory?.overhear(asking) ?? asking;
  const issues = createIssues();
  const main = absolute(path, host);
  const here = posix.dirname(main);
  const environment = environmentNames(host.env);
  const includeNames = new Map([...environment, ["here", here], ["host_node_name", host.hostname]]);
  const sources = readSources(path, { own: new Map(), shared: includeNames }, host, issues, memory?.conf);
  if (sources === null) return { ok: false, issues: issues.list };

  const { conf } = sources;
  const warnings = new Map<string, ParseMessage>();
  const say = (message: ParseMessage): void => void warnings.set(message.text, message);

  let section = conf.sections.get("supervisord");
  if (section === undefined) {
    issues.add({
      text: ".ini file does not include supervisord section",
      file: main,
      line: 1,
      section: null,
      key: null,
    });
    section = { name: "supervisord", file: main, line: 1, origin: path, entries: new Map() };
  }
  let reading: Reading = { conf, host, issues, environment, environmentUnknown: false, here, say };
  const scope = supervisordScope(reading, section);
  const { user: _last, ...options } = SUPERVISORD_OPTIONS;
  const values = readOptions(scope, options);
  // From here on the names that [supervisord] environment sets are known to all.
  for (const [name, value] of Object.entries(values.environment)) environment.set(`ENV_${name}`, value);
  reading = { ...reading, environmentUnknown: issues.has("supervisord", "environment") };

  const rpcinterfaces = readRpcInterfaces(reading, say);
  // Children are told a server's URL, so servers are read first; mistakes in them are told after those in groups.
  const late = createIssues();
  const servers = readServers({ ...reading, issues: late });
  const common = { environment: values.environment, serverurl: serverUrl(servers) };
  const context = JSON.stringify([
    main,
    [...environment],
    [...conf.defaults],
    common,
    reading.environmentUnknown,
  ]);
  if (memory !== null) reading = { ...reading, memory: memory.groups(host, context) };
  const groups = readGroups(reading, { ...common, say });
  for (const issue of late.list) issues.add(issue, issue.text);
  const asked = userOf(scope, commandLine, host);
  if (servers.length > 0) checkMainOptions(reading, rpcinterfaces);
  const supervisord = layOver({ ...values, user: asked }, commandLine, host);

  if (issues.list.length > 0) return { ok: false, issues: issues.list };
  const include = sources.messages;
  return {
    ok: true,
    config: {
      path: main,
      files: sources.files,
      includedirs: sources.includedirs,
      supervisord,
      servers,
      rpcinterfaces,
      groups,
      messages: [
        ...include.filter(({ level }) => level === "warn"),
        ...warnings.values(),
        ...unknownNames(conf),
        ...include.filter(({ level }) => level !== "warn"),
      ],
    },
  };
}

function environmentNames(env: Readonly<Record<string, string>>): Map<string, string> {
  return new Map(Object.entries(env).map(([name, value]) => [`ENV_${name}`, value]));
}

function supervisordScope(reading: Reading, section: Section): Scope {
  const scope = sectionScope(reading, section);
  const own = new Map([
    ["here", reading.here],
    ["host_node_name", reading.host.hostname],
  ]);
  const node = { own, shared: reading.environment };
  return { ...scope, names: (set) => (set === "node" ? node : scope.names(set)) };
}

function userOf(
  scope: Scope,
  { user: asked }: SupervisordOverrides,
  host: ConfigHost,
): SupervisordConfig["user"] {
  if (asked === undefined) return readOption(scope, "user", SUPERVISORD_OPTIONS.user);
  const found = user(asked, host);
  if (found.ok) return found.value;
  scope.reading.issues.add({ text: found.text, file: null, line: null, section: null, key: null });
  return null;
}

/** The command line beats the file; paths become absolute, seen from where the daemon was started. */
function layOver(
  values: Values<typeof SUPERVISORD_OPTIONS>,
  commandLine: SupervisordOverrides,
  host: ConfigHost,
): SupervisordConfig {
  const { user: _name, ...overrides } = commandLine;
  const laid = { ...values, ...overrides };
  return {
    ...laid,
    logfile: laid.logfile === "syslog" ? null : normalizePath(laid.logfile, host),
    pidfile: normalizePath(laid.pidfile, host),
    statefile: laid.statefile === null ? null : normalizePath(laid.statefile, host),
    childlogdir: normalizePath(laid.childlogdir ?? host.tmpdir, host),
    directory: laid.directory === null ? null : normalizePath(laid.directory, host),
  };
}
