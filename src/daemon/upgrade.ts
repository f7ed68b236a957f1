/**
 * Becoming the version that is installed now. First that version is asked whether it can read the configuration and
 * the state. Then everything open is kept open, calls that wait are written down with what they wait for, and exec
 * replaces this program. Everybody is served until then; whatever goes wrong before, this program goes on.
 */
import { closeSync, existsSync } from "node:fs";
import { join } from "node:path";
import { setImmediate, setTimeout } from "node:timers/promises";
import { setAside } from "../posix/aside.js";
import { exec, surviveExec, textInMemory } from "../posix/exec.js";
import { VERSION } from "../version.js";
import { encodeHandover, type Handover, handedDescriptors, handoverEnvironment } from "./handover.js";
import { preflight } from "./preflight.js";
import type { OpenServers } from "./servers.js";
import type { ServiceManager } from "./service-manager.js";
import { stateHeader } from "./state-file.js";
import type { Supervision } from "./supervision.js";

/** A version that reads thousands of programs on a busy machine needs seconds; nobody waits but who asked for it. */
const ANSWER_MS = 30_000;
/** Answers that can't be handed over (a page, a plugin's method) may take so long to end. */
const GRACE_MS = 2_000;
const LOOK_MS = 2;
const GIVEN_NOFILE = "SUPERVISORD_TS_NOFILE";

export interface UpgradeOptions {
  readonly supervision: Supervision;
  readonly servers: OpenServers;
  readonly configuration: string;
  readonly nofile: number | null;
  readonly manager: Pick<ServiceManager, "environment">;
  /** Aborted, with an error as reason, when this life comes to its end. */
  readonly leaving: AbortSignal;
}

/** Never comes back when it succeeds. Throws why this version goes on. */
export async function upgrade(options: UpgradeOptions): Promise<never> {
  await ask(options);
  await othersDone(options.servers);
  options.leaving.throwIfAborted();
  return become(options);
}

/** Node and this program as they are on disk now. */
function command(): readonly [string, ...string[]] {
  const node = existsSync(process.execPath) ? process.execPath : (inPath("node") ?? process.execPath);
  return [node, ...process.execArgv, ...process.argv.slice(1)];
}

function inPath(name: string): string | null {
  const places = (process.env["PATH"] ?? "").split(":").map((directory) => join(directory, name));
  return places.find((path) => existsSync(path)) ?? null;
}

function environment({ nofile, manager }: UpgradeOptions, fd: number, check: boolean): readonly string[] {
  const variables = {
    ...setAside(process.env),
    ...(nofile === null ? {} : { [GIVEN_NOFILE]: String(nofile) }),
    // Whoever only looks has nothing to tell the service manager.
    ...(check ? {} : manager.environment),
    ...handoverEnvironment(fd, check),
  };
  return Object.entries(variables).map(([name, value]) => `${name}=${value}`);
}

/** The new version looks at conf and state, and says what is wrong with them. */
async function ask(options: UpgradeOptions): Promise<void> {
  const { supervision, configuration, leaving } = options;
  const nothing: Handover = { from: VERSION, configuration, runs: [], servers: [], sockets: [] };
  const memory = textInMemory(encodeHandover(stateHeader(), supervision.save(), nothing));
  try {
    await preflight({
      command: command(),
      env: environment(options, 0, true),
      stdin: memory,
      patienceMs: ANSWER_MS,
      signal: leaving,
      helperEnd: supervision.helperEnd,
    });
  } finally {
    closeSync(memory);
  }
}

/**
 * Until every request can be handed over, for a moment at most. Looked for, since answers end in many places. The
 * turn of the loop at the end lets every answer that is ready go out: nothing is on its way between two promises.
 */
async function othersDone(servers: OpenServers): Promise<void> {
  const end = performance.now() + GRACE_MS;
  for (;;) {
    await setImmediate();
    if (servers.unfinished() === 0 || performance.now() > end) return;
    await setTimeout(LOOK_MS);
  }
}

/** From here on nothing else runs until it is done: what is written down stays true. */
function become(options: UpgradeOptions): never {
  const { supervision, servers, configuration } = options;
  supervision.reap();
  const handover: Handover = {
    from: VERSION,
    configuration,
    runs: supervision.handRuns(),
    servers: servers.hand(),
    sockets: supervision.openSockets(),
  };
  const memory = textInMemory(encodeHandover(stateHeader(), supervision.save(), handover));
  const kept = [memory, ...handedDescriptors(handover)];
  for (const fd of kept) surviveExec(fd, true);
  const [file, ...words] = command();
  const errno = exec(file, [file, ...words], environment(options, memory, false));
  for (const fd of kept) surviveExec(fd, false);
  closeSync(memory);
  throw new Error(`cannot run ${file}: ${errno}`);
}
