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
  /** Replaces the sections of the conf. */
  edit(sections: string): void;
  start(wait?: boolean): Promise<Launched>;
  /** SIGKILL, and until it is gone. */
  kill(): Promise<void>;
  rpc(method: string, ...params: readonly Value[]): Promise<Value>;
  info(name: string): Promise<Info>;
  all(): Promise<readonly Info[]>;
  state(name: string, statename: string): Promise<Info>;
  log(): readonly string[];
  read(name: string): string;
  /** Pids of living processes under this name, whoever knows of them. */
  running(name: string): readonly number[];
}

/** Not started yet. */
export function mortal(sections: string, supervisord = ""): Mortal {
  const place = scratch();
  const { dir } = place;
  const conf = join(dir, "supervisord.conf");
  const socket = join(dir, "s.sock");
  let daemon: Launched | null = null;
  const edit = (text: string): void =>
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
    async start(wait = true) {
      daemon = await launch("ours", { dir, conf, socket: wait ? socket : null });
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
    read: (name) => (existsSync(join(dir, name)) ? readFileSync(join(dir, name), "utf8") : ""),
    running: (name) => marked(dir).filter((pid) => environ(pid)["SUPERVISOR_PROCESS_NAME"] === name),
    async [Symbol.asyncDispose]() {
      using _ = place;
      daemon?.kill("SIGTERM");
      await daemon?.exited;
    },
  };
}
