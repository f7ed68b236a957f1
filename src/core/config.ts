/**
 * What a configuration means once it is parsed: plain data, no files and no system calls.
 * Option names keep Supervisor's spelling, so one search finds docs, parser, type and test.
 */

/** The log file is to be named by the daemon, in `childlogdir`. Any other string is a path; null is no file. */
export const AUTO = "AUTO";
export type Logfile = string | typeof AUTO | null;

export const LOG_LEVELS = {
  critical: 50,
  error: 40,
  warn: 30,
  info: 20,
  debug: 10,
  trace: 5,
  blather: 3,
} as const satisfies Record<string, number>;
export type LogLevel = keyof typeof LOG_LEVELS;

/** Who a process runs as: resolved when the file is read, as Supervisor does. */
export interface User {
  readonly name: string;
  readonly uid: number;
  /** Primary group. */
  readonly gid: number;
}

/** One process of a program: what is left of a `[program:x]` after numprocs is spread out. */
export interface ProcessConfig {
  readonly name: string;
  /** Numeric uid as getAllConfigInfo shows it; null when the section names no user. */
  readonly user: User | null;
  /** As written, not yet split into words. */
  readonly command: string;
  readonly directory: string | null;
  readonly umask: number | null;
  readonly priority: number;
  readonly autostart: boolean;
  readonly autorestart: boolean | "unexpected";
  readonly startsecs: number;
  readonly startretries: number;
  readonly stdout_logfile: Logfile;
  /** Bytes; 0 is never. */
  readonly stdout_logfile_maxbytes: number;
  readonly stdout_logfile_backups: number;
  /** Bytes; 0 is off. */
  readonly stdout_capture_maxbytes: number;
  readonly stdout_events_enabled: boolean;
  readonly stdout_syslog: boolean;
  readonly stderr_logfile: Logfile;
  readonly stderr_logfile_maxbytes: number;
  readonly stderr_logfile_backups: number;
  readonly stderr_capture_maxbytes: number;
  readonly stderr_events_enabled: boolean;
  readonly stderr_syslog: boolean;
  /** Signal number. */
  readonly stopsignal: number;
  readonly stopwaitsecs: number;
  readonly stopasgroup: boolean;
  readonly killasgroup: boolean;
  readonly exitcodes: readonly number[];
  readonly redirect_stderr: boolean;
  /** The program's own `environment` merged over `[supervisord] environment`. */
  readonly environment: Readonly<Record<string, string>>;
  /** SUPERVISOR_SERVER_URL for the child; null when there is no server to name. */
  readonly serverurl: string | null;
  /** True when `serverurl` was found out rather than written in the section. */
  readonly serverurl_auto?: boolean;
  /** The socket that becomes fd 0 of a process of a `[fcgi-program:x]`, in whatever group that is. */
  readonly fcgi: FcgiListen | null;
}

interface GroupCommon {
  readonly name: string;
  readonly priority: number;
  /** In start order: `programs=` order inside a `[group:x]`, priority and name inside a program. */
  readonly processes: readonly ProcessConfig[];
}

/** An ES module that the configuration names: what to load, and where that is written. */
export interface PluginModule {
  /** Absolute path, or the name of a package. */
  readonly specifier: string;
  /** The export that is wanted. */
  readonly name: string;
  /** Absolute path and line of the option. */
  readonly file: string;
  readonly line: number;
}

/** A `[program:x]` of its own, or a `[group:x]`. */
export interface ProgramGroupConfig extends GroupCommon {
  readonly kind: "program";
}

export type FcgiSocket =
  | { readonly kind: "tcp"; readonly host: string; readonly port: number; readonly url: string }
  | {
      readonly kind: "unix";
      readonly path: string;
      readonly url: string;
      readonly owner: { readonly uid: number; readonly gid: number | null } | null;
      readonly mode: number | null;
    };

export interface FcgiListen {
  readonly socket: FcgiSocket;
  /** Null is the system's SOMAXCONN. */
  readonly socket_backlog: number | null;
}

/** A `[fcgi-program:x]`: its processes share one listening socket as fd 0. */
export interface FcgiGroupConfig extends GroupCommon {
  readonly kind: "fcgi";
  readonly socket: FcgiSocket;
  /** Null is the system's SOMAXCONN. */
  readonly socket_backlog: number | null;
}

