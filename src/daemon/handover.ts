/**
 * What one version of this program hands to the next when it becomes it: the state, as the state file has it, and
 * every descriptor by its number. Only ever passed on through an exec, in memory, so a number means what it says.
 */
import type { FcgiListen } from "../core/config.js";
import type { SavedState } from "../core/saved.js";
import type { Child } from "../posix/adopt.js";
import { readInMemory } from "../posix/exec.js";
import { openPidfd } from "../posix/pidfd.js";
import type { Waiting } from "../rpc/waiting.js";
import { encodeStateLine, readStateFile, type StateHeader, type StateRecord } from "../wire/state-file.js";
import { heldKey } from "./groups.js";
import type { Resume } from "./resume.js";
import type { RunEnds } from "./run.js";

/** Descriptors of one child, or of what a child that has ended left behind. */
export interface HandedRun {
  readonly group: string;
  readonly name: string;
  readonly ends: RunEnds;
  /** Base64. */
  readonly unwritten: string;
  /** It is no child of ours but adopted from an earlier supervisor. */
  readonly adopted: boolean;
  /** The child has ended. */
  readonly lingering: boolean;
}

export interface HandedServer {
  readonly section: string;
  /** What it listens on, as the configuration says it. */
  readonly address: string;
  /** Path of a unix socket. */
  readonly file: string | null;
  /** The file that its path stood for; absent from versions that didn't say. */
  readonly identity?: { readonly dev: number; readonly ino: number } | null;
  readonly fd: number;
  readonly connections: readonly HandedConnection[];
}

/** A connection, and where its talk stands. Bytes in base64; what is absent there is nothing of. */
export interface HandedConnection {
  readonly fd: number;
  /** The bytes of the next request so far. */
  readonly bytes: string;
  /** The rest of the last answer, which the client has not taken. */
  readonly unsent?: string;
  /** The call that waits for its answer, and what for; `page` as in `CallUnderWay`. */
  readonly call?: { readonly method: string; readonly waiting: Waiting; readonly page?: true };
  /** Nothing more is read after this answer. */
  readonly last?: boolean;
}

export interface Handover {
  /** Package version of who hands over. */
  readonly from: string;
  /** The conf's path, absolute. */
  readonly configuration: string;
  readonly runs: readonly HandedRun[];
  readonly servers: readonly HandedServer[];
  readonly sockets: readonly { readonly fd: number; readonly program: FcgiListen }[];
}

const FD = "SUPERVISORD_TS_HANDOVER";
const CHECK = "SUPERVISORD_TS_HANDOVER_CHECK";

/** The environment that tells the next program where to read; a `check` only looks whether it could take over. */
export function handoverEnvironment(fd: number, check: boolean): Readonly<Record<string, string>> {
  return { [FD]: String(fd), ...(check ? { [CHECK]: "1" } : {}) };
}

/** Handover, state, and all descriptors that belong to them, as text. */
export function encodeHandover(
  header: StateHeader,
  records: Iterable<StateRecord>,
  handover: Handover,
): string {
  const lines = [encodeStateLine({ header }), ...[...records].map((record) => encodeStateLine(record))];
  return `${JSON.stringify(handover)}\n${lines.join("")}`;
}

export type TakenHandover =
  | { readonly kind: "none" }
  | { readonly kind: "problem"; readonly text: string; readonly check: boolean }
  | {
      readonly kind: "taken";
      readonly handover: Handover;
      readonly state: SavedState;
      readonly fd: number;
      readonly check: boolean;
    };

/** Reads what the program before has left, and takes its marks out of the environment. */
export function takeHandover(): TakenHandover {
  const mark = process.env[FD];
  const check = process.env[CHECK] !== undefined;
  delete process.env[FD];
  delete process.env[CHECK];
  if (mark === undefined) return { kind: "none" };
  const fd = Number(mark);
  try {
    const text = readInMemory(fd);
    const end = text.indexOf("\n");
    const reading = readStateFile(text.slice(end + 1));
    if (!reading.ok) return { kind: "problem", text: `cannot read the state: ${reading.why}`, check };
    const handover = JSON.parse(text.slice(0, end)) as Handover;
    return { kind: "taken", handover, state: reading.state, fd, check };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { kind: "problem", text: `cannot read the state: ${why}`, check };
  }
}

/** The children and sockets of a handover, as those of a supervisor that died would be found. */
export function resumeHandover(handover: Handover, state: SavedState): Resume {
  const children = new Map<string, Child>();
  const unwritten = new Map<string, Buffer>();
  for (const { group, name, ends, unwritten: text, adopted, lingering } of handover.runs) {
    if (lingering) continue;
    const saved = state.processes.find((each) => each.group === group && each.name === name);
    const { run } = saved ?? {};
    if (run === undefined || run === null || run.pid === null) continue;
    const key = heldKey(group, name);
    children.set(key, { run: { ...run, pid: run.pid }, ends, pidfd: adopted ? openPidfd(run.pid) : null });
    unwritten.set(key, Buffer.from(text, "base64"));
  }
  return {
    state,
    children,
    unwritten,
    sockets: handover.sockets,
    upgradedFrom: handover.from,
    lingering: handover.runs.filter((run) => run.lingering),
  };
}

/** Every descriptor that must outlive the exec. */
export function handedDescriptors({ runs, servers, sockets }: Handover): readonly number[] {
  const ends = runs.flatMap(({ ends }) => [ends.stdin, ends.stdout, ends.stderr].filter((fd) => fd !== null));
  const open = servers.flatMap(({ fd, connections }) => [
    fd,
    ...connections.map((connection) => connection.fd),
  ]);
  return [0, 1, 2, ...ends, ...open, ...sockets.map(({ fd }) => fd)];
}
