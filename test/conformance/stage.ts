/** What a scenario plays with. The same for both daemons, so that a play cannot tell which one it meets. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { matches, readLog } from "../support/boot.js";
import { type Conversation, converse } from "../support/converse.js";
import { type Answer, type RequestOptions, request, type Target } from "../support/http.js";
import { type Launched, launch } from "../support/launch.js";
import { type Client, environment, supervisorctl, supervisord, type Which } from "../support/programs.js";
import { type Ran, runCommand } from "../support/run-command.js";
import { until } from "../support/until.js";
import { call, Fault, type Value } from "../support/xmlrpc.js";
import type { Scenario } from "./scenario.js";

export type Info = Readonly<Record<string, Value>>;

export interface StartOptions {
  /** False: do not wait until it answers. */
  readonly wait?: boolean;
  readonly cwd?: string;
  readonly through?: readonly string[];
}

export interface RunOptions {
  readonly cwd?: string;
  readonly through?: readonly string[];
}

export interface Stage {
  readonly dir: string;
  readonly conf: string;
  readonly target: Target;
  /** The running daemon; throws when there is none. */
  readonly daemon: Launched;
  /** The whole conf with these sections, for a scenario that edits it while the daemon runs. */
  confText(sections: string): string;
  /** Replaces the sections of the conf. */
  edit(sections: string): void;
  /** A result, or `{ fault: "10 BAD_NAME: x" }`, or `{ http: 500 }`. */
  rpc(method: string, ...params: readonly Value[]): Promise<unknown>;
  info(name: string): Promise<Info>;
  /** Waits until the process is in this state, and gives its info. */
  state(name: string, statename: string): Promise<Info>;
  /**
   * What this look at the daemon gives while the process is in this state, for a state that ends by itself:
   * looks again when the process has moved on meanwhile.
   */
  during<T>(name: string, statename: string, look: () => Promise<T>): Promise<T>;
  http(method: string, path: string, options?: RequestOptions): Promise<Answer>;
  ctl(...words: readonly string[]): Promise<Ran>;
  /** A supervisorctl shell that reads these lines. */
  shell(...lines: readonly string[]): Promise<Ran>;
  /** supervisorctl with the conf, for what has to be spoken with while it runs. */
  talk(...words: readonly string[]): Conversation;
  /** supervisorctl with these words only: no conf is given. */
  bareCtl(words: readonly string[], stdin?: string): Promise<Ran>;
  /** Runs the daemon's command to its end, with these words. */
  run(words: readonly string[], options?: RunOptions): Promise<Ran>;
  /** Starts a daemon in the foreground; for scenarios that do not boot, or boot again. */
  launch(words?: readonly string[], options?: StartOptions): Promise<Launched>;
  /** Lines of the main log that match, without timestamps. */
  log(pattern?: RegExp): readonly string[];
  logged(text: string | RegExp, count?: number): Promise<void>;
  exists(name: string): boolean;
  read(name: string): string;
  write(name: string, text: string): void;
  files(name?: string): readonly string[];
  /** What is in a child's log by now. */
  output(name: string, channel?: "stdout" | "stderr"): Promise<string>;
  /** Waits until the child's log holds this, and gives all of it. */
  printed(name: string, text: string, channel?: "stdout" | "stderr"): Promise<string>;
}

const STATE_FILE = /\.pid\.state$/;

