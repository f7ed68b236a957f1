/**
 * Remarks after `update` about what it has not done: processes that stay stopped on purpose, and changes that only a
 * reload puts into force. Only a supervisord-ts supplies them; with Supervisor's own daemon nothing is printed.
 */
import { Fault, type ProcessInfo } from "../client/client.js";
import { FAULTS } from "../core/faults.js";
import { makeNamespec } from "../core/namespec.js";
import type { Controller } from "./controller.js";

/** To be called before the groups are changed: which of their processes are down by then. */
export async function stoppedIn(
  { client }: Controller,
  groups: readonly string[],
): Promise<ReadonlySet<string>> {
  if (groups.length === 0) return new Set();
  return namesOf((await client.getAllProcessInfo()).filter(({ group }) => groups.includes(group)));
}

/** `before` is what `stoppedIn` gave. */
export async function sayWhatIsLeft(ctl: Controller, before: ReadonlySet<string>): Promise<void> {
  const places = await needsReload(ctl);
  if (places === null) return;
  if (before.size > 0) {
    const configured = await ctl.client.getAllConfigInfo();
    const starting = new Set(
      configured.filter(({ autostart }) => autostart).map(({ group, name }) => makeNamespec(group, name)),
    );
    for (const name of namesOf(await ctl.client.getAllProcessInfo()))
      if (before.has(name) && starting.has(name)) ctl.output(`${name}: stays stopped (keep_stopped)`);
  }
  for (const place of places) ctl.output(`${place} has changed: that takes effect with a reload`);
}

function namesOf(processes: readonly ProcessInfo[]): ReadonlySet<string> {
  const stopped = processes.filter(({ statename }) => statename === "STOPPED");
  return new Set(stopped.map(({ group, name }) => makeNamespec(group, name)));
}

/** Null where the daemon has no such method. */
async function needsReload({ client }: Controller): Promise<readonly string[] | null> {
  try {
    return await client.needsReload();
  } catch (error) {
    if (error instanceof Fault && error.code === FAULTS.UNKNOWN_METHOD) return null;
    throw error;
  }
}
