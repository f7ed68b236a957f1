/** start, stop, restart, signal, clear: the same done to names, groups or all. */
import { Fault, type StatusResult } from "../client/client.js";
import { FAULTS } from "../core/faults.js";
import { makeNamespec, splitNamespec } from "../core/namespec.js";
import { type Command, misuse, words } from "./command.js";
import { type Controller, countFault, upcheck } from "./controller.js";
import { EXIT } from "./exit-status.js";

/** How one of these commands speaks to the daemon, and how it words what comes back. */
interface Action {
  readonly all: (ctl: Controller) => Promise<readonly StatusResult[]>;
  /** Null: whole groups are not for it. */
  readonly group: (ctl: Controller, name: string) => Promise<readonly StatusResult[]>;
  readonly one: (ctl: Controller, name: string) => Promise<unknown>;
  readonly success: string;
  readonly texts: Readonly<Record<number, string>>;
  /** A fault that is no failure of this command. */
  readonly ignored: number | null;
  readonly unknownGroupExit: number;
}

async function perform(ctl: Controller, names: readonly string[], action: Action): Promise<void> {
  if (names.includes("all")) return report(ctl, await action.all(ctl), action);
  for (const name of names) {
    const { group, process } = splitNamespec(name);
    if (process === null) await performGroup(ctl, group, action);
    else await performOne(ctl, name, group, process, action);
  }
}

async function performGroup(ctl: Controller, group: string, action: Action): Promise<void> {
  try {
    report(ctl, await action.group(ctl, group), action);
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== FAULTS.BAD_NAME) throw error;
    ctl.output(`${group}: ERROR (no such group)`);
    ctl.exitStatus = action.unknownGroupExit;
  }
}

async function performOne(
  ctl: Controller,
  name: string,
  group: string,
  process: string,
  action: Action,
): Promise<void> {
  try {
    await action.one(ctl, name);
    ctl.output(`${makeNamespec(group, process)}: ${action.success}`);
  } catch (error) {
    if (!(error instanceof Fault) || error.code === FAULTS.SHUTDOWN_STATE) throw error;
    report(ctl, [{ group, name: process, status: error.code, description: error.faultString }], action);
  }
}

function report(ctl: Controller, results: readonly StatusResult[], action: Action): void {
  for (const result of results) {
    countFault(ctl, result.status, action.ignored);
    ctl.output(line(result, action));
  }
}

function line({ group, name, status, description }: StatusResult, action: Action): string {
  const namespec = makeNamespec(group, name);
  if (status === FAULTS.SUCCESS) return `${namespec}: ${action.success}`;
  const text = action.texts[status] ?? description;
  return text === "" ? description : `${namespec}: ERROR (${text})`;
}

const START: Action = {
  all: ({ client }) => client.startAllProcesses(),
  group: ({ client }, name) => client.startProcessGroup(name),
  one: ({ client }, name) => client.startProcess(name),
  success: "started",
  texts: {
    [FAULTS.BAD_NAME]: "no such process",
    [FAULTS.NO_FILE]: "no such file",
    [FAULTS.NOT_EXECUTABLE]: "file is not executable",
    [FAULTS.ALREADY_STARTED]: "already started",
    [FAULTS.SPAWN_ERROR]: "spawn error",
    [FAULTS.ABNORMAL_TERMINATION]: "abnormal termination",
  },
  ignored: FAULTS.ALREADY_STARTED,
  unknownGroupExit: EXIT.INVALID_ARGS,
};

const STOP: Action = {
  all: ({ client }) => client.stopAllProcesses(),
  group: ({ client }, name) => client.stopProcessGroup(name),
  one: ({ client }, name) => client.stopProcess(name),
  success: "stopped",
  texts: {
    [FAULTS.BAD_NAME]: "no such process",
    [FAULTS.NOT_RUNNING]: "not running",
    // The daemon's own words say it all.
    [FAULTS.FAILED]: "",
  },
  ignored: FAULTS.NOT_RUNNING,
  unknownGroupExit: EXIT.GENERIC,
};

