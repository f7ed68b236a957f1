/**
 * The two command lines: a row for each option, which getopt reads with Supervisor's own rules and error texts, and
 * of which commander makes the help.
 */
import {
  byteSize,
  type Convert,
  existingDirectory,
  existingDirpath,
  integer,
  logLevel,
  octal,
  text,
  url,
} from "./convert.js";
import { type Given, getopt } from "./getopt.js";
import { type HelpRow, type HelpSubject, helpText } from "./help.js";
import type { ConfigHost } from "./host.js";
import { nodeHost } from "./node-host.js";
import type { CtlOverrides, SupervisordOverrides } from "./overrides.js";
import { repr, reprList } from "./python.js";

interface OptionRow extends HelpRow {
  readonly convert: Convert<unknown>;
}

type OptionRows = Readonly<Record<string, OptionRow>>;

const CONFIGURATION: OptionRow = {
  short: "c",
  value: "FILENAME",
  convert: text,
  help: "configuration file (searched for when not given)",
};
const HELP: OptionRow = { short: "h", value: null, convert: text, help: "print this and exit (also -?)" };

const SUPERVISORD = {
  help: HELP,
  configuration: CONFIGURATION,
  version: { short: "v", value: null, convert: text, help: "print the version and exit" },
  nodaemon: { short: "n", value: null, convert: text, help: "stay in the foreground" },
  user: { short: "u", value: "USER", convert: text, help: "run as this user, a name or a uid" },
  umask: { short: "m", value: "UMASK", convert: octal, help: "umask of the daemon, octal" },
  directory: {
    short: "d",
    value: "DIRECTORY",
    convert: existingDirectory,
    help: "change to DIRECTORY when daemonized",
  },
  logfile: {
    short: "l",
    value: "FILENAME",
    convert: existingDirpath,
    help: "use FILENAME as the activity log",
  },
  logfile_maxbytes: { short: "y", value: "BYTES", convert: byteSize, help: "rotate the log at this size" },
  logfile_backups: { short: "z", value: "NUM", convert: integer, help: "rotated logs to keep" },
  loglevel: {
    short: "e",
    value: "LEVEL",
    convert: logLevel,
    help: "critical, error, warn, info, debug, trace or blather",
  },
  pidfile: { short: "j", value: "FILENAME", convert: existingDirpath, help: "where to write the pid" },
  identifier: { short: "i", value: "STR", convert: text, help: "name of this supervisord" },
  childlogdir: { short: "q", value: "DIRECTORY", convert: existingDirectory, help: "where AUTO logs go" },
  nocleanup: { short: "k", value: null, convert: text, help: "keep the AUTO logs of an earlier run" },
  minfds: { short: "a", value: "NUM", convert: integer, help: "file descriptors needed to start" },
  strip_ansi: { short: "t", value: null, convert: text, help: "drop ANSI escapes from child logs" },
  minprocs: { short: null, value: "NUM", convert: integer, help: "processes needed to start" },
  profile_options: { short: null, value: "LIST", convert: text, help: "accepted, and without effect" },
  silent: { short: "s", value: null, convert: text, help: "no log on stdout" },
  respawn: { short: null, value: null, convert: text, help: "start again when it crashes" },
} as const satisfies OptionRows;

const SUPERVISORCTL = {
  help: HELP,
  configuration: CONFIGURATION,
  interactive: {
    short: "i",
    value: null,
    convert: text,
    help: "start an interactive shell, also after an action",
  },
  serverurl: { short: "s", value: "URL", convert: url, help: "where supervisord listens" },
  username: { short: "u", value: "NAME", convert: text, help: "user name for the server" },
  password: { short: "p", value: "WORD", convert: text, help: "password for the server" },
  history_file: { short: "r", value: "FILENAME", convert: text, help: "where the shell keeps its history" },
} as const satisfies OptionRows;

type Parsed<Run> =
  | ({ readonly kind: "run"; readonly configuration: string | null } & Run)
  | { readonly kind: "help"; readonly text: string }
  | { readonly kind: "error"; readonly message: string };

export type SupervisordArgs =
  | Parsed<{ readonly overrides: SupervisordOverrides }>
  | { readonly kind: "version" };

