/**
 * Every option there is, one row each: what it is when absent, how its text is converted, and which names its
 * `%(…)s` may use. Rows stand in the order Supervisor reads them, which is the order mistakes are reported in.
 */
import { EVENT_NAMES } from "../core/event.js";
import {
  autorestart,
  boolean,
  byteSize,
  type Convert,
  existingDirectory,
  existingDirpath,
  exitcodes,
  inetAddress,
  integer,
  listOfStrings,
  logfile,
  logLevel,
  octal,
  oneOf,
  or,
  owner,
  processOrGroupName,
  signalNumber,
  text,
  user,
} from "./convert.js";
import { parseEnvironment } from "./environment.js";
import { parseOctal } from "./python.js";
import { bad } from "./result.js";

/**
 * Names that an expansion may use. Each set holds `ENV_X` of the daemon's environment and of `[supervisord]
 * environment`; `verbatim` is not expanded at all, or later by its own rule.
 *
 * - `env`: nothing else
 * - `here`: also `here`
 * - `node`: also `host_node_name`
 * - `program`: also `program_name` and `group_name`
 * - `environment`: also `process_num` and `numprocs`
 * - `process`: also `ENV_X` of the program's own `environment`
 */
export type NameSet = "verbatim" | "env" | "here" | "node" | "program" | "environment" | "process";

export interface Option<T> {
  /** As it would be written; null when absence itself means something. */
  readonly default: string | null;
  readonly convert: Convert<T>;
  readonly names: NameSet;
  /** What error texts call it when that is not `section.key`. */
  readonly label?: string;
  /** Expanded, and then expanded again: so a percent sign in it takes four. */
  readonly twice?: true;
}

export type OptionTable = Readonly<Record<string, Option<unknown>>>;

type Value<Row> = Row extends { readonly default: infer D; readonly convert: Convert<infer T> }
  ? D extends null
    ? T | null
    : T
  : never;

/** What a table's options are once read. */
export type Values<Table extends OptionTable> = { readonly [Key in keyof Table]: Value<Table[Key]> };

const DEFAULT_MAXBYTES = "50MB";

export const SUPERVISORD_OPTIONS = {
  minfds: { default: "1024", convert: integer, names: "here" },
  minprocs: { default: "200", convert: integer, names: "here" },
  directory: { default: null, convert: existingDirectory, names: "here" },
  umask: { default: "022", convert: octal, names: "here" },
  logfile: { default: "supervisord.log", convert: existingDirpath, names: "here" },
  logfile_maxbytes: { default: DEFAULT_MAXBYTES, convert: byteSize, names: "here" },
  logfile_backups: { default: "10", convert: integer, names: "here" },
  loglevel: { default: "info", convert: logLevel, names: "here" },
  pidfile: { default: "supervisord.pid", convert: existingDirpath, names: "here" },
  identifier: { default: "supervisor", convert: text, names: "here" },
  nodaemon: { default: "false", convert: boolean, names: "here" },
  silent: { default: "false", convert: boolean, names: "here" },
  childlogdir: { default: null, convert: existingDirectory, names: "here" },
  nocleanup: { default: "false", convert: boolean, names: "here" },
  strip_ansi: { default: "false", convert: boolean, names: "here" },
  environment: { default: "", convert: parseEnvironment, names: "node", label: "environment" },
  // Not Supervisor's: it ignores keys it doesn't know.
  keep_stopped: { default: "true", convert: boolean, names: "here" },
  adopt: { default: "true", convert: boolean, names: "here" },
  statefile: { default: null, convert: existingDirpath, names: "here" },
  watch_config: { default: "false", convert: boolean, names: "here" },
  logformat: { default: "text", convert: oneOf("text", "json"), names: "here" },
  // Last, because Supervisor looks the user up once everything else is read.
  user: { default: null, convert: user, names: "here" },
} as const satisfies OptionTable;

/** One value for the whole section. */
export const PROGRAM_OPTIONS = {
  priority: { default: "999", convert: integer, names: "program" },
  autostart: { default: "true", convert: boolean, names: "program" },
  autorestart: { default: "unexpected", convert: autorestart, names: "program" },
  startsecs: { default: "1", convert: integer, names: "program" },
  startretries: { default: "3", convert: integer, names: "program" },
  stopsignal: { default: "TERM", convert: signalNumber, names: "program" },
  stopwaitsecs: { default: "10", convert: integer, names: "program" },
  stopasgroup: { default: "false", convert: boolean, names: "program" },
  /** Absent means as `stopasgroup`. */
  killasgroup: { default: null, convert: boolean, names: "program" },
  exitcodes: { default: "0", convert: exitcodes, names: "program" },
  redirect_stderr: { default: "false", convert: boolean, names: "program" },
  numprocs: { default: "1", convert: integer, names: "program" },
  numprocs_start: { default: "0", convert: integer, names: "program" },
  stdout_capture_maxbytes: { default: "0", convert: byteSize, names: "program" },
  stdout_events_enabled: { default: "false", convert: boolean, names: "program" },
  stderr_capture_maxbytes: { default: "0", convert: byteSize, names: "program" },
  stderr_events_enabled: { default: "false", convert: boolean, names: "program" },
  serverurl: { default: null, convert: text, names: "program" },
  user: { default: null, convert: user, names: "program" },
  umask: { default: null, convert: octal, names: "program" },
  process_name: { default: "%(program_name)s", convert: processOrGroupName, names: "verbatim" },
} as const satisfies OptionTable;

