/** `supervisord-ts`: from the command line to the end of the last life. */
import { closeSync } from "node:fs";
import { basename } from "node:path";
import { parseSupervisordArgs } from "../config/commandline.js";
import { describeIssue } from "../config/describe-issue.js";
import { findConfigFile } from "../config/find.js";
import { nodeHost } from "../config/node-host.js";
import { parseConfig } from "../config/parse.js";
import { assertNever } from "../core/brand.js";
import type { SupervisordConfig } from "../core/config.js";
import type { SavedState } from "../core/saved.js";
import { announceReady, spawnBackground, takeBackgroundMark, takeRespawn } from "../posix/daemonize.js";
import { raiseLimit, takeOriginalNofile } from "../posix/rlimit.js";
import { prepareRunAs } from "../posix/run-as.js";
import { claimDescriptors } from "../posix/spawn.js";
import { dropPrivileges, lookupGroup, lookupUser, userHome } from "../posix/user.js";
import { VERSION } from "../version.js";
import type { OpenSocket } from "./fcgi.js";
import { type Handover, resumeHandover, takeHandover } from "./handover.js";
import { live, type Message } from "./life.js";
import { createPluginShelf, PluginProblem } from "./plugins.js";
import { adoptChildren, findStateAt, type Resume } from "./resume.js";
import { serviceManager } from "./service-manager.js";
import { holdSignals } from "./signals.js";
import { StartProblem } from "./start-problem.js";
import { placeState } from "./state-place.js";

export interface Io {
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
}

/** Runs the daemon. `argv[0]` is the name the program was called by. Gives the exit status. */
export async function main(argv: readonly string[], io: Io): Promise<number> {
  const mark = takeBackgroundMark();
  const respawn = takeRespawn();
  const name = argv[0] ?? "supervisord-ts";
  using manager = serviceManager();
  const failFor = (code: string | undefined, ...texts: readonly string[]): number => {
    manager.failed(texts[0] ?? "", code);
    for (const text of texts) io.stderr(`Error: ${text}\n`);
    io.stderr(`For help, use ${name} -h\n`);
    return 2;
  };
  const fail = (...texts: readonly string[]): number => failFor(undefined, ...texts);

  const taken = takeHandover();
  if (taken.kind === "problem") return fail(taken.text);
  const upgraded = taken.kind === "taken" ? taken : null;

  const args = parseSupervisordArgs(argv.slice(1), undefined, basename(name, ".js"));
  switch (args.kind) {
    case "help":
      io.stdout(args.text);
      return 0;
    case "version":
      io.stdout(`${VERSION}\n`);
      return 0;
    case "error":
      return fail(args.message);
    case "run":
  }

  const host = nodeHost({ lookupUser, lookupGroup, userHome });
  // The front process has said it for the one in the background.
  if (upgraded === null && mark === null && args.configuration === null && process.getuid?.() === 0)
    io.stderr(SEARCHING_AS_ROOT);
  const found = findConfigFile(upgraded?.handover.configuration ?? args.configuration, name, host);
  if (!found.ok) return failFor("ENOENT", found.message);
  const read = (): ReturnType<typeof parseConfig> => parseConfig(found.path, host, args.overrides);
  const first = read();
  if (!first.ok) return fail(...first.issues.map(describeIssue));
  let { config } = first;
  const plugins = createPluginShelf();
  const loadPlugins = async (): Promise<string | null> => {
    try {
      await plugins.prepare(config);
      return null;
    } catch (error) {
      if (error instanceof PluginProblem) return error.message;
      throw error;
    }
  };
  if (upgraded?.check === true) {
    const broken = await loadPlugins();
    return broken === null ? 0 : fail(broken);
  }

  if (upgraded === null && !config.supervisord.nodaemon && mark === null) return spawnBackground(respawn);
  manager.take();
  claimDescriptors();

  const messages: Message[] = [];
  const privileges = takeIdentity(config.supervisord, messages);
  if (privileges !== null) return failFor("EPERM", privileges);
  if (process.geteuid?.() === 0) prepareRunAs();
  const nofile = takeOriginalNofile().soft;
  const limits = takeLimits(config.supervisord, nofile, messages);
  if (limits !== null) return failFor("EPERM", limits);

  // Before anything is taken over or started, so that a plugin that can't be loaded costs nothing.
  const broken = await loadPlugins();
  if (broken !== null) return fail(broken);

  const earlier =
    upgraded === null
      ? findEarlier(config.supervisord, messages)
      : takeOver(upgraded.handover, upgraded.state, upgraded.fd);
  if (upgraded !== null) messages.length = 0;
  if (earlier.kind === "refuse") return fail(earlier.text);

  const serials = { next: 0 };
  let held: ReadonlySet<string> = new Set();
  let sockets: readonly OpenSocket[] = [];
  using _held = holdSignals();
  for (let life = 0; ; life += 1) {
    try {
      const end = await live({
        config,
        read,
        held,
        serials,
        plugins: await plugins.take(config),
        preparePlugins: plugins.prepare,
        sockets,
        handover: life === 0 ? (upgraded?.handover ?? null) : null,
        resume: life === 0 && earlier.kind === "resume" ? earlier.resume : null,
        rival: earlier.kind === "rival" ? earlier.text : null,
        nofile: Math.max(nofile, config.supervisord.minfds),
        messages: life === 0 ? messages : messages.filter(({ level }) => level === "critical"),
        background: life === 0 && mark !== null ? { announceReady: () => announceReady(mark) } : null,
        manager,
        stderr: io.stderr,
      });
      if (end.next === "shutdown") return 0;
      ({ held, sockets } = end);
    } catch (error) {
      if (error instanceof StartProblem) return failFor(error.code, error.message, ...error.more);
      if (error instanceof PluginProblem) return fail(error.message);
      throw error;
    }
    const again = read();
    if (!again.ok) return fail(...again.issues.map(describeIssue));
    config = again.config;
  }
}