/** The words after the name in `supervisord …`, which was `called` so. Paths are checked against the host. */
export function parseSupervisordArgs(
  argv: readonly string[],
  host: ConfigHost = nodeHost(),
  called = "supervisord",
): SupervisordArgs {
  // Supervisor's first line is what tools look for.
  const title = "supervisord -- run a set of applications as daemons.";
  const read = readArgs(argv, { title, called, rows: SUPERVISORD, positional: null }, host);
  if (read.kind !== "run") return read;
  const { configuration, profile_options: _ignored, respawn, ...overrides } = read.values;
  // The start script acts on this word and takes it away.
  if (respawn !== undefined)
    return { kind: "error", message: "--respawn must be written out, and given to the command, not to node" };
  return { kind: "run", configuration: configurationOf(configuration), overrides };
}

export type SupervisorctlArgs = Parsed<{
  readonly overrides: CtlOverrides;
  /** The action and its words; empty for the shell. */
  readonly action: readonly string[];
  /** Asked for by `-i`, or because there is no action. */
  readonly interactive: boolean;
}>;

/** The words after the name in `supervisorctl …`, which was `called` so. */
export function parseSupervisorctlArgs(
  argv: readonly string[],
  host: ConfigHost = nodeHost(),
  called = "supervisorctl",
): SupervisorctlArgs {
  const title = "supervisorctl -- control applications run by supervisord from the cmd line.";
  const read = readArgs(argv, { title, called, rows: SUPERVISORCTL, positional: "[action...]" }, host);
  if (read.kind === "version") return { kind: "error", message: "option --version not recognized" };
  if (read.kind !== "run") return read;
  const { configuration, interactive, ...overrides } = read.values;
  return {
    kind: "run",
    configuration: configurationOf(configuration),
    overrides,
    action: read.rest,
    interactive: interactive === true || read.rest.length === 0,
  };
}

function configurationOf(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

interface CommandLine extends HelpSubject {
  readonly rows: OptionRows;
}

type Read =
  | {
      readonly kind: "run";
      readonly values: Readonly<Record<string, unknown>>;
      readonly rest: readonly string[];
    }
  | { readonly kind: "help"; readonly text: string }
  | { readonly kind: "version" }
  | { readonly kind: "error"; readonly message: string };

function readArgs(argv: readonly string[], command: CommandLine, host: ConfigHost): Read {
  const { rows, positional } = command;
  const entries = Object.entries(rows);
  const found = getopt(argv, {
    // Help has a second letter.
    short: `?${entries.map(([, { short, value }]) => (short ?? "") + (short !== null && value !== null ? ":" : "")).join("")}`,
    long: entries.map(([long, { value }]) => (value === null ? long : `${long}=`)),
  });
  if (!found.ok) return { kind: "error", message: found.message };
  if (found.rest.length > 0 && positional === null)
    return { kind: "error", message: `positional arguments are not supported: ${reprList(found.rest)}` };

  const values: Record<string, unknown> = {};
  for (const { option, value } of found.given) {
    const name = longName(option, rows);
    if (name === "help") return { kind: "help", text: helpText(command, rows) };
    if (name === "version") return { kind: "version" };
    const checked = check({ option, value }, name, rows, host);
    if (!checked.ok) return { kind: "error", message: checked.text };
    if (Object.hasOwn(values, name))
      return { kind: "error", message: `conflicting command line option ${repr(option)}` };
    values[name] = checked.value;
  }
  return { kind: "run", values, rest: found.rest };
}

function longName(option: string, rows: OptionRows): string {
  if (option === "-?") return "help";
  if (option.startsWith("--")) return option.slice(2);
  return Object.entries(rows).find(([, { short }]) => short === option.slice(1))?.[0] ?? "";
}

type Checked = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly text: string };

function check({ option, value }: Given, name: string, rows: OptionRows, host: ConfigHost): Checked {
  if (value === null) return { ok: true, value: true };
  const converted = rows[name]?.convert(value, host) ?? { ok: true, value };
  return converted.ok
    ? converted
    : { ok: false, text: `invalid value for ${option} ${repr(value)}: ${converted.text}` };
}
