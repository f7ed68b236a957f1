/** The daemon's own record of one process and of one group: what the core decides on, and what is alive. */
import type { GroupConfig, ProcessConfig } from "../core/config.js";
import { newProcess, type Process } from "../core/process.js";
import type { Channel, GroupHandle, ProcessHandle } from "../rpc/daemon.js";
import type { Outputs } from "./outputs.js";
import type { Run } from "./run.js";

export interface Waiter {
  readonly settled: (process: Process) => boolean;
  readonly wake: () => void;
}

/** One process under supervision. Only the engine changes `process`. */
export interface Entry extends ProcessHandle {
  process: Process;
  config: ProcessConfig;
  /** The live child's pipe ends; null when there is no child. */
  run: Run | null;
  readonly outputs: Outputs;
  /** Null while nobody waits. */
  waiters: Set<Waiter> | null;
}

export interface Group extends GroupHandle {
  readonly config: GroupConfig;
  readonly processes: ReadonlyMap<string, Entry>;
}

/** A process that has never run. `held` marks one that an operator stopped in an earlier life. */
export function createEntry(group: string, config: ProcessConfig, outputs: Outputs, held: boolean): Entry {
  return {
    group,
    name: config.name,
    config,
    process: newProcess(held),
    run: null,
    outputs,
    waiters: null,
    logfile: (channel: Channel) => outputs.path(channel),
  };
}
