/** Going on with what an earlier supervisor left: each group and process in its place, each child with its pipes. */
import { sameGroup } from "../config/diff.js";
import { pid } from "../core/brand.js";
import type { Config } from "../core/config.js";
import { isStoppedClass, newProcess } from "../core/process.js";
import { type LostEnd, type SavedProcess, takeUp } from "../core/saved.js";
import type { Child } from "../posix/adopt.js";
import { now } from "./clock.js";
import { describeError, type Engine } from "./engine.js";
import type { Entry } from "./entry.js";
import { type Groups, heldKey } from "./groups.js";
import type { Lingering } from "./lingering.js";
import type { Log } from "./log.js";
import type { Purpose } from "./purpose.js";
import type { Resume } from "./resume.js";
import { createRun, type HeldSocket, type Run } from "./run.js";
import { watchEnd } from "./strangers.js";

export interface TakeOverOptions {
  readonly config: Config;
  readonly log: Log;
  readonly engine: Engine;
  readonly groups: Groups;
  readonly lingering: Lingering;
  readonly purpose: Purpose;
  readonly socketOf: (entry: Entry) => HeldSocket | null;
}

/** What an adoption leaves for when all begins. */
export interface TakenOver {
  /** Tells who died meanwhile, and starts again what its supervisor had stopped for reasons of its own. */
  begin(): void;
  /** Groups of which the files say something else by now, or nothing. */
  outdated(): readonly string[];
}

/** What is left of a child that has ended: nothing to signal. */
const ENDED = { pid: 0, starttime: null, stdin: null, stdout: null, stderr: null };

export function takeOver(resume: Resume, options: TakeOverOptions): TakenOver {
  const { config, log, engine, groups, lingering, purpose } = options;
  const { state } = resume;
  const died: (() => void)[] = [];
  const again: Entry[] = [];

  purpose.restore(state.held);
  for (const saved of state.groups) {
    const now = config.groups.find(({ name }) => name === saved.config.name);
    groups.add(now !== undefined && sameGroup(saved.config, now) ? now : saved.config, purpose.held, saved);
    for (const member of saved.added ?? []) {
      const isHeld = purpose.held.has(heldKey(saved.config.name, member.name));
      groups.addMember(saved.config.name, member, isHeld, saved.logs[member.name]);
    }
  }
  for (const process of state.processes) {
    const entry = groups.active.get(process.group)?.processes.get(process.name);
    if (entry !== undefined) takeProcess(entry, process);
  }
  for (const { group, name, ends } of resume.lingering) {
    const entry = groups.active.get(group)?.processes.get(name);
    // A descendant of a child that has ended is read on: its run begins by being over.
    if (entry !== undefined) takeRun(entry, { run: ENDED, ends, pidfd: null }).finish();
  }

  function takeProcess(entry: Entry, saved: SavedProcess): void {
    const child = resume.children.get(heldKey(entry.group, entry.name)) ?? null;
    const taken = takeUp(saved, child === null ? null : pid(child.run.pid), now().mono);
    const { process } = taken;
    if (child !== null) {
      engine.resume(entry, process, takeRun(entry, child));
      if (resume.upgradedFrom === null) log.log("info", `adopted: '${entry.name}' with pid ${child.run.pid}`);
      const { lost = [] } = child.run;
      if (lost.length > 0) log.log("critical", sayLost(entry, child.run.pid, lost));
      // Told to stop by a supervisor that was ending itself, or for an update: this one wants it up.
      if (process.state.name === "STOPPING" && (state.mood !== "RUNNING" || saved.updating))
        again.push(entry);
    } else if (state.mood !== "RUNNING") {
      engine.resume(entry, newProcess(process.held), null);
    } else {
      engine.resume(entry, process, null);
      const dead = taken.died;
      if (dead !== null)
        died.push(() => engine.feed(entry, { type: "exited", pid: dead, cause: { type: "unknown" } }));
    }
  }

  function takeRun(entry: Entry, { run: saved, ends, pidfd }: Child): Run {
    // A new socket would take the name away from the one that the child listens on.
    let socket = saved.lost?.includes("socket") ? null : options.socketOf(entry);
    const { outputs } = entry;
    try {
      outputs.open();
    } catch (error) {
      log.log("critical", `cannot open the logs of '${entry.name}': ${describeError(error)}`);
      outputs.doWithout();
    }
    try {
      socket?.acquire();
    } catch (error) {
      log.log("critical", `cannot open the socket of '${entry.name}': ${describeError(error)}`);
      socket = null;
    }
    const context = { outputs, socket, owner: entry, lingering };
    const unwritten = resume.unwritten.get(heldKey(entry.group, entry.name)) ?? null;
    const run = createRun(saved, ends, context, pidfd, unwritten);
    // What a listener had said belongs to the past; whatever it says later answers what it is sent by us.
    if (outputs.shows("stdout")) run.drain();
    if (pidfd !== null) watchEnd(pidfd, saved, (cause) => engine.ended(entry, run, cause));
    return run;
  }

  return {
    begin() {
      for (const tell of died) tell();
      for (const entry of again)
        void engine
          .until(entry, (process) => isStoppedClass(process.state.name))
          ?.then(() => engine.feed(entry, { type: "autostart" }));
    },
    outdated: () =>
      [...groups.active.values()].flatMap((group) =>
        config.groups.includes(group.config) ? [] : [group.name],
      ),
  };
}

function sayLost({ name }: Entry, pid: number, lost: readonly LostEnd[]): string {
  const effects = [
    ...(lost.includes("stdout") || lost.includes("stderr")
      ? ["what it writes is not logged, and it stands still once its pipe is full"]
      : []),
    ...(lost.includes("socket") ? ["the next child gets a socket of its own"] : []),
  ];
  const effect = effects.length === 0 ? "" : `; ${effects.join("; ")}`;
  return `cannot open ${lost.join(", ")} of '${name}' (pid ${pid}): the kernel does not let this supervisord look into that process${effect}: restart '${name}'`;
}
