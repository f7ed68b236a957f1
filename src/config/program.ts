/** One program-like section to its processes. */
import {
  AUTO,
  type FcgiListen,
  type Logfile,
  type ParseMessage,
  type ProcessConfig,
} from "../core/config.js";
import { byPriority } from "../core/order.js";
import type { Section } from "./conf.js";
import { processOrGroupName, SYSLOG } from "./convert.js";
import type { Expansions, Names } from "./expand.js";
import {
  ENVIRONMENT_OPTION,
  type NameSet,
  PROCESS_OPTIONS,
  PROGRAM_OPTIONS,
  type Values,
} from "./options.js";
import { repr, strip } from "./python.js";
import { entryOf, expandHere, mistake, type Reading, readOption, readOptions, type Scope } from "./scope.js";

/** What a section's processes get from around it. */
export interface Surroundings {
  readonly group: string;
  /** `[supervisord] environment`, under the program's own. */
  readonly environment: Readonly<Record<string, string>>;
  /** SUPERVISOR_SERVER_URL unless the section says otherwise. */
  readonly serverurl: string | null;
  readonly fcgi: FcgiListen | null;
  readonly say: (message: ParseMessage) => void;
}

/** A slip of the finger in numprocs must not take the memory of a daemon that has workers. */
const MOST_PROCESSES = 100_000;

/** The name after the colon of `[program:x]`, not yet checked. */
export function nameOf(section: Section): string {
  return section.name.slice(section.name.indexOf(":") + 1);
}

/** `[program:x]`, `[fcgi-program:x]` or `[eventlistener:x]` to its processes, by priority and name. */
export function readProcesses(
  reading: Reading,
  section: Section,
  around: Surroundings,
): readonly ProcessConfig[] {
  const names = new Map<string, string | number>();
  const suffix = ` in section ${repr(section.name)} (file: ${repr(section.origin)})`;
  const scope = programScope(reading, section, suffix, names);
  const program = processOrGroupName(nameOf(section));
  if (!program.ok) headerMistake(scope, program.text);
  names.set("here", reading.here);
  names.set("program_name", program.ok ? program.value : nameOf(section));
  names.set("host_node_name", reading.host.hostname);
  names.set("group_name", around.group);

  const options = readOptions(scope, PROGRAM_OPTIONS);
  const killasgroup = options.killasgroup ?? options.stopasgroup;
  if (options.numprocs > 1 && !options.process_name.includes("%(process_num)")) {
    const key = entryOf(scope, "process_name") === undefined ? "numprocs" : "process_name";
    mistake(scope, key, "%(process_num) must be present within process_name when numprocs > 1");
  }
  if (options.stopasgroup && !killasgroup)
    mistake(scope, "killasgroup", "Cannot set stopasgroup=true and killasgroup=false");

  const processes: ProcessConfig[] = [];
  const tooMany = options.numprocs > MOST_PROCESSES;
  if (tooMany)
    mistake(scope, "numprocs", `numprocs is ${options.numprocs}, above upper bound (${MOST_PROCESSES})`);
  // One is enough then, to find what else is wrong.
  const numprocs = tooMany ? 1 : options.numprocs;
  const shared: Shared = { options, killasgroup, around };
  for (let n = 0; n < numprocs; n += 1) {
    names.set("process_num", options.numprocs_start + n);
    names.set("numprocs", options.numprocs);
    // Names of the daemon's environment come back; ones only the process before had set stay, as they do there.
    for (const name of [...names.keys()])
      if (name.startsWith("ENV_") && reading.environment.has(name)) names.delete(name);
    processes.push(readProcess(scope, names, shared));
  }
  return processes.sort(byPriority);
}

/** The section's own name is the mistake: noted once, at its header. */
export function headerMistake(scope: Scope, text: string): void {
  const { file, line, name } = scope.section;
  scope.reading.issues.add({ text: text + scope.suffix, file, line, section: name, key: null }, "name");
}

interface Shared {
  readonly options: Values<typeof PROGRAM_OPTIONS>;
  readonly killasgroup: boolean;
  readonly around: Surroundings;
}