export function setStage(script: Scenario, which: Which, client: Client, dir: string): Stage {
  const conf = join(dir, "supervisord.conf");
  const socketPath = join(dir, "s.sock");
  const target: Target = { socketPath, ...(script.auth === undefined ? {} : { auth: script.auth }) };
  const ctlWords = [...supervisorctl(client)];
  const added = Object.fromEntries(
    Object.entries(script.env ?? {}).map(([name, value]) => [name, value.replaceAll("%(dir)s", dir)]),
  );
  const env = environment(dir, added);
  const path = (name: string): string => join(dir, name);
  const read = (name: string): string => (existsSync(path(name)) ? readFileSync(path(name), "utf8") : "");
  const log = (pattern?: RegExp): readonly string[] =>
    readLog(path("main.log")).filter((line) => pattern === undefined || pattern.test(line));
  const info = async (name: string): Promise<Info> =>
    (await call(target, "supervisor.getProcessInfo", [name])) as Info;
  const output: Stage["output"] = async (name, channel = "stdout") => {
    const file = String((await info(name))[`${channel}_logfile`]);
    return existsSync(file) ? readFileSync(file, "utf8") : "";
  };
  let running: Launched | null = null;

  const stage: Stage = {
    dir,
    conf,
    target,
    get daemon(): Launched {
      if (running === null) throw new Error("Cannot use a daemon that was not started");
      return running;
    },
    confText: (sections) => wholeConf(script, dir, sections),
    edit: (sections) => writeFileSync(conf, wholeConf(script, dir, sections)),
    rpc: async (method, ...params) => {
      try {
        return await call(target, method, params);
      } catch (error) {
        if (error instanceof Fault) return { fault: `${error.code} ${error.text}` };
        const http = /answered HTTP (\d+)/.exec(String(error));
        if (http !== null) return { http: Number(http[1]) };
        throw error;
      }
    },
    info,
    state: (name, statename) =>
      until(async () => {
        const seen = await info(name);
        return seen["statename"] === statename && seen;
      }, `${name} ${statename}`),
    during: async (name, statename, look) => {
      const attempt = async () => {
        const before = await stage.state(name, statename);
        const seen = await look();
        const after = await info(name);
        return ["statename", "start", "stop"].every((field) => after[field] === before[field]) && { seen };
      };
      const { seen } = await until(attempt, `a look at ${name} in ${statename}`, { ceilingMs: 80_000 });
      return seen;
    },
    http: (method, path, options) => request(target, method, path, options),
    ctl: (...words) => runCommand([...ctlWords, "-c", conf, ...words], { cwd: dir, env }),
    talk: (...words) => converse([...ctlWords, "-c", conf, ...words], { cwd: dir, env }),
    shell: (...lines) =>
      runCommand([...ctlWords, "-c", conf], {
        cwd: dir,
        env,
        stdin: lines.map((line) => `${line}\n`).join(""),
      }),
    bareCtl: (words, stdin = "") => runCommand([...ctlWords, ...words], { cwd: dir, env, stdin }),
    run: (words, { cwd = dir, through = [] } = {}) =>
      runCommand([...through, ...supervisord(which), ...words], { cwd, env }),
    launch: async (words = [], { wait = true, cwd = dir, through = [] } = {}) => {
      running = await launch(which, {
        dir,
        conf,
        args: words,
        cwd,
        through,
        env: added,
        socket: wait ? socketPath : null,
        ...(script.auth === undefined ? {} : { auth: script.auth }),
      });
      return running;
    },
    log,
    logged: async (text, count = 1) => {
      await until(
        () => log().filter((line) => matches(line, text)).length >= count,
        () => `${count} log lines ${text} among:\n${log().join("\n")}`,
      );
    },
    exists: (name) => existsSync(path(name)),
    read,
    write: (name, text) => writeFileSync(path(name), text),
    // Our daemon's state file, beside its pidfile, is no file of Supervisor's.
    files: (name = ".") =>
      readdirSync(path(name))
        .filter((file) => !STATE_FILE.test(file))
        .sort(),
    output,
    printed: (name, text, channel = "stdout") =>
      until(async () => {
        const seen = await output(name, channel);
        return seen.includes(text) && seen;
      }, `${name} printing ${text}`),
  };
  return stage;
}

function wholeConf({ server = "", supervisord = "" }: Scenario, dir: string, sections: string): string {
  const text = `[unix_http_server]
file=%(dir)s/s.sock
${server}

[supervisord]
logfile=%(dir)s/main.log
pidfile=%(dir)s/supervisord.pid
childlogdir=%(dir)s
${supervisord}

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface

[supervisorctl]
serverurl=unix://%(dir)s/s.sock

${sections}
`;
  return text.replaceAll("%(dir)s", dir);
}
