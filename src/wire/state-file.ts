/**
 * The state file: one line for the writer, then one for each thing that is remembered; a later line about the same
 * thing replaces the earlier one. Each line carries its checksum, so that nothing damaged is believed. Text in,
 * values out; who may have written it, and whether its processes still live, is for others to find out.
 */
import { crc32 } from "node:zlib";
import { STATECODES } from "../core/process.js";
import type {
  SavedEvent,
  SavedGroup,
  SavedMood,
  SavedPool,
  SavedProcess,
  SavedState,
} from "../core/saved.js";
import { LISTENER_STATES } from "./listener-protocol.js";

/** Goes up when an older reader would misunderstand; `readStateFile` keeps reading what came before. */
export const STATE_FORMAT = 1;

export interface StateHeader {
  readonly format: number;
  /** Package version of the writer. */
  readonly version: string;
  readonly boot: string;
  /** The writer, as a process. */
  readonly pid: number;
  readonly starttime: number;
  /** Its session, which its children share unless they leave it. */
  readonly sid: number;
}

export type StateRecord =
  | { readonly is: "group"; readonly name: string; readonly group: SavedGroup | null }
  | { readonly is: "process"; readonly process: SavedProcess }
  | { readonly is: "pool"; readonly name: string; readonly pool: SavedPool | null }
  | {
      readonly is: "daemon";
      readonly mood: SavedMood;
      readonly serial: number;
      readonly held: readonly string[];
    };

export type StateReading =
  | { readonly ok: true; readonly header: StateHeader; readonly state: SavedState; readonly torn: boolean }
  /** `newer`: a later version wrote it, and its processes may be running. */
  | { readonly ok: false; readonly why: string; readonly newer: boolean };

/** One line, with its newline. */
export function encodeStateLine(value: StateRecord | { readonly header: StateHeader }): string {
  const json = JSON.stringify(value);
  return `${checksum(json)} ${json}\n`;
}

/** A line that was being written when its writer ended is left out, and `torn` says so. */
export function readStateFile(text: string): StateReading {
  const lines = text.split("\n");
  const torn = lines.pop() !== "";
  const [first, ...rest] = lines;
  const header = first === undefined ? null : decodeLine(first);
  if (header === null || !isRecord(header) || !isHeader(header["header"]))
    return damaged("its first line is damaged");
  if (header["header"].format > STATE_FORMAT) {
    const why = `it is of format ${header["header"].format}, written by version ${header["header"].version}, and this version reads no further than ${STATE_FORMAT}`;
    return { ok: false, why, newer: true };
  }
  const collected = collect();
  for (const [index, line] of rest.entries()) {
    const value = decodeLine(line);
    if (value === null || !isStateRecord(value)) return damaged(`line ${index + 2} is damaged`);
    collected.add(value);
  }
  return { ok: true, header: header["header"], state: collected.state(), torn };
}

function collect(): { add(record: StateRecord): void; state(): SavedState } {
  const groups = new Map<string, SavedGroup>();
  const processes = new Map<string, SavedProcess>();
  const pools = new Map<string, SavedPool>();
  let daemon: Pick<SavedState, "mood" | "serial" | "held"> = { mood: "RUNNING", serial: 0, held: [] };
  return {
    add(record) {
      switch (record.is) {
        case "group":
          for (const [key, { group }] of processes) if (group === record.name) processes.delete(key);
          if (record.group === null) groups.delete(record.name);
          else groups.set(record.name, record.group);
          return;
        case "process":
          processes.set(`${record.process.group}:${record.process.name}`, record.process);
          return;
        case "pool":
          if (record.pool === null) pools.delete(record.name);
          else pools.set(record.name, fillIn(record.pool, pools.get(record.name)));
          return;
        case "daemon":
          daemon = { mood: record.mood, serial: record.serial, held: record.held };
      }
    },
    state: () => ({
      ...daemon,
      groups: [...groups.values()],
      processes: [...processes.values()].filter(({ group }) => groups.has(group)),
      pools: [...pools.values()],
    }),
  };
}

/** Gives events that a record leaves out as they stand in the one before. */
function fillIn(pool: SavedPool, before: SavedPool | undefined): SavedPool {
  if (!pool.listeners.some(({ busyWith }) => busyWith?.asBefore)) return pool;
  const known = [...(before?.buffer ?? []), ...(before?.listeners.map(({ busyWith }) => busyWith) ?? [])];
  const find = (event: SavedEvent | null): SavedEvent | null =>
    event?.asBefore ? (known.find((each) => each?.serial === event.serial) ?? null) : event;
  const listeners = pool.listeners.map((each) => ({ ...each, busyWith: find(each.busyWith) }));
  return { ...pool, listeners };
}

function checksum(json: string): string {
  return crc32(json).toString(16).padStart(8, "0");
}

