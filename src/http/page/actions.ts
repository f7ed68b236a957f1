/** What the page's buttons do, and the sentence that tells how it went. */
import { localTime } from "../../logs/local-time.js";
import type { Daemon } from "../../rpc/daemon.js";
import { FAULTS, RpcFault } from "../../rpc/fault.js";
import { LOG_METHODS } from "../../rpc/log-methods.js";
import { findProcess } from "../../rpc/lookup.js";
import type { Answer, MethodTable, Result, Value } from "../../rpc/method.js";
import { PROCESS_METHODS } from "../../rpc/process-methods.js";
import { inTurn } from "../../rpc/system-methods.js";
import type { CallUnderWay } from "../rpc-handler.js";

const METHODS: MethodTable = { ...PROCESS_METHODS, ...LOG_METHODS };

/** Hears of each call that an action waits for. */
export type OnWait = (call: CallUnderWay) => void;

/** The message for the next page; null for an action that doesn't exist. */
export async function act(
  daemon: Daemon,
  action: string,
  name: string | null,
  onWait: OnWait,
): Promise<string | null> {
  switch (action) {
    case "refresh":
      return `Page refreshed at ${ctime()}`;
    case "stopall":
      await call(daemon, onWait, "stopAllProcesses");
      return `All stopped at ${ctime()}`;
    case "restartall":
      await inOrder(daemon, onWait, ["stopAllProcesses", "startAllProcesses"], []);
      return `All restarted at ${ctime()}`;
    case "start":
    case "stop":
    case "restart":
    case "clearlog":
      return name === null || !isProcess(daemon, name)
        ? `No such process named ${name ?? ""}`
        : onProcess(daemon, action, name, onWait);
    default:
      return null;
  }
}

function isProcess(daemon: Daemon, name: string): boolean {
  try {
    findProcess(daemon, name);
    return true;
  } catch {
    return false;
  }
}

async function onProcess(
  daemon: Daemon,
  action: "start" | "stop" | "restart" | "clearlog",
  name: string,
  onWait: OnWait,
): Promise<string> {
  try {
    switch (action) {
      case "start":
        await call(daemon, onWait, "startProcess", name);
        return `Process ${name} started`;
      case "stop":
        await call(daemon, onWait, "stopProcess", name);
        return `Process ${name} stopped`;
      case "restart":
        // The page says "restarted" whatever came of it, as the reference does; the page then shows the state.
        await inOrder(daemon, onWait, ["stopProcess", "startProcess"], [name]);
        return `Process ${name} restarted`;
      default:
        await call(daemon, onWait, "clearProcessLogs", name);
        return `Log for ${name} cleared`;
    }
  } catch (error) {
    if (!(error instanceof RpcFault)) throw error;
    const known = action === "start" ? START_TROUBLES[error.code] : undefined;
    const unexpected = `unexpected rpc fault [${error.code}] ${error.message}`;
    if (action === "start") return `ERROR: Process ${name}: ${known ?? unexpected}`;
    return unexpected;
  }
}

const START_TROUBLES: Readonly<Record<number, string>> = {
  [FAULTS.NO_FILE]: "no such file",
  [FAULTS.NOT_EXECUTABLE]: "file not executable",
  [FAULTS.ALREADY_STARTED]: "already started",
  [FAULTS.SPAWN_ERROR]: "spawn error",
  [FAULTS.ABNORMAL_TERMINATION]: "abnormal termination",
};

async function call(
  daemon: Daemon,
  onWait: OnWait,
  method: string,
  ...args: readonly Value[]
): Promise<Result> {
  const answer = run(daemon, method, args);
  if (answer instanceof Promise) onWait({ method, answer, page: true });
  return answer;
}

/** Runs the actions in turn; each waits for the outcome of the one before, failed or not. */
async function inOrder(
  daemon: Daemon,
  onWait: OnWait,
  methods: readonly string[],
  params: readonly Value[],
): Promise<void> {
  // Full names, since what an upgrade leaves of it is done by name.
  const calls = methods.map((method) => ({ methodName: `supervisor.${method}`, params }));
  const answer = inTurn(
    { call: (_daemon, method, args) => run(daemon, method.replace("supervisor.", ""), args) },
    daemon,
    calls,
  );
  onWait({ method: "system.multicall", answer, page: true });
  await answer;
}

function run(daemon: Daemon, method: string, args: readonly Value[]): Answer {
  const row = METHODS[method];
  if (row === undefined) throw new Error(`no method ${method}`);
  return row.run(daemon, args);
}

/** `Sat Nov 21 00:11:28 2026`. */
function ctime(): string {
  const [day, date, month, year, time] = localTime(Date.now() / 1000)
    .toUTCString()
    .split(/,? /);
  return `${day} ${month} ${String(Number(date)).padStart(2)} ${time} ${year}`;
}
