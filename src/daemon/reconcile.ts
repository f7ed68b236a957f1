/** What the files say against what runs: reading them again; adding, removing and replacing groups accordingly. */
import { describeIssue } from "../config/describe-issue.js";
import { diffConfig } from "../config/diff.js";
import { needsReload } from "../config/needs-reload.js";
import type { Config, Issue } from "../core/config.js";
import { memberOrder } from "../core/order.js";
import { isRunningClass, isStoppedClass } from "../core/process.js";
import { ConfigError, type Daemon } from "../rpc/daemon.js";
import { describeError, type Engine } from "./engine.js";
import type { Group } from "./entry.js";
import type { Groups } from "./groups.js";
import type { Log } from "./log.js";
import type { Purpose } from "./purpose.js";

export type Reading =
  | { readonly ok: true; readonly config: Config }
  | { readonly ok: false; readonly issues: readonly Issue[] };

export interface ReconcileOptions {
  /** As the files were when this life began. */
  readonly config: Config;
  /** Reads the configuration files again. */
  readonly read: () => Reading;
  readonly log: Log;
  readonly engine: Engine;
  readonly groups: Groups;
  readonly purpose: Purpose;
  /** The files were read, and can be used. */
  readonly onRead: () => void;
}

export interface Reconciler
  extends Pick<Daemon, "available" | "addGroup" | "removeGroup" | "reread" | "needsReload"> {
  /** What the files say now, as `reread` would take it. Throws `ConfigError`. */
  look(): Config;
  /** Starts what autostart says of a group. */
  autostart(group: Group): void;
  /** Stops a group, and brings it back as the files have it, if they have it. */
  replace(name: string): void;
  /** reread, then what `supervisorctl update` does. Throws `ConfigError` and leaves everything as it was. */
  update(): Promise<void>;
}

export function createReconciler(options: ReconcileOptions): Reconciler {
  const { log, engine, groups, purpose } = options;
  let available = options.config;

  async function stopAndRemove(name: string): Promise<void> {
    const group = groups.active.get(name);
    if (group === undefined) return;
    const members = memberOrder(group.processes.values());
    const running = members.filter((entry) => isRunningClass(entry.process.state.name));
    for (const entry of running) engine.feed(entry, { type: "stop", hold: false });
    for (const entry of members) await engine.until(entry, (process) => isStoppedClass(process.state.name));
    remove(name, true);
  }

  function remove(name: string, isUpdate: boolean): ReturnType<Groups["remove"]> {
    const group = groups.active.get(name);
    const outcome = groups.remove(name);
    if (outcome === "removed" && group !== undefined) purpose.removed(group, isUpdate);
    return outcome;
  }

  const reconciler: Reconciler = {
    get available() {
      return available;
    },
    look() {
      const reading = options.read();
      if (reading.ok) return reading.config;
      const issues = reading.issues.map(describeIssue);
      for (const issue of issues) log.log("error", `cannot use configuration: ${issue}`);
      throw new ConfigError(issues.join("\n"));
    },
    reread() {
      available = reconciler.look();
      for (const { level, text, again } of available.messages) if (again === true) log.log(level, text);
      for (const place of reconciler.needsReload())
        log.log("warn", `${place} has changed: that takes effect with a reload`);
      const change = diffConfig(
        [...groups.arrived].map((group) => group.config),
        available.groups,
      );
      purpose.read(available, change);
      options.onRead();
      return change;
    },
    needsReload: () => needsReload(options.config, available),
    addGroup(name) {
      const config = available.groups.find((group) => group.name === name);
      if (config === undefined) return "unknown";
      if (!groups.add(config, purpose.held)) return "already";
      const group = groups.active.get(name);
      if (group !== undefined) {
        reconciler.autostart(group);
        for (const entry of group.processes.values())
          if (entry.process.held) log.log("info", `${entry.name} stays stopped (keep_stopped)`);
      }
      return "added";
    },
    removeGroup: (name) => remove(name, false),
    autostart(group) {
      for (const entry of group.processes.values()) engine.feed(entry, { type: "autostart" });
    },
    replace(name) {
      stopAndRemove(name)
        .then(() => reconciler.addGroup(name))
        .catch((error: unknown) => log.log("error", `cannot update ${name}: ${describeError(error)}`));
    },
    async update() {
      const change = reconciler.reread();
      const failures: unknown[] = [];
      /** A failure with one group must not leave the others half done. */
      const forEach = async (names: readonly string[], act: (name: string) => unknown): Promise<void> => {
        for (const name of names) {
          try {
            const doing = act(name);
            if (doing instanceof Promise) await doing;
          } catch (error) {
            log.log("error", `cannot update ${name}: ${describeError(error)}`);
            failures.push(error);
          }
        }
      };
      await forEach([...change.removed, ...change.changed], stopAndRemove);
      await forEach([...change.changed, ...change.added], reconciler.addGroup);
      if (failures.length > 0) throw failures[0];
    },
  };
  return reconciler;
}
