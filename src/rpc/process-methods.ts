/** Starting, stopping, signalling and talking to processes. */

import { memberOrder } from "../core/order.js";
import { isRunningClass, isSignallable, livePid, type Process } from "../core/process.js";
import { pythonText } from "../core/python-repr.js";
import { parseSignal } from "../core/signals.js";
import { forEach } from "./batch.js";
import type { Daemon, GroupHandle, ProcessHandle } from "./daemon.js";
import { RpcFault } from "./fault.js";
import { allByPriority, findGroup, findNamed, findProcess } from "./lookup.js";
import { type Answer, groupName, type MethodTable, text, truth, type Value } from "./method.js";
import { type Waiting, waiting } from "./waiting.js";

function isUp({ process }: ProcessHandle): boolean {
  return isRunningClass(process.state.name);
}

function isDown(handle: ProcessHandle): boolean {
  return !isUp(handle);
}

function hasChild({ process }: ProcessHandle): boolean {
  return isSignallable(process.state.name);
}

function membersOf(group: GroupHandle): readonly ProcessHandle[] {
  return memberOrder(group.processes.values());
}

function start(daemon: Daemon, handle: ProcessHandle, name: string, wait: boolean): Answer {
  const problem = daemon.commandProblem(handle);
  if (problem !== null) throw new RpcFault(problem.fault, problem.text);
  if (isUp(handle)) throw new RpcFault("ALREADY_STARTED", name);
  if (handle.process.state.name === "UNKNOWN")
    throw new RpcFault("FAILED", `${name} is in an unknown process state`);
  daemon.start(handle);
  if (handle.process.spawnerr !== "") throw new RpcFault("SPAWN_ERROR", name);
  return wait && handle.process.state.name !== "RUNNING" ? untilStarted(daemon, handle, name) : true;
}

/** The answer to a start that waits. `name` is as the client sent it. */
export function untilStarted(daemon: Daemon, handle: ProcessHandle, name: string): Answer {
  const outcome = daemon.until(handle, startIsDecided)?.then(() => started(handle, name));
  return outcome === undefined ? started(handle, name) : waiting(outcome, () => waits("start", handle, name));
}

/** The answer to a stop that waits. */
export function untilStopped(daemon: Daemon, handle: ProcessHandle, name: string): Answer {
  const outcome = daemon.untilStopped(handle)?.then(() => true);
  return outcome === undefined ? true : waiting(outcome, () => waits("stop", handle, name));
}

function waits(what: "start" | "stop", { group, name }: ProcessHandle, called: string): Waiting {
  return { for: what, group, name, called };
}

/** The first attempt counts: what is retried afterwards is no longer this call's business. */
function startIsDecided({ state, spawnerr }: Process): boolean {
  return spawnerr !== "" || state.name !== "STARTING";
}

function started(handle: ProcessHandle, name: string): true {
  const { state, spawnerr } = handle.process;
  if (spawnerr !== "") throw new RpcFault("SPAWN_ERROR", name);
  if (state.name !== "RUNNING" && state.name !== "STARTING") throw new RpcFault("ABNORMAL_TERMINATION", name);
  return true;
}

function startMembers(daemon: Daemon, members: readonly ProcessHandle[], wait: boolean): Answer {
  return forEach(daemon, members.filter(isDown), (handle, name) => start(daemon, handle, name, wait));
}

function stop(daemon: Daemon, handle: ProcessHandle, name: string, wait: boolean): Answer {
  if (!isUp(handle)) throw new RpcFault("NOT_RUNNING", name);
  return stopped(daemon, handle, daemon.stop(handle), name, wait);
}

function stopped(
  daemon: Daemon,
  handle: ProcessHandle,
  problem: string | null,
  name: string,
  wait: boolean,
): Answer {
  if (problem !== null) throw new RpcFault("FAILED", problem);
  return wait ? untilStopped(daemon, handle, name) : true;
}

function stopGroup(daemon: Daemon, group: GroupHandle, wait: boolean): Answer {
  const members = membersOf(group).filter(isUp);
  const problems = daemon.stopGroup(group, members);
  return forEach(daemon, members, (handle, name) =>
    stopped(daemon, handle, problems.get(handle) ?? null, name, wait),
  );
}

function signal(daemon: Daemon, handle: ProcessHandle, name: string, wanted: Value | undefined): true {
  const asSent = typeof wanted === "number" ? String(wanted) : text(wanted).slice(0, 100);
  const number = parseSignal(asSent);
  if (number === null) throw new RpcFault("BAD_SIGNAL", asSent);
  if (!hasChild(handle)) throw new RpcFault("NOT_RUNNING", name);
  const problem = daemon.signal(handle, number);
  if (problem !== null) throw new RpcFault("FAILED", problem);
  return true;
}

function signalMembers(daemon: Daemon, members: readonly ProcessHandle[], wanted: Value | undefined): Answer {
  return forEach(daemon, members.filter(hasChild), (handle, name) => signal(daemon, handle, name, wanted));
}

