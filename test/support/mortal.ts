/** A daemon that a test kills and starts again, with everything it leaves behind kept. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { baseConf, readLog } from "./boot.js";
import { type Launched, launch } from "./launch.js";
import { environ, marked } from "./processes.js";
import { scratch } from "./scratch.js";
import { until } from "./until.js";
import { call, type Value } from "./xmlrpc.js";

export type Info = Readonly<Record<string, Value>>;

export interface Mortal extends AsyncDisposable {
  readonly dir: string;
  readonly conf: string;
  readonly socket: string;
  readonly statefile: string;
  /** The running daemon. */
  readonly daemon: Launched;
  /** Replaces the sections of the conf, and what stands in [supervisord] beside the places of its files. */
  edit(sections: string, supervisord?: string): void;
  /** `through`: words to put before the command, such as prlimit's. */
  start(wait?: boolean, through?: readonly string[]): Promise<Launched>;
  /** SIGKILL, and until it is gone. */
  kill(): Promise<void>;
  rpc(method: string, ...params: readonly Value[]): Promise<Value>;
  info(name: string): Promise<Info>;
  all(): Promise<readonly Info[]>;
  state(name: string, statename: string): Promise<Info>;
  log(): readonly string[];
  /** Lines of the activity log with the moment of each, in milliseconds that only differences mean anything of. */
  times(): readonly { readonly at: number; readonly line: string }[];
  read(name: string): string;
  /** Pids of living processes under this name, whoever knows of them. */
  running(name: string): readonly number[];
  /** Every living process that any daemon of this test has started, and theirs, but for the daemon. */
  left(): readonly number[];
}

/** Not started yet. */
export function mortal(sections: string, first = ""): Mortal {
  const place = scratch();
  const { dir } = place;
  const conf = join(dir, "supervisord.conf");
  const socket = join(dir, "s.sock");
  let daemon: Launched | null = null;
  const edit = (text: string, supervisord = first): void =>
    writeFileSync(conf, baseConf(dir, supervisord) + text.replaceAll("%(dir)s", dir));
  edit(sections);
  const rpc = (method: string, ...params: readonly Value[]): Promise<Value> =>
    call({ socketPath: socket }, method, params);
  const info = async (name: string): Promise<Info> => (await rpc("supervisor.getProcessInfo", name)) as Info;
  return {
    dir,
    conf,
    socket,
    statefile: join(dir, "supervisord.pid.state"),
    get daemon(): Launched {
      if (daemon === null) throw new Error("Cannot use a daemon that was not started");
      return daemon;
    },
    edit,
    async start(wait = true, through = []) {
      daemon = await launch("ours", { dir, conf, socket: wait ? socket : null, through });
      return daemon;
    },
    async kill() {
      daemon?.kill("SIGKILL");
      await daemon?.exited;
    },
    rpc,
    info,
    all: async () => (await rpc("supervisor.getAllProcessInfo")) as readonly Info[],
    state: (name, statename) =>
      until(async () => {
        const seen = await info(name);
        return seen["statename"] === statename && seen;
      }, `${name} ${statename}`),
    log: () => readLog(join(dir, "main.log")),
    times: () =>
      [
        ...readFileSync(join(dir, "main.log"), "utf8").matchAll(
          /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d),(\d{3}) (.*)$/gm,
        ),
      ].map(([, date, time, ms, line = ""]) => ({ at: Date.parse(`${date}T${time}.${ms}Z`), line })),
    read: (name) => (existsSync(join(dir, name)) ? readFileSync(join(dir, name), "utf8") : ""),
    running: (name) => marked(dir).filter((pid) => environ(pid)["SUPERVISOR_PROCESS_NAME"] === name),
    left: () => marked(dir).filter((pid) => pid !== daemon?.pid),
    async [Symbol.asyncDispose]() {
      // Ends whatever is left, the daemon too should it not end by itself.
      using _ = place;
      daemon?.kill("SIGTERM");
      await until(() => daemon?.ended() ?? true, "supervisord ending after SIGTERM", { everyMs: 10 });
    },
  };
}
