/** Names that are kept: what is said, how often, and what happens when they can't be had again. */
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, expect, test } from "vitest";
import { type KeptName, keepName, type Restored } from "../../src/posix/keep-name.js";
import { useScratch } from "../logs/scratch.js";
import { until } from "../support/until.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const scratch = useScratch();
const kept: KeptName[] = [];
afterEach(() => {
  for (const each of kept.splice(0)) each[Symbol.dispose]();
});

/** Keeps a name; `restore` is told how often it was asked. */
function keep(path: string, restore: (asked: number) => Restored): { said: string[]; asked: () => number } {
  const said: string[] = [];
  let asked = 0;
  const keeping = {
    path,
    what: "thing",
    restore: () => {
      asked += 1;
      return restore(asked);
    },
    say: (text: string) => said.push(text),
  };
  kept.push(keepName(keeping));
  return { said, asked: () => asked };
}

test("a name is looked at once for many news that come together", async () => {
  const path = join(scratch(), "name");
  const { said, asked } = keep(path, () => "made again");
  for (let times = 0; times < 100; times += 1) {
    fs.writeFileSync(path, "");
    fs.unlinkSync(path);
  }
  await until(() => said.length > 0, "said", { everyMs: 5 });
  expect(asked()).toBe(1);
  expect(said).toEqual([`thing ${path} was removed and is made again`]);
});

test("what stands in the way is said once, and it is tried again until it is gone", async () => {
  const path = join(scratch(), "name");
  fs.writeFileSync(path, "");
  const { said } = keep(path, (asked) => {
    if (asked < 3) throw Object.assign(new Error("full"), { code: "ENOSPC" });
    return "made again";
  });
  fs.unlinkSync(path);
  await until(() => said.length > 1, "said", { everyMs: 20 });
  expect(said).toEqual([
    `thing ${path} can't be made again: ENOSPC`,
    `thing ${path} was removed and is made again`,
  ]);
});

test("what is somebody else's is said once, and again after it was ours", async () => {
  const path = join(scratch(), "name");
  const answers: Restored[] = [
    { problem: "is theirs" },
    { problem: "is theirs" },
    "fine",
    { problem: "is theirs" },
  ];
  const { said, asked } = keep(path, (count) => answers[count - 1] ?? "fine");
  for (let times = 1; times <= 4; times += 1) {
    fs.writeFileSync(path, "");
    fs.unlinkSync(path);
    await until(() => asked() === times, `asked ${times} times`, { everyMs: 5 });
  }
  expect(said).toEqual([`thing ${path} is theirs`, `thing ${path} is theirs`]);
});

test.runIf(process.getuid?.() === 0)(
  "a directory that can't be watched is said once for all its names",
  () => {
    const directory = scratch();
    const script = `
    import("./dist/posix/keep-name.js").then(({ keepName }) => {
      process.setuid(65534);
      for (const name of ["a", "b", "c"])
        keepName({
          path: ${JSON.stringify(directory)} + "/" + name,
          what: "thing",
          restore: () => "fine",
          say: (text) => console.log(text),
        });
    });`;
    const { stdout } = spawnSync(process.execPath, ["-e", script], { cwd: root, encoding: "utf8" });
    expect(stdout).toBe(
      `what is removed from ${directory} will not come back by itself: it can't be watched (EACCES)\n`,
    );
  },
);
