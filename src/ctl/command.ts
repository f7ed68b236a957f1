/** What a command of supervisorctl is. */
import type { Controller } from "./controller.js";

export interface Command {
  /** `argument` is what follows the name, trimmed. */
  readonly run: (ctl: Controller, argument: string) => Promise<void>;
  /** Usage lines: form, tabs, meaning. */
  readonly help: readonly string[];
  /** What its words are completed with. */
  readonly completes: "processes" | "groups" | "actions" | "nothing";
}

/** Words between blanks. */
export function words(argument: string): readonly string[] {
  return argument.split(/\s+/).filter((word) => word !== "");
}

/** `Error: …` and how to use it. */
export function misuse(
  ctl: Controller,
  text: string,
  command: Pick<Command, "help">,
  exitStatus: number,
): void {
  ctl.output(text);
  ctl.exitStatus = exitStatus;
  for (const line of command.help) ctl.output(line);
}