const CLEAR: Action = {
  all: ({ client }) => client.clearAllProcessLogs(),
  async group({ client }, wanted) {
    const members = (await client.getAllProcessInfo()).filter(({ group }) => group === wanted);
    if (members.length === 0) throw new Fault(FAULTS.BAD_NAME, `BAD_NAME: ${wanted}`);
    for (const { group, name } of members) await client.clearProcessLogs(`${group}:${name}`);
    return members.map(({ group, name }) => ({ group, name, status: FAULTS.SUCCESS, description: "OK" }));
  },
  one: ({ client }, name) => client.clearProcessLogs(name),
  success: "cleared",
  texts: { [FAULTS.BAD_NAME]: "no such process", [FAULTS.FAILED]: "failed" },
  ignored: null,
  unknownGroupExit: EXIT.GENERIC,
};

function signalAction(signal: string): Action {
  return {
    all: ({ client }) => client.signalAllProcesses(signal),
    group: ({ client }, name) => client.signalProcessGroup(name, signal),
    one: ({ client }, name) => client.signalProcess(name, signal),
    success: "signalled",
    texts: {
      [FAULTS.BAD_NAME]: "no such process",
      [FAULTS.BAD_SIGNAL]: "bad signal name",
      [FAULTS.NOT_RUNNING]: "not running",
      [FAULTS.FAILED]: "",
    },
    ignored: null,
    unknownGroupExit: EXIT.GENERIC,
  };
}

function forNames(
  verb: string,
  actions: readonly Action[],
  emptyExit: number,
  help: readonly string[],
): Command {
  const command: Command = {
    help,
    completes: "processes",
    async run(ctl, argument) {
      if (!(await upcheck(ctl))) return;
      const names = words(argument);
      if (names.length === 0)
        return misuse(ctl, `Error: ${verb} requires a process name`, command, emptyExit);
      for (const action of actions) await perform(ctl, names, action);
    },
  };
  return command;
}

export const start = forNames("start", [START], EXIT.INVALID_ARGS, [
  "start <name>\t\tStart one process",
  "start <gname>:*\t\tStart every process of a group",
  "start <name> <name>\tStart several processes or groups",
  "start all\t\tStart every process",
]);

export const stop = forNames("stop", [STOP], EXIT.GENERIC, [
  "stop <name>\t\tStop one process",
  "stop <gname>:*\t\tStop every process of a group",
  "stop <name> <name>\tStop several processes or groups",
  "stop all\t\tStop every process",
]);

export const restart = forNames("restart", [STOP, START], EXIT.GENERIC, [
  "restart <name>\t\tStop one process, then start it",
  "restart <gname>:*\tThe same for every process of a group",
  "restart <name> <name>\tThe same for several processes or groups",
  "restart all\t\tThe same for every process",
  "Edited configuration is not picked up by restart; see reread and update.",
]);

export const clear = forNames("clear", [CLEAR], EXIT.GENERIC, [
  "clear <name>\t\tEmpty the log files of one process",
  "clear <gname>:*\t\tEmpty the log files of every process of a group",
  "clear <name> <name>\tEmpty the log files of several processes",
  "clear all\t\tEmpty the log files of every process",
]);

export const signal: Command = {
  help: [
    "signal <signal name> <name>\t\tSend a signal to one process",
    "signal <signal name> <gname>:*\t\tSend it to every process of a group",
    "signal <signal name> <name> <name>\tSend it to several processes or groups",
    "signal <signal name> all\t\tSend it to every process",
  ],
  completes: "processes",
  async run(ctl, argument) {
    if (!(await upcheck(ctl))) return;
    const [name, ...names] = words(argument);
    if (name === undefined || names.length === 0)
      return misuse(ctl, "Error: signal requires a signal name and a process name", signal, EXIT.GENERIC);
    await perform(ctl, names, signalAction(name));
  },
};
