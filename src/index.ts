/**
 * supervisord-ts as a library: a supervisor inside one's own program, a client for any supervisord, and the
 * configuration as data.
 *
 * @packageDocumentation
 */
export {
  Client,
  type ClientOptions,
  type ConfigInfo,
  Fault,
  type ProcessInfo,
  type StatusResult,
  type Upgraded,
} from "./client/client.js";
export type { Config, GroupConfig, Issue, LogLevel, ProcessConfig, ServerConfig } from "./core/config.js";
export type { StateName } from "./core/process.js";
export type {
  CtlPluginCommand,
  CtlPluginController,
  CtlPluginFactory,
} from "./ctl/plugin.js";
export type { StateChange } from "./daemon/changes.js";
export { type ConfigSource, type ParsedConfig, parseConfig } from "./daemon/parse-config.js";
export type { ListenerEvent, ResultHandler } from "./daemon/result-handler.js";
export { ProcessError, type ProcessStatus, Supervisor, type SupervisorOptions } from "./daemon/supervisor.js";
export type {
  PluginProcess,
  PluginStateChange,
  RpcPluginContext,
  RpcPluginFactory,
  RpcPluginMethod,
  RpcPluginMethods,
} from "./rpc/plugin.js";
export { SUPERVISOR_VERSION, VERSION } from "./version.js";
