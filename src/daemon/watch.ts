/** watch_config: an edited conf is re-read and updated when it parses; a broken edit changes nothing. */
import { dirname } from "node:path";
import type { Config } from "../core/config.js";
import { ConfigError } from "../rpc/daemon.js";
import { describeError } from "./engine.js";
import type { Log } from "./log.js";

/** Editors write in several steps; one reading follows the last of them. */
const SETTLE_MS = 200;

export interface WatchOptions {
  readonly log: Log;
  /** The configuration as last read: its files are watched, and the directories that includes come from. */
  readonly config: () => Config;
  readonly update: () => Promise<void>;
}

/** Watches until disposed. One update at a time; edits that arrive meanwhile lead to one more. */
export async function watchConfig(options: WatchOptions): Promise<AsyncDisposable> {
  const { watch } = await import("chokidar");
  const { log } = options;
  const places = (): string[] => {
    const config = options.config();
    return [
      ...new Set([
        ...config.files,
        ...config.files.slice(1).map((file) => dirname(file)),
        ...config.includedirs,
      ]),
    ];
  };
  const watcher = watch(places(), { ignoreInitial: true, depth: 0 });
  let timer: NodeJS.Timeout | null = null;
  let updating: Promise<void> | null = null;
  let again = false;

  function settle(path: string): void {
    if (timer !== null) clearTimeout(timer);
    timer = setTimeout(() => {
      timer = null;
      if (updating === null) updating = run(path).finally(() => (updating = null));
      else again = true;
    }, SETTLE_MS);
  }

  async function run(path: string): Promise<void> {
    do {
      again = false;
      log.log("info", `configuration changed (${path}), reading it again`);
      try {
        await options.update();
        watcher.add(places());
      } catch (error) {
        // The log already says what is wrong with the configuration.
        const text = error instanceof ConfigError ? "it cannot be used" : describeError(error);
        log.log("error", `configuration left as it was: ${text}`);
      }
    } while (again);
  }

  watcher.on("all", (_event, path) => settle(path));
  watcher.on("error", (error) => log.log("error", `cannot watch the configuration: ${describeError(error)}`));
  await new Promise<void>((resolve) => watcher.once("ready", resolve));
  return {
    async [Symbol.asyncDispose]() {
      if (timer !== null) clearTimeout(timer);
      await watcher.close();
    },
  };
}
