/**
 * Keeping the state file: what changes is added at its end, at once or, where much changes, some milliseconds later
 * and all together; when that has made it long it is written whole beside its place and renamed. No fsync: it has
 * to outlive the daemon, not the machine, after whose next start it means nothing.
 */
import { closeSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { bootId, identify } from "../posix/identity.js";
import { VERSION } from "../version.js";
import { encodeStateLine, STATE_FORMAT, type StateHeader, type StateRecord } from "../wire/state-file.js";
import type { Log } from "./log.js";

export interface StateFile extends Disposable {
  /** `make` gives the record when it is written; until then a later call about the same thing takes its place. */
  note(thing: object | string, make: () => StateRecord): void;
  /** Writes what was noted. Before something happens that the next supervisor has to know of. */
  flush(): void;
  /** Everything is over: nothing is left to remember. */
  remove(): void;
}

/** Once the added lines are so many times what they stand for, the file is written anew. */
const GROWTH = 6;
const LEAST_BYTES = 256 * 1024;
const MODE = 0o600;
/** What nobody waits for is written no more often than this. */
const PACE_MS = 20;
/** Room for some lines; more is made when there are more. */
const LINES_BYTES = 16 * 1024;

export interface StateFileOptions {
  readonly path: string;
  /** Everything there is to remember. */
  readonly all: () => Iterable<StateRecord>;
  readonly log: Log;
}

export function stateHeader(): StateHeader {
  const { pid } = process;
  const { starttime = 0, sid = 0 } = identify(pid) ?? {};
  return { format: STATE_FORMAT, version: VERSION, boot: bootId(), pid, starttime, sid };
}

/** Replaces what stands there. A file that can't be written is said once, and tried again when there is news. */
export function keepStateFile({ path, all, log }: StateFileOptions): StateFile {
  const noted = new Map<object | string, () => StateRecord>();
  const header = stateHeader();
  let fd: number | null = null;
  let wholeBytes = 0;
  let bytes = 0;
  let failing = false;
  let written = false;
  let due: NodeJS.Timeout | null = null;
  let writtenAt = Number.NEGATIVE_INFINITY;
  let buffer = Buffer.allocUnsafeSlow(LINES_BYTES);

  function writeWhole(): void {
    noted.clear();
    const fresh = `${path}.new`;
    let opened: number | null = null;
    try {
      rmSync(fresh, { force: true });
      opened = openSync(fresh, "wx", MODE);
      const lines = [encodeStateLine({ header })];
      for (const record of all()) lines.push(encodeStateLine(record));
      const text = Buffer.from(lines.join(""), "utf8");
      writeAll(opened, text);
      renameSync(fresh, path);
      if (fd !== null) closeSync(fd);
      fd = opened;
      written = true;
      wholeBytes = text.length;
      bytes = text.length;
      if (failing) log.log("warn", `can write state file ${path} again`);
      failing = false;
    } catch (error) {
      if (opened !== null) closeSync(opened);
      fail(error);
    }
  }

  function fail(error: unknown): void {
    if (fd !== null) closeSync(fd);
    fd = null;
    if (failing) return;
    failing = true;
    const why = error instanceof Error ? error.message : String(error);
    log.log(
      "error",
      `cannot write state file ${path}: ${why}; if supervisord dies now, its processes are lost`,
    );
  }

  function flush(): void {
    if (due !== null) clearTimeout(due);
    due = null;
    if (noted.size === 0) return;
    writtenAt = performance.now();
    if (fd === null || bytes > Math.max(LEAST_BYTES, GROWTH * wholeBytes)) return writeWhole();
    let text = "";
    for (const make of noted.values()) text += encodeStateLine(make());
    noted.clear();
    // A character of UTF-16 has three bytes of UTF-8 at most.
    if (buffer.length < 3 * text.length) buffer = Buffer.allocUnsafeSlow(6 * text.length);
    try {
      const added = buffer.subarray(0, buffer.write(text, "utf8"));
      writeAll(fd, added);
      bytes += added.length;
    } catch (error) {
      fail(error);
    }
  }

  writeWhole();
  return {
    note(thing, make) {
      noted.set(thing, make);
      due ??= setTimeout(flush, Math.max(0, writtenAt + PACE_MS - performance.now()));
    },
    flush,
    remove() {
      noted.clear();
      // Also when it can't be written any more: what it says is over.
      if (written) rmSync(path, { force: true });
    },
    [Symbol.dispose]() {
      flush();
      if (fd !== null) closeSync(fd);
      fd = null;
    },
  };
}

function writeAll(fd: number, bytes: Buffer): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
}
