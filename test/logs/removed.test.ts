/** A log that somebody removes is made again, by itself; one that is renamed is left alone. */
import fs from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { until } from "../support/until.js";
import { useScratch } from "./scratch.js";
import { useToldLogs } from "./told-log.js";

const scratch = useScratch();
const openLog = useToldLogs();

function appears(path: string): Promise<unknown> {
  return until(() => fs.existsSync(path), `${path} again`, { everyMs: 5 });
}

/** Long enough for what is made again to be there: another log, removed later, is back. */
async function aWhile(): Promise<void> {
  const path = join(scratch(), "clock");
  openLog(path);
  fs.unlinkSync(path);
  await appears(path);
}

test("a removed log is made again without a write, and told", async () => {
  const path = join(scratch(), "log");
  const { log, said } = openLog(path);
  log.write("old");
  fs.unlinkSync(path);
  await appears(path);
  log.write("new");
  expect(fs.readFileSync(path, "utf8")).toBe("new");
  expect(said).toEqual([`+ log ${path} was removed and is made again`]);
  fs.unlinkSync(path);
  await appears(path);
  expect(said.length).toBe(2);
});

test("renaming, rotating and clearing are no removal", async () => {
  const directory = scratch();
  const path = join(directory, "log");
  const { log, said } = openLog(path, { maxbytes: 5, backups: 1 });
  for (const word of ["12345", "12345", "1"]) log.write(word);
  log.clear();
  log.write("2");
  await aWhile();
  fs.renameSync(path, join(directory, "renamed"));
  await aWhile();
  log.write("3");
  expect(fs.existsSync(path)).toBe(false);
  expect(fs.readFileSync(join(directory, "renamed"), "utf8")).toBe("23");
  expect(said).toEqual([]);
});

test("a log that another file was renamed over goes on in that one", async () => {
  const directory = scratch();
  const path = join(directory, "log");
  const { log, said } = openLog(path);
  log.write("old\n");
  fs.writeFileSync(join(directory, "edited"), "edited\n");
  fs.renameSync(join(directory, "edited"), path);
  await until(() => said.length > 0, "said", { everyMs: 5 });
  log.write("new\n");
  expect(fs.readFileSync(path, "utf8")).toBe("edited\nnew\n");
});

test("a removed directory is waited for", async () => {
  const directory = join(scratch(), "logs");
  fs.mkdirSync(directory);
  const path = join(directory, "log");
  const { log, said } = openLog(path);
  fs.rmSync(directory, { recursive: true });
  await until(() => said.length > 0, "said", { everyMs: 5 });
  fs.mkdirSync(directory);
  await appears(path);
  log.write("new");
  expect(fs.readFileSync(path, "utf8")).toBe("new");
  expect(said).toEqual([
    `- cannot reopen log ${path}: ENOENT: no such file or directory`,
    `+ can reopen log ${path} again`,
  ]);
});

test("the file behind one's own link is made again where it was", async () => {
  const [directory, other] = [scratch(), scratch()];
  const path = join(directory, "log");
  fs.symlinkSync(join(other, "file"), path);
  const { log } = openLog(path);
  fs.unlinkSync(join(other, "file"));
  await appears(join(other, "file"));
  log.write("new");
  expect(fs.readFileSync(path, "utf8")).toBe("new");
  expect(fs.lstatSync(path).isSymbolicLink()).toBe(true);
});

test("who removes it in a loop gets few lines", async () => {
  const path = join(scratch(), "log");
  const { said } = openLog(path);
  for (let count = 0; count < 8; count += 1) {
    await appears(path);
    fs.unlinkSync(path);
  }
  await appears(path);
  expect(said.length).toBe(5);
  expect(said.at(-1)).toMatch(/no more is said of it while this goes on$/);
});