function readProcess(scope: Scope, names: Map<string, string | number>, shared: Shared): ProcessConfig {
  const { options, killasgroup, around } = shared;
  const { redirect_stderr } = options;
  const environment = readOption(scope, "environment", ENVIRONMENT_OPTION.environment);
  const known: Scope = environmentFailed(scope) ? { ...scope, environmentUnknown: true } : scope;
  for (const [name, value] of Object.entries(environment ?? {})) names.set(`ENV_${name}`, value);

  const values = readOptions(known, PROCESS_OPTIONS);
  const stdout = logOf(known, "stdout", values, around.say);
  const stderr = logOf(known, "stderr", values, around.say);
  const section = scope.section.name;
  if (redirect_stderr && stderr.logfile !== null && stderr.logfile !== AUTO)
    around.say({
      level: "warn",
      text: `For [${section}], redirect_stderr=true but stderr_logfile has also been set to a filename, the filename has been ignored`,
    });
  if (values.command === null && entryOf(scope, "command") === undefined)
    mistake(scope, "command", `program section ${section} does not specify a command`);
  const name = expandHere(known, "process_name", options.process_name, "process", "process_name");
  const auto = options.serverurl === null || strip(options.serverurl).toUpperCase() === "AUTO";

  return {
    name: name ?? options.process_name,
    user: options.user,
    command: values.command ?? "",
    directory: values.directory,
    umask: options.umask,
    priority: options.priority,
    autostart: options.autostart,
    autorestart: options.autorestart,
    startsecs: options.startsecs,
    startretries: options.startretries,
    stdout_logfile: stdout.logfile,
    stdout_logfile_maxbytes: values.stdout_logfile_maxbytes,
    stdout_logfile_backups: values.stdout_logfile_backups,
    stdout_capture_maxbytes: options.stdout_capture_maxbytes,
    stdout_events_enabled: options.stdout_events_enabled,
    stdout_syslog: stdout.syslog,
    stderr_logfile: redirect_stderr ? null : stderr.logfile,
    stderr_logfile_maxbytes: values.stderr_logfile_maxbytes,
    stderr_logfile_backups: values.stderr_logfile_backups,
    stderr_capture_maxbytes: options.stderr_capture_maxbytes,
    stderr_events_enabled: options.stderr_events_enabled,
    stderr_syslog: stderr.syslog,
    stopsignal: options.stopsignal,
    stopwaitsecs: options.stopwaitsecs,
    stopasgroup: options.stopasgroup,
    killasgroup,
    exitcodes: options.exitcodes,
    redirect_stderr,
    environment: { ...around.environment, ...environment },
    // An empty one is no URL, and keeps the variable away.
    serverurl: auto ? around.serverurl : options.serverurl || null,
    ...(auto ? { serverurl_auto: true } : {}),
    fcgi: around.fcgi,
  };
}

function environmentFailed({ reading, section }: Scope): boolean {
  return reading.issues.has(section.name, "environment");
}

interface Log {
  readonly logfile: Logfile;
  readonly syslog: boolean;
}

function logOf(
  scope: Scope,
  channel: "stdout" | "stderr",
  values: Values<typeof PROCESS_OPTIONS>,
  say: Surroundings["say"],
): Log {
  const key = `${channel}_logfile` as const;
  const file = values[key];
  const section = scope.section.name;
  if (file === AUTO && values[`${key}_maxbytes`] === 0)
    say({
      level: "warn",
      text: `For [${section}], AUTO logging used for ${key} without rollover, set maxbytes > 0 to avoid filling up filesystem unintentionally`,
    });
  if (file !== SYSLOG) return { logfile: file, syslog: values[`${channel}_syslog`] };
  say({
    level: "warn",
    text: `For [${section}], ${key}=syslog but this is deprecated and will be removed.  Use ${channel}_syslog=true to enable syslog instead.`,
  });
  return { logfile: null, syslog: true };
}

function programScope(reading: Reading, section: Section, suffix: string, own: Names): Scope {
  // One map for all: it grows as reading goes on, and Supervisor reads in that order too.
  const names: Expansions = { own, shared: reading.environment };
  return {
    reading,
    section,
    suffix,
    names: (_set: NameSet) => names,
    environmentUnknown: reading.environmentUnknown,
  };
}
