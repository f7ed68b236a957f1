/** One session with a daemon: where its commands write, what exit status they have come to, whom they talk to. */
import { Client, Fault } from "../client/client.js";
import { HttpStatusError } from "../client/transport.js";
import type { CtlConfig } from "../core/config.js";
import { FAULTS } from "../core/faults.js";
import { EXIT, exitOfFault } from "./exit-status.js";
import type { Interruption, Keyboard } from "./keyboard.js";
import type { CtlPlugin } from "./plugins.js";
import { codeOf, describeTrouble } from "./trouble.js";

/** The surroundings of a session. */
export interface Io {
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
  readonly stdin: NodeJS.ReadableStream;
  /** Settles at Ctrl-C while a stream is shown. */
  readonly interrupted: () => Interruption;
}

export interface Controller {
  readonly io: Io;
  readonly interactive: boolean;
  exitStatus: number;
  config: CtlConfig;
  client: Client;
  /** Opened when it is first asked for, which takes the terminal; a single command may never do so. */
  readonly keyboard: () => Promise<Keyboard>;
  /** Hears Ctrl-C while a command runs, in the shell. Null: Ctrl-C ends the program, as always. */
  busy: Keyboard["busy"] | null;
  /** True in the shell, until quit. */
  done: boolean;
  /** What `[ctlplugin:x]` sections bring; Supervisor's own commands come before theirs. */
  plugins: readonly CtlPlugin[];
  output(line: string): void;
}

const API_VERSION = "3.0";

export function createController(
  config: CtlConfig,
  interactive: boolean,
  io: Io,
  keyboard: Controller["keyboard"],
): Controller {
  return {
    io,
    interactive,
    exitStatus: EXIT.OK,
    config,
    client: new Client(config),
    keyboard,
    busy: null,
    done: false,
    plugins: [],
    output: (line) => io.stdout(`${line}\n`),
  };
}

export function reconnect(ctl: Controller, changes: Partial<CtlConfig>): void {
  const config = { ...ctl.config, ...changes };
  const client = new Client(config);
  ctl.client.close();
  ctl.config = config;
  ctl.client = client;
}

/** Most commands first look whether there is a daemon they understand. Says what is wrong, and gives false. */
export async function upcheck(ctl: Controller): Promise<boolean> {
  try {
    const version = await ctl.client.getVersion();
    if (version === API_VERSION) return true;
    ctl.output(
      `Sorry, this version of supervisorctl expects to talk to a server with API version ${API_VERSION}, but the remote version is ${version}.`,
    );
    ctl.exitStatus = EXIT.NOT_INSTALLED;
    return false;
  } catch (error) {
    if (error instanceof Fault && error.code === FAULTS.UNKNOWN_METHOD) {
      ctl.output(NO_NAMESPACE);
      ctl.exitStatus = EXIT.UNIMPLEMENTED_FEATURE;
      return false;
    }
    const { serverurl } = ctl.config;
    switch (codeOf(error)) {
      case "ECONNREFUSED":
        ctl.output(`${serverurl} refused connection`);
        ctl.exitStatus = EXIT.INSUFFICIENT_PRIVILEGES;
        return false;
      case "ENOENT":
        ctl.output(`${serverurl} no such file`);
        ctl.exitStatus = EXIT.NOT_RUNNING;
        return false;
      default:
        throw error;
    }
  }
}

const NO_NAMESPACE =
  "Sorry, supervisord responded but did not recognize the supervisor namespace commands that supervisorctl uses to control it.  Please check that the [rpcinterface:supervisor] section is enabled in the configuration file (see sample.conf).";

/** Counts a fault towards the exit status. */
export function countFault(ctl: Controller, code: number, ignored: number | null = null): void {
  ctl.exitStatus = exitOfFault(code, ignored) ?? ctl.exitStatus;
}

/** Runs a command, and says what went wrong in it; asks for credentials where somebody can answer. */
export async function guarded(ctl: Controller, run: () => Promise<void>): Promise<void> {
  for (;;) {
    using interruption = ctl.busy?.("keep") ?? null;
    try {
      return await (interruption === null ? run() : Promise.race([run(), interrupted(interruption.signal)]));
    } catch (error) {
      if (interruption?.signal.aborted === true) return abandon(ctl);
      const refused = error instanceof HttpStatusError && error.status === 401;
      if (refused) ctl.output("Server requires authentication");
      if (refused && ctl.interactive && (await login(ctl))) continue;
      if (!refused) ctl.output(describeTrouble(error, ctl.config.serverurl));
      ctl.exitStatus = EXIT.GENERIC;
      return;
    }
  }
}

/** Rejects when aborted. */
function interrupted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

/** Whatever the command still waits for fails with its connection, so that it does nothing more. */
function abandon(ctl: Controller): void {
  reconnect(ctl, {});
  ctl.output("Interrupted; what supervisord has begun goes on");
  ctl.exitStatus = EXIT.GENERIC;
}

async function login(ctl: Controller): Promise<boolean> {
  const keyboard = await ctl.keyboard();
  const username = await keyboard.line("Username:");
  if (typeof username === "string") return false;
  const password = await keyboard.secret("Password:");
  if (typeof password === "string") return false;
  ctl.output("");
  reconnect(ctl, { username: username.line, password: password.line });
  return true;
}
