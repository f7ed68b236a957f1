/**
 * One life of the daemon between start (or reload) and shutdown (or the next reload): its groups, its mood, and
 * everything that the RPC methods can ask of it.
 */

import { after, type Pid } from "../core/brand.js";
import type { Config, ProcessConfig, User } from "../core/config.js";
import { communicationEvent, groupEvent, logEvent, remoteEvent, supervisorEvent } from "../core/event.js";
import { type ExitCause, isSignallable, isStoppedClass, livePid, signalName } from "../core/process.js";
import { type Reaped, reap } from "../posix/reap.js";
import type { SpawnIdentity } from "../posix/spawn.js";
import { groupsOf } from "../posix/user.js";
import { ConfigError, type Daemon, type Mood, type ProcessHandle } from "../rpc/daemon.js";
import { RpcFault } from "../rpc/fault.js";
import { SUPERVISOR_VERSION } from "../version.js";
import { decodeOrRepr } from "../wire/python.js";
import type { StateRecord } from "../wire/state-file.js";
import { now } from "./clock.js";
import { resolveCommand } from "./command.js";
import { createDeadlines } from "./deadlines.js";
import { createEngine, type Listener } from "./engine.js";
import type { Entry, Group } from "./entry.js";
import { createEnvironment } from "./environment.js";
import { createEventBus, type Serials } from "./events.js";
import { createFcgiSockets, type OpenSocket } from "./fcgi.js";
import { createGroups } from "./groups.js";
import type { HandedRun } from "./handover.js";
import { createJournal } from "./journal.js";
import { createLeftBehind } from "./left-behind.js";
import { createLingering, type Owner } from "./lingering.js";
import type { Log } from "./log.js";
import { createOutputs, type OutputsHost } from "./outputs.js";
import type { Plugins } from "./plugins.js";
import { createPurpose } from "./purpose.js";
import { createReconciler, type Reading, type Reconciler } from "./reconcile.js";
import { builtInHandler } from "./result-handler.js";
import type { Resume } from "./resume.js";
import type { HeldSocket, Run } from "./run.js";
import { stopInOrder } from "./shutdown.js";
import { startRun } from "./start-run.js";
import { keepStateFile } from "./state-file.js";
import type { StatePlace } from "./state-place.js";
import { takeOver } from "./take-over.js";

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
  /** What an earlier supervisor left. */
  readonly resume?: Resume | null;
  /** Where to write down what a later one needs to know, asked whenever that is written whole; null where none will come. */
  readonly statefile?: (() => StatePlace) | null;
  /** What ES modules named in the configuration bring. */
  readonly plugins?: Pick<Plugins, "methods" | "handler">;
  /** Loads the plugins of the next life before this one ends; null when it has none. */
  readonly preparePlugins?: (config: Config) => Promise<void> | null;
  /** Becomes the installed version; rejects when it can't. Absent where there is no program of our own. */
  readonly upgrade?: () => Promise<never>;
  /** The way down has begun, or turned from a reload to a shutdown. */
  readonly onLeave?: (next: "SHUTDOWN" | "RESTARTING") => void;
  /** How dead children are collected; inside somebody else's program only our own may be. */
  readonly reap?: (pids: Iterable<number>) => Reaped | null;
}

export interface Supervision extends Daemon, Pick<Reconciler, "update">, Disposable {
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
  /** What plugins may add while the daemon runs; false when the name is taken or the group is no such group. */
  addEmptyGroup(name: string, priority: number): boolean;
  addProcess(group: string, config: ProcessConfig): boolean;
  removeProcess(handle: ProcessHandle): "removed" | "running";
  /** Purposely stopped processes, for the next life. */
  held(): ReadonlySet<string>;
  /** Listening sockets of FastCGI programs, for the next life, which must close them. */
  handOverSockets(): readonly OpenSocket[];
  /** Everything that a successor has to know. */
  save(): Iterable<StateRecord>;
  /** The descriptors of every child. */
  handRuns(): readonly HandedRun[];
  /** Listening sockets of FastCGI programs, which stay ours. */
  openSockets(): readonly OpenSocket[];
  /** How a child ends that this daemon has started for itself. */
  helperEnd(pid: Pid): Promise<ExitCause>;
}