/** Read before the others of a process, since they may use what it sets. */
export const ENVIRONMENT_OPTION = {
  environment: { default: "", convert: parseEnvironment, names: "environment", label: "environment" },
} as const satisfies OptionTable;

/** Each process of a section has its own value. */
export const PROCESS_OPTIONS = {
  directory: { default: null, convert: text, names: "process" },
  stdout_logfile: { default: "AUTO", convert: logfile, names: "process", twice: true },
  stdout_logfile_backups: { default: "10", convert: integer, names: "process" },
  stdout_logfile_maxbytes: { default: DEFAULT_MAXBYTES, convert: byteSize, names: "process" },
  stdout_syslog: { default: "false", convert: boolean, names: "process" },
  stderr_logfile: { default: "AUTO", convert: logfile, names: "process", twice: true },
  stderr_logfile_backups: { default: "10", convert: integer, names: "process" },
  stderr_logfile_maxbytes: { default: DEFAULT_MAXBYTES, convert: byteSize, names: "process" },
  stderr_syslog: { default: "false", convert: boolean, names: "process" },
  command: { default: null, convert: text, names: "process" },
} as const satisfies OptionTable;

export const GROUP_OPTIONS = {
  programs: { default: "", convert: listOfStrings, names: "here" },
  priority: { default: "999", convert: integer, names: "here" },
} as const satisfies OptionTable;

/** A program's priority as its group's. */
export const HOMOGENEOUS_OPTIONS = {
  priority: { default: "999", convert: integer, names: "here" },
} as const satisfies OptionTable;

/** Read in three steps, since each is checked before the next is looked at. */
export const LISTENER_OPTIONS = {
  priority: { default: "-1", convert: integer, names: "here" },
  buffer_size: { default: "10", convert: integer, names: "here" },
} as const satisfies OptionTable;

export const LISTENER_EVENT_OPTIONS = {
  result_handler: { default: "supervisor.dispatchers:default_handler", convert: text, names: "here" },
  events: { default: "", convert: listOfStrings, names: "here" },
} as const satisfies OptionTable;

export const LISTENER_STDERR_OPTIONS = {
  redirect_stderr: { default: "false", convert: boolean, names: "here" },
} as const satisfies OptionTable;

export const LISTENER_EVENTS: ReadonlySet<string> = new Set(EVENT_NAMES);

export const FCGI_OPTIONS = {
  user: { default: null, convert: user, names: "here" },
  socket_backlog: { default: null, convert: backlog, names: "here" },
  socket_owner: { default: null, convert: or(owner, "socket_owner"), names: "here" },
  socket_mode: { default: null, convert: or(parseOctal, "socket_mode"), names: "here" },
  /** Of the program's names only `program_name`. */
  socket: { default: null, convert: text, names: "program" },
} as const satisfies OptionTable;

function backlog(value: string): ReturnType<typeof integer> {
  const number = integer(value);
  if (!number.ok) return number;
  return number.value < 1 || number.value > 65535
    ? bad(`Invalid socket_backlog value ${number.value}`)
    : number;
}

export const INET_SERVER_OPTIONS = {
  port: { default: null, convert: inetAddress, names: "env" },
  // Not Supervisor's.
  allowed_hosts: { default: "", convert: listOfStrings, names: "env" },
} as const satisfies OptionTable;

export const UNIX_SERVER_OPTIONS = {
  file: { default: null, convert: text, names: "here" },
} as const satisfies OptionTable;

export const AUTHENTICATION_OPTIONS = {
  username: { default: null, convert: text, names: "env" },
  password: { default: null, convert: text, names: "env" },
} as const satisfies OptionTable;

export const SOCKET_FILE_OPTIONS = {
  chown: { default: null, convert: or(owner, "sockchown"), names: "env" },
  chmod: { default: "0700", convert: or(parseOctal, "chmod"), names: "env" },
} as const satisfies OptionTable;

export const CTL_OPTIONS = {
  serverurl: { default: "http://localhost:9001", convert: text, names: "here" },
  prompt: { default: "supervisor", convert: text, names: "env" },
  username: { default: null, convert: text, names: "env" },
  password: { default: null, convert: text, names: "env" },
  history_file: { default: null, convert: text, names: "here" },
} as const satisfies OptionTable;

/** Keys that start a plugin, and the factory that Supervisor itself brings. */
export const RPCINTERFACE_FACTORY_KEY = "supervisor.rpcinterface_factory";
export const MAIN_RPCINTERFACE = "supervisor.rpcinterface:make_main_rpcinterface";
export const CTL_FACTORY_KEY = "supervisor.ctl_factory";
