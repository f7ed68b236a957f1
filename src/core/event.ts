/** Supervisor's events: their names, who contains whom, and the text of their payloads. */
import type { Notify, StateName } from "./process.js";

/** Each type with the abstract type it belongs to; EVENT is the root of all. */
const PARENTS = {
  PROCESS_STATE: "EVENT",
  PROCESS_STATE_STARTING: "PROCESS_STATE",
  PROCESS_STATE_BACKOFF: "PROCESS_STATE",
  PROCESS_STATE_RUNNING: "PROCESS_STATE",
  PROCESS_STATE_STOPPING: "PROCESS_STATE",
  PROCESS_STATE_STOPPED: "PROCESS_STATE",
  PROCESS_STATE_EXITED: "PROCESS_STATE",
  PROCESS_STATE_FATAL: "PROCESS_STATE",
  PROCESS_STATE_UNKNOWN: "PROCESS_STATE",
  PROCESS_LOG: "EVENT",
  PROCESS_LOG_STDOUT: "PROCESS_LOG",
  PROCESS_LOG_STDERR: "PROCESS_LOG",
  PROCESS_COMMUNICATION: "EVENT",
  PROCESS_COMMUNICATION_STDOUT: "PROCESS_COMMUNICATION",
  PROCESS_COMMUNICATION_STDERR: "PROCESS_COMMUNICATION",
  REMOTE_COMMUNICATION: "EVENT",
  SUPERVISOR_STATE_CHANGE: "EVENT",
  SUPERVISOR_STATE_CHANGE_RUNNING: "SUPERVISOR_STATE_CHANGE",
  SUPERVISOR_STATE_CHANGE_STOPPING: "SUPERVISOR_STATE_CHANGE",
  TICK: "EVENT",
  TICK_5: "TICK",
  TICK_60: "TICK",
  TICK_3600: "TICK",
  PROCESS_GROUP: "EVENT",
  PROCESS_GROUP_ADDED: "PROCESS_GROUP",
  PROCESS_GROUP_REMOVED: "PROCESS_GROUP",
} as const satisfies Record<string, string>;

export type EventType = keyof typeof PARENTS;

/** One event, as every pool that wants it gets it. */
export interface SupervisorEvent {
  readonly type: EventType;
  readonly payload: string;
}

/** TICK periods, in seconds. */
export const TICKS = { TICK_5: 5, TICK_60: 60, TICK_3600: 3600 } as const satisfies Partial<
  Record<EventType, number>
>;

/** Every name that `events=` may hold. */
export const EVENT_NAMES: readonly string[] = ["EVENT", ...Object.keys(PARENTS)];

/** Whether somebody subscribed to `wanted` hears of `type`: its own name, or one it belongs to. */
export function subscribes(wanted: ReadonlySet<string>, type: EventType): boolean {
  for (let name: string = type; ; name = PARENTS[name as EventType]) {
    if (wanted.has(name)) return true;
    if (name === "EVENT") return false;
  }
}

interface Named {
  readonly group: string;
  readonly name: string;
}

/** The event of a state change. */
export function stateEvent({ group, name }: Named, change: Notify): SupervisorEvent {
  const head = `processname:${name} groupname:${group} from_state:${change.from}`;
  return { type: `PROCESS_STATE_${change.to}`, payload: head + stateDetails(change.to, change) };
}

function stateDetails(to: StateName, { tries, pid, expected }: Notify): string {
  switch (to) {
    case "STARTING":
    case "BACKOFF":
      return ` tries:${tries}`;
    case "RUNNING":
    case "STOPPING":
    case "STOPPED":
      return ` pid:${pid}`;
    case "EXITED":
      return ` expected:${expected ? 1 : 0} pid:${pid}`;
    default:
      return "";
  }
}

export function logEvent(
  from: Named,
  pid: number,
  channel: "stdout" | "stderr",
  data: string,
): SupervisorEvent {
  const type = channel === "stdout" ? "PROCESS_LOG_STDOUT" : "PROCESS_LOG_STDERR";
  return {
    type,
    payload: `processname:${from.name} groupname:${from.group} pid:${pid} channel:${channel}\n${data}`,
  };
}

export function communicationEvent(
  from: Named,
  pid: number,
  channel: "stdout" | "stderr",
  data: string,
): SupervisorEvent {
  const type = channel === "stdout" ? "PROCESS_COMMUNICATION_STDOUT" : "PROCESS_COMMUNICATION_STDERR";
  return { type, payload: `processname:${from.name} groupname:${from.group} pid:${pid}\n${data}` };
}

export function remoteEvent(type: string, data: string): SupervisorEvent {
  return { type: "REMOTE_COMMUNICATION", payload: `type:${type}\n${data}` };
}

/** Group payloads end with a newline, the others don't. */
export function groupEvent(change: "ADDED" | "REMOVED", groupname: string): SupervisorEvent {
  return { type: `PROCESS_GROUP_${change}`, payload: `groupname:${groupname}\n` };
}

export function supervisorEvent(change: "RUNNING" | "STOPPING"): SupervisorEvent {
  return { type: `SUPERVISOR_STATE_CHANGE_${change}`, payload: "" };
}

/** `when` is a multiple of the period, in seconds since the epoch. */
export function tickEvent(type: keyof typeof TICKS, when: number): SupervisorEvent {
  return { type, payload: `when:${when}` };
}
