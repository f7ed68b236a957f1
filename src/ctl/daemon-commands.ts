/** shutdown, reload, and what changes the set of supervised groups. */
import { type ConfigChanges, Fault } from "../client/client.js";
import { FAULTS } from "../core/faults.js";
import { sayWhatIsLeft, stoppedIn } from "./after-update.js";
import { type Command, misuse, words } from "./command.js";
import type { Controller } from "./controller.js";
import { EXIT } from "./exit-status.js";
import { codeOf } from "./trouble.js";

export const shutdown: Command = {
  help: ["shutdown \tStop every process, then the remote supervisord"],
  completes: "nothing",
  async run(ctl, argument) {
    if (argument !== "") return misuse(ctl, "Error: shutdown accepts no arguments", shutdown, EXIT.GENERIC);
    if (!(await confirmed(ctl, "Really shut the remote supervisord process down y/N? "))) return;
    try {
      await ctl.client.shutdown();
      ctl.output("Shut down");
    } catch (error) {
      if (error instanceof Fault && error.code === FAULTS.SHUTDOWN_STATE)
        return ctl.output("ERROR: already shutting down");
      ctl.exitStatus = EXIT.GENERIC;
      const { serverurl } = ctl.config;
      const code = codeOf(error);
      if (code === "ECONNREFUSED")
        return ctl.output(`ERROR: ${serverurl} refused connection (already shut down?)`);
      if (code === "ENOENT") return ctl.output(`ERROR: ${serverurl} no such file (already shut down?)`);
      throw error;
    }
  },
};

export const reload: Command = {
  help: ["reload \t\tStop every process, read the configuration again and start anew"],
  completes: "nothing",
  async run(ctl, argument) {
    if (argument !== "") return misuse(ctl, "Error: reload accepts no arguments", reload, EXIT.GENERIC);
    if (!(await confirmed(ctl, "Really restart the remote supervisord process y/N? "))) return;
    try {
      await ctl.client.restart();
      ctl.output("Restarted supervisord");
    } catch (error) {
      ctl.exitStatus = EXIT.GENERIC;
      if (!(error instanceof Fault)) throw error;
      if (error.code === FAULTS.SHUTDOWN_STATE) return ctl.output("ERROR: already shutting down");
      // Ours looks at the configuration before it stops anything, and refuses what it could not start again.
      if (error.code === FAULTS.CANT_REREAD) return ctl.output(`ERROR: ${error.faultString}`);
      throw error;
    }
  },
};

async function confirmed(ctl: Controller, question: string): Promise<boolean> {
  if (!ctl.interactive) return true;
  const typed = await (await ctl.keyboard()).line(question);
  return typeof typed !== "string" && typed.line.toLowerCase().startsWith("y");
}

export const reread: Command = {
  help: ["reread \t\t\tRead the configuration again, and change nothing that runs"],
  completes: "nothing",
  async run(ctl, argument) {
    if (argument !== "") return misuse(ctl, "Error: reread accepts no arguments", reread, EXIT.GENERIC);
    try {
      for (const line of changeLines(await ctl.client.reloadConfig())) ctl.output(line);
    } catch (error) {
      ctl.exitStatus = EXIT.GENERIC;
      if (!(error instanceof Fault)) throw error;
      if (error.code === FAULTS.SHUTDOWN_STATE) return ctl.output("ERROR: supervisor shutting down");
      if (error.code === FAULTS.CANT_REREAD) return ctl.output(`ERROR: ${error.faultString}`);
      throw error;
    }
  },
};

function changeLines({ added, changed, removed }: ConfigChanges): readonly string[] {
  const words = new Map([
    ...added.map((name) => [name, "available"] as const),
    ...changed.map((name) => [name, "changed"] as const),
    ...removed.map((name) => [name, "disappeared"] as const),
  ]);
  if (words.size === 0) return ["No config updates to processes"];
  return [...words.keys()].sort().map((name) => `${name}: ${words.get(name)}`);
}

export const add: Command = {
  help: ["add <name> [...]\tStart supervising a group of the configuration as last read"],
  completes: "groups",
  async run(ctl, argument) {
    for (const name of words(argument))
      await changeGroup(ctl, name, () => ctl.client.addProcessGroup(name), `${name}: added process group`);
  },
};