function decodeLine(line: string): unknown {
  const json = line.slice(9);
  if (line[8] !== " " || checksum(json) !== line.slice(0, 8)) return null;
  try {
    return JSON.parse(json) as unknown;
  } catch {
    return null;
  }
}

function damaged(why: string): StateReading {
  return { ok: false, why, newer: false };
}

type Fields = Readonly<Record<string, unknown>>;

function isRecord(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isWhole(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function orNull(value: unknown, is: (value: unknown) => boolean): boolean {
  return value === null || is(value);
}

function isHeader(value: unknown): value is StateHeader {
  if (!isRecord(value)) return false;
  const { format, version, boot, pid, starttime, sid } = value;
  return isText(version) && isText(boot) && [format, pid, starttime, sid].every(isWhole);
}

function isStateRecord(value: unknown): value is StateRecord {
  if (!isRecord(value)) return false;
  switch (value["is"]) {
    case "group":
      return isText(value["name"]) && orNull(value["group"], isGroup);
    case "process":
      return isProcess(value["process"]);
    case "pool":
      return isText(value["name"]) && orNull(value["pool"], isPool);
    case "daemon":
      return (
        isWhole(value["serial"]) &&
        ["RUNNING", "RESTARTING", "SHUTDOWN"].includes(String(value["mood"])) &&
        Array.isArray(value["held"]) &&
        value["held"].every(isText)
      );
    default:
      return false;
  }
}

const KINDS = ["program", "fcgi", "eventlistener"];

function isGroup(value: unknown): boolean {
  if (!isRecord(value)) return false;
  const { config, logs, added = [] } = value;
  if (!isRecord(config) || !isRecord(logs)) return false;
  const { name, priority, processes, kind } = config;
  if (!isText(name) || !Number.isFinite(priority) || !KINDS.includes(String(kind))) return false;
  return (
    Array.isArray(processes) &&
    processes.every(isProcessConfig) &&
    Array.isArray(added) &&
    added.every(isProcessConfig) &&
    Object.values(logs).every(
      (each) => isRecord(each) && [each["stdout"], each["stderr"]].every((path) => orNull(path, isText)),
    )
  );
}

/** What is used of a configuration that the files no longer have: how to stop it, and where its output goes. */
function isProcessConfig(value: unknown): boolean {
  if (!isRecord(value)) return false;
  const { name, command, stopsignal, stopwaitsecs, exitcodes, environment } = value;
  return (
    isText(name) &&
    isText(command) &&
    isWhole(stopsignal) &&
    stopsignal <= 64 &&
    Number.isFinite(stopwaitsecs) &&
    Array.isArray(exitcodes) &&
    isRecord(environment)
  );
}

function isProcess(value: unknown): boolean {
  if (!isRecord(value)) return false;
  const { group, name, process, run } = value;
  if (!isText(group) || !isText(name) || !isRecord(process) || !isRecord(process["state"])) return false;
  const { state, backoff, spawnerr, laststart, laststop, held, quick } = process;
  return (
    Object.hasOwn(STATECODES, String(state["name"])) &&
    isWhole(backoff) &&
    isText(spawnerr) &&
    Number.isFinite(laststart) &&
    Number.isFinite(laststop) &&
    typeof held === "boolean" &&
    isRecord(quick) &&
    orNull(run, isRun)
  );
}

function isRun(value: unknown): boolean {
  if (!isRecord(value)) return false;
  const { pid, starttime, stdin, stdout, stderr, lost = [] } = value;
  return (
    Array.isArray(lost) &&
    lost.every(isText) &&
    orNull(pid, (each) => isWhole(each) && each > 1) &&
    [starttime, stdin, stdout, stderr].every((each) => orNull(each, isWhole))
  );
}

function isPool(value: unknown): boolean {
  if (!isRecord(value)) return false;
  const { name, poolserial, discarded, buffer, listeners } = value;
  if (!isText(name) || !isWhole(poolserial) || !isWhole(discarded)) return false;
  return (
    Array.isArray(buffer) && buffer.every(isEvent) && Array.isArray(listeners) && listeners.every(isListener)
  );
}

function isListener(value: unknown): boolean {
  if (!isRecord(value)) return false;
  const { name, state, pending, resultBytes, heard = "", busyWith, unsent = false, cut = false } = value;
  return (
    isText(name) &&
    LISTENER_STATES.includes(String(state)) &&
    isText(pending) &&
    isText(heard) &&
    typeof unsent === "boolean" &&
    typeof cut === "boolean" &&
    orNull(resultBytes, isWhole) &&
    orNull(busyWith, isEvent)
  );
}

function isEvent(value: unknown): boolean {
  if (!isRecord(value)) return false;
  const { type, payload, serial, poolserial, asBefore = false } = value;
  return (
    isText(type) && isText(payload) && isWhole(serial) && isWhole(poolserial) && typeof asBefore === "boolean"
  );
}
