import {
  appendFileSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { openLogFile } from "../../src/logs/file.js";
import { type FollowOptions, followLog } from "../../src/logs/follow.js";
import { useScratch } from "./scratch.js";

const scratch = useScratch();
const running: { readonly abort: AbortController; readonly done: Promise<unknown> }[] = [];

afterEach(async () => {
  for (const { abort, done } of running.splice(0)) {
    abort.abort();
    await done;
  }
});

interface Follower {
  /** Settles once everything seen so far ends with this. */
  readonly until: (end: string) => Promise<string>;
  readonly abort: AbortController;
  readonly done: Promise<unknown>;
}

function follow(path: string, options: Partial<FollowOptions> = {}): Follower {
  const abort = new AbortController();
  let seen = "";
  let look = (): void => undefined;
  const done = followLog(path, {
    from: 1024,
    signal: abort.signal,
    onData: (bytes) => {
      seen += bytes.toString("latin1");
      look();
    },
    ...options,
  });
  running.push({ abort, done: done.catch(() => undefined) });
  const until = (end: string): Promise<string> =>
    new Promise((resolve) => {
      look = () => {
        if (seen.endsWith(end)) resolve(seen);
      };
      look();
    });
  return { until, abort, done };
}

test("begins some bytes before the end and goes on with what is written", async () => {
  const path = join(scratch(), "log");
  writeFileSync(path, "0123456789");
  const { until } = follow(path, { from: 4 });
  expect(await until("6789")).toBe("6789");
  appendFileSync(path, "abc");
  expect(await until("abc")).toBe("6789abc");
});

test("goes on through rotation, with the last words of the old file and all of the new one", async () => {
  const path = join(scratch(), "log");
  const log = openLogFile(path, { maxbytes: 100, backups: 200 });
  const { until } = follow(path);
  let whole = "";
  for (let count = 0; count < 40; count += 1) {
    const line = `${count} ${"x".repeat(30)}\n`;
    whole += line;
    log.write(line);
    await until(line);
  }
  log.close();
  expect(await until("\n")).toBe(whole);
});

test("goes on with the new file after clear", async () => {
  const path = join(scratch(), "log");
  const log = openLogFile(path, { maxbytes: 0, backups: 0 });
  log.write("old\n");
  const { until } = follow(path);
  await until("old\n");
  log.clear();
  log.write("new\n");
  expect(await until("new\n")).toBe("old\nnew\n");
  log.close();
});

test("says that the file was truncated in place and goes on from its start", async () => {
  const path = join(scratch(), "log");
  writeFileSync(path, "before\n");
  const { until } = follow(path);
  await until("before\n");
  truncateSync(path);
  await until("==> File truncated <==\n");
  appendFileSync(path, "after\n");
  expect(await until("after\n")).toBe("before\n==> File truncated <==\nafter\n");
});

test("tells truncation to whoever asked for it", async () => {
  const path = join(scratch(), "log");
  writeFileSync(path, "before\n");
  const { promise, resolve } = withResolvers();
  const { until } = follow(path, { onTruncated: resolve });
  await until("before\n");
  truncateSync(path);
  await promise;
  appendFileSync(path, "after\n");
  expect(await until("after\n")).toBe("before\nafter\n");
});

test("waits for a file that is not there yet, or not there for a while", async () => {
  const path = join(scratch(), "log");
  const { until } = follow(path);
  writeFileSync(path, "one ");
  await until("one ");
  unlinkSync(path);
  writeFileSync(path, "two ");
  expect(await until("two ")).toBe("one two ");
});

test("survives that the whole directory is moved away and made again", async () => {
  const parent = scratch();
  const directory = join(parent, "logs");
  const path = join(directory, "log");
  mkdirSync(directory);
  writeFileSync(path, "one ");
  const { until } = follow(path);
  await until("one ");
  renameSync(directory, join(parent, "moved"));
  appendFileSync(join(parent, "moved", "log"), "two ");
  await until("two ");
  mkdirSync(directory);
  writeFileSync(path, "three ");
  expect(await until("three ")).toBe("one two three ");
});

test("follows a link to where the log really is", async () => {
  const directory = scratch();
  mkdirSync(join(directory, "elsewhere"));
  writeFileSync(join(directory, "elsewhere", "target"), "one ");
  symlinkSync(join("elsewhere", "target"), join(directory, "log"));
  const { until } = follow(join(directory, "log"));
  await until("one ");
  appendFileSync(join(directory, "elsewhere", "target"), "two ");
  expect(await until("two ")).toBe("one two ");
});

test("reads no further while the listener is busy", async () => {
  const path = join(scratch(), "log");
  writeFileSync(path, "x".repeat(200_000));
  const sizes: number[] = [];
  const first = withResolvers();
  const release = withResolvers();
  const rest = withResolvers();
  follow(path, {
    from: 200_000,
    onData: async (bytes) => {
      sizes.push(bytes.length);
      first.resolve();
      if (sizes.reduce((sum, size) => sum + size, 0) === 200_000) rest.resolve();
      await release.promise;
    },
  });
  await first.promise;
  await new Promise((resolve) => setImmediate(resolve));
  expect(sizes).toEqual([65_536]);
  release.resolve();
  await rest.promise;
  expect(sizes).toEqual([65_536, 65_536, 65_536, 3_392]);
});

test("ends when aborted, also while it waits, and follows nothing when aborted before", async () => {
  const path = join(scratch(), "log");
  writeFileSync(path, "one ");
  const { until, abort, done } = follow(path);
  await until("one ");
  abort.abort();
  await done;
  const seen: string[] = [];
  const signal = AbortSignal.abort();
  await followLog(path, { from: 10, signal, onData: (bytes) => void seen.push(bytes.toString()) });
  expect(seen).toEqual([]);
});

test("a device has nothing to follow", async () => {
  const { abort, done } = follow("/dev/null");
  abort.abort();
  await done;
});

test("a listener that fails ends it with its error", async () => {
  const path = join(scratch(), "log");
  writeFileSync(path, "one");
  const { done } = follow(path, { onData: () => Promise.reject(new Error("hung up")) });
  await expect(done).rejects.toThrow("hung up");
});

test("a path whose directory never existed can be followed until aborted", async () => {
  const directory = scratch();
  const path = join(directory, "later", "log");
  const { until } = follow(path);
  mkdirSync(join(directory, "later"));
  writeFileSync(path, "at last");
  expect(await until("at last")).toBe("at last");
  rmSync(join(directory, "later"), { recursive: true });
});

function withResolvers(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