export const remove: Command = {
  help: ["remove <name> [...]\tEnd the supervision of a group that is stopped"],
  completes: "groups",
  async run(ctl, argument) {
    for (const name of words(argument))
      await changeGroup(
        ctl,
        name,
        () => ctl.client.removeProcessGroup(name),
        `${name}: removed process group`,
      );
  },
};

async function changeGroup(
  ctl: Controller,
  name: string,
  change: () => Promise<boolean>,
  success: string,
): Promise<void> {
  try {
    await change();
    ctl.output(success);
  } catch (error) {
    if (error instanceof Fault && error.code === FAULTS.ALREADY_ADDED)
      return ctl.output("ERROR: process group already active");
    ctl.exitStatus = EXIT.GENERIC;
    if (!(error instanceof Fault)) throw error;
    const text = groupTrouble(error.code, name);
    if (text === null) throw error;
    ctl.output(text);
  }
}

function groupTrouble(code: number, name: string): string | null {
  if (code === FAULTS.SHUTDOWN_STATE) return "ERROR: shutting down";
  if (code === FAULTS.BAD_NAME) return `ERROR: no such process/group: ${name}`;
  return code === FAULTS.STILL_RUNNING ? `ERROR: process/group still running: ${name}` : null;
}

export const update: Command = {
  help: [
    "update\t\t\tRead the configuration again; add, remove and restart groups as it says",
    "update all\t\tThe same",
    "update <gname> [...]\tThe same for these groups only",
  ],
  completes: "groups",
  async run(ctl, argument) {
    const changes = await readChanges(ctl);
    if (changes === null) return;
    const wanted = new Set(words(argument));
    if (wanted.has("all")) wanted.clear();
    if (wanted.size > 0) await checkGroups(ctl, wanted, changes);
    const chosen = (names: readonly string[]): readonly string[] =>
      names.filter((name) => wanted.size === 0 || wanted.has(name));
    for (const name of chosen(changes.removed)) {
      if (!(await stopGroup(ctl, name))) continue;
      await ctl.client.removeProcessGroup(name);
      ctl.output(`${name}: removed process group`);
    }
    const stopped = await stoppedIn(ctl, chosen(changes.changed));
    for (const name of chosen(changes.changed)) {
      await ctl.client.stopProcessGroup(name);
      ctl.output(`${name}: stopped`);
      await ctl.client.removeProcessGroup(name);
      await ctl.client.addProcessGroup(name);
      ctl.output(`${name}: updated process group`);
    }
    for (const name of chosen(changes.added)) {
      await ctl.client.addProcessGroup(name);
      ctl.output(`${name}: added process group`);
    }
    await sayWhatIsLeft(ctl, stopped);
  },
};

async function readChanges(ctl: Controller): Promise<ConfigChanges | null> {
  try {
    return await ctl.client.reloadConfig();
  } catch (error) {
    ctl.exitStatus = EXIT.GENERIC;
    if (!(error instanceof Fault) || error.code !== FAULTS.SHUTDOWN_STATE) throw error;
    ctl.output("ERROR: already shutting down");
    return null;
  }
}

async function checkGroups(
  ctl: Controller,
  wanted: ReadonlySet<string>,
  changes: ConfigChanges,
): Promise<void> {
  const known = new Set([
    ...(await ctl.client.getAllProcessInfo()).map(({ group }) => group),
    ...changes.added,
  ]);
  for (const name of wanted) {
    if (known.has(name)) continue;
    ctl.output(`ERROR: no such group: ${name}`);
    ctl.exitStatus = EXIT.GENERIC;
  }
}

async function stopGroup(ctl: Controller, name: string): Promise<boolean> {
  const results = await ctl.client.stopProcessGroup(name);
  ctl.output(`${name}: stopped`);
  if (!results.some(({ status }) => status === FAULTS.FAILED)) return true;
  ctl.output(`${name}: has problems; not removing`);
  ctl.exitStatus = EXIT.GENERIC;
  return false;
}
