/**
 * Confs with what is met most in public ones and rarely meant so. All are played alike: started, watched until every
 * program is where it ends up, asked, stopped; what was said, answered and written is what counts.
 */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { commandLine, environ, marked, status } from "../support/processes.js";
import type { Ran } from "../support/run-command.js";
import { until } from "../support/until.js";
import { build, type FieldScript, type FieldStage, field } from "./field.js";
import { type Difference, scenario } from "./scenario.js";
import { withoutPlace } from "./scrub.js";
import type { Info } from "./stage.js";

export interface TrapScript extends Omit<FieldScript, "play" | "stay" | "directories"> {
  readonly stay?: readonly string[];
  readonly directories?: readonly string[];
  /** Where each program ends up, by the name that status has. */
  readonly states: Readonly<Record<string, string>>;
  /** How many stand-ins are at work then, where it isn't one for each that is RUNNING. */
  readonly atWork?: number;
  /** Only the log tells what runs. @default true where there is no socket */
  readonly byLog?: boolean;
  /** Lines that are a matter of scheduling: in the activity log, and in what the programs wrote. */
  readonly open?: RegExp;
  /** Looks at further traces of the conf. */
  look?(stage: FieldStage): Promise<unknown>;
  /** Ends the daemon; the result is compared. @default a shutdown */
  end?(stage: FieldStage): Promise<unknown>;
}

/** Result of playing such a conf. */
export interface Seen {
  readonly log: readonly string[];
  readonly [what: string]: unknown;
}

/** The bit of the signal in a mask of /proc. */
const CATCHES_WINCH = 1n << 27n;

export function trap(name: string, script: TrapScript): void {
  const directories = ["var/log", "var/run", "run", "logs", ...(script.directories ?? [])];
  field(name, {
    ...script,
    stay: script.stay ?? [],
    directories,
    play: (stage) => play(stage, script),
  });
}

async function play(stage: FieldStage, script: TrapScript): Promise<Seen> {
  const { states, socket, open = /^$/, byLog = socket === null } = script;
  const running = Object.values(states).filter((state) => state === "RUNNING").length;
  await (byLog ? told(stage, states) : settled(stage, states));
  const expected = script.atWork ?? running;
  await until(
    () => atWork(stage.dir).length === expected,
    () => `${expected} at work: ${atWork(stage.dir).map(commandLine).join(", ")}`,
  );
  const asked = socket === null ? null : await ask(stage, open);
  const looked = await script.look?.(stage);
  const ended = await (script.end ?? shutdown)(stage);
  const exit = await stage.daemon.exited;
  return {
    log: lines(stage.log(), open),
    container: lines(
      stage.container().filter((line) => !/^[A-Z]{4} /.test(line)),
      open,
    ),
    complaints: lines(stage.read("container.err").split("\n"), open),
    written: written(stage.dir, open),
    asked,
    looked,
    ended,
    exit,
  };
}

async function settled({ rpc }: FieldStage, states: TrapScript["states"]): Promise<void> {
  let seen: unknown;
  await until(
    async () => {
      const all = await rpc("supervisor.getAllProcessInfo");
      if (!Array.isArray(all)) return false;
      seen = Object.fromEntries(all.map((info: Info) => [nameOf(info), info["statename"]]));
      return Object.entries(states).every(
        ([name, state]) => (seen as Record<string, unknown>)[name] === state,
      );
    },
    () => `${JSON.stringify(states)} where there is ${JSON.stringify(seen)}`,
  );
}

function nameOf(info: Info): string {
  return info["group"] === info["name"] ? String(info["name"]) : `${info["group"]}:${info["name"]}`;
}

const SAYS: Readonly<Record<string, string>> = {
  RUNNING: "success: ",
  FATAL: "gave up: ",
  EXITED: "exited: ",
};

