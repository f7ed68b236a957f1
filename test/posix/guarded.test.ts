/** Links of others are followed nowhere, one's own everywhere, with openat2 and without. */
import { spawn } from "node:child_process";
import fs from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test, vi } from "vitest";
import * as guarded from "../../src/posix/guarded.js";
import { outputPipe } from "../../src/posix/pipe.js";
import { useScratch } from "../logs/scratch.js";
import { until } from "../support/until.js";

const NOBODY = 65_534;
const { O_APPEND, O_CREAT, O_EXCL, O_RDONLY, O_WRONLY } = fs.constants;
const APPEND = O_WRONLY | O_CREAT | O_APPEND;
const scratch = useScratch();
const asRoot = test.runIf(process.getuid?.() === 0);

/** The same module on a kernel that doesn't know openat2. */
async function onOldKernel(): Promise<typeof guarded> {
  vi.resetModules();
  vi.doMock("../../src/posix/libc.js", async (load) => ({
    ...(await load<typeof import("../../src/posix/libc.js")>()),
    syscall: () => -1,
    lastErrno: () => "ENOSYS",
  }));
  return await import("../../src/posix/guarded.js");
}

afterEach(() => {
  vi.doUnmock("../../src/posix/libc.js");
});

function foreignLink(target: string, path: string): void {
  fs.symlinkSync(target, path);
  fs.lchownSync(path, NOBODY, NOBODY);
}

/** A directory of somebody else's. */
function foreignDirectory(): string {
  const directory = scratch();
  fs.chmodSync(directory, 0o755);
  fs.chownSync(directory, NOBODY, NOBODY);
  return directory;
}

function refused(code: string): unknown {
  return expect.objectContaining({ code });
}

