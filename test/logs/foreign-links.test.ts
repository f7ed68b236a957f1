/** A link that the program's user puts in the log's place leads root nowhere, whatever is done with the log. */
import fs from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { cleanAutoLogs, createAutoLog } from "../../src/logs/auto.js";
import { followLog } from "../../src/logs/follow.js";
import { readLog, tailLog } from "../../src/logs/tail.js";
import { useScratch } from "./scratch.js";
import { useToldLogs } from "./told-log.js";

const NOBODY = 65_534;
const scratch = useScratch();
const openLog = useToldLogs();
const asRoot = test.runIf(process.getuid?.() === 0);

interface Stage {
  /** A directory of the user nobody; `plant` puts that user's link in it. */
  readonly directory: string;
  readonly path: string;
  readonly secret: string;
  plant(): void;
}

function stage(): Stage {
  const directory = scratch();
  fs.chownSync(directory, NOBODY, NOBODY);
  const secret = join(scratch(), "secret");
  fs.writeFileSync(secret, "root's\n", { mode: 0o600 });
  const path = join(directory, "log");
  return {
    directory,
    path,
    secret,
    plant() {
      if (fs.existsSync(path)) fs.renameSync(path, join(directory, "old"));
      fs.symlinkSync(secret, path);
      fs.lchownSync(path, NOBODY, NOBODY);
    },
  };
}

function expectUntouched({ secret }: Stage): void {
  expect(fs.readFileSync(secret, "utf8")).toBe("root's\n");
}

asRoot("rotation renames the link away and goes on with a file", () => {
  const place = stage();
  const { log, said } = openLog(place.path, { maxbytes: 10, backups: 2 });
  log.write("12345");
  place.plant();
  log.write("67890");
  log.write("x");
  expectUntouched(place);
  expect(fs.readFileSync(place.path, "utf8")).toBe("x");
  expect(fs.readlinkSync(`${place.path}.1`)).toBe(place.secret);
  log.write("1234567890");
  expectUntouched(place);
  expect(said).toEqual([]);
});

asRoot("rotation without copies removes the link", () => {
  const place = stage();
  const { log } = openLog(place.path, { maxbytes: 10, backups: 0 });
  place.plant();
  log.write("1234567890");
  log.write("x");
  expectUntouched(place);
  expect(fs.lstatSync(place.path).isFile()).toBe(true);
  expect(fs.readFileSync(place.path, "utf8")).toBe("x");
});

asRoot("a reopened log stays where it is and says so", () => {
  const place = stage();
  const { log, said, wait } = openLog(place.path);
  place.plant();
  log.reopen();
  log.write("1");
  wait(1000);
  log.write("2");
  expectUntouched(place);
  expect(fs.readFileSync(join(place.directory, "old"), "utf8")).toBe("12");
  expect(said).toEqual([
    `- cannot reopen log ${place.path}: ELOOP: a link made by uid ${NOBODY} is not followed`,
  ]);
  fs.unlinkSync(place.path);
  wait(1000);
  log.write("3");
  expect(fs.readFileSync(place.path, "utf8")).toBe("3");
});

asRoot("clear removes the link", () => {
  const place = stage();
  const { log } = openLog(place.path);
  place.plant();
  log.clear();
  log.write("x");
  expectUntouched(place);
  expect(fs.readFileSync(place.path, "utf8")).toBe("x");
});

asRoot("a link that is there first is not opened, nor is one to a file that isn't there yet", () => {
  const place = stage();
  place.plant();
  expect(() => openLog(place.path)).toThrow(expect.objectContaining({ code: "ELOOP" }));
  fs.rmSync(place.secret);
  expect(() => openLog(place.path)).toThrow(expect.objectContaining({ code: "ELOOP" }));
  expect(fs.existsSync(place.secret)).toBe(false);
});

asRoot("a directory on the way that becomes a link: nothing is written, renamed or removed behind it", () => {
  const place = stage();
  const inner = join(place.directory, "inner");
  fs.mkdirSync(inner);
  const root = scratch();
  for (const name of ["log", "log.1", "a-stdout---s-abcdefgh.log"]) fs.writeFileSync(join(root, name), name);
  const { log, said, wait } = openLog(join(inner, "log"), { maxbytes: 10, backups: 3 });
  fs.renameSync(inner, join(place.directory, "away"));
  fs.symlinkSync(root, inner);
  fs.lchownSync(inner, NOBODY, NOBODY);
  for (const word of ["1234567890", "1234567890"]) {
    log.write(word);
    wait(1000);
    log.reopen();
  }
  expect(() => log.clear()).toThrow(expect.objectContaining({ code: "ELOOP" }));
  expect(cleanAutoLogs(inner, "s")).toEqual(["Could not clear childlog dir"]);
  expect(() =>
    createAutoLog({ childlogdir: inner, identifier: "s", process: "p", channel: "stdout" }),
  ).toThrow(expect.objectContaining({ code: "ELOOP" }));
  const left = fs.readdirSync(root).map((name) => [name, fs.readFileSync(join(root, name), "utf8")]);
  expect(left.sort()).toEqual(["a-stdout---s-abcdefgh.log", "log", "log.1"].map((name) => [name, name]));
  expect(said.length).toBeLessThanOrEqual(2);
});

asRoot("who reads a log is not shown what such a link leads to", async () => {
  const place = stage();
  place.plant();
  expect(() => readLog(place.path, 0, 0)).toThrow(expect.objectContaining({ fault: "FAILED" }));
  expect(tailLog(place.path, 0, 100).bytes).toHaveLength(0);
  const stop = new AbortController();
  let seen = "";
  const following = followLog(place.path, {
    from: 1000,
    onData: (bytes) => {
      seen += bytes.toString();
      if (seen.includes("true")) stop.abort();
    },
    signal: stop.signal,
  });
  fs.unlinkSync(place.path);
  fs.writeFileSync(place.path, "true\n");
  await following;
  expect(seen).toBe("true\n");
});

asRoot("rotation takes another name of root's file for such a link", () => {
  const place = stage();
  const { log, said } = openLog(place.path, { maxbytes: 10, backups: 1 });
  const secret = join(place.directory, "..", `${Date.now()}-linked`);
  fs.writeFileSync(secret, "root's\n");
  try {
    fs.renameSync(place.path, join(place.directory, "old"));
    fs.linkSync(secret, place.path);
    log.write("1234567890");
    log.write("x");
    expect(fs.readFileSync(secret, "utf8")).toBe("root's\n");
    expect(fs.readFileSync(place.path, "utf8")).toBe("x");
    expect(said).toEqual([]);
  } finally {
    fs.rmSync(secret);
  }
});

asRoot("another name of root's file is not written either", () => {
  const place = stage();
  const other = join(place.directory, "..", `${Date.now()}-secret`);
  fs.writeFileSync(other, "root's\n", { mode: 0o600 });
  try {
    fs.linkSync(other, place.path);
    expect(() => openLog(place.path)).toThrow(expect.objectContaining({ code: "EMLINK" }));
    expect(() => readLog(place.path, 0, 0)).toThrow(expect.objectContaining({ fault: "FAILED" }));
    expect(fs.readFileSync(other, "utf8")).toBe("root's\n");
  } finally {
    fs.rmSync(other);
  }
});
