/** upgrade: what Supervisor has no word for. */
import { Fault } from "../client/client.js";
import { FAULTS } from "../core/faults.js";
import { type Command, misuse } from "./command.js";
import { EXIT } from "./exit-status.js";
import { codeOf } from "./trouble.js";

export const upgrade: Command = {
  help: ["upgrade \t\tReplace the remote supervisord by the version installed there; no process restarts"],
  completes: "nothing",
  async run(ctl, argument) {
    if (argument !== "") return misuse(ctl, "Error: upgrade accepts no arguments", upgrade, EXIT.GENERIC);
    try {
      const { from, to } = await ctl.client.upgrade();
      ctl.output(
        from === to ? `Upgraded supervisord (still ${to})` : `Upgraded supervisord from ${from} to ${to}`,
      );
    } catch (error) {
      const text = error instanceof Fault ? trouble(error) : CUT_OFF[codeOf(error) ?? ""];
      if (text === undefined) throw error;
      ctl.exitStatus = EXIT.GENERIC;
      ctl.output(`ERROR: ${text}`);
    }
  },
};

const LOST =
  "the connection ended before the answer; whether the new version runs is in the log of supervisord, or in status";
const CUT_OFF: Readonly<Record<string, string>> = { ECONNRESET: LOST, EPIPE: LOST };

function trouble({ code, faultString }: Fault): string {
  if (code === FAULTS.UNKNOWN_METHOD) return "this supervisord cannot be upgraded without a restart";
  return faultString.replace(/^FAILED: /, "");
}
