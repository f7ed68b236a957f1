/** What the daemon tells about processes and about configuration. */
import { AUTO, type GroupConfig, type Logfile, type ProcessConfig } from "../core/config.js";
import { describeProcess } from "../core/describe.js";
import { compareText } from "../core/order.js";
import { livePid, type Process, STATECODES } from "../core/process.js";
import { utcOffset } from "../logs/local-time.js";
import type { Channel, Daemon, ProcessHandle } from "./daemon.js";
import { allByName, findProcess } from "./lookup.js";
import { type MethodTable, text, type Value } from "./method.js";

/** XML-RPC ints have 32 bits. */
const LAST_SECOND = 2_147_483_647;

function seconds(time: number): number {
  return Math.min(LAST_SECOND, Math.max(0, Math.trunc(time)));
}

type ProcessInfo = Readonly<Record<string, Value>>;

/** What was told last of each process: within a second, and while nothing happens to it, it is the same again. */
const told = new WeakMap<ProcessHandle, { readonly process: Process; readonly info: ProcessInfo }>();

/** The struct of getProcessInfo, frozen. */
export function processInfo(handle: ProcessHandle, now: number): ProcessInfo {
  const before = told.get(handle);
  if (before !== undefined && before.process === handle.process && before.info["now"] === seconds(now))
    return before.info;
  const info = Object.freeze(describe(handle, now));
  told.set(handle, { process: handle.process, info });
  return info;
}

function describe(handle: ProcessHandle, now: number): ProcessInfo {
  const { process, group, name } = handle;
  const stdout_logfile = handle.logfile("stdout") ?? "";
  return {
    name,
    group,
    start: seconds(process.laststart),
    stop: seconds(process.laststop),
    now: seconds(now),
    state: STATECODES[process.state.name],
    statename: process.state.name,
    spawnerr: process.spawnerr,
    exitstatus: process.exitstatus ?? 0,
    logfile: stdout_logfile,
    stdout_logfile,
    stderr_logfile: handle.logfile("stderr") ?? "",
    pid: livePid(process) ?? 0,
    description: describeProcess(group, name, process, now, utcOffset, handle.run?.saved.lost),
  };
}

/** One element of getAllConfigInfo: the configuration as last read, whether it runs or not. */
function configInfo(
  daemon: Daemon,
  group: GroupConfig,
  config: ProcessConfig,
): Readonly<Record<string, Value>> {
  const active = daemon.groups.get(group.name);
  const running = active?.processes.get(config.name);
  const logfile = (channel: Channel, configured: Logfile): string => {
    if (configured !== AUTO) return configured ?? "none";
    // Before the first reread these are the very objects that run, and so their files are known.
    return running?.config === config ? (running.logfile(channel) ?? "auto") : "auto";
  };
  return {
    autostart: config.autostart,
    autorestart: config.autorestart,
    directory: config.directory ?? "none",
    uid: config.user?.uid ?? "none",
    command: config.command,
    exitcodes: config.exitcodes,
    group: group.name,
    group_prio: group.priority,
    inuse: active !== undefined,
    killasgroup: config.killasgroup,
    name: config.name,
    process_prio: config.priority,
    redirect_stderr: config.redirect_stderr,
    startretries: config.startretries,
    startsecs: config.startsecs,
    stdout_capture_maxbytes: config.stdout_capture_maxbytes,
    stdout_events_enabled: config.stdout_events_enabled,
    stdout_logfile: logfile("stdout", config.stdout_logfile),
    stdout_logfile_backups: config.stdout_logfile_backups,
    stdout_logfile_maxbytes: config.stdout_logfile_maxbytes,
    stdout_syslog: config.stdout_syslog,
    stopsignal: config.stopsignal,
    stopwaitsecs: config.stopwaitsecs,
    stderr_capture_maxbytes: config.stderr_capture_maxbytes,
    stderr_events_enabled: config.stderr_events_enabled,
    stderr_logfile: logfile("stderr", config.stderr_logfile),
    stderr_logfile_backups: config.stderr_logfile_backups,
    stderr_logfile_maxbytes: config.stderr_logfile_maxbytes,
    stderr_syslog: config.stderr_syslog,
    serverurl: config.serverurl_auto === true ? "none" : (config.serverurl ?? "none"),
  };
}

const listed = new WeakMap<Daemon, readonly ProcessInfo[]>();

/** Of all processes; the very same array while it would say the same. */
function allProcessInfo(daemon: Daemon): readonly ProcessInfo[] {
  const now = daemon.now();
  const infos = allByName(daemon).map((handle) => processInfo(handle, now));
  const before = listed.get(daemon);
  if (before?.length === infos.length && infos.every((info, at) => info === before[at])) return before;
  listed.set(daemon, Object.freeze(infos));
  return infos;
}

export const INFO_METHODS: MethodTable = {
  getProcessInfo: {
    help: "Tells all about one process.",
    params: ["string name The process (or ``group:name``)"],
    required: 1,
    returns: "struct result Its state, times, pid, log files and description",
    run: (daemon, [name]) => processInfo(findProcess(daemon, text(name)), daemon.now()),
  },
  getAllProcessInfo: {
    help: "Tells all about every process, sorted by group and name.",
    params: [],
    required: 0,
    returns: "array result One struct for each process, as getProcessInfo gives it",
    run: allProcessInfo,
  },
  getAllConfigInfo: {
    help: "Tells how every process is configured, by the configuration as it was last read.",
    params: [],
    required: 0,
    returns: "array result One struct for each process",
    run: (daemon) =>
      daemon.available.groups
        .flatMap((group) => group.processes.map((config) => ({ group, config })))
        .sort((a, b) => compareText(a.config.name, b.config.name))
        .map(({ group, config }) => configInfo(daemon, group, config)),
  },
};
