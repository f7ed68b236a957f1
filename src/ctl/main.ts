/** `supervisorctl-ts`: one command, or a shell. */
import { basename } from "node:path";
import { parseSupervisorctlArgs } from "../config/commandline.js";
import { parseCtlConfig } from "../config/ctl.js";
import { describeIssue } from "../config/describe-issue.js";
import { findConfigFile } from "../config/find.js";
import { nodeHost } from "../config/node-host.js";
import type { CtlConfig } from "../core/config.js";
import { actionsText, runLine } from "./commands.js";
import { type Controller, createController, type Io } from "./controller.js";
import { EXIT } from "./exit-status.js";
import type { Keyboard } from "./keyboard.js";
import { describeTrouble } from "./trouble.js";

export type { Io } from "./controller.js";
export type { Interruption } from "./keyboard.js";

/** `argv[0]` is the name the program was called by. Gives the exit status. */
export async function main(argv: readonly string[], io: Io): Promise<number> {
  const name = argv[0] ?? "supervisorctl-ts";
  const fail = (...texts: readonly string[]): number => {
    for (const text of texts) io.stderr(`Error: ${text}\n`);
    io.stderr(`For help, use ${name} -h\n`);
    return EXIT.INVALID_ARGS;
  };
  const host = nodeHost();
  const args = parseSupervisorctlArgs(argv.slice(1), host, basename(name, ".js"));
  if (args.kind === "error") return fail(args.message);
  if (args.kind === "help") {
    io.stdout(`${args.text}\n${actionsText()}`);
    return EXIT.OK;
  }
  const found = findConfigFile(args.configuration, name, host);
  const parsed = parseCtlConfig(found.ok ? found.path : null, host, args.overrides);
  if (!parsed.ok) return fail(...parsed.issues.map(describeIssue));
  return runSession(parsed.config, args, io, fail);
}

interface Wish {
  readonly action: readonly string[];
  readonly interactive: boolean;
}

async function runSession(
  config: CtlConfig,
  { action, interactive }: Wish,
  io: Io,
  fail: (text: string) => number,
): Promise<number> {
  const keyboard = lateKeyboard(io);
  let ctl: Controller;
  try {
    ctl = createController(config, interactive, io, keyboard.open);
  } catch (error) {
    // A serverurl of an unknown kind, or with a path that no socket can have.
    io.stdout(`${describeTrouble(error, config.serverurl)}\n`);
    return EXIT.GENERIC;
  }
  try {
    if (config.plugins !== undefined) {
      const { loadCtlPlugins } = await import("./plugins.js");
      try {
        ctl.plugins = await loadCtlPlugins(ctl);
      } catch (error) {
        return fail(error instanceof Error ? error.message : String(error));
      }
    }
    if (action.length > 0) {
      await runLine(ctl, action.join(" "));
      return ctl.exitStatus;
    }
    const { runShell } = await import("./shell.js");
    await runShell(ctl);
    return EXIT.OK;
  } finally {
    keyboard.close();
    ctl.client.close();
  }
}

interface LateKeyboard {
  readonly open: () => Promise<Keyboard>;
  readonly close: () => void;
}

/** A keyboard that is opened when somebody first asks for it. */
function lateKeyboard(io: Io): LateKeyboard {
  let keyboard: Keyboard | null = null;
  return {
    async open() {
      keyboard ??= await createKeyboard(io);
      return keyboard;
    },
    close: () => keyboard?.close(),
  };
}

async function createKeyboard(io: Io): Promise<Keyboard> {
  const { createTerminal, isTerminal } = await import("./terminal.js");
  if (isTerminal()) return createTerminal(io.stdout);
  const { createPipeKeyboard } = await import("./keyboard.js");
  return createPipeKeyboard(io);
}
