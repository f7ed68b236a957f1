/**
 * `tail -f` for a log that rotates. The kernel tells when something happened (inotify, through fs.watch), and
 * each time one round looks at all there is to see: what the open file has more, whether it shrank, whether
 * the path names another file by now. Only where watching is impossible does a slow timer take its place.
 */
import fs from "node:fs";
import { type FileHandle, open, stat } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { type Guarded, O_PATH, openGuarded } from "../posix/guarded.js";
import { codeOf } from "./trouble.js";

export interface FollowOptions {
  /** Begin this many bytes before the end. */
  readonly from: number;
  /** The bytes are the listener's own. Nothing more is read until what it returns has settled. */
  readonly onData: (bytes: Buffer) => void | Promise<void>;
  /** The file became shorter in place; goes on from its start. By default `onData` gets Supervisor's line. */
  readonly onTruncated?: () => void | Promise<void>;
  readonly signal: AbortSignal;
}

export const TRUNCATED = "==> File truncated <==\n";
const CHUNK_BYTES = 65_536;
const POLL_MS = 1000;

/** Follows until aborted, then resolves. Rejects where the log exists but cannot be read, or a listener fails. */
export async function followLog(path: string, options: FollowOptions): Promise<void> {
  const { from, signal } = options;
  const truncated = options.onTruncated ?? (() => options.onData(Buffer.from(TRUNCATED)));
  const bell = createBell(path, signal);
  let file: FileHandle | null = null;
  let position = 0;

  /** Hands on what the open file has beyond the position. */
  async function drain(handle: FileHandle): Promise<void> {
    for (;;) {
      if (signal.aborted) return;
      const { bytesRead, buffer } = await handle.read(
        Buffer.allocUnsafe(CHUNK_BYTES),
        0,
        CHUNK_BYTES,
        position,
      );
      if (bytesRead === 0) return;
      position += bytesRead;
      if (signal.aborted) return;
      await options.onData(buffer.subarray(0, bytesRead));
    }
  }

  /** One look at everything. True when there may be more at once. */
  async function round(): Promise<boolean> {
    if (file === null) {
      file = await openFollowed(path);
      position = 0;
      return file !== null;
    }
    await drain(file);
    const mine = await file.stat();
    if (mine.size < position) {
      position = 0;
      await truncated();
      return true;
    }
    const there = await statOrNull(path);
    if (there === null || (there.ino === mine.ino && there.dev === mine.dev)) return false;
    const next = await openFollowed(path);
    if (next === null) return false;
    // The old file's last words, written before it was replaced.
    await drain(file);
    await file.close();
    file = next;
    position = 0;
    return true;
  }

  try {
    bell.listen();
    file = await openFollowed(path);
    if (file !== null) position = Math.max((await file.stat()).size - from, 0);
    while (!signal.aborted) {
      if (await round()) continue;
      await bell.wait();
      bell.listen();
    }
  } finally {
    bell.close();
    await (file as FileHandle | null)?.close();
  }
}

/** Null when there is none, or when it is a device: those have no past and no size to follow. */
async function openFollowed(path: string): Promise<FileHandle | null> {
  const there = await statOrNull(path);
  if (there === null || !there.isFile()) return null;
  let guarded: Guarded | null = null;
  try {
    guarded = openGuarded(path, O_PATH);
    return await open(`/proc/self/fd/${guarded.fd}`, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
  } catch (error) {
    // A thing that somebody else has put there is not this log either.
    if (isMissing(error) || codeOf(error) === "ELOOP" || codeOf(error) === "EMLINK") return null;
    throw error;
  } finally {
    if (guarded !== null) fs.closeSync(guarded.fd);
  }
}

async function statOrNull(path: string): Promise<fs.Stats | null> {
  try {
    return await stat(path);
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR");
}

interface Bell {
  /** Makes sure the watches are on what the path means now. Call before looking, so that nothing is missed. */
  listen(): void;
  /** Settles when something happened since the last wait. */
  wait(): Promise<void>;
  close(): void;
}

interface Watch {
  readonly id: string;
  readonly watcher: fs.FSWatcher;
}

/** Rings when the file at `path` is written, replaced or appears. */
function createBell(path: string, signal: AbortSignal): Bell {
  const directory = dirname(path);
  const name = basename(path);
  // The file for what is written to it (a link may lead elsewhere), its directory for what replaces it.
  const watches = new Map<string, Watch>();
  let rung = false;
  let wake: (() => void) | null = null;
  let poll: NodeJS.Timeout | null = null;

  function ring(): void {
    rung = true;
    wake?.();
    wake = null;
  }

  function unwatch(target: string): void {
    watches.get(target)?.watcher.close();
    watches.delete(target);
  }

  /** False when it cannot be watched. */
  function watch(target: string, only: string | null): boolean {
    try {
      const there = fs.statSync(target);
      const id = `${there.dev}:${there.ino}`;
      if (watches.get(target)?.id === id) return true;
      unwatch(target);
      const watcher = fs.watch(target, { persistent: false }, (_event, changed) => {
        if (only === null || changed === null || changed === only) ring();
      });
      watcher.on("error", () => {
        unwatch(target);
        ring();
      });
      watches.set(target, { id, watcher });
      return true;
    } catch {
      unwatch(target);
      return false;
    }
  }

  function listen(): void {
    if (signal.aborted) return;
    const before = new Map(watches);
    const directoryWatched = watch(directory, name);
    // A missing file is what its directory tells of.
    const watched = directoryWatched && (watch(path, null) || !fs.existsSync(path));
    if (poll !== null) clearInterval(poll);
    poll = watched ? null : setInterval(ring, POLL_MS);
    poll?.unref();
    // What happened before a new watch was there went unheard.
    for (const [target, { id }] of watches) if (before.get(target)?.id !== id) rung = true;
  }

  signal.addEventListener("abort", ring, { once: true });
  return {
    listen,
    async wait() {
      if (!rung) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      rung = false;
    },
    close() {
      signal.removeEventListener("abort", ring);
      for (const target of [...watches.keys()]) unwatch(target);
      if (poll !== null) clearInterval(poll);
    },
  };
}