function sendStdin(daemon: Daemon, name: string, chars: Value | undefined): true {
  if (typeof chars !== "string") throw new RpcFault("INCORRECT_PARAMETERS", pythonText(chars ?? null));
  const handle = findProcess(daemon, name);
  const { process } = handle;
  if (livePid(process) === null || process.state.name === "STOPPING") throw new RpcFault("NOT_RUNNING", name);
  if (!daemon.writeStdin(handle, chars)) throw new RpcFault("NO_FILE", name);
  return true;
}

const NAME = "string name The process (or ``group:name``, or ``group:*``)";
const GROUP = "string name The group";
const WAIT_UP = "boolean wait Answer only when it is up";
const WAIT_DOWN = "boolean wait Answer only when it is down";
const SIGNAL = "string signal Name or number of the signal";
const TRUE = "boolean result Always true; everything else is a fault";
const STATUSES =
  "array result One struct of name, group, status and description for each process it was done to";

export const PROCESS_METHODS: MethodTable = {
  startProcess: {
    help: "Starts a process.",
    params: [NAME, WAIT_UP],
    required: 1,
    returns: TRUE,
    run(daemon, [name, wait]) {
      const named = findNamed(daemon, text(name));
      return named.process === null
        ? startMembers(daemon, membersOf(named.group), truth(wait, true))
        : start(daemon, named.process, text(name), truth(wait, true));
    },
  },
  startProcessGroup: {
    help: "Starts all processes of a group that are down.",
    params: [GROUP, WAIT_UP],
    required: 1,
    returns: STATUSES,
    run: (daemon, [name, wait]) =>
      startMembers(daemon, membersOf(findGroup(daemon, groupName(name))), truth(wait, true)),
  },
  startAllProcesses: {
    help: "Starts all processes that are down.",
    params: [WAIT_UP],
    required: 0,
    returns: STATUSES,
    run: (daemon, [wait]) => startMembers(daemon, allByPriority(daemon), truth(wait, true)),
  },
  stopProcess: {
    help: "Stops a process.",
    params: [NAME, WAIT_DOWN],
    required: 1,
    returns: TRUE,
    run(daemon, [name, wait]) {
      const named = findNamed(daemon, text(name));
      return named.process === null
        ? stopGroup(daemon, named.group, truth(wait, true))
        : stop(daemon, named.process, text(name), truth(wait, true));
    },
  },
  stopProcessGroup: {
    help: "Stops all processes of a group that are up.",
    params: [GROUP, WAIT_DOWN],
    required: 1,
    returns: STATUSES,
    run: (daemon, [name, wait]) => stopGroup(daemon, findGroup(daemon, groupName(name)), truth(wait, true)),
  },
  stopAllProcesses: {
    help: "Stops all processes that are up.",
    params: [WAIT_DOWN],
    required: 0,
    returns: STATUSES,
    run: (daemon, [wait]) =>
      forEach(daemon, allByPriority(daemon).filter(isUp), (handle, name) =>
        stop(daemon, handle, name, truth(wait, true)),
      ),
  },
  signalProcess: {
    help: "Sends a signal to a process, and only that: its state stays what it is.",
    params: [NAME, SIGNAL],
    required: 2,
    returns: TRUE,
    run(daemon, [name, wanted]) {
      const named = findNamed(daemon, text(name));
      return named.process === null
        ? signalMembers(daemon, membersOf(named.group), wanted)
        : signal(daemon, named.process, text(name), wanted);
    },
  },
  signalProcessGroup: {
    help: "Sends a signal to all processes of a group.",
    params: [GROUP, SIGNAL],
    required: 2,
    returns: STATUSES,
    run: (daemon, [name, wanted]) =>
      signalMembers(daemon, membersOf(findGroup(daemon, groupName(name))), wanted),
  },
  signalAllProcesses: {
    help: "Sends a signal to all processes.",
    params: [SIGNAL],
    required: 1,
    returns: STATUSES,
    run: (daemon, [wanted]) => signalMembers(daemon, allByPriority(daemon), wanted),
  },
  sendProcessStdin: {
    help: "Writes to the stdin of a process; what it does not take at once follows when it reads.",
    params: ["string name The process (or ``group:name``)", "string chars The text, sent as UTF-8"],
    required: 2,
    returns: TRUE,
    run: (daemon, [name, chars]) => sendStdin(daemon, text(name), chars),
  },
  sendRemoteCommEvent: {
    help: "Sends a REMOTE_COMMUNICATION event to all listeners that want one.",
    params: ["string type Any word, for listeners to tell events apart", "string data Any text"],
    required: 2,
    returns: TRUE,
    always: true,
    run(daemon, [type, data]) {
      daemon.remoteCommEvent(pythonText(type ?? null), pythonText(data ?? null));
      return true;
    },
  },
};