const STOP_REPORT_SECONDS = 2;
/** The longest a timer can wait, 24 days. */
const FOREVER_MS = 2 ** 31 - 1;

export function createSupervision(options: SupervisionOptions): Supervision {
  const { log } = options;
  let mood: Mood = "RUNNING";
  const environmentOf = createEnvironment();
  const identities = new Map<number, SpawnIdentity>();
  const lingering = createLingering(log);
  const resume = options.resume ?? null;
  const keepsState = (options.statefile ?? null) !== null;
  const serials = options.serials ?? { next: 0 };
  if (resume !== null) serials.next = Math.max(serials.next, resume.state.serial);
  const fcgiSockets = createFcgiSockets(log, [...(options.sockets ?? []), ...(resume?.sockets ?? [])]);
  const finished = deferred<"shutdown" | "restart">();
  const purpose = createPurpose(options.held, options.config);
  const journal = createJournal({
    daemon: () => ({
      mood: mood === "FATAL" ? "RUNNING" : mood,
      serial: serials.next,
      held: [...purpose.held],
    }),
    groups: () => groups.active.values(),
    pools: (whole) => bus.savePools(whole),
    isUpdating: (entry) => purpose.isUpdating(entry),
  });

  const engine = createEngine({
    log,
    spawn: (entry) =>
      startRun({
        config: entry.config,
        outputs: entry.outputs,
        identity: identityOf(entry.config.user),
        env: environmentOf(entry),
        nofile: options.nofile,
        socket: socketOf(entry),
        keepPipes: keepsState,
        onSpawn: (pipes) => journal.spawning(entry, pipes),
        owner: entry,
        lingering,
      }),
    onStep: (entry) => journal.process(entry),
    beforeKill: () => journal.flush(),
    reap: () => (options.reap === undefined ? reap() : options.reap(engine.children())),
  });

  const bus = createEventBus({
    log,
    identifier: () => files.available.supervisord.identifier,
    serials,
    onPool(name, save) {
      journal.pool(name, save);
      journal.daemon();
    },
    flush: () => journal.flush(),
    restart,
  });
  engine.subscribe((entry, change) => bus.changed(entry, change));
  const leftBehind = createLeftBehind(log);
  engine.subscribe((entry, change) => leftBehind.changed(entry, change));

  const outputsHost: OutputsHost = {
    log,
    voice: {
      onTrouble: (text) => log.log("critical", text),
      onRecovered: (text) => log.log("warn", text),
    },
    settings: () => files.available.supervisord,
    onLog: (entry, channel, bytes) =>
      bus.publish(logEvent(entry, pidOf(entry), channel, decodeOrRepr(bytes))),
    onCapture: (entry, channel, bytes) =>
      bus.publish(communicationEvent(entry, pidOf(entry), channel, decodeOrRepr(bytes))),
    onProtocol: (entry, bytes, take) => bus.heard(entry, bytes, take),
    showsProtocol: keepsState,
    onNamed: ({ group }) => noteMembers(group),
  };

  const groups = createGroups({
    engine,
    outputs: (group, config, entry, logs) =>
      createOutputs(outputsHost, { config, isListener: group.kind === "eventlistener", entry, logs }),
    onAdded(group, resumed) {
      journal.group(group);
      if (group.config.kind === "eventlistener")
        bus.addPool(
          group.config,
          group,
          options.plugins?.handler(group.config, log) ?? builtInHandler(group.config.result_handler),
          resumed ? resume?.state.pools.find(({ name }) => name === group.name) : undefined,
        );
      if (resumed) return;
      const shared = [...group.processes.values()].flatMap(({ config }) => config.fcgi ?? []);
      for (const program of new Map(shared.map((each) => [each.socket.url, each])).values())
        fcgiSockets.probe(program);
      bus.publish(groupEvent("ADDED", group.name));
    },
    onRemoved(group) {
      const { name } = group;
      if (group.config.kind === "eventlistener") {
        bus.removePool(name);
        journal.poolRemoved(name);
      }
      journal.groupRemoved(name);
      bus.publish(groupEvent("REMOVED", group.name));
    },
  });

  const files = createReconciler({
    config: options.config,
    read: options.read,
    log,
    engine,
    groups,
    purpose,
    onRead: () => journal.daemon(),
  });

  const stopReports = createDeadlines<Entry>(() => now().mono, reportStop);

  function reportStop(entry: Entry): void {
    if (isStoppedClass(entry.process.state.name)) return;
    log.log("info", `waiting for ${entry.name} to stop`);
    stopReports.set(entry, after(now().mono, STOP_REPORT_SECONDS));
  }

  function socketOf({ config: { fcgi } }: Entry): HeldSocket | null {
    if (fcgi === null) return null;
    return { acquire: () => fcgiSockets.acquire(fcgi), release: () => fcgiSockets.release(fcgi) };
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

  function restart(entry: Entry): void {
    engine.feed(entry, { type: "stop", hold: false });
    void engine
      .until(entry, (process) => isStoppedClass(process.state.name))
      // Unless an operator has stopped it meanwhile.
      ?.then(() => entry.process.held || engine.feed(entry, { type: "start" }));
  }

  function leave(next: "SHUTDOWN" | "RESTARTING"): void {
    if (mood === "SHUTDOWN" || mood === next) return;
    const underWay = mood === "RESTARTING";
    mood = next;
    journal.daemon();
    journal.flush();
    options.onLeave?.(next);
    if (underWay) return;
    engine.mayStart = false;
    bus.publish(supervisorEvent("STOPPING"));
    stopInOrder(groups.active.values(), engine, log).then(
      () => finished.resolve(mood === "RESTARTING" ? "restart" : "shutdown"),
      finished.reject,
    );
  }

  function noteMembers(name: string): void {
    const group = groups.active.get(name);
    if (group !== undefined) journal.members(group);
  }

  const taken =
    resume === null
      ? null
      : takeOver(resume, { config: options.config, log, engine, groups, lingering, purpose, socketOf });
  for (const config of options.config.groups) groups.add(config, purpose.held);
  if (options.statefile != null)
    journal.keep(keepStateFile({ place: options.statefile, all: () => journal.all(false), log }));
  // Signals alone do not keep Node's loop alive, and there may be neither a server nor a pipe.
  const alive = setInterval(() => undefined, FOREVER_MS);
  let isBegun = false;

  return {
    pid: process.pid,
    version: SUPERVISOR_VERSION,
    get identifier() {
      return files.available.supervisord.identifier;
    },
    get mood() {
      return mood;
    },
    rpcinterfaces: options.config.rpcinterfaces,
    ...(options.plugins === undefined ? {} : { pluginMethods: options.plugins.methods }),
    get available() {
      return files.available;
    },
    get groups() {
      return groups.active;
    },
    get mainLogfile() {
      return files.available.supervisord.logfile;
    },
    now: () => now().wall,
    finished: finished.promise,

    begin() {
      isBegun = true;
      if (resume?.upgradedFrom === undefined || resume.upgradedFrom === null)
        bus.publish(supervisorEvent("RUNNING"));
      taken?.begin();
      bus.begin();
      for (const name of taken?.outdated() ?? []) files.replace(name);
      // What the files no longer say in these words is being stopped, and comes back with its new ones.
      for (const group of groups.active.values())
        if (options.config.groups.includes(group.config)) files.autostart(group);
    },
    commandProblem(handle) {
      const command = resolveCommand(handle.config, process.env["PATH"]);
      return command.ok ? null : command.problem;
    },
    start: (handle) => engine.feed(entryOf(handle), { type: "start" }),
    stop: (handle) => stop(entryOf(handle)),
    stopGroup(group, members) {
      purpose.stopping(group.name, new Set(members.map((member) => member.name)));
      return new Map(members.map((member) => [member, stop(entryOf(member))]));
    },
    signal(handle, signal) {
      const entry = entryOf(handle);
      const pid = livePid(entry.process);
      if (pid === null || !isSignallable(entry.process.state.name)) return `${entry.name} is not running`;
      log.log("debug", `sending ${entry.name} (pid ${pid}) sig ${signalName(signal)}`);
      const problem = entry.run === null ? "ESRCH" : entry.run.kill(signal, false);
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
    reread: files.reread,
    addGroup: files.addGroup,
    removeGroup: files.removeGroup,
    needsReload: files.needsReload,
    shutdown: () => leave("SHUTDOWN"),
    restart() {
      // A conf that doesn't parse would end the daemon after it has stopped everything: look first.
      const next = files.look();
      const preparing = options.preparePlugins?.(next) ?? null;
      if (preparing === null) return void leave("RESTARTING");
      return preparing.then(
        () => leave("RESTARTING"),
        (cause: unknown) => {
          const text = cause instanceof Error ? cause.message : String(cause);
          log.log("error", `cannot use configuration: ${text}`);
          throw new ConfigError(text, { cause });
        },
      );
    },
    upgrade: () =>
      options.upgrade?.() ?? Promise.reject(new Error("a library's supervisor can't be replaced")),
    remoteCommEvent: (type, data) => bus.publish(remoteEvent(type, data)),
    remember: () => journal.flush(),
    log: (level, text) => log.log(level, text),
    enabled: (level) => log.enabled(level),

    subscribe: (listener) => engine.subscribe(listener),
    reap: () => engine.reap(),
    reopenLogs() {
      for (const entry of engine.entries) entry.outputs.reopen();
    },
    update: files.update,
    addEmptyGroup: (name, priority) =>
      groups.add({ kind: "program", name, priority, processes: [] }, purpose.held),
    addProcess(group, config) {
      const entry = groups.addMember(group, config, false);
      if (entry === null) return false;
      noteMembers(group);
      engine.feed(entry, { type: "autostart" });
      return true;
    },
    removeProcess(handle) {
      const outcome = groups.removeMember(entryOf(handle));
      if (outcome === "removed") noteMembers(handle.group);
      return outcome;
    },
    held: () => purpose.all(groups.active.values()),
    save: () => journal.all(true),
    helperEnd: (pid) => engine.helperEnd(pid),
    handRuns: () => [
      ...[...engine.entries].flatMap((entry) => (entry.run === null ? [] : handRun(entry, entry.run, false))),
      ...[...lingering.runs].flatMap(([run, owner]) => handRun(owner, run, true)),
    ],
    openSockets: () => fcgiSockets.all(),
    handOverSockets: () => fcgiSockets.handOver(),
    [Symbol.dispose]() {
      clearInterval(alive);
      // Nothing was started, and nothing was there before.
      const isFailedStart = !isBegun && resume === null && options.held.size === 0;
      if (mood === "SHUTDOWN" || isFailedStart) journal.over();
      journal[Symbol.dispose]();
      stopReports[Symbol.dispose]();
      leftBehind[Symbol.dispose]();
      bus[Symbol.dispose]();
      engine[Symbol.dispose]();
      lingering[Symbol.dispose]();
      fcgiSockets[Symbol.dispose]();
    },
  };
}

function handRun({ group, name }: Owner, run: Run, lingers: boolean): HandedRun {
  const unwritten = run.unwritten().toString("base64");
  return { group, name, ends: run.ends(), unwritten, adopted: run.adopted, lingering: lingers };
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
