/**
 * Becoming the version that is installed now. First that version is asked, in a process of its own, whether it can
 * read the configuration and the state; then requests under way are finished, everything open is kept open, and
 * exec replaces this program. Whatever goes wrong before that, this one goes on.
 */
import { closeSync, existsSync, readSync } from "node:fs";
import { join } from "node:path";
import { describeExit } from "../core/process.js";
import { setAside } from "../posix/aside.js";
import { exec, surviveExec, textInMemory } from "../posix/exec.js";
import { outputPipe } from "../posix/pipe.js";
import { spawn } from "../posix/spawn.js";
import { VERSION } from "../version.js";
import { encodeHandover, type Handover, handedDescriptors, handoverEnvironment } from "./handover.js";
import type { OpenServers } from "./servers.js";
import type { ServiceManager } from "./service-manager.js";
import { stateHeader } from "./state-file.js";
import type { Supervision } from "./supervision.js";

/** How long requests under way may take; a `stop` of something that doesn't want to is one. */
const PATIENCE_MS = 30_000;
const LOOK_MS = 2;
const GIVEN_NOFILE = "SUPERVISORD_TS_NOFILE";

export interface UpgradeOptions {
  readonly supervision: Supervision;
  readonly servers: OpenServers;
  readonly configuration: string;
  readonly nofile: number | null;
  readonly manager: Pick<ServiceManager, "environment">;
}

/** Never comes back when it succeeds. Throws why this version goes on. */
export async function upgrade(options: UpgradeOptions): Promise<never> {
  await preflight(options);
  const { servers } = options;
  servers.hold(true);
  try {
    await quiet(servers);
    return become(options);
  } catch (error) {
    servers.hold(false);
    throw error;
  }
}

/** Node and this program as they are on disk now. */
function command(): readonly string[] {
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
async function preflight(options: UpgradeOptions): Promise<void> {
  const { supervision, configuration } = options;
  const nothing: Handover = { from: VERSION, configuration, runs: [], servers: [], sockets: [] };
  const memory = textInMemory(encodeHandover(stateHeader(), supervision.save(), nothing));
  const output = outputPipe(null, false);
  try {
    const [file = "", ...words] = command();
    const child = spawn({
      file,
      argv: [file, ...words],
      env: environment(options, 0, true),
      directory: null,
      umask: null,
      user: null,
      stdin: memory,
      stdout: output.child,
      stderr: output.child,
      nofile: null,
    });
    if (!child.ok) throw new Error(`cannot run ${file}: ${child.errno}`);
    const cause = await supervision.helperEnd(child.pid);
    if (cause.type === "exit" && cause.status === 0) return;
    const said = readAvailable(output.near).trim().replaceAll("\n", "; ");
    throw new Error(`the installed version cannot take over: ${said === "" ? describeExit(cause) : said}`);
  } finally {
    for (const fd of [memory, output.child, output.near]) closeSync(fd);
  }
}

function readAvailable(fd: number): string {
  const bytes = Buffer.alloc(8 * 1024);
  try {
    return bytes.toString("utf8", 0, readSync(fd, bytes));
  } catch {
    return "";
  }
}

/** Until no answer is on its way but the one to this very request. Looked for, since answers end in many places. */
async function quiet(servers: OpenServers): Promise<void> {
  const end = performance.now() + PATIENCE_MS;
  while (servers.busy() > 1) {
    if (performance.now() > end)
      throw new Error(`${servers.busy() - 1} other requests are still waiting for their answers`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
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
  const [file = "", ...words] = command();
  const errno = exec(file, [file, ...words], environment(options, memory, false));
  for (const fd of kept) surviveExec(fd, false);
  closeSync(memory);
  throw new Error(`cannot run ${file}: ${errno}`);
}