/** The same by the log alone, where there is no way in. */
async function told({ logged, container, log }: FieldStage, states: TrapScript["states"]): Promise<void> {
  for (const [name, state] of Object.entries(states)) {
    const text = `${SAYS[state]}${name} `;
    const said = (): boolean => [...log(), ...container()].some((line) => line.includes(text));
    if (log().length > 0) await logged(text);
    else await until(said, text);
  }
}

/** The stand-ins that are at work by now. */
function atWork(dir: string): readonly number[] {
  return marked(dir).filter(
    (pid) =>
      commandLine(pid).startsWith(`/bin/sh ${dir}/`) &&
      (BigInt(`0x${status(pid)["SigCgt"] ?? 0}`) & CATCHES_WINCH) !== 0n,
  );
}

/** A client's answers, and what they are made from. */
async function ask({ ctl, rpc }: FieldStage, open: RegExp): Promise<unknown> {
  const all = await rpc("supervisor.getAllProcessInfo");
  const infos = Array.isArray(all) ? all : [all];
  const states = await ctl("status");
  const some = (text: string): string =>
    text
      .split("\n")
      .filter((line) => !open.test(line) || line === "")
      .join("\n");
  return {
    // The exit status of `status` tells of programs whose state is open, too.
    status: some(states.out) === states.out ? states : some(states.out),
    avail: await ctl("avail"),
    infos: infos
      .filter((info: Info) => !open.test(String(info["name"])))
      .map(({ description: _, ...info }: Info) => info),
  };
}

async function shutdown({ daemon, ctl, rpc, exists }: FieldStage): Promise<unknown> {
  if (exists("s.sock") && (await rpc("supervisor.getState").catch(() => null)) !== null) {
    const ran = await ctl("shutdown");
    // Without these methods nobody can.
    if (ran.out === "Shut down\n") return ran;
    daemon.kill("SIGTERM");
    return ran;
  }
  daemon.kill("SIGTERM");
  return null;
}

/** Sorts lines and drops repeated ones: their order and number are a matter of scheduling. */
function lines(all: readonly string[], open: RegExp): readonly string[] {
  const kept = all.filter((line) => line !== "" && !open.test(line));
  return [...new Set(kept.map(withoutNumbers))].sort();
}

function withoutNumbers(line: string): string {
  return line
    .replace(/with pid \d+/, "with pid PID")
    .replace(/(\w+) \(\d+\) was stopped(.*?): \d+ /, "$1 (PID) was stopped$2: PID ")
    .replace(/(uncaptured python exception).*/, "$1");
}

/** Lines of the files that were written, by name. */
function written(dir: string, open: RegExp): Readonly<Record<string, readonly string[]>> {
  const files = ["var/log", "logs", "tmp", "var/run", "run"].flatMap((place) =>
    readdirSync(join(dir, place), { recursive: true, encoding: "utf8" }).map((name) =>
      join(dir, place, name),
    ),
  );
  return Object.fromEntries(
    files
      .filter((file) => statSync(file).isFile() && !/supervisord\.(log|pid)/.test(file))
      .map((file) => [relative(dir, file), lines(readFileSync(file, "utf8").split("\n"), open)] as const)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

/** Ours says these lines as well, for a reason. */
export function alsoSays(reason: string, ...more: readonly string[]): Difference {
  return { reason, ours: ({ log, ...seen }: Seen) => ({ ...seen, log: [...log, ...more].sort() }) };
}

/** A conf that no daemon starts on, and what is said then. */
export function refused(name: string, conf: string): void {
  scenario(name, {
    area: "field",
    boot: false,
    async play(stage) {
      await build(stage, { conf, socket: null, log: null, stay: [], directories: ["var/log", "var/run"] });
      const { out, err, exit }: Ran = await stage.run(["-n", "-c", stage.conf]);
      return [out, withoutPlace(err), exit, stage.files("var/log"), stage.files("var/run")];
    },
  });
}

/** Values of these variables in the environment of a program. */
export function variables(
  pid: unknown,
  ...names: readonly string[]
): Readonly<Record<string, string | undefined>> {
  const all = environ(Number(pid));
  return Object.fromEntries(names.map((name) => [name, all[name]]));
}
