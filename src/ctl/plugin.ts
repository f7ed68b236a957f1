/** What `[ctlplugin:x]` in an ES module is given, and what it gives back. The contract is docs/plugins.md. */
import type { Client } from "../client/client.js";

/** The session a plugin's commands run in. */
export interface CtlPluginController {
  /** The x of `[ctlplugin:x]`. */
  readonly name: string;
  /** The daemon that supervisorctl talks to; ask for it in each command, since a login makes a new one. */
  readonly client: Client;
  /** True in the shell. */
  readonly interactive: boolean;
  /** What supervisorctl ends with after a single command. */
  exitStatus: number;
  /** Prints a line. */
  output(text: string): void;
}

export interface CtlPluginCommand {
  /** One word of letters, digits and `_`. */
  readonly name: string;
  /** Usage lines, as `help <name>` prints them. */
  readonly help: string;
  /** What its words are completed with. @default "nothing" */
  readonly completes?: "processes" | "groups" | "nothing";
  /** `argument` is what follows the name, trimmed. */
  readonly run: (argument: string) => unknown;
}

/** What `supervisor.ctl_factory` names. `options` are the other keys of the section, lower case. */
export type CtlPluginFactory = (
  controller: CtlPluginController,
  options: Readonly<Record<string, string>>,
) => readonly CtlPluginCommand[] | Promise<readonly CtlPluginCommand[]>;
