/**
 * One life of the daemon between start (or reload) and shutdown (or the next reload): its groups, its mood, and
 * everything that the RPC methods can ask of it.
 */

import { describeIssue } from "../config/describe-issue.js";
import { diffConfig } from "../config/diff.js";
import { after } from "../core/brand.js";
import type { Config, Issue, ProcessConfig, User } from "../core/config.js";
import { communicationEvent, groupEvent, logEvent, remoteEvent, supervisorEvent } from "../core/event.js";
import { memberOrder } from "../core/order.js";
import { isRunningClass, isSignallable, isStoppedClass, livePid, signalName } from "../core/process.js";
import { type Reaped, reap } from "../posix/reap.js";
import { kill } from "../posix/signals.js";
import type { SpawnIdentity } from "../posix/spawn.js";
import { groupsOf } from "../posix/user.js";
import { ConfigError, type Daemon, type Mood, type ProcessHandle } from "../rpc/daemon.js";
import { RpcFault } from "../rpc/fault.js";
import { SUPERVISOR_VERSION } from "../version.js";
import { decodeOrRepr } from "../wire/python.js";
import { now } from "./clock.js";
import { resolveCommand } from "./command.js";
import { createDeadlines } from "./deadlines.js";
import { createEngine, type Listener } from "./engine.js";
import type { Entry, Group } from "./entry.js";
import { createEventBus, type Serials } from "./events.js";
import { createFcgiSockets, type OpenSocket } from "./fcgi.js";
import { createGroups, heldKey, knownKeys } from "./groups.js";
import { createLingering } from "./lingering.js";
import type { Log } from "./log.js";
import { createOutputs } from "./outputs.js";
import { type SpawnContext, startRun } from "./run.js";
import { stopInOrder } from "./shutdown.js";

export type Reading =
  | { readonly ok: true; readonly config: Config }
  | { readonly ok: false; readonly issues: readonly Issue[] };

export interface SupervisionOptions {
  readonly config: Config;
  /** Reads the configuration files again. */
  readonly read: () => Reading;
  readonly log: Log;
  /** Empties and reopens the activity log. */
  readonly clearMainLog: () => void;
  /** Processes that stay stopped although they are autostart, by `group:process`. */
  readonly held: ReadonlySet<string>;
  /** Soft limit of open files for children; null leaves the daemon's own. */
  readonly nofile: number | null;
  /** Event serials, which outlast a reload. */
  readonly serials?: Serials;
  /** Listening sockets of FastCGI programs that the life before has left open. */
  readonly sockets?: readonly OpenSocket[];
  /** How dead children are collected; inside somebody else's program only our own may be. */
  readonly reap?: (pids: Iterable<number>) => Reaped | null;
}

export interface Supervision extends Daemon, Disposable {
  readonly groups: ReadonlyMap<string, Group>;
  readonly mainLogfile: string | null;
  /** Starts what autostart says. */
  begin(): void;
  /** Settles with what is to happen next, once everything is stopped. */
  readonly finished: Promise<"shutdown" | "restart">;
  subscribe(listener: Listener): Disposable;
  /** Collects dead children; call it on SIGCHLD. */
  reap(): void;
  reopenLogs(): void;
  /** reread, then what `supervisorctl update` does. Throws `ConfigError` and leaves everything as it was. */
  update(): Promise<void>;
  /** Purposely stopped processes, for the next life. */
  held(): ReadonlySet<string>;
  /** Listening sockets of FastCGI programs, for the next life, which must close them. */
  handOverSockets(): readonly OpenSocket[];
}

const STOP_REPORT_SECONDS = 2;
/** The longest a timer can wait, 24 days. */
const FOREVER_MS = 2 ** 31 - 1;

