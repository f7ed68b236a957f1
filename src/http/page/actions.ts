/** What the page's buttons do, and the sentence that tells how it went. */
import type { Daemon } from "../../rpc/daemon.js";
import { FAULTS, RpcFault } from "../../rpc/fault.js";
import { LOG_METHODS } from "../../rpc/log-methods.js";
import { findProcess } from "../../rpc/lookup.js";
import type { MethodTable, Result, Value } from "../../rpc/method.js";
import { PROCESS_METHODS } from "../../rpc/process-methods.js";

const METHODS: MethodTable = { ...PROCESS_METHODS, ...LOG_METHODS };

/** The message for the next page; null for an action that doesn't exist. */
export async function act(daemon: Daemon, action: string, name: string | null): Promise<string | null> {
  switch (action) {
    case "refresh":
      return `Page refreshed at ${ctime()}`;
    case "stopall":
      await call(daemon, "stopAllProcesses");
      return `All stopped at ${ctime()}`;
    case "restartall":
      await call(daemon, "stopAllProcesses");
      await call(daemon, "startAllProcesses");
      return `All restarted at ${ctime()}`;
    case "start":
    case "stop":
    case "restart":
    case "clearlog":
      return name === null || !isProcess(daemon, name)
        ? `No such process named ${name ?? ""}`
        : onProcess(daemon, action, name);
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
): Promise<string> {
  try {
    switch (action) {
      case "start":
        await call(daemon, "startProcess", name);
        return `Process ${name} started`;
      case "stop":
        await call(daemon, "stopProcess", name);
        return `Process ${name} stopped`;
      case "restart":
        await quietly(call(daemon, "stopProcess", name));
        await quietly(call(daemon, "startProcess", name));
        return `Process ${name} restarted`;
      default:
        await call(daemon, "clearProcessLogs", name);
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

async function call(daemon: Daemon, method: string, ...args: readonly Value[]): Promise<Result> {
  const row = METHODS[method];
  if (row === undefined) throw new Error(`no method ${method}`);
  return row.run(daemon, args);
}

/** A restart says "restarted" whatever came of it, as the reference does; the page then shows the state. */
async function quietly(done: Promise<unknown>): Promise<void> {
  try {
    await done;
  } catch (error) {
    if (!(error instanceof RpcFault)) throw error;
  }
}

/** `Sat Nov 21 00:11:28 2026`. */
function ctime(): string {
  const now = new Date();
  const [day, month, date, year] = now.toDateString().split(" ");
  return `${day} ${month} ${String(Number(date)).padStart(2)} ${now.toTimeString().slice(0, 8)} ${year}`;
}
