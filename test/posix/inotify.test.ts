/** Removed names: who asked hears of them, through directories that go and come back, and nobody else is woken. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  appendFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { afterEach, expect, test } from "vitest";
import { type NameNews, type NameWatch, watchName } from "../../src/posix/inotify.js";
import { useScratch } from "../logs/scratch.js";
import { until } from "../support/until.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const scratch = useScratch();
const watches: NameWatch[] = [];
afterEach(() => {
  for (const watch of watches.splice(0)) watch[Symbol.dispose]();
});

/** The news of a name. */
function listen(path: string): NameNews[] {
  const heard: NameNews[] = [];
  const watch = watchName(path, (news) => heard.push(news));
  expect(watch.problem).toBeNull();
  watches.push(watch);
  return heard;
}

async function hears(heard: readonly NameNews[], news: readonly NameNews[]): Promise<void> {
  const shown = (): string => `${news} in ${heard}`;
  await until(() => heard.length >= news.length, shown, { everyMs: 2 });
  expect(heard).toEqual(news);
}

/** The watches of every inotify descriptor of this process: `inotify wd:… mask:…` lines. */
function kernelWatches(): string[] {
  return readdirSync("/proc/self/fd").flatMap((fd) => {
    try {
      if (readlinkSync(`/proc/self/fd/${fd}`) !== "anon_inode:inotify") return [];
      const lines = readFileSync(`/proc/self/fdinfo/${fd}`, "utf8").split("\n");
      return lines.filter((line) => line.startsWith("inotify "));
    } catch {
      return []; // the descriptor of readdir itself
    }
  });
}

test("a name is told of when it is deleted, moved away or replaced", async () => {
  const dir = scratch();
  const [a, b] = [join(dir, "a"), join(dir, "b")];
  writeFileSync(a, "");
  const heard = listen(a);
  const other = listen(b);
  unlinkSync(a);
  writeFileSync(a, "new");
  appendFileSync(a, "more");
  renameSync(a, join(dir, "a.1"));
  renameSync(join(dir, "a.1"), a);
  await hears(heard, ["deleted", "moved away", "replaced"]);
  expect(other).toEqual([]);
});

test("one watch serves all names of a directory, by whatever path, and writing is not in it", async () => {
  const before = kernelWatches().length;
  const dir = scratch();
  const link = join(scratch(), "link");
  symlinkSync(dir, link);
  const names = Array.from({ length: 100 }, (_, at) => join(at % 2 === 0 ? dir : link, `n${at}`));
  const heard = names.map(listen);
  const now = kernelWatches();
  expect(now.length).toBe(before + 1);
  const mask = Number.parseInt(/mask:([0-9a-f]+)/.exec(now.at(-1) ?? "")?.[1] ?? "", 16);
  // IN_ACCESS, IN_MODIFY, IN_ATTRIB, IN_CLOSE, IN_OPEN, IN_CREATE
  expect(mask & 0x13f).toBe(0);
  writeFileSync(join(dir, "n7"), "");
  unlinkSync(join(dir, "n7"));
  await hears(heard[7] ?? [], ["deleted"]);
  expect(heard.filter(({ length }) => length > 0).length).toBe(1);
  for (const watch of watches.splice(0)) watch[Symbol.dispose]();
  expect(kernelWatches().length).toBe(0);
});

test("a directory that goes is told of, and again when it is back, with its names", async () => {
  const dir = scratch();
  const inner = join(dir, "x", "y");
  const file = join(inner, "f");
  mkdirSync(inner, { recursive: true });
  writeFileSync(file, "");
  const heard = listen(file);
  rmSync(join(dir, "x"), { recursive: true });
  await hears(heard, ["deleted", "directory gone"]);
  mkdirSync(join(dir, "x"));
  mkdirSync(join(dir, "elsewhere"));
  renameSync(join(dir, "elsewhere"), inner);
  await hears(heard, ["deleted", "directory gone", "directory back"]);
  writeFileSync(file, "");
  unlinkSync(file);
  await hears(heard, ["deleted", "directory gone", "directory back", "deleted"]);
  expect(kernelWatches().length).toBe(1);
});