describe.each([
  ["with openat2", () => Promise.resolve(guarded)],
  ["without openat2", onOldKernel],
])("%s", (_name, load) => {
  async function write(path: string, text: string): Promise<void> {
    const { fd } = (await load()).openGuarded(path, APPEND, 0o640);
    fs.writeSync(fd, text);
    fs.closeSync(fd);
  }

  test("a file is created with its mode, and opened", async () => {
    const path = join(scratch(), "log");
    await write(path, "a");
    await write(path, "b");
    expect(fs.readFileSync(path, "utf8")).toBe("ab");
    expect(fs.statSync(path).mode & 0o777).toBe(0o640);
    const { openGuarded } = await load();
    expect(() => openGuarded(path, O_WRONLY | O_CREAT | O_EXCL, 0o600)).toThrow(refused("EEXIST"));
  });

  test("own links lead on: relative, absolute, over directories, dangling", async () => {
    const [place, other] = [scratch(), scratch()];
    fs.mkdirSync(join(other, "deep"));
    fs.symlinkSync(join(other, "deep"), join(place, "absolute"));
    fs.symlinkSync("absolute/../deep", join(place, "relative"));
    fs.symlinkSync("./relative/file", join(place, "dangling"));
    await write(join(place, "absolute", "one"), "1");
    await write(`${place}/relative/../deep/two`, "2");
    await write(join(place, "dangling"), "3");
    const names = ["one", "two", "file"];
    expect(names.map((name) => fs.readFileSync(join(other, "deep", name), "utf8"))).toEqual(["1", "2", "3"]);
  });

  test("a circle of links, a missing directory, a file as a directory, an empty path", async () => {
    const { openGuarded } = await load();
    const place = scratch();
    fs.symlinkSync("b", join(place, "a"));
    fs.symlinkSync("a", join(place, "b"));
    fs.writeFileSync(join(place, "file"), "");
    fs.symlinkSync("nowhere/log", join(place, "to-nowhere"));
    expect(() => openGuarded(join(place, "a"), O_RDONLY)).toThrow(refused("ELOOP"));
    expect(() => openGuarded(join(place, "no", "log"), APPEND)).toThrow(refused("ENOENT"));
    expect(() => openGuarded(join(place, "to-nowhere"), APPEND)).toThrow(refused("ENOENT"));
    expect(() => openGuarded(join(place, "file", "log"), APPEND)).toThrow(refused("ENOTDIR"));
    expect(() => openGuarded("", APPEND)).toThrow(refused("ENOENT"));
    expect(() => openGuarded(place, APPEND)).toThrow(refused("EISDIR"));
  });

  asRoot("a link of somebody else is not followed, nor one behind one's own", async () => {
    const { openGuarded, openDirectory, readOwnLink } = await load();
    const place = foreignDirectory();
    const secret = join(scratch(), "secret");
    fs.writeFileSync(secret, "root's\n", { mode: 0o600 });
    foreignLink(secret, join(place, "log"));
    foreignLink(join(secret, ".."), join(place, "way"));
    fs.symlinkSync(join(place, "log"), join(place, "own"));
    for (const path of ["log", "way/secret", "own", "way/new"]) {
      for (const flags of [APPEND, O_RDONLY, guarded.O_PATH])
        expect(() => openGuarded(join(place, path), flags, 0o600)).toThrow(refused("ELOOP"));
    }
    expect(() => openDirectory(join(place, "way"))).toThrow(refused("ELOOP"));
    expect(readOwnLink(join(place, "log"))).toBeNull();
    expect(readOwnLink(join(place, "own"))).toBe(join(place, "log"));
    expect(fs.readFileSync(secret, "utf8")).toBe("root's\n");
  });

  asRoot("a link of somebody else is followed to what is that user's own", async () => {
    const { openGuarded } = await load();
    const place = foreignDirectory();
    fs.mkdirSync(join(place, "releases"));
    fs.chownSync(join(place, "releases"), NOBODY, NOBODY);
    foreignLink("releases", join(place, "current"));
    foreignLink("current/log", join(place, "log"));
    // A file that isn't there is nobody's, and one that root makes is root's.
    expect(() => openGuarded(join(place, "log"), APPEND)).toThrow(refused("ELOOP"));
    await write(join(place, "current", "log"), "1");
    expect(() => openGuarded(join(place, "log"), APPEND)).toThrow(refused("ELOOP"));
    fs.chownSync(join(place, "releases", "log"), NOBODY, NOBODY);
    await write(join(place, "log"), "2");
    expect(fs.readFileSync(join(place, "releases", "log"), "utf8")).toBe("12");
  });

  asRoot("links of links end, however they are laid", async () => {
    const { openGuarded } = await load();
    const place = foreignDirectory();
    for (let at = 0; at < 60; at += 1) foreignLink(`l${at + 1}/../l${at + 1}`, join(place, `l${at}`));
    foreignLink("b", join(place, "a"));
    foreignLink("a", join(place, "b"));
    for (const name of ["l0", "a", "l0/log"])
      expect(() => openGuarded(join(place, name), APPEND)).toThrow(refused("ELOOP"));
  });

  test("another name of a file counts where others can give it one", async () => {
    const { openGuarded } = await load();
    const place = scratch();
    const file = join(place, "file");
    fs.writeFileSync(file, "");
    fs.linkSync(file, join(place, "other"));
    fs.closeSync(openGuarded(file, APPEND).fd);
    fs.chmodSync(place, 0o1777);
    expect(() => openGuarded(file, APPEND)).toThrow(refused("EMLINK"));
    expect(() => openGuarded(file, O_RDONLY)).toThrow(refused("EMLINK"));
    fs.symlinkSync(file, join(place, "link"));
    expect(() => openGuarded(join(place, "link"), APPEND)).toThrow(refused("EMLINK"));
  });

  asRoot("another name in somebody else's directory: only of that user's own file", async () => {
    const { openGuarded } = await load();
    const [place, other] = [foreignDirectory(), scratch()];
    fs.writeFileSync(join(other, "secret"), "");
    fs.linkSync(join(other, "secret"), join(place, "log"));
    expect(() => openGuarded(join(place, "log"), APPEND)).toThrow(refused("EMLINK"));
    fs.chownSync(join(place, "log"), NOBODY, NOBODY);
    fs.closeSync(openGuarded(join(place, "log"), APPEND).fd);
    // A second name of root's link says nothing about who put it there.
    fs.symlinkSync(join(other, "secret"), join(other, "link"));
    fs.linkSync(join(other, "link"), join(place, "link"));
    expect(() => openGuarded(join(place, "link"), APPEND)).toThrow(refused("ELOOP"));
  });

  test("the kernel's own links lead to what is open", async () => {
    const { openGuarded } = await load();
    const pipe = outputPipe(null, false);
    try {
      for (const path of [`/proc/self/fd/${pipe.child}`, `/proc/${process.pid}/fd/${pipe.child}`]) {
        const { fd, stat } = openGuarded(path, O_WRONLY | O_APPEND);
        expect(stat.isFIFO()).toBe(true);
        fs.closeSync(fd);
      }
      const { fd } = openGuarded("/proc/self/root/proc/self/status", O_RDONLY);
      fs.closeSync(fd);
    } finally {
      fs.closeSync(pipe.child);
      fs.closeSync(pipe.near);
    }
  });

  test("no descriptor stays open", async () => {
    const { openGuarded } = await load();
    const place = scratch();
    fs.symlinkSync("b", join(place, "a"));
    fs.symlinkSync("a", join(place, "b"));
    fs.symlinkSync(place, join(place, "here"));
    const open = (): number => fs.readdirSync("/proc/self/fd").length;
    const before = open();
    for (const path of ["a", "here/log", "here/no/log", "log/log", "here/here/here/log"]) {
      try {
        fs.closeSync(openGuarded(join(place, path), APPEND, 0o600).fd);
      } catch {
        // not what this is about
      }
    }
    expect(open()).toBe(before);
  });

  asRoot(
    "however fast its owner exchanges a directory or the log for a link",
    { timeout: 60_000 },
    async () => {
      const { openGuarded } = await load();
      const place = foreignDirectory();
      const root = scratch();
      const secret = join(root, "log");
      fs.chmodSync(root, 0o755);
      fs.writeFileSync(secret, "");
      const script = `
      const fs = require("node:fs");
      fs.mkdirSync("real"); fs.symlinkSync(${JSON.stringify(root)}, "false");
      fs.symlinkSync(${JSON.stringify(secret)}, "link"); fs.writeFileSync("file", "");
      console.log("ready");
      for (;;) {
        fs.renameSync("real", "way"); fs.renameSync("file", "log");
        fs.renameSync("way", "real"); fs.renameSync("false", "way");
        fs.renameSync("log", "file"); fs.renameSync("link", "log");
        fs.renameSync("way", "false"); fs.renameSync("log", "link");
      }`;
      const attacker = spawn(process.execPath, ["-e", script], {
        cwd: place,
        uid: NOBODY,
        gid: NOBODY,
        stdio: ["ignore", "pipe", "inherit"],
      });
      try {
        await new Promise((resolve) => attacker.stdout.once("data", resolve));
        let opened = 0;
        let refusals = 0;
        await until(
          () => {
            for (let count = 0; count < 500; count += 1) {
              for (const path of ["way/log", "log"]) {
                try {
                  const { fd } = openGuarded(join(place, path), O_WRONLY | O_APPEND);
                  fs.writeSync(fd, "x");
                  fs.closeSync(fd);
                  opened += 1;
                } catch {
                  refusals += 1;
                }
              }
            }
            return opened > 200 && refusals > 4000;
          },
          () => `opened ${opened}, refused ${refusals}`,
          { everyMs: 0 },
        );
        expect(fs.readFileSync(secret, "utf8")).toBe("");
      } finally {
        attacker.kill("SIGKILL");
        await new Promise((resolve) => attacker.once("close", resolve));
      }
    },
  );
});