/** A `[eventlistener:x]`: its processes are one pool. */
export interface ListenerGroupConfig extends GroupCommon {
  readonly kind: "eventlistener";
  readonly buffer_size: number;
  /** Upper case, as written in the section, sorted and without repeats. */
  readonly events: readonly string[];
  readonly result_handler: string;
  /** The handler as an ES module; without it the default one decides. */
  readonly handler?: PluginModule;
}

export type GroupConfig = ProgramGroupConfig | FcgiGroupConfig | ListenerGroupConfig;

interface ServerCommon {
  /** Section name: `unix_http_server`, `inet_http_server:x`. */
  readonly section: string;
  readonly username: string | null;
  /** Clear text, or `{SHA}` and the hex SHA-1. */
  readonly password: string | null;
}

export interface UnixServerConfig extends ServerCommon {
  readonly kind: "unix";
  /** Absolute path. */
  readonly file: string;
  readonly chmod: number;
  readonly chown: { readonly uid: number; readonly gid: number } | null;
}

export interface InetServerConfig extends ServerCommon {
  readonly kind: "inet";
  /** Empty string is every interface of IPv4; an IPv6 address has no brackets. */
  readonly host: string;
  readonly port: number;
  /** Host names, beside the machine's own, by which browsers may ask where there is no password. */
  readonly allowed_hosts: readonly string[];
}

export type ServerConfig = UnixServerConfig | InetServerConfig;

export interface RpcInterfaceConfig {
  /** The x of `[rpcinterface:x]`. */
  readonly name: string;
  readonly factory: string;
  readonly options: Readonly<Record<string, string>>;
  /** The factory as an ES module; without it the factory is Supervisor's own, or Python that can't be loaded. */
  readonly module?: PluginModule;
}

/** `[ctlplugin:x]`: the same in supervisorctl. */
export type CtlPluginConfig = RpcInterfaceConfig;

/** `[supervisord]` after the command line has been laid over it. */
export interface SupervisordConfig {
  /** Absolute path; null is syslog. */
  readonly logfile: string | null;
  readonly logfile_maxbytes: number;
  readonly logfile_backups: number;
  readonly loglevel: LogLevel;
  readonly logformat: "text" | "json";
  readonly pidfile: string;
  readonly umask: number;
  readonly nodaemon: boolean;
  readonly silent: boolean;
  readonly minfds: number;
  readonly minprocs: number;
  readonly nocleanup: boolean;
  readonly childlogdir: string;
  readonly directory: string | null;
  readonly user: User | null;
  readonly identifier: string;
  readonly strip_ansi: boolean;
  readonly environment: Readonly<Record<string, string>>;
  readonly keep_stopped: boolean;
  readonly watch_config: boolean;
  /** Take over what a supervisor that died has left running. */
  readonly adopt: boolean;
  /** Absolute path; null leaves it to the daemon where a safe place is. */
  readonly statefile: string | null;
}

/** A line that reading the file wants in the activity log once that is open. */
export interface ParseMessage {
  readonly level: LogLevel;
  readonly text: string;
  /** Said at each reading of the files; without, only when a daemon or a reload begins. */
  readonly again?: true;
}

/** Everything one reading of the configuration says. */
export interface Config {
  /** Absolute path of the main file. */
  readonly path: string;
  /** Main file and includes, absolute, in reading order. */
  readonly files: readonly string[];
  /** Directories that include patterns look into, absolute: a new file there may be one more include. */
  readonly includedirs: readonly string[];
  readonly supervisord: SupervisordConfig;
  /** Inet servers first, then unix, as Supervisor opens them. */
  readonly servers: readonly ServerConfig[];
  readonly rpcinterfaces: readonly RpcInterfaceConfig[];
  /** Sorted by priority, then name. */
  readonly groups: readonly GroupConfig[];
  readonly messages: readonly ParseMessage[];
}

/** One thing wrong with a configuration. `text` is Supervisor's own wording. */
export interface Issue {
  readonly text: string;
  /** The text to write instead. */
  readonly hint?: string;
  /** Null when the fault is not in a file (a command line option, say). */
  readonly file: string | null;
  /** 1-based; null when it can't be pinned down. */
  readonly line: number | null;
  readonly section: string | null;
  readonly key: string | null;
}

/** `[supervisorctl]` after the command line has been laid over it. */
export interface CtlConfig {
  readonly serverurl: string;
  readonly username: string | null;
  readonly password: string | null;
  readonly prompt: string;
  readonly history_file: string | null;
  /** In the order of their sections. */
  readonly plugins?: readonly CtlPluginConfig[];
}
