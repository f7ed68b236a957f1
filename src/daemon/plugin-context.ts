/** The daemon as an rpcinterface plugin sees it: made before there is one, filled when it begins. */
import { serverUrl } from "../config/servers.js";
import type { ProcessConfig } from "../core/config.js";
import { FAULTS } from "../core/faults.js";
import { makeNamespec } from "../core/namespec.js";
import { isPassage } from "../core/passage.js";
import { isRunningClass, isStoppedClass, livePid, type Notify } from "../core/process.js";
import { parseSignal } from "../core/signals.js";
import { readPassage } from "../logs/passage.js";
import { decodeText } from "../logs/tail.js";
import type { Daemon, ProcessHandle } from "../rpc/daemon.js";
import { dispatch } from "../rpc/dispatch.js";
import { RpcFault } from "../rpc/fault.js";
import { allByPriority, findNamed, findProcess } from "../rpc/lookup.js";
import type { Result, Value } from "../rpc/method.js";
import type { PluginProcess, PluginStateChange, RpcPluginContext } from "../rpc/plugin.js";
import { PROCESS_METHODS } from "../rpc/process-methods.js";
import { describeError } from "./engine.js";
import { parseConfig } from "./parse-config.js";
import type { Supervision } from "./supervision.js";

export interface PluginContext {
  readonly context: RpcPluginContext;
  begin(supervision: Supervision): void;
  end(): void;
}

const DEFAULT_PRIORITY = 999;

export function createPluginContext(name: string): PluginContext {
  const ending = new AbortController();
  const listeners = new Set<(change: PluginStateChange) => void>();
  const beginners = new Set<() => void>();
  let live: Supervision | null = null;
  let subscription: Disposable | null = null;

  function daemon(): Supervision {
    if (live === null) throw new Error("Cannot use the daemon before it has begun, or after its end");
    return live;
  }

  function tell(group: string, processname: string, { from, to, pid, expected }: Notify): void {
    const namespec = makeNamespec(group, processname);
    const change = { group, name: processname, namespec, from, to, pid, expected };
    for (const listener of [...listeners]) guarded(() => listener(change));
  }

  function guarded(call: () => void): void {
    try {
      call();
    } catch (error) {
      live?.log("error", `a listener of rpcinterface ${name} failed: ${describeError(error)}`);
    }
  }

  const context: RpcPluginContext = {
    name,
    signal: ending.signal,
    get identifier() {
      return daemon().identifier;
    },
    get mood() {
      return daemon().mood;
    },
    processes: () => allByPriority(daemon()).map(describe),
    process: (namespec) => describe(findProcess(daemon(), namespec)),
    start: (namespec) => act(daemon(), "startProcess", namespec),
    stop: (namespec) => act(daemon(), "stopProcess", namespec),
    async restart(namespec) {
      const named = findNamed(daemon(), namespec);
      const members = named.process === null ? [...named.group.processes.values()] : [named.process];
      const running = members.filter(({ process }) => isRunningClass(process.state.name));
      if (running.length > 0) await act(daemon(), "stopProcess", namespec);
      // One that was stopping already is waited for, too: it can't be started before.
      for (const member of members)
        await daemon().until(member, ({ state }) => isStoppedClass(state.name) || isRunningClass(state.name));
      await act(daemon(), "startProcess", namespec);
    },
    signalProcess(namespec, signal) {
      const number = parseSignal(String(signal));
      if (number === null) throw new RpcFault("BAD_SIGNAL", String(signal));
      const problem = daemon().signal(findProcess(daemon(), namespec), number);
      if (problem !== null) throw new RpcFault("FAILED", problem);
    },
    writeStdin(namespec, text) {
      if (!daemon().writeStdin(findProcess(daemon(), namespec), text))
        throw new RpcFault("NO_FILE", namespec);
    },
    call: async (method, ...params) => inWords(await dispatch(daemon(), method, params)),
    addGroup(group, priority = DEFAULT_PRIORITY) {
      if (!daemon().addEmptyGroup(checked("group", group), priority))
        throw new RpcFault("ALREADY_ADDED", group);
    },
    addProgram(group, program, options) {
      const supervision = daemon();
      const target = supervision.groups.get(group);
      if (target?.config.kind !== "program") throw new RpcFault("BAD_NAME", group);
      const configs = readProgram(supervision, checked("program", program), options);
      const taken = configs.find((config) => target.processes.has(config.name));
      if (taken !== undefined) throw new RpcFault("ALREADY_ADDED", makeNamespec(group, taken.name));
      for (const config of configs) supervision.addProcess(group, config);
      return configs.map((config) => makeNamespec(group, config.name));
    },
    removeProcess(namespec) {
      const handle = findProcess(daemon(), namespec);
      if (daemon().removeProcess(handle) === "running") throw new RpcFault("STILL_RUNNING", namespec);
    },
    onBegin: (listener) => void beginners.add(listener),
    onStateChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    sendRemoteCommEvent: (type, data) => daemon().remoteCommEvent(type, data),
    log: (level, text) => daemon().log(level, text),
    fault: (code, text) => new RpcFault(code, text),
  };

  return {
    context,
    begin(supervision) {
      live = supervision;
      subscription = supervision.subscribe((entry, change) => tell(entry.group, entry.name, change));
      for (const listener of beginners) guarded(listener);
    },
    end() {
      subscription?.[Symbol.dispose]();
      listeners.clear();
      beginners.clear();
      live = null;
      ending.abort();
    },
  };
}