const SEARCHING_AS_ROOT =
  'UserWarning: Supervisord is running as root and it is searching for its configuration file in default locations (including its current working directory); you probably want to specify a "-c" argument specifying an absolute path to a configuration file for improved security.\n';

function takeOver(handover: Handover, state: SavedState, fd: number): Earlier {
  closeSync(fd);
  return { kind: "resume", resume: resumeHandover(handover, state) };
}

type Earlier =
  | { readonly kind: "none" }
  | { readonly kind: "resume"; readonly resume: Resume }
  /** Nothing may be started beside what it left, or beside it. */
  | { readonly kind: "refuse" | "rival"; readonly text: string };

/** Whether there was a supervisor before this one, and what it left. */
function findEarlier(supervisord: SupervisordConfig, messages: Message[]): Earlier {
  if (!supervisord.adopt) return { kind: "none" };
  const found = findStateAt(placeState(supervisord));
  switch (found.kind) {
    case "nothing":
      return { kind: "none" };
    case "ignored":
      messages.push({ level: "error", text: found.text });
      return { kind: "none" };
    case "newer":
      return { kind: "refuse", text: found.text };
    case "running": {
      const text = `supervisord is running already (pid ${found.pid}) with the state file ${found.path}; stop it first, or give this one a pidfile or statefile of its own`;
      return { kind: "rival", text };
    }
    case "state":
      if (found.note !== null) messages.push({ level: "warn", text: found.note });
      try {
        return { kind: "resume", resume: adoptChildren(found.header, found.state) };
      } catch (error) {
        return { kind: "refuse", text: error instanceof Error ? error.message : String(error) };
      }
    default:
      return assertNever(found);
  }
}

function takeIdentity({ user }: SupervisordConfig, messages: Message[]): string | null {
  if (user === null) {
    if (process.getuid?.() === 0) messages.push({ level: "critical", text: RUNNING_AS_ROOT });
    return null;
  }
  const problem = dropPrivileges(user);
  if (problem === null) messages.push({ level: "info", text: `Set uid to user ${user.uid} succeeded` });
  return problem;
}

const RUNNING_AS_ROOT =
  "Supervisor is running as root.  Privileges were not dropped because no user is specified in the config file.  If you intend to run as root, you can set user=root in the config file to avoid this message.";

function takeLimits(
  { minfds, minprocs }: SupervisordConfig,
  nofile: number,
  messages: Message[],
): string | null {
  const wanted = [
    { which: "NOFILE", min: minfds, given: nofile, text: TOO_FEW_FILES },
    { which: "NPROC", min: minprocs, given: undefined, text: TOO_FEW_PROCESSES },
  ] as const;
  for (const { which, min, given, text } of wanted) {
    const outcome = raiseLimit(which, min, given);
    if (!outcome.ok) return text(min, outcome.hard);
    if (outcome.raised)
      messages.push({ level: "info", text: `Increased RLIMIT_${which} limit to ${outcome.value}` });
  }
  return null;
}

function TOO_FEW_FILES(min: number, allowed: number): string {
  return `The minimum number of file descriptors required to run this process is ${min} as per the "minfds" command-line argument or config file setting. The current environment will only allow you to open ${allowed} file descriptors.  Either raise the number of usable file descriptors in your environment (see README.rst) or lower the minfds setting in the config file to allow the process to start.`;
}

function TOO_FEW_PROCESSES(min: number, allowed: number): string {
  return `The minimum number of available processes required to run this program is ${min} as per the "minprocs" command-line argument or config file setting. The current environment will only allow you to open ${allowed} processes.  Either raise the number of usable processes in your environment (see README.rst) or lower the minprocs setting in the config file to allow the program to start.`;
}
