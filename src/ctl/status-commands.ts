/** status, pid, avail, version, open: what is going on. */
import { Fault, type ProcessInfo } from "../client/client.js";
import { FAULTS } from "../core/faults.js";
import { splitNamespec } from "../core/namespec.js";
import { isStoppedClass } from "../core/process.js";
import { type Command, misuse, words } from "./command.js";
import { type Controller, reconnect, upcheck } from "./controller.js";
import { EXIT, STATUS_EXIT } from "./exit-status.js";
import { availLine, statusLines } from "./render.js";

export const status: Command = {
  help: [
    "status <name>\t\tTell the status of one process",
    "status <gname>:*\tTell the status of every process of a group",
    "status <name> <name>\tTell the status of several processes or groups",
    "status\t\t\tTell the status of every process",
  ],
  completes: "processes",
  async run(ctl, argument) {
    if (!(await upcheck(ctl))) {
      ctl.exitStatus = STATUS_EXIT.UNKNOWN;
      return;
    }
    const infos = await ctl.client.getAllProcessInfo();
    const names = words(argument);
    const shown = names.length === 0 || names.includes("all") ? infos : matching(ctl, infos, names);
    // In one piece: a write for each of a thousand lines would take longer than all the rest.
    if (shown.length > 0) ctl.output(statusLines(shown).join("\n"));
    if (shown.some(({ statename }) => isStoppedClass(statename))) ctl.exitStatus = STATUS_EXIT.NOT_RUNNING;
  },
};

/** In the order of the names; what is not found is said before the table. */
function matching(
  ctl: Controller,
  infos: readonly ProcessInfo[],
  names: readonly string[],
): readonly ProcessInfo[] {
  return names.flatMap((wanted) => {
    const { group, process } = splitNamespec(wanted);
    const found = infos.filter((info) => info.group === group && (process === null || info.name === process));
    if (found.length > 0) return found;
    ctl.output(process === null ? `${group}: ERROR (no such group)` : `${wanted}: ERROR (no such process)`);
    ctl.exitStatus = STATUS_EXIT.UNKNOWN;
    return [];
  });
}

export const pid: Command = {
  help: [
    "pid\t\t\tTell the pid of supervisord",
    "pid <name>\t\tTell the pid of one process, by name",
    "pid all\t\t\tTell the pid of every process, one a line",
  ],
  completes: "processes",
  async run(ctl, argument) {
    if (!(await upcheck(ctl))) return;
    const names = words(argument);
    if (names.length === 0) return ctl.output(String(await ctl.client.getPID()));
    if (names.includes("all")) {
      for (const info of await ctl.client.getAllProcessInfo()) ctl.output(String(info.pid));
      return;
    }
    for (const name of names) await pidOf(ctl, name);
  },
};

async function pidOf(ctl: Controller, name: string): Promise<void> {
  try {
    const info = await ctl.client.getProcessInfo(name);
    ctl.output(String(info.pid));
    if (info.pid === 0) ctl.exitStatus = EXIT.NOT_RUNNING;
  } catch (error) {
    ctl.exitStatus = EXIT.GENERIC;
    if (!(error instanceof Fault) || error.code !== FAULTS.BAD_NAME) throw error;
    ctl.output(`No such process ${name}`);
  }
}

export const avail: Command = {
  help: ["avail\t\t\tList every configured process"],
  completes: "nothing",
  async run(ctl, argument) {
    if (argument !== "") return misuse(ctl, "Error: avail accepts no arguments", avail, EXIT.GENERIC);
    try {
      for (const info of await ctl.client.getAllConfigInfo()) ctl.output(availLine(info));
    } catch (error) {
      ctl.exitStatus = EXIT.GENERIC;
      if (!(error instanceof Fault) || error.code !== FAULTS.SHUTDOWN_STATE) throw error;
      ctl.output("ERROR: supervisor shutting down");
    }
  },
};

export const version: Command = {
  help: ["version\t\t\tTell the version of the remote supervisord"],
  completes: "nothing",
  async run(ctl, argument) {
    if (argument !== "") return misuse(ctl, "Error: version accepts no arguments", version, EXIT.GENERIC);
    if (await upcheck(ctl)) ctl.output(await ctl.client.getSupervisorVersion());
  },
};

export const open: Command = {
  help: [
    "open <url>\tTalk to another supervisord from now on",
    "\t\t(http://host:port, or unix:///socket/path for a unix socket)",
  ],
  completes: "nothing",
  async run(ctl, argument) {
    if (!argument.startsWith("http://") && !argument.startsWith("unix://")) {
      ctl.output("ERROR: url must be http:// or unix://");
      ctl.exitStatus = EXIT.GENERIC;
      return;
    }
    reconnect(ctl, { serverurl: argument });
    const before = ctl.exitStatus;
    await status.run(ctl, "");
    ctl.exitStatus = before;
  },
};