function describe({ group, name, process }: ProcessHandle): PluginProcess {
  const { state, exitstatus, spawnerr, laststart, laststop } = process;
  return {
    group,
    name,
    namespec: makeNamespec(group, name),
    state: state.name,
    pid: livePid(process) ?? 0,
    exitstatus,
    spawnerr,
    laststart,
    laststop,
  };
}

/** What the API does for clients, in whatever namespace it is; the first failure among many is the answer. */
async function act(daemon: Daemon, method: "startProcess" | "stopProcess", namespec: string): Promise<void> {
  const answer = await PROCESS_METHODS[method]?.run(daemon, [namespec, true]);
  if (!Array.isArray(answer)) return;
  for (const each of answer as readonly Readonly<Record<string, Value>>[])
    if (each["status"] !== FAULTS.SUCCESS)
      throw new RpcFault(Number(each["status"]), `${String(each["description"])}: ${String(each["name"])}`);
}

/** A section's name in the text that is parsed next. */
function checked(what: string, name: string): string {
  if (name === "" || /[\s:\][/]/.test(name))
    throw new RpcFault("BAD_NAME", `${what} ${JSON.stringify(name)}`);
  return name;
}

/** The options go through the same reading as those in files, with the environment that the daemon gives all. */
function readProgram(
  { available }: Supervision,
  program: string,
  options: Readonly<Record<string, string>>,
): readonly ProcessConfig[] {
  const lines = Object.entries(options).map(([key, value]) => {
    if (!/^\w+$/.test(key) || /[\r\n\0]/.test(String(value)))
      throw new RpcFault("BAD_ARGUMENTS", `option ${JSON.stringify(key)}`);
    return `${key}=${value}\n`;
  });
  const text = `[supervisord]\n[program:${program}]\n${lines.join("")}`;
  const parsed = parseConfig({ text, path: available.path });
  if (!parsed.ok) throw new RpcFault("BAD_ARGUMENTS", parsed.issues.map((issue) => issue.text).join("; "));
  const url = serverUrl(available.servers);
  return parsed.config.groups.flatMap(({ processes }) =>
    processes.map((config) => ({
      ...config,
      environment: { ...available.supervisord.environment, ...config.environment },
      ...(config.serverurl === null ? { serverurl: url, serverurl_auto: true } : {}),
    })),
  );
}

/** A plugin gets the text of a log, however long it is. */
async function inWords(result: Result): Promise<Value> {
  if (typeof result !== "object" || result === null) return result;
  if (isPassage(result)) return decodeText(await readPassage(result));
  const entries: [string, Value][] = [];
  for (const [key, each] of Object.entries<Result>(result)) entries.push([key, await inWords(each)]);
  return Array.isArray(result) ? entries.map(([, each]) => each) : Object.fromEntries(entries);
}
