/** What `[rpcinterface:x]` in an ES module is given, and what it gives back. The contract is docs/plugins.md. */
import type { LogLevel } from "../core/config.js";
import type { StateName } from "../core/process.js";
import type { Mood } from "./daemon.js";
import type { Value } from "./method.js";

/** One process as it stands. */
export interface PluginProcess {
  readonly group: string;
  readonly name: string;
  /** What the methods of the context take: `name` or `group:name`. */
  readonly namespec: string;
  readonly state: StateName;
  /** 0 when there is no child. */
  readonly pid: number;
  /** Null while running, or when it never ended; -1 after a signal. */
  readonly exitstatus: number | null;
  readonly spawnerr: string;
  /** Seconds since the epoch; 0 for never. */
  readonly laststart: number;
  readonly laststop: number;
}

/** One state change of one process. */
export interface PluginStateChange {
  readonly group: string;
  readonly name: string;
  readonly namespec: string;
  readonly from: StateName;
  readonly to: StateName;
  readonly pid: number;
  /** For EXITED: whether the exit status was one of `exitcodes`. */
  readonly expected: boolean;
}

/** The daemon, as a plugin may use it. Before anything has been started, its methods throw. */
export interface RpcPluginContext {
  /** The x of `[rpcinterface:x]`. */
  readonly name: string;
  /** Aborted when the daemon ends, and at a reload, which makes the plugin anew. */
  readonly signal: AbortSignal;
  readonly identifier: string;
  readonly mood: Mood;
  /** By group priority, then process priority. */
  processes(): readonly PluginProcess[];
  /** Throws the fault BAD_NAME when there is none. */
  process(namespec: string): PluginProcess;
  /** Settles when it is RUNNING; rejects with the fault that `startProcess` answers. Takes `group:*` too. */
  start(namespec: string): Promise<void>;
  /** Settles when it is down; rejects with the fault that `stopProcess` answers. Takes `group:*` too. */
  stop(namespec: string): Promise<void>;
  /** Stops it where it runs, then starts it. */
  restart(namespec: string): Promise<void>;
  /** By name or number, to the child itself. */
  signalProcess(namespec: string, signal: string | number): void;
  writeStdin(namespec: string, text: string): void;
  /** Any method of the daemon by its full name, as a client would call it. */
  call(method: string, ...params: readonly Value[]): Promise<Value>;
  /** A group without members; a reload, or an `update`, ends what no file knows. */
  addGroup(name: string, priority?: number): void;
  /** Adds a program to a group of programs, its options as a section has them. Gives the namespecs that came. */
  addProgram(group: string, program: string, options: Readonly<Record<string, string>>): readonly string[];
  /** Ends the supervision of a process that is down. */
  removeProcess(namespec: string): void;
  /**
   * Called once the daemon is there, before anything is started. A reload makes the new plugin while the old one
   * still lives, so what only one can have (a port, say) is to be opened here.
   */
  onBegin(listener: () => void): void;
  /** Hears of each state change from now on; may be asked for in the factory already. Gives the way out. */
  onStateChange(listener: (change: PluginStateChange) => void): () => void;
  /** A REMOTE_COMMUNICATION event for listeners. */
  sendRemoteCommEvent(type: string, data: string): void;
  log(level: LogLevel, text: string): void;
  /** An error to throw that clients get as a fault: `throw context.fault(70, "NOT_RUNNING: web")`. */
  fault(code: number, text: string): Error;
}

/** One method: `x.name` of XML-RPC. */
export interface RpcPluginMethod {
  /** What it does, in a sentence: `system.methodHelp`. */
  readonly help?: string;
  /** `type name meaning` of each parameter, in order. */
  readonly params?: readonly string[];
  /** How many of them must be given. @default all */
  readonly required?: number;
  /** `type name meaning`. @default "boolean result Always true; everything else is a fault" */
  readonly returns?: string;
  /** Answers while the daemon shuts down, too. @default false */
  readonly always?: boolean;
  /** Nothing returned is answered as true. */
  readonly run: (...args: readonly Value[]) => unknown;
}

export type RpcPluginMethods = Readonly<Record<string, RpcPluginMethod>>;

/** What `supervisor.rpcinterface_factory` names. `options` are the other keys of the section, lower case. */
export type RpcPluginFactory = (
  context: RpcPluginContext,
  options: Readonly<Record<string, string>>,
) => RpcPluginMethods | Promise<RpcPluginMethods>;
