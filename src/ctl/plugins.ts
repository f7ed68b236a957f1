/** Commands that `[ctlplugin:x]` sections bring. */
import { inTime } from "../config/in-time.js";
import { loadExport } from "../config/load-module.js";
import type { CtlPluginConfig, PluginModule } from "../core/config.js";
import type { Command } from "./command.js";
import type { Controller } from "./controller.js";
import type { CtlPluginController } from "./plugin.js";

/** The commands of one section, by name. */
export interface CtlPlugin {
  readonly name: string;
  readonly commands: ReadonlyMap<string, Command>;
}

const NAME = /^[A-Za-z0-9_]+$/;

/** Loads all plugins into the session. Rejects with one text, with file and line, at the first that is broken. */
export async function loadCtlPlugins(ctl: Controller): Promise<readonly CtlPlugin[]> {
  const plugins: CtlPlugin[] = [];
  for (const config of ctl.config.plugins ?? []) {
    if (config.module === undefined)
      ctl.io.stderr(
        `Warning: ${config.factory} within [ctlplugin:${config.name}] is a Python factory, its commands are not available\n`,
      );
    else plugins.push(await load(ctl, config, config.module));
  }
  return plugins;
}

async function load(
  ctl: Controller,
  { name, options }: CtlPluginConfig,
  module: PluginModule,
): Promise<CtlPlugin> {
  try {
    const returned = await inTime(async () => (await loadExport(module))(view(ctl, name), options));
    return { name, commands: readCommands(returned) };
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`Could not make ${name} ctl plugin: ${why} (${module.file}:${module.line})`, { cause });
  }
}

/** So much of the session as plugins may rely on. */
function view(ctl: Controller, name: string): CtlPluginController {
  return {
    name,
    get client() {
      return ctl.client;
    },
    interactive: ctl.interactive,
    get exitStatus() {
      return ctl.exitStatus;
    },
    set exitStatus(status) {
      ctl.exitStatus = status;
    },
    output: (text) => ctl.output(text),
  };
}

function readCommands(returned: unknown): ReadonlyMap<string, Command> {
  if (!Array.isArray(returned)) throw new Error("the factory returns no array of commands");
  const commands = new Map<string, Command>();
  for (const command of returned as readonly unknown[]) {
    const [name, row] = readCommand(command);
    commands.set(name, row);
  }
  return commands;
}

function readCommand(command: unknown): readonly [name: string, row: Command] {
  const {
    name,
    help = "",
    completes = "nothing",
    run,
  } = (command ?? {}) as Readonly<Record<string, unknown>>;
  if (typeof name !== "string" || !NAME.test(name))
    throw new Error(`${JSON.stringify(name)} cannot name a command`);
  const wrong = (what: string): Error => new Error(`${what} of command "${name}" is not usable`);
  if (typeof run !== "function") throw wrong("run");
  if (typeof help !== "string") throw wrong("help");
  if (completes !== "processes" && completes !== "groups" && completes !== "nothing")
    throw wrong("completes");
  const row: Command = {
    help: help.split("\n"),
    completes,
    run: async (_ctl, argument) => void (await Reflect.apply(run, command, [argument])),
  };
  return [name, row];
}
