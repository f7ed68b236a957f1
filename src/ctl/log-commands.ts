/** tail, maintail, fg: what processes say. */
import { Fault } from "../client/client.js";
import { HttpStatusError } from "../client/transport.js";
import { repr } from "../config/python.js";
import { FAULTS } from "../core/faults.js";
import { type Command, misuse, words } from "./command.js";
import { type Controller, upcheck } from "./controller.js";
import { EXIT } from "./exit-status.js";

const TAIL_BYTES = 1600;

export const tail: Command = {
  help: [
    "tail [-f] <name> [stdout|stderr] (default stdout)",
    "Ex:",
    "tail -f <name>\t\tShow what a process writes, from its last 1024 bytes on; Ctrl-C ends that",
    "tail -100 <name>\tShow the last 100 *bytes* of a process' stdout",
    "tail <name> stderr\tShow the last 1600 *bytes* of a process' stderr",
  ],
  completes: "processes",
  async run(ctl, argument) {
    if (!(await upcheck(ctl))) return;
    const args = [...words(argument)];
    if (args.length === 0) return misuse(ctl, "Error: too few arguments", tail, EXIT.GENERIC);
    if (args.length > 3) return misuse(ctl, "Error: too many arguments", tail, EXIT.GENERIC);
    const modifier = args[0]?.startsWith("-") === true ? (args.shift() ?? null) : null;
    const [name] = args;
    if (name === undefined) return fail(ctl, "Error: tail requires process name");
    const channel = args.length === 1 ? "stdout" : (args.at(-1) ?? "").toLowerCase();
    if (channel !== "stdout" && channel !== "stderr") return fail(ctl, `Error: bad channel ${repr(channel)}`);
    const bytes = bytesOf(modifier);
    if (bytes === null) return fail(ctl, `Error: bad argument ${modifier}`);
    if (bytes === "follow") return follow(ctl, logtail(name, channel));
    await showTail(
      ctl,
      name,
      () =>
        channel === "stdout"
          ? ctl.client.readProcessStdoutLog(name, -bytes, 0)
          : ctl.client.readProcessStderrLog(name, -bytes, 0),
      { [FAULTS.BAD_NAME]: "no such process name" },
    );
  },
};

export const maintail: Command = {
  help: [
    "maintail -f \tShow what supervisord writes to its log, from its last 1024 bytes on; Ctrl-C ends that",
    "maintail -100\tShow the last 100 *bytes* of supervisord's log",
    "maintail\tShow the last 1600 *bytes* of supervisord's log",
    "",
  ],
  completes: "nothing",
  async run(ctl, argument) {
    if (!(await upcheck(ctl))) return;
    const args = words(argument);
    if (args.length > 1) return misuse(ctl, "Error: too many arguments", maintail, EXIT.GENERIC);
    const [modifier = null] = args;
    const bytes = modifier === null || modifier.startsWith("-") ? bytesOf(modifier) : null;
    if (bytes === null) return fail(ctl, `Error: bad argument ${modifier}`);
    if (bytes === "follow") return follow(ctl, "/mainlogtail");
    await showTail(ctl, "supervisord", () => ctl.client.readLog(-bytes, 0), {});
  },
};

/** `-f`, `-100`, or nothing; null for what is none of these. */
function bytesOf(modifier: string | null): number | "follow" | null {
  if (modifier === null) return TAIL_BYTES;
  if (modifier === "-f") return "follow";
  const number = modifier.slice(1);
  return /^[+-]?\d+$/.test(number) ? Number(number) : null;
}

async function showTail(
  ctl: Controller,
  name: string,
  read: () => Promise<string>,
  more: Readonly<Record<number, string>>,
): Promise<void> {
  try {
    ctl.output(await read());
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    ctl.exitStatus = EXIT.GENERIC;
    const texts: Readonly<Record<number, string>> = {
      [FAULTS.NO_FILE]: "no log file",
      [FAULTS.FAILED]: "unknown error reading log",
      ...more,
    };
    const text = texts[error.code];
    if (text === undefined) throw error;
    ctl.output(`${name}: ERROR (${text})`);
  }
}

/**
 * Names may hold what means something in a URL. Supervisor's server decodes twice and looks for `#`, `?` and `;`
 * between, so these are encoded twice, and `%` with them. A colon means nothing there.
 */
function logtail(name: string, channel: string): string {
  const encoded = encodeURIComponent(name).replaceAll("%3A", ":");
  return `/logtail/${encoded.replace(/%(?=23|25|3B|3F)/g, "%25")}/${channel}`;
}

/** Shows a stream until Ctrl-C, or until the daemon ends it. */
async function follow(ctl: Controller, path: string): Promise<void> {
  using interruption = ctl.busy?.("drop") ?? ctl.io.interrupted();
  ctl.output("==> Press Ctrl-C to exit <==");
  await showStream(ctl, path, interruption.signal);
  if (interruption.signal.aborted) ctl.output("");
}

async function showStream(
  ctl: Controller,
  path: string,
  signal: AbortSignal,
  show: (text: string) => void = ctl.io.stdout,
): Promise<void> {
  const decoder = new TextDecoder("utf-8");
  try {
    await ctl.client.stream(path, (chunk) => show(decoder.decode(chunk, { stream: true })), signal);
  } catch (error) {
    if (signal.aborted) return;
    ctl.exitStatus = EXIT.GENERIC;
    if (!(error instanceof HttpStatusError)) throw error;
    ctl.io.stderr(`${ctl.config.serverurl}${path} Cannot read, status code ${error.status}\n`);
  }
}

export const fg: Command = {
  help: ["fg <process>\tTalk to a process: show what it writes, send it what is typed", "\t\tCtrl-C to exit"],
  completes: "processes",
  async run(ctl, argument) {
    if (!(await upcheck(ctl))) return;
    const [name, ...more] = words(argument);
    if (name === undefined) return misuse(ctl, "ERROR: no process name supplied", fg, EXIT.GENERIC);
    if (more.length > 0) return fail(ctl, "ERROR: too many process names supplied");
    if (!(await canForeground(ctl, name))) return;
    const { foreground } = await import("./foreground.js");
    await foreground(ctl, name, (channel, signal, show) =>
      showStream(ctl, logtail(name, channel), signal, show),
    );
  },
};

async function canForeground(ctl: Controller, name: string): Promise<boolean> {
  try {
    const { statename } = await ctl.client.getProcessInfo(name);
    if (statename === "RUNNING") return true;
    fail(ctl, "ERROR: process not running");
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    const known = error.code === FAULTS.BAD_NAME;
    fail(ctl, known ? "ERROR: bad process name supplied" : `ERROR: ${error.faultString}`);
  }
  return false;
}

function fail(ctl: Controller, text: string): void {
  ctl.output(text);
  ctl.exitStatus = EXIT.GENERIC;
}
