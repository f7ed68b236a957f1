/**
 * A supervisord for one test, booted from a few lines of conf:
 *
 *     await using daemon = await boot(`[program:cat]\ncommand=/bin/cat`);
 *     await daemon.state("cat", "RUNNING");
 *     expect(await daemon.rpc("supervisor.getState")).toEqual({ statecode: 1, statename: "RUNNING" });
 *
 * At the end it is shut down with SIGTERM; a child, a socket or a pidfile left behind then fails the test.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { launch } from "./launch.js";
import { commandLine, marked } from "./processes.js";
import { type Client, environment, supervisorctl, type Which } from "./programs.js";
import { type Ran, runCommand } from "./run-command.js";
import { scratch } from "./scratch.js";
import { until } from "./until.js";
import { call, type Value } from "./xmlrpc.js";

export interface BootOptions {
  readonly which?: Which;
  readonly client?: Client;
  /** More lines of [supervisord]. */
  readonly supervisord?: string;
  /** More words of the command line. */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Other files to write first, by name relative to the directory. */
  readonly files?: Readonly<Record<string, string>>;
  /** Our daemon by another path, relative to the directory. */
  readonly program?: string;
  /** Called with the directory before anything starts. */
  readonly prepare?: (dir: string) => void | Promise<void>;
}

export interface Booted extends AsyncDisposable {
  readonly pid: number;
  readonly dir: string;
  readonly conf: string;
  readonly socket: string;
  /** The exit status, or the name of the signal that ended it. */
  readonly exited: Promise<number | string>;
  /** What the daemon wrote to its own stdout and stderr so far. */
  own(): { readonly stdout: string; readonly stderr: string };
  rpc(method: string, ...params: readonly Value[]): Promise<Value>;
  info(name: string): Promise<Readonly<Record<string, Value>>>;
  /** Waits until the process is in this state, and gives its info. */
  state(name: string, statename: string): Promise<Readonly<Record<string, Value>>>;
  ctl(args: readonly string[], stdin?: string): Promise<Ran>;
  /** Lines of the activity log, without their timestamps: `INFO spawned: 'x' with pid 12`. */
  log(): readonly string[];
  /** Waits for a line of the activity log that holds this. */
  logged(text: string | RegExp): Promise<string>;
  /** Waits for a line in the child's stdout log. `name` is as in `status`. */
  line(name: string, text: string | RegExp): Promise<string>;
  /** Everything in the child's log so far. */
  output(name: string, channel?: "stdout" | "stderr"): Promise<string>;
  signal(signal: NodeJS.Signals): void;
}

/** The conf both supervisors start from: everything inside `dir`. */
export function baseConf(dir: string, supervisord = ""): string {
  return `[unix_http_server]
file=${dir}/s.sock

[supervisord]
logfile=${dir}/main.log
pidfile=${dir}/supervisord.pid
childlogdir=${dir}
${supervisord}

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface

[supervisorctl]
serverurl=unix://${dir}/s.sock

`;
}

/** Log lines without timestamps; a line that has none belongs to the one before it. */
export function readLog(path: string): string[] {
  if (!existsSync(path)) return [];
  return readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => line.replace(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} /, ""));
}

export function matches(line: string, text: string | RegExp): boolean {
  return typeof text === "string" ? line.includes(text) : text.test(line);
}

export async function boot(confText: string, options: BootOptions = {}): Promise<Booted> {
  const { which = "ours", client = "ours", supervisord = "", args = [], env = {}, files = {} } = options;
  const { program } = options;
  const place = scratch();
  const { dir } = place;
  try {
    const conf = join(dir, "supervisord.conf");
    const socket = join(dir, "s.sock");
    const pidfile = join(dir, "supervisord.pid");
    for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, name), text);
    writeFileSync(conf, baseConf(dir, supervisord) + confText.replaceAll("%(dir)s", dir));
    await options.prepare?.(dir);
    const daemon = await launch(which, {
      dir,
      conf,
      args,
      env,
      socket,
      ...(program === undefined ? {} : { program: join(dir, program) }),
    });
    const log = (): readonly string[] => readLog(join(dir, "main.log"));
    const info = async (name: string): Promise<Readonly<Record<string, Value>>> =>
      (await call({ socketPath: socket }, "supervisor.getProcessInfo", [name])) as Record<string, Value>;
    const output = async (name: string, channel: "stdout" | "stderr" = "stdout"): Promise<string> => {
      const path = String((await info(name))[`${channel}_logfile`]);
      return existsSync(path) ? readFileSync(path, "utf8") : "";
    };
    return {
      pid: daemon.pid,
      dir,
      conf,
      socket,
      exited: daemon.exited,
      own: () => ({ stdout: daemon.stdout(), stderr: daemon.stderr() }),
      output,
      rpc: (method, ...params) => call({ socketPath: socket }, method, params),
      info,
      state: (name, statename) =>
        until(async () => {
          const seen = await info(name);
          return seen["statename"] === statename && seen;
        }, `${name} ${statename}`),
      ctl: (words, stdin = "") =>
        runCommand([...supervisorctl(client), "-c", conf, ...words], {
          cwd: dir,
          env: environment(dir),
          stdin,
        }),
      log,
      logged: (text) => until(() => log().find((line) => matches(line, text)), `log line ${text}`),
      line: (name, text) =>
        until(
          async () => (await output(name)).split("\n").find((line) => matches(line, text)),
          `${name} printing ${text}`,
        ),
      signal: (signal) => daemon.kill(signal),
      async [Symbol.asyncDispose]() {
        using _ = place;
        if (!daemon.ended()) daemon.kill("SIGTERM");
        await until(() => daemon.ended(), "supervisord ending after SIGTERM", { ceilingMs: 40_000 });
        const left = [
          ...marked(dir).map((pid) => `process ${pid}: ${commandLine(pid)}`),
          ...[socket, pidfile].filter((path) => existsSync(path)),
        ];
        if (left.length > 0) throw new Error(`Cannot leave these behind: ${left.join(", ")}`);
      },
    };
  } catch (error) {
    place[Symbol.dispose]();
    throw error;
  }
}