test("a directory that is moved away and replaced at once", async () => {
  const dir = scratch();
  const inner = join(dir, "x");
  mkdirSync(inner);
  const heard = listen(join(inner, "f"));
  renameSync(inner, join(dir, "old"));
  mkdirSync(inner);
  await hears(heard, ["directory gone", "directory back"]);
  writeFileSync(join(dir, "old", "f"), "");
  unlinkSync(join(dir, "old", "f"));
  writeFileSync(join(inner, "f"), "");
  unlinkSync(join(inner, "f"));
  await hears(heard, ["directory gone", "directory back", "deleted"]);
});

test("a directory that was never there is waited for", async () => {
  const dir = scratch();
  const heard = listen(join(dir, "a", "b", "f"));
  mkdirSync(join(dir, "a", "b"), { recursive: true });
  await hears(heard, ["directory back"]);
});

test("a directory that somebody stands in leaves without a word, until it is asked for", async () => {
  const dir = scratch();
  const inner = join(dir, "x");
  mkdirSync(inner);
  const heard = listen(join(inner, "f"));
  const home = process.cwd();
  process.chdir(inner);
  try {
    rmSync(inner, { recursive: true });
    watches[0]?.verify();
    expect(heard).toEqual(["directory gone"]);
  } finally {
    process.chdir(home);
  }
  mkdirSync(inner);
  await hears(heard, ["directory gone", "directory back"]);
});

test("who throws keeps nobody from hearing, and who stops listening hears no more", async () => {
  const dir = scratch();
  const path = join(dir, "f");
  writeFileSync(path, "");
  const heard: string[] = [];
  const first = watchName(path, () => {
    heard.push("first");
    second[Symbol.dispose]();
  });
  const second = watchName(path, () => heard.push("second"));
  watches.push(first, second);
  unlinkSync(path);
  await until(() => heard.length >= 1, "the first news", { everyMs: 2 });
  writeFileSync(path, "");
  unlinkSync(path);
  await until(() => heard.length >= 2, "the second news", { everyMs: 2 });
  expect(heard).toEqual(["first", "first"]);
});

test("more news than the kernel keeps is told as such", async () => {
  const dir = scratch();
  const heard = listen(join(dir, "f"));
  const most = Number(readFileSync("/proc/sys/fs/inotify/max_queued_events", "utf8"));
  const path = join(dir, "noise");
  // The kernel merges equal events in a row.
  for (let at = 0; at <= most / 2 + 1; at += 1) {
    writeFileSync(path, "");
    renameSync(path, `${path}${at % 2}`);
  }
  await until(() => heard.includes("overflow"), "overflow");
  expect(heard).toEqual(["overflow"]);
});

test.runIf(process.getuid?.() === 0)("a directory that can't be watched is told to whoever asks", () => {
  const script = `
    import("./dist/posix/inotify.js").then(({ watchName }) => {
      process.setuid(65534);
      const watch = watchName(${JSON.stringify(join(scratch(), "f"))}, () => {});
      console.log(watch.problem);
    });`;
  const { stdout } = spawnSync(process.execPath, ["-e", script], { cwd: root, encoding: "utf8" });
  expect(stdout).toBe("EACCES\n");
});

test("off the main thread nothing is watched, and nothing is wrong", async () => {
  const worker = new Worker(
    `import("${root}/dist/posix/inotify.js").then(({ watchName }) => {
      const watch = watchName("/tmp/never", () => {});
      require("node:worker_threads").parentPort.postMessage(watch.problem);
      watch[Symbol.dispose]?.();
    });`,
    { eval: true },
  );
  expect(await new Promise((resolve) => worker.once("message", resolve))).toBeNull();
  await worker.terminate();
});

test("a storm of removals beside a name wakes nobody each time, and the name is still told of", async () => {
  const dir = scratch();
  const kept = join(dir, "kept");
  writeFileSync(kept, "");
  const heard = listen(kept);
  const script = `
    const fs = require("node:fs");
    const end = Date.now() + 1500;
    while (Date.now() < end) { fs.writeFileSync("other", ""); fs.unlinkSync("other"); }`;
  const storm = spawn(process.execPath, ["-e", script], { cwd: dir, stdio: "ignore" });
  await once(storm, "spawn");
  const before = performance.nodeTiming.uvMetricsInfo.loopCount;
  await once(storm, "exit");
  expect(performance.nodeTiming.uvMetricsInfo.loopCount - before).toBeLessThan(300);
  unlinkSync(kept);
  await until(() => heard.includes("deleted"), "the removal", { everyMs: 2 });
  // The storm may have been more than the kernel keeps.
  expect(heard.filter((news) => news !== "overflow")).toEqual(["deleted"]);
});
