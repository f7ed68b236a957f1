/** A typed client for any supervisord. */
import type { StateName } from "../core/process.js";
import { decodeResponse, encodeCall, type XmlRpcValue } from "../wire/xmlrpc.js";
import { createTransport, type ServerAddress, type Transport } from "./transport.js";

/** Where the daemon listens, and as whom to talk to it. */
export type ClientOptions = ServerAddress;

/** The daemon's own answer that something can't be done. `code` is Supervisor's: 10 is BAD_NAME. */
export class Fault extends Error {
  override readonly name = "Fault";
  readonly code: number;
  /** `BAD_NAME: nosuch`. */
  readonly faultString: string;
  constructor(code: number, faultString: string) {
    super(faultString);
    this.code = code;
    this.faultString = faultString;
  }
}

/** One process as it stands. Times are seconds since the epoch, 0 for never. */
export interface ProcessInfo {
  readonly name: string;
  readonly group: string;
  readonly start: number;
  readonly stop: number;
  readonly now: number;
  readonly state: number;
  readonly statename: StateName;
  readonly spawnerr: string;
  /** -1 after a signal. */
  readonly exitstatus: number;
  readonly logfile: string;
  readonly stdout_logfile: string;
  readonly stderr_logfile: string;
  /** 0 when there is no child. */
  readonly pid: number;
  readonly description: string;
}

/** The versions before and after. */
export interface Upgraded {
  readonly from: string;
  readonly to: string;
}

/** How one process is configured. What is not set is the text `none`; sizes are bytes. */
export interface ConfigInfo {
  readonly name: string;
  readonly group: string;
  readonly inuse: boolean;
  readonly autostart: boolean;
  /** Not told by Supervisor before 4.4. */
  readonly autorestart?: boolean | "unexpected";
  readonly directory: string;
  readonly uid: number | "none";
  readonly command: string;
  readonly exitcodes: readonly number[];
  readonly group_prio: number;
  readonly process_prio: number;
  readonly killasgroup: boolean;
  readonly redirect_stderr: boolean;
  readonly startretries: number;
  readonly startsecs: number;
  readonly stopsignal: number;
  readonly stopwaitsecs: number;
  readonly serverurl: string;
  readonly stdout_logfile: string;
  readonly stdout_logfile_backups: number;
  readonly stdout_logfile_maxbytes: number;
  readonly stdout_capture_maxbytes: number;
  readonly stdout_events_enabled: boolean;
  readonly stdout_syslog: boolean;
  readonly stderr_logfile: string;
  readonly stderr_logfile_backups: number;
  readonly stderr_logfile_maxbytes: number;
  readonly stderr_capture_maxbytes: number;
  readonly stderr_events_enabled: boolean;
  readonly stderr_syslog: boolean;
}

/** What became of one process among many: status 80 is success, anything else a fault's code. */
export interface StatusResult {
  readonly name: string;
  readonly group: string;
  readonly status: number;
  readonly description: string;
}

/** The end of a log: what was read, the offset for the next call, whether more was there. */
export type LogTail = readonly [data: string, offset: number, overflow: boolean];

/** Names of groups that a reread found. */
export interface ConfigChanges {
  readonly added: readonly string[];
  readonly changed: readonly string[];
  readonly removed: readonly string[];
}

/**
 * Talks XML-RPC to a supervisord, ours or Supervisor's own. Every method rejects with `Fault` when the daemon
 * refuses, with `HttpStatusError` when HTTP does (401 above all), and with the socket's error (`code` ENOENT,
 * ECONNREFUSED) when nobody is there.
 *
 * @example
 * ```ts
 * import { Client } from "supervisord-ts";
 *
 * await using client = new Client({ serverurl: "unix:///var/run/supervisor.sock" });
 * for (const info of await client.getAllProcessInfo()) console.log(info.name, info.statename);
 * ```
 */
export class Client implements AsyncDisposable {
  readonly #transport: Transport;

  constructor(options: ClientOptions) {
    this.#transport = createTransport(options);
  }

