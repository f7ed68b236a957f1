/**
 * An example of examples/, running under a daemon of its own.
 * With SUPERVISORD_TS_EXAMPLES_WITH=reference it is Supervisor's: for seeing whether an oddity is ours.
 */
import { readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { readLog } from "../support/boot.js";
import { request } from "../support/http.js";
import { type Launched, launch } from "../support/launch.js";
import { alive, commandLine, cwd, marked, stat } from "../support/processes.js";
import { environment, supervisorctl, type Which } from "../support/programs.js";
import { type Ran, runCommand } from "../support/run-command.js";
import type { Scratch } from "../support/scratch.js";
import { until } from "../support/until.js";
import { call, type Value } from "../support/xmlrpc.js";

const which: Which = process.env["SUPERVISORD_TS_EXAMPLES_WITH"] === "reference" ? "reference" : "ours";

export const EXAMPLES = fileURLToPath(new URL("../../examples/", import.meta.url));

/** For a copy: an example that someone has running in the clone keeps its sockets and logs to itself. */
export function notRunning(source: string): boolean {
  return !/\/run\/[^.]/.test(source.slice(EXAMPLES.length));
}

export interface Example extends Disposable {
  readonly daemon: Launched;
  rpc(method: string, ...params: readonly Value[]): Promise<Value>;
  ctl(...args: readonly string[]): Promise<Ran>;
  /** State of every process by name. */
  states(): Promise<Readonly<Record<string, string>>>;
  state(name: string, statename: string): Promise<void>;
  pid(name: string): Promise<number>;
  /** Lines of the activity log, without their timestamps. */
  log(): readonly string[];
}

interface Info {
  readonly name: string;
  readonly statename: string;
  readonly pid: number;
}

export interface ExampleOptions {
  /** Paths relative to the example's directory. */
  readonly socket: string;
  readonly log: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts the daemon on `supervisord.conf` in this directory; disposing it ends whatever still runs there. */
export async function raise(place: Scratch, options: ExampleOptions): Promise<Example> {
  const { dir } = place;
  const socketPath = join(dir, options.socket);
  const conf = join(dir, "supervisord.conf");
  // The examples say `node`: the one that runs the tests.
  const env = { PATH: `${dirname(process.execPath)}:${environment(dir)["PATH"]}`, ...options.env };
  const daemon = await launch(which, { dir, conf, socket: socketPath, env }).catch((error: unknown) => {
    clean(place);
    throw error;
  });
  const rpc = (method: string, ...params: readonly Value[]): Promise<Value> =>
    call({ socketPath }, method, params);
  const infos = async (): Promise<readonly Info[]> =>
    (await rpc("supervisor.getAllProcessInfo")) as unknown as Info[];
  const info = async (name: string): Promise<Info> =>
    (await rpc("supervisor.getProcessInfo", name)) as unknown as Info;
  return {
    daemon,
    rpc,
    ctl: (...args) =>
      runCommand([...supervisorctl(which === "ours" ? "ours" : "python"), "-c", conf, ...args], {
        cwd: dir,
        env: environment(dir, env),
      }),
    states: async () =>
      Object.fromEntries((await infos()).map(({ name, statename }) => [name, statename] as const)),
    state: async (name, statename) => {
      await until(async () => (await info(name)).statename === statename, `${name} ${statename}`);
    },
    pid: async (name) => (await info(name)).pid,
    log: () => readLog(join(dir, options.log)),
    [Symbol.dispose]: () => clean(place),
  };
}

function clean(place: Scratch): void {
  for (let turn = 0; turn < 50; turn += 1) {
    const pids = running(place.dir);
    if (pids.length === 0) break;
    for (const pid of pids) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // gone meanwhile
      }
    }
  }
  place[Symbol.dispose]();
}

/** Processes that belong to this directory. nginx and redis write their titles over their environment. */
function running(dir: string): number[] {
  const inside = (path: string | null): boolean => path === dir || path?.startsWith(`${dir}/`) === true;
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => pid !== process.pid && alive(pid))
    .filter((pid) => inside(cwd(pid)) || commandLine(pid).includes(dir))
    .concat(marked(dir));
}

/** What a supervisor that has ended may not leave: processes, sockets, pidfiles. */
export function leftovers(dir: string): string[] {
  const files = readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isSocket() || entry.name.endsWith(".pid"))
    .map((entry) => join(entry.parentPath, entry.name));
  return [...new Set(running(dir))].map((pid) => `process ${pid}: ${commandLine(pid)}`).concat(files);
}

/** Living children of a process. */
export function children(parent: number): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((name) => stat(Number(name)))
    .filter((seen) => seen !== null && seen.ppid === parent && seen.state !== "Z")
    .map((seen) => seen?.pid ?? 0);
}

export interface Page {
  readonly status: number;
  readonly text: string;
}

/** The answer to a GET, or null while nobody answers. */
export async function get(port: number, path: string): Promise<Page | null> {
  try {
    const { status, body } = await request({ port }, "GET", path, { ceilingMs: 10_000 });
    return { status, text: body.toString("utf8") };
  } catch {
    return null;
  }
}