export function createSupervision(options: SupervisionOptions): Supervision {
  const { log } = options;
  let available = options.config;
  let mood: Mood = "RUNNING";
  /** Counts readings, to tell an operator's stop from the stop that belongs to an update. */
  let readings = 0;
  const groupStops = new Map<string, { readonly reading: number; readonly names: ReadonlySet<string> }>();
  let held: ReadonlySet<string> = options.config.supervisord.keep_stopped ? options.held : new Set();
  const identities = new Map<number, SpawnIdentity>();
  const lingering = createLingering(log);
  const fcgiSockets = createFcgiSockets(log, options.sockets);
  const finished = deferred<"shutdown" | "restart">();

  const engine = createEngine({
    log,
    spawn: (entry) =>
      startRun({
        config: entry.config,
        outputs: entry.outputs,
        identity: identityOf(entry.config.user),
        env: childEnvironment(entry),
        nofile: options.nofile,
        socket: socketOf(entry.config),
        onLinger: (run) => lingering.add(run, entry.name),
        onFinished: (run) => lingering.delete(run),
      }),
    reap: () => (options.reap === undefined ? reap() : options.reap(livePids())),
  });

  const bus = createEventBus({
    log,
    identifier: () => available.supervisord.identifier,
    serials: options.serials ?? { next: 0 },
  });
  engine.subscribe((entry, change) => bus.changed(entry, change));

  const groups = createGroups({
    engine,
    outputs: (group, config, entry) =>
      createOutputs({
        config,
        childlogdir: available.supervisord.childlogdir,
        identifier: available.supervisord.identifier,
        strip_ansi: available.supervisord.strip_ansi,
        log,
        onProtocol: group.kind === "eventlistener" ? (bytes) => bus.heard(entry(), bytes) : null,
        onLog: (channel, bytes) =>
          bus.publish(logEvent(entry(), pidOf(entry()), channel, decodeOrRepr(bytes))),
        onCapture: (channel, bytes) =>
          bus.publish(communicationEvent(entry(), pidOf(entry()), channel, decodeOrRepr(bytes))),
      }),
    onAdded(group) {
      if (group.config.kind === "eventlistener") bus.addPool(group.config, group);
      const shared = [...group.processes.values()].flatMap(({ config }) => config.fcgi ?? []);
      for (const program of new Map(shared.map((each) => [each.socket.url, each])).values())
        fcgiSockets.probe(program);
      bus.publish(groupEvent("ADDED", group.name));
    },
    onRemoved(group) {
      if (group.config.kind === "eventlistener") bus.removePool(group.name);
      bus.publish(groupEvent("REMOVED", group.name));
    },
  });

  const stopReports = createDeadlines<Entry>(() => now().mono, reportStop);

  function reportStop(entry: Entry): void {
    if (isStoppedClass(entry.process.state.name)) return;
    log.log("info", `waiting for ${entry.name} to stop`);
    stopReports.set(entry, after(now().mono, STOP_REPORT_SECONDS));
  }

  function socketOf({ fcgi }: ProcessConfig): SpawnContext["socket"] {
    if (fcgi === null) return null;
    return { acquire: () => fcgiSockets.acquire(fcgi), release: () => fcgiSockets.release(fcgi) };
  }

  function* livePids(): Iterable<number> {
    for (const entry of engine.entries) {
      const pid = livePid(entry.process);
      if (pid !== null) yield pid;
    }
  }

  function identityOf(user: User | null): SpawnIdentity | null {
    if (user === null || user.uid === process.getuid?.()) return null;
    const known = identities.get(user.uid);
    if (known !== undefined) return known;
    const identity = { uid: user.uid, gid: user.gid, groups: groupsOf(user) };
    identities.set(user.uid, identity);
    return identity;
  }

  function entryOf(handle: ProcessHandle): Entry {
    const entry = groups.active.get(handle.group)?.processes.get(handle.name);
    if (entry === undefined || entry !== handle) throw new RpcFault("BAD_NAME", handle.name);
    return entry;
  }

  function stop(entry: Entry): string | null {
    const before = entry.process.state.name;
    engine.feed(entry, { type: "stop", hold: true });
    const after = entry.process.state;
    if (before === "UNKNOWN" || after.name !== "UNKNOWN") return null;
    return `unknown problem killing ${entry.name} (${after.pid})`;
  }

  function autostart(group: Group): void {
    for (const entry of group.processes.values()) engine.feed(entry, { type: "autostart" });
  }

  function addGroup(name: string): "added" | "already" | "unknown" {
    const config = available.groups.find((group) => group.name === name);
    if (config === undefined) return "unknown";
    if (!groups.add(config, held)) return "already";
    const group = groups.active.get(name);
    if (group !== undefined) autostart(group);
    return "added";
  }

  function removeGroup(name: string): "removed" | "running" | "unknown" {
    const group = groups.active.get(name);
    const outcome = groups.remove(name);
    if (outcome === "removed" && group !== undefined) remember(group);
    return outcome;
  }

  /**
   * Keeps in mind which members an operator had stopped. `update` stops a group by the very call that
   * `stop group:*` makes; what tells them apart is that update has just read the files.
   */
  function remember(group: Group): void {
    if (!available.supervisord.keep_stopped) return;
    const byUpdate = groupStops.get(group.name);
    groupStops.delete(group.name);
    const next = new Set(held);
    for (const entry of group.processes.values()) {
      const key = heldKey(group.name, entry.name);
      const ours = byUpdate?.reading === readings && byUpdate.names.has(entry.name);
      if (entry.process.held && !ours) next.add(key);
      else next.delete(key);
    }
    held = next;
  }

  function heldNow(): ReadonlySet<string> {
    const keys = new Set(held);
    for (const group of groups.active.values())
      for (const entry of group.processes.values()) {
        const key = heldKey(group.name, entry.name);
        if (entry.process.held) keys.add(key);
        else keys.delete(key);
      }
    return keys;
  }

  function readAgain(): Config {
    const reading = options.read();
    if (reading.ok) return reading.config;
    for (const issue of reading.issues) log.log("error", `cannot use configuration: ${describeIssue(issue)}`);
    throw new ConfigError(reading.issues[0]?.text ?? "configuration cannot be read");
  }

  function reread(): ReturnType<Daemon["reread"]> {
    available = readAgain();
    readings += 1;
    const known = knownKeys(available);
    held = new Set([...held].filter((key) => known.has(key)));
    return diffConfig(
      [...groups.active.values()].map((group) => group.config),
      available.groups,
    );
  }

  function leave(next: "SHUTDOWN" | "RESTARTING"): void {
    if (mood === "SHUTDOWN" || mood === next) return;
    const underWay = mood === "RESTARTING";
    mood = next;
    if (underWay) return;
    engine.mayStart = false;
    bus.publish(supervisorEvent("STOPPING"));
    stopInOrder(groups.active.values(), engine, log).then(
      () => finished.resolve(mood === "RESTARTING" ? "restart" : "shutdown"),
      finished.reject,
    );
  }

  async function stopAndRemove(name: string): Promise<void> {
    const group = groups.active.get(name);
    if (group === undefined) return;
    const members = memberOrder(group.processes.values());
    const running = members.filter((entry) => isRunningClass(entry.process.state.name));
    for (const entry of running) engine.feed(entry, { type: "stop", hold: false });
    for (const entry of members) await engine.until(entry, (process) => isStoppedClass(process.state.name));
    removeGroup(name);
  }

  for (const config of options.config.groups) groups.add(config, held);
  // Signals alone do not keep Node's loop alive, and there may be neither a server nor a pipe.
  const alive = setInterval(() => undefined, FOREVER_MS);

  return {
    pid: process.pid,
    version: SUPERVISOR_VERSION,
    get identifier() {
      return available.supervisord.identifier;
    },
    get mood() {
      return mood;
    },
    rpcinterfaces: options.config.rpcinterfaces,
    get available() {
      return available;
    },
    get groups() {
      return groups.active;
    },
    get mainLogfile() {
      return available.supervisord.logfile;
    },
    now: () => now().wall,
    finished: finished.promise,

    begin() {
      bus.publish(supervisorEvent("RUNNING"));
      for (const group of groups.active.values()) autostart(group);
    },
    commandProblem(handle) {
      const command = resolveCommand(handle.config, process.env["PATH"]);
      return command.ok ? null : command.problem;
    },
    start: (handle) => engine.feed(entryOf(handle), { type: "start" }),
    stop: (handle) => stop(entryOf(handle)),
    stopGroup(group, members) {
      groupStops.set(group.name, { reading: readings, names: new Set(members.map((member) => member.name)) });
      return new Map(members.map((member) => [member, stop(entryOf(member))]));
    },
    signal(handle, signal) {
      const entry = entryOf(handle);
      const pid = livePid(entry.process);
      if (pid === null || !isSignallable(entry.process.state.name)) return `${entry.name} is not running`;
      log.log("debug", `sending ${entry.name} (pid ${pid}) sig ${signalName(signal)}`);
      const problem = kill(pid, signal, false);
      if (problem === null || problem === "ESRCH") return null;
      engine.feed(entry, { type: "kill-failed", detail: problem, asked: "signal" });
      return `unknown problem sending sig ${entry.name} (${pid}):${problem}`;
    },
    until: (handle, settled) => engine.until(entryOf(handle), settled),
    untilStopped(handle) {
      const entry = entryOf(handle);
      const stopped = engine.until(entry, (process) => isStoppedClass(process.state.name));
      if (stopped !== undefined) reportStop(entry);
      return stopped?.finally(() => stopReports.set(entry, null));
    },
    writeStdin(handle, text) {
      const outcome = entryOf(handle).run?.writeStdin(text) ?? "closed";
      if (outcome === "full") throw new RpcFault("FAILED", "too much unread input is queued already");
      return outcome === "written";
    },
    clearLogs: (handle) => entryOf(handle).outputs.clear(),
    clearMainLog: options.clearMainLog,
    reread,
    addGroup,
    removeGroup,
    shutdown: () => leave("SHUTDOWN"),
    restart() {
      // A conf that doesn't parse would end the daemon after it has stopped everything: look first.
      readAgain();
      leave("RESTARTING");
    },
    remoteCommEvent: (type, data) => bus.publish(remoteEvent(type, data)),
    log: (level, text) => log.log(level, text),
    enabled: (level) => log.enabled(level),

    subscribe: (listener) => engine.subscribe(listener),
    reap: () => engine.reap(),
    reopenLogs() {
      for (const entry of engine.entries) entry.outputs.reopen();
    },
    async update() {
      const change = reread();
      for (const name of [...change.removed, ...change.changed]) await stopAndRemove(name);
      for (const name of [...change.changed, ...change.added]) addGroup(name);
    },
    held: heldNow,
    handOverSockets: () => fcgiSockets.handOver(),
    [Symbol.dispose]() {
      clearInterval(alive);
      stopReports[Symbol.dispose]();
      bus[Symbol.dispose]();
      engine[Symbol.dispose]();
      lingering[Symbol.dispose]();
      fcgiSockets[Symbol.dispose]();
    },
  };
}

interface Deferred<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (reason: unknown) => void;
}

function deferred<T>(): Deferred<T> {
  let resolve: (value: T) => void = () => undefined;
  let reject: (reason: unknown) => void = () => undefined;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}

function pidOf(entry: Entry): number {
  return livePid(entry.process) ?? entry.run?.pid ?? 0;
}

function childEnvironment(entry: Entry): Readonly<Record<string, string>> {
  const { config } = entry;
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env)) if (value !== undefined) env[name] = value;
  env["SUPERVISOR_ENABLED"] = "1";
  if (config.serverurl !== null) env["SUPERVISOR_SERVER_URL"] = config.serverurl;
  env["SUPERVISOR_PROCESS_NAME"] = entry.name;
  env["SUPERVISOR_GROUP_NAME"] = entry.group;
  return Object.assign(env, config.environment);
}
