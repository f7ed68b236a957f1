/**
 * Stopping everything in order: one group at a time, highest priority first; the next group only when the one
 * before is down. A process that waits to be retried gives up when its group is stopped.
 */
import type { Millis } from "../core/brand.js";
import { after } from "../core/brand.js";
import { groupOrder, memberOrder, shutdownOrder } from "../core/order.js";
import { isStoppedClass } from "../core/process.js";
import { now } from "./clock.js";
import { createDeadlines } from "./deadlines.js";
import type { Engine } from "./engine.js";
import type { Entry, Group } from "./entry.js";
import type { Log } from "./log.js";

/** The reference says who it waits for no more often than this. */
const REPORT_SECONDS = 3;

/** Settles when no process of these groups is alive. */
export async function stopInOrder(groups: Iterable<Group>, engine: Engine, log: Log): Promise<void> {
  const all = groupOrder(groups);
  using reports = createDeadlines<object>(clock, report);
  const topic = {};
  let reported = false;

  function report(): void {
    const waiting = all.flatMap((group) => [...group.processes.values()].filter(isUp));
    if (waiting.length === 0) return;
    log.log("info", `waiting for ${waiting.map((entry) => entry.name).join(", ")} to die`);
    reports.set(topic, after(clock(), REPORT_SECONDS));
  }

  for (const group of shutdownOrder(all)) {
    const members = memberOrder(group.processes.values()).reverse();
    for (const entry of members) engine.feed(entry, { type: "shutdown" });
    // As in the reference: once the first group has been told, so that what gave up at once is not waited for.
    if (!reported) report();
    reported = true;
    for (const entry of members) await engine.until(entry, (process) => isStoppedClass(process.state.name));
  }
}

function isUp(entry: Entry): boolean {
  return !isStoppedClass(entry.process.state.name);
}

function clock(): Millis {
  return now().mono;
}
