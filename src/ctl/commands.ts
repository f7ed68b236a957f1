/** Every command by its name, and how a line becomes one of them. */
import type { Command } from "./command.js";
import { type Controller, guarded } from "./controller.js";
import { add, reload, remove, reread, shutdown, update } from "./daemon-commands.js";
import { EXIT } from "./exit-status.js";
import { fg, maintail, tail } from "./log-commands.js";
import type { CtlPlugin } from "./plugins.js";
import { clear, restart, signal, start, stop } from "./process-commands.js";
import { columns } from "./render.js";
import { avail, open, pid, status, version } from "./status-commands.js";
import { upgrade } from "./upgrade-command.js";

const leave = (name: string): Command => ({
  help: [`${name}\tLeave the supervisor shell.`],
  completes: "nothing",
  async run(ctl) {
    ctl.output("");
    ctl.done = true;
  },
});

const LEAVE = leave("exit");

export const COMMANDS: ReadonlyMap<string, Command> = new Map(
  Object.entries({
    add,
    avail,
    clear,
    exit: LEAVE,
    fg,
    maintail,
    open,
    pid,
    quit: leave("quit"),
    reload,
    remove,
    reread,
    restart,
    shutdown,
    signal,
    start,
    status,
    stop,
    tail,
    update,
    upgrade,
    version,
  }),
);

/** Supervisor's own commands first, then those of plugins in the order of their sections. */
export function findCommand(plugins: readonly CtlPlugin[], name: string): Command | undefined {
  const own = COMMANDS.get(name);
  if (own !== undefined) return own;
  return plugins.find(({ commands }) => commands.has(name))?.commands.get(name);
}

/** The actions, as the command line's help lists them: each by its first form. */
export function actionsText(): string {
  const rows = [...COMMANDS.values(), { help: HELP_OF_HELP }].map(({ help: [first = ""] }) => {
    const [form = "", meaning = ""] = first.split(/\s*\t+/);
    return meaning === "" ? `  ${form}\n` : `  ${form.padEnd(32)}${meaning}\n`;
  });
  return `Actions:\n${rows.sort().join("")}\nWithout an action a shell reads them, one a line; "help <action>" tells all forms of one.\n`;
}

const HELP_OF_HELP = ["help\t\tList the actions", "help <action>\tTell about one action"];

/** Runs one line: a command's name and what follows it. */
export async function runLine(ctl: Controller, input: string): Promise<void> {
  const line = input.trim();
  if (line === "") return;
  if (line.startsWith("?")) return help(ctl, line.slice(1).trim());
  const word = /^[A-Za-z0-9_]*/.exec(line)?.[0] ?? "";
  const argument = line.slice(word.length).trim();
  if (word === "help") return help(ctl, argument);
  // What Python's shells turn the end of input into, and so a word one can type.
  if (word === "EOF") return LEAVE.run(ctl, argument);
  const command = findCommand(ctl.plugins, word);
  if (command === undefined) {
    ctl.output(`*** Unknown syntax: ${line}`);
    ctl.exitStatus = EXIT.GENERIC;
    return;
  }
  await guarded(ctl, () => command.run(ctl, argument));
}

function help(ctl: Controller, topic: string): void {
  if (topic !== "") {
    const lines =
      topic === "help"
        ? HELP_OF_HELP
        : (findCommand(ctl.plugins, topic)?.help ?? [`*** No help on ${topic}`]);
    for (const line of lines) ctl.output(line);
    return;
  }
  for (const { name, commands } of [{ name: "default", commands: COMMANDS }, ...ctl.plugins]) {
    const title = `${name} commands (type help <topic>):`;
    ctl.output("");
    ctl.output(title);
    ctl.output("=".repeat(title.length));
    for (const line of columns([...commands.keys()].sort())) ctl.output(line);
    ctl.output("");
  }
}
