/** The help texts of the commands, which commander sets. */
import { createRequire } from "node:module";

export interface HelpRow {
  readonly short: string | null;
  /** What help calls the value; null for a flag. */
  readonly value: string | null;
  readonly help: string;
}

/** commander is read only when somebody asks: it is half of all that a short command would have to read. */
export function helpText(
  name: string,
  rows: Readonly<Record<string, HelpRow>>,
  positional: string | null,
): string {
  const { Command } = createRequire(import.meta.url)("commander") as typeof import("commander");
  const command = new Command(name).helpOption(false);
  for (const [long, { short, value, help }] of Object.entries(rows)) {
    const flags = `${short === null ? "" : `-${short}, `}--${long}${value === null ? "" : ` <${value}>`}`;
    command.option(flags, help);
  }
  if (positional !== null) command.argument(positional);
  return command.helpInformation();
}
