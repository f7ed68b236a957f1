/** What an earlier supervisor left: whether its state file is to be believed, and which of its children live. */
import { closeSync, constants, fstatSync, lstatSync, openSync, readFileSync, rmSync } from "node:fs";
import { basename } from "node:path";
import type { SavedState } from "../core/saved.js";
import { adoptChild, type Child, copySocket } from "../posix/adopt.js";
import { openParent } from "../posix/guarded.js";
import { bootId, isAlive } from "../posix/identity.js";
import { readStateFile, type StateHeader } from "../wire/state-file.js";
import type { OpenSocket } from "./fcgi.js";
import { heldKey } from "./groups.js";
import type { RunEnds } from "./run.js";
import type { StatePlace } from "./state-place.js";

/** An earlier supervisor's state, and its children that live, by `group:process`. */
export interface Resume {
  readonly state: SavedState;
  readonly children: ReadonlyMap<string, Child>;
  /** Text that a child's stdin had not taken, by `group:process`. */
  readonly unwritten: ReadonlyMap<string, Buffer>;
  /** FastCGI sockets, taken from the children that have them. */
  readonly sockets: readonly OpenSocket[];
  /** Version of the program that has become this one; null when the earlier supervisor died. */
  readonly upgradedFrom: string | null;
  /** Pipes that descendants of ended children still write to. */
  readonly lingering: readonly { readonly group: string; readonly name: string; readonly ends: RunEnds }[];
}

export type Found =
  | { readonly kind: "nothing" }
  | {
      readonly kind: "state";
      readonly header: StateHeader;
      readonly state: SavedState;
      readonly note: string | null;
    }
  | { readonly kind: "ignored"; readonly text: string }
  /** Its processes may be running, and we can't know them: nothing may be started. */
  | { readonly kind: "newer"; readonly text: string }
  | { readonly kind: "running"; readonly pid: number };

/** Looks in both places, as the file may be where an earlier version or another session had put it. Never throws. */
export function findStateAt({ path, other }: StatePlace): Found & { readonly path: string } {
  const found = findState(path);
  if (found.kind !== "nothing" || other === null || !isOwn(other)) return { ...found, path };
  return { ...findState(other), path: other };
}

/** Removes what a state file in the other place says of supervisors that are gone, or of this one. */
export function forgetState(path: string): void {
  try {
    // All three names are looked up in the same open directory, even if its path changes meanwhile.
    using directory = openParent(path);
    const file = directory.at(basename(path));
    if (!isOwn(file)) return;
    const { kind } = findState(file);
    if (kind === "state" || kind === "ignored") rmSync(file, { force: true });
  } catch {
    // gone, or not to be had
  }
}

function isOwn(path: string): boolean {
  try {
    const stat = lstatSync(path);
    return stat.isFile() && stat.uid === process.getuid?.();
  } catch {
    return false;
  }
}

/** Looks at the state file. Never throws. */
export function findState(path: string): Found {
  const ignored = (why: string): Found => ({
    kind: "ignored",
    text: `state file ${path} is ignored: ${why}; processes that an earlier supervisord left running are not taken over`,
  });
  const text = readOwn(path);
  if (text === null) return { kind: "nothing" };
  if (typeof text !== "string") return ignored(text.why);
  const reading = readStateFile(text);
  if (!reading.ok) {
    if (!reading.newer) return ignored(reading.why);
    const what = `state file ${path} cannot be used: ${reading.why}; start that version, or remove the file to begin anew`;
    return { kind: "newer", text: what };
  }
  const { header, state, torn } = reading;
  if (header.boot !== bootId()) return ignored("it is from before the machine was started");
  if (header.pid !== process.pid && isAlive(header.pid, header.starttime))
    return { kind: "running", pid: header.pid };
  const note = torn ? `state file ${path} ends in the middle of a line; what stands before it is used` : null;
  return { kind: "state", header, state, note };
}

const MODE_OTHERS = 0o077;
const MOST_BYTES = 256 << 20;

function readOwn(path: string): string | { readonly why: string } | null {
  let fd: number;
  try {
    // A fifo in its place must not make the start wait for a writer, and no link leads to somebody else's file.
    using directory = openParent(path);
    fd = openSync(
      directory.at(basename(path)),
      constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW,
    );
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    if (code === "ELOOP") return { why: "a link leads to it" };
    return code === "ENOENT" ? null : { why: `it cannot be read (${code})` };
  }
  try {
    const { uid, mode, size, isFile } = statOf(fd);
    if (!isFile) return { why: "it is no file" };
    if (uid !== process.getuid?.()) return { why: `it belongs to another user (uid ${uid})` };
    if ((mode & MODE_OTHERS) !== 0) return { why: "others may read or write it" };
    if (size > MOST_BYTES) return { why: "it is too large" };
    return readFileSync(fd, "utf8");
  } catch (error) {
    return { why: `it cannot be read (${(error as NodeJS.ErrnoException).code ?? String(error)})` };
  } finally {
    closeSync(fd);
  }
}

function statOf(fd: number): { uid: number; mode: number; size: number; isFile: boolean } {
  const stat = fstatSync(fd);
  return { uid: stat.uid, mode: stat.mode, size: stat.size, isFile: stat.isFile() };
}

/** Takes over every child that lives. */
export function adoptChildren({ pid, sid }: StateHeader, state: SavedState): Resume {
  const children = new Map<string, Child>();
  const sockets = new Map<string, OpenSocket>();
  const withoutSocket: { readonly key: string; readonly url: string; readonly child: Child }[] = [];
  for (const { group, name, run } of state.processes) {
    if (run === null || run.pid === pid) continue;
    const child = adoptChild(run, { group, name, sid });
    if (child === null) continue;
    const key = heldKey(group, name);
    children.set(key, child);
    const config = state.groups.find((each) => each.config.name === group)?.config;
    const program = config?.processes.find((each) => each.name === name)?.fcgi ?? null;
    if (program === null || sockets.has(program.socket.url)) continue;
    const { url } = program.socket;
    const fd = copySocket(child);
    if (fd === null) withoutSocket.push({ key, url, child });
    else sockets.set(url, { fd, program });
  }
  for (const { key, url, child } of withoutSocket)
    if (!sockets.has(url))
      children.set(key, { ...child, run: { ...child.run, lost: ["socket", ...(child.run.lost ?? [])] } });
  return {
    state,
    children,
    unwritten: new Map(),
    sockets: [...sockets.values()],
    upgradedFrom: null,
    lingering: [],
  };
}
