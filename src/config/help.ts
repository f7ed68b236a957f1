/** The help texts of the commands, which commander sets. */
import { createRequire } from "node:module";

export interface HelpRow {
  readonly short: string | null;
  /** What help calls the value; null for a flag. */
  readonly value: string | null;
  readonly help: string;
}

export interface HelpSubject {
  /** Purpose of the command, in one line. */
  readonly title: string;
  /** As the user called the command. */
  readonly called: string;
  /** The name in help of words that are no options; null where there may be none. */
  readonly positional: string | null;
}

/** commander is read only when somebody asks: it is half of all that a short command would have to read. */
export function helpText(
  { title, called, positional }: HelpSubject,
  rows: Readonly<Record<string, HelpRow>>,
): string {
  const { Command } = createRequire(import.meta.url)("commander") as typeof import("commander");
  const command = new Command(called).helpOption(false).configureHelp({
    // Supervisor's form, which its own tests look for: -c/--configuration FILENAME -- what it does
    optionTerm: ({ flags }) => flags.replace(", ", "/").replace(/[<>]/g, ""),
    formatItem: (term, _width, description) => `${term} -- ${description}`,
  });
  for (const [long, { short, value, help }] of Object.entries(rows)) {
    const flags = `${short === null ? "" : `-${short}, `}--${long}${value === null ? "" : ` <${value}>`}`;
    command.option(flags, help);
  }
  if (positional !== null) command.argument(positional);
  return `${title}\n\n${command.helpInformation()}`;
}
