/**
 * What outlives a supervisor: its groups and processes as plain values, and enough about each child to find it
 * again. A process is known by pid, start time and boot; a pid alone may be somebody else by now.
 */
import type { Millis, Pid } from "./brand.js";
import type { GroupConfig, ProcessConfig } from "./config.js";
import { livePid, type Process } from "./process.js";

/** The ways in which a child may be connected; a FastCGI socket stands in the place of stdin. */
export type LostEnd = "stdin" | "stdout" | "stderr" | "socket";

/** The child of a process, and its pipes by inode; a null pipe is none. */
export interface SavedRun {
  /** Null between the wish to spawn and its outcome: then the pipes tell whether there is a child. */
  readonly pid: number | null;
  /** Clock ticks after boot. */
  readonly starttime: number | null;
  readonly stdin: number | null;
  readonly stdout: number | null;
  readonly stderr: number | null;
  /** Ends that the supervisor that adopted it could not take over; the child itself may have them still. */
  readonly lost?: readonly LostEnd[];
}

export interface SavedProcess {
  readonly group: string;
  readonly name: string;
  readonly process: Process;
  readonly run: SavedRun | null;
  /** It was stopped by an update that would have started it again. */
  readonly updating: boolean;
}

/** Paths in use, AUTO resolved; null is no file. */
export interface SavedLogs {
  readonly stdout: string | null;
  readonly stderr: string | null;
}

export interface SavedGroup {
  readonly config: GroupConfig;
  readonly logs: Readonly<Record<string, SavedLogs>>;
  /** Members that a plugin added: no file knows them. */
  readonly added?: readonly ProcessConfig[];
}

export interface SavedEvent {
  readonly type: string;
  readonly payload: string;
  readonly serial: number;
  readonly poolserial: number;
  /** The payload is left out, since it stands in an earlier record of its pool. */
  readonly asBefore?: boolean;
}

/** A listener's place in its protocol. */
export interface SavedListener {
  readonly name: string;
  readonly state: string;
  /** What it has said of something unfinished, base64. */
  readonly pending: string;
  readonly resultBytes: number | null;
  /** What led to this place and may still stand in its pipe, base64. */
  readonly heard?: string;
  readonly busyWith: SavedEvent | null;
  /** That event was about to be sent; whether it was, its process tells. */
  readonly unsent?: boolean;
  /** The listener has said more of its result than is written down; nothing that it says later can be understood. */
  readonly cut?: boolean;
}

export interface SavedPool {
  readonly name: string;
  readonly poolserial: number;
  readonly discarded: number;
  readonly buffer: readonly SavedEvent[];
  readonly listeners: readonly SavedListener[];
}

export type SavedMood = "RUNNING" | "RESTARTING" | "SHUTDOWN";

export interface SavedState {
  readonly mood: SavedMood;
  /** The number the next event gets. */
  readonly serial: number;
  /** Purposely stopped processes that are not under supervision now, by `group:process`. */
  readonly held: readonly string[];
  readonly groups: readonly SavedGroup[];
  readonly processes: readonly SavedProcess[];
  readonly pools: readonly SavedPool[];
}

const STOPPED = { name: "STOPPED" } as const;

/**
 * A process as the next supervisor takes it up: `pid` is its child if that lives. `died` asks for an `exited`, with
 * a cause that is not known; without a child whose spawn was only wished for, the next attempt is due at once.
 */
export function takeUp(
  { process, updating }: SavedProcess,
  pid: Pid | null,
  now: Millis,
): { readonly process: Process; readonly died: Pid | null } {
  const { state } = process;
  const taken = updating ? { ...process, held: false } : process;
  if (state.name === "STARTING" && state.pid === null) {
    if (pid !== null) return { process: { ...taken, state: { ...state, pid } }, died: null };
    const never = state.asked === undefined ? ({ name: "BACKOFF", until: now } as const) : STOPPED;
    return { process: { ...taken, state: never }, died: null };
  }
  if (pid === null || !("pid" in state))
    return { process: taken, died: pid === null ? livePid(process) : null };
  // The child that was found is the one that counts, whatever pid stands beside it.
  return { process: { ...taken, state: { ...state, pid } }, died: null };
}
