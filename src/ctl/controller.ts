/** One session with a daemon: where its commands write, what exit status they have come to, whom they talk to. */
import { Client, Fault } from "../client/client.js";
import { HttpStatusError } from "../client/transport.js";
import type { CtlConfig } from "../core/config.js";
import { FAULTS } from "../core/faults.js";
import { EXIT, exitOfFault } from "./exit-status.js";
import type { CtlPlugin } from "./plugins.js";
import { codeOf, describeUnexpected } from "./python-error.js";

/** What the session needs of the terminal around it. */
export interface Io {
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
  readonly stdin: NodeJS.ReadableStream;
  /** Settles at Ctrl-C while a stream is shown. */
  readonly interrupted: () => Interruption;
}

export interface Interruption extends Disposable {
  readonly signal: AbortSignal;
}

/** Asks a question; null at the end of input. Silent answers are not echoed. */
export type Ask = (question: string, silent: boolean) => Promise<string | null>;

export interface Controller {
  readonly io: Io;
  readonly interactive: boolean;
  exitStatus: number;
  config: CtlConfig;
  client: Client;
  ask: Ask;
  /** True in the shell, until quit. */
  done: boolean;
  /** What `[ctlplugin:x]` sections bring; Supervisor's own commands come before theirs. */
  plugins: readonly CtlPlugin[];
  output(line: string): void;
}

const API_VERSION = "3.0";

export function createController(config: CtlConfig, interactive: boolean, io: Io, ask: Ask): Controller {
  return {
    io,
    interactive,
    exitStatus: EXIT.OK,
    config,
    client: connect(config),
    ask,
    done: false,
    plugins: [],
    output: (line) => io.stdout(`${line}\n`),
  };
}

/** A bad serverurl is met at the first use, as every other trouble with the server. */
function connect(config: CtlConfig): Client {
  return new Client(config);
}

export function reconnect(ctl: Controller, changes: Partial<CtlConfig>): void {
  ctl.client.close();
  ctl.config = { ...ctl.config, ...changes };
  ctl.client = connect(ctl.config);
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
    try {
      return await run();
    } catch (error) {
      const refused = error instanceof HttpStatusError && error.status === 401;
      if (refused) ctl.output("Server requires authentication");
      if (refused && ctl.interactive && (await login(ctl))) continue;
      ctl.output(describeUnexpected(error));
      ctl.exitStatus = EXIT.GENERIC;
      return;
    }
  }
}

async function login(ctl: Controller): Promise<boolean> {
  const username = await ctl.ask("Username:", false);
  const password = username === null ? null : await ctl.ask("Password:", true);
  if (username === null || password === null) return false;
  ctl.output("");
  reconnect(ctl, { username, password });
  return true;
}