  /** Any method by its full name, for those that have none here. */
  async call(method: string, ...params: readonly XmlRpcValue[]): Promise<XmlRpcValue> {
    const response = decodeResponse(await this.#transport.post(encodeCall(method, params)));
    if (!response.ok) throw new Fault(response.code, response.text);
    return response.value;
  }

  /** Follows a log by its path on the server (`/logtail/NAME/stdout`, `/mainlogtail`) until aborted. */
  stream(
    path: string,
    onChunk: (chunk: Buffer) => void | Promise<void>,
    signal?: AbortSignal,
  ): Promise<void> {
    return this.#transport.stream(path, onChunk, signal);
  }

  close(): void {
    this.#transport.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  /** `3.0`. */
  getAPIVersion(): Promise<string> {
    return this.#supervisor("getAPIVersion");
  }
  /** The old name of getAPIVersion, which every daemon still has. */
  getVersion(): Promise<string> {
    return this.#supervisor("getVersion");
  }
  getSupervisorVersion(): Promise<string> {
    return this.#supervisor("getSupervisorVersion");
  }
  getIdentification(): Promise<string> {
    return this.#supervisor("getIdentification");
  }
  getState(): Promise<{ readonly statecode: number; readonly statename: string }> {
    return this.#supervisor("getState");
  }
  getPID(): Promise<number> {
    return this.#supervisor("getPID");
  }
  /** A negative offset with length 0 is that many bytes from the end. */
  readLog(offset: number, length: number): Promise<string> {
    return this.#supervisor("readLog", offset, length);
  }
  clearLog(): Promise<boolean> {
    return this.#supervisor("clearLog");
  }
  /** Answers at once; stopping everything takes its time afterwards. */
  shutdown(): Promise<boolean> {
    return this.#supervisor("shutdown");
  }
  /** Supervisor's `reload`. Answers at once. */
  restart(): Promise<boolean> {
    return this.#supervisor("restart");
  }
  async reloadConfig(): Promise<ConfigChanges> {
    const [[added = [], changed = [], removed = []] = []] =
      await this.#supervisor<readonly (readonly (readonly string[])[])[]>("reloadConfig");
    return { added, changed, removed };
  }
  addProcessGroup(name: string): Promise<boolean> {
    return this.#supervisor("addProcessGroup", name);
  }
  removeProcessGroup(name: string): Promise<boolean> {
    return this.#supervisor("removeProcessGroup", name);
  }
  /** Of `group:*` it is the array that startProcessGroup gives. */
  startProcess(name: string, wait = true): Promise<boolean> {
    return this.#supervisor("startProcess", name, wait);
  }
  startProcessGroup(name: string, wait = true): Promise<readonly StatusResult[]> {
    return this.#supervisor("startProcessGroup", name, wait);
  }
  startAllProcesses(wait = true): Promise<readonly StatusResult[]> {
    return this.#supervisor("startAllProcesses", wait);
  }
  stopProcess(name: string, wait = true): Promise<boolean> {
    return this.#supervisor("stopProcess", name, wait);
  }
  stopProcessGroup(name: string, wait = true): Promise<readonly StatusResult[]> {
    return this.#supervisor("stopProcessGroup", name, wait);
  }
  stopAllProcesses(wait = true): Promise<readonly StatusResult[]> {
    return this.#supervisor("stopAllProcesses", wait);
  }
  /** The signal by name (with or without SIG) or number. */
  signalProcess(name: string, signal: string | number): Promise<boolean> {
    return this.#supervisor("signalProcess", name, signal);
  }
  signalProcessGroup(name: string, signal: string | number): Promise<readonly StatusResult[]> {
    return this.#supervisor("signalProcessGroup", name, signal);
  }
  signalAllProcesses(signal: string | number): Promise<readonly StatusResult[]> {
    return this.#supervisor("signalAllProcesses", signal);
  }
  getProcessInfo(name: string): Promise<ProcessInfo> {
    return this.#supervisor("getProcessInfo", name);
  }
  getAllProcessInfo(): Promise<readonly ProcessInfo[]> {
    return this.#supervisor("getAllProcessInfo");
  }
  getAllConfigInfo(): Promise<readonly ConfigInfo[]> {
    return this.#supervisor("getAllConfigInfo");
  }
  readProcessStdoutLog(name: string, offset: number, length: number): Promise<string> {
    return this.#supervisor("readProcessStdoutLog", name, offset, length);
  }
  readProcessStderrLog(name: string, offset: number, length: number): Promise<string> {
    return this.#supervisor("readProcessStderrLog", name, offset, length);
  }
  tailProcessStdoutLog(name: string, offset: number, length: number): Promise<LogTail> {
    return this.#supervisor("tailProcessStdoutLog", name, offset, length);
  }
  tailProcessStderrLog(name: string, offset: number, length: number): Promise<LogTail> {
    return this.#supervisor("tailProcessStderrLog", name, offset, length);
  }
  clearProcessLogs(name: string): Promise<boolean> {
    return this.#supervisor("clearProcessLogs", name);
  }
  clearAllProcessLogs(): Promise<readonly StatusResult[]> {
    return this.#supervisor("clearAllProcessLogs");
  }
  /** Sends text, as UTF-8, to a process' stdin. */
  sendProcessStdin(name: string, chars: string): Promise<boolean> {
    return this.#supervisor("sendProcessStdin", name, chars);
  }
  sendRemoteCommEvent(type: string, data: string): Promise<boolean> {
    return this.#supervisor("sendRemoteCommEvent", type, data);
  }
  /** Replaces the daemon by the version installed beside it; only `supervisord-ts` can do that. */
  upgrade(): Promise<Upgraded> {
    return this.#typed("supervisord_ts.upgrade", []);
  }
  /** Changed settings that take effect only at a reload, as `[section] key`. Only `supervisord-ts` has this method. */
  needsReload(): Promise<readonly string[]> {
    return this.#typed("supervisord_ts.needsReload", []);
  }
  listMethods(): Promise<readonly string[]> {
    return this.#typed("system.listMethods", []);
  }
  methodHelp(name: string): Promise<string> {
    return this.#typed("system.methodHelp", [name]);
  }
  methodSignature(name: string): Promise<readonly string[]> {
    return this.#typed("system.methodSignature", [name]);
  }
  /** Results as they are, not wrapped in arrays; a fault is a struct of faultCode and faultString. */
  multicall(
    calls: readonly { readonly methodName: string; readonly params?: readonly XmlRpcValue[] }[],
  ): Promise<readonly XmlRpcValue[]> {
    const structs = calls.map(({ methodName, params = [] }) => ({ methodName, params }));
    return this.#typed("system.multicall", [structs]);
  }

  #supervisor<T>(method: string, ...params: readonly XmlRpcValue[]): Promise<T> {
    return this.#typed(`supervisor.${method}`, params);
  }

  /** The shape is what the API promises; the bytes were checked when they were decoded. */
  async #typed<T>(method: string, params: readonly XmlRpcValue[]): Promise<T> {
    return (await this.call(method, ...params)) as T;
  }
}
