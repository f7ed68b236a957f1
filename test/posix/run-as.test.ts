/** The step that becomes another user: the executables are what their sources say, and say what they could not do. */
import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { needs } from "../support/needs.js";
import { scratch } from "../support/scratch.js";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const root = process.getuid?.() === 0;
const MACHINES = {
  x64: { tools: "x86_64-linux-gnu", qemu: "qemu-x86_64" },
  arm64: { tools: "aarch64-linux-gnu", qemu: "qemu-aarch64" },
} as const;

const file = (arch: string): string => join(ROOT, "bin", `run-as-${arch}`);

for (const [arch, { tools, qemu }] of Object.entries(MACHINES)) {
  const native = arch === process.arch;
  const { test: withAssembler } = needs(native ? "binutils" : `binutils-${tools.replaceAll("_", "-")}`);
  const emulated = native ? test : needs("qemu-user").test;
  const asRoot = root ? emulated : test.skip;
  const command = native ? [] : [qemu];

  describe(`bin/run-as-${arch}`, () => {
    withAssembler("is what the assembler makes of its source", () => {
      using place = scratch();
      const object = join(place.dir, "run-as.o");
      const made = join(place.dir, "run-as");
      execFileSync(`${tools}-as`, ["-o", object, `${arch}.S`], { cwd: join(ROOT, "src/posix/run-as") });
      execFileSync(`${tools}-objcopy`, ["-O", "binary", "-j", ".text", object, made]);
      expect(readFileSync(made).equals(readFileSync(file(arch)))).toBe(true);
    });

    test("can be executed, and is no larger than a page", () => {
      const { mode, size } = statSync(file(arch));
      expect(mode & 0o111).toBe(0o111);
      expect(size).toBeLessThan(4096);
    });

    function run(words: readonly string[], options: { uid?: number; gid?: number } = {}) {
      const [first = "", ...rest] = [...command, file(arch), ...words];
      const { status, stdout, stderr } = spawnSync(first, rest, {
        encoding: "utf8",
        env: { PATH: "/usr/bin:/bin", VALUE: "ü 1" },
        ...options,
      });
      return { status, stdout, stderr };
    }

    const script =
      'cat /proc/self/status | grep -E "^(Uid|Gid|Groups|CapPrm)"; pwd; printf "%s|" "$0" "$@" "$VALUE"';

    asRoot("becomes the user, with its groups, in the directory, with words and environment", () => {
      const { status, stdout } = run([
        "65534",
        "65533",
        "4,33,4294967294",
        "=/usr",
        "/bin/sh",
        "sh",
        "-c",
        script,
        "a b",
        "",
      ]);
      expect(stdout.replaceAll(/[ \t]+/g, " ").split("\n")).toEqual([
        "Uid: 65534 65534 65534 65534",
        "Gid: 65533 65533 65533 65533",
        "Groups: 4 33 4294967294 ",
        "CapPrm: 0000000000000000",
        "/usr",
        "a b||ü 1|",
      ]);
      expect(status).toBe(0);
    });

    asRoot("takes an empty list of groups, and no directory", () => {
      const { stdout } = run(["1", "2", "", "", "/bin/sh", "-sh", "-c", "id -u; id -g; id -G"]);
      expect(stdout).toBe("1\n2\n2\n");
    });

    const UNSPAWNED = "\nsupervisor: child process was not spawned\n";

    for (const [text, directory, program] of [
      ["chdir to /root: EACCES", "=/root", "/bin/true"],
      ["chdir to /nonexistent: ENOENT", "=/nonexistent", "/bin/true"],
      ["chdir to : ENOENT", "=", "/bin/true"],
      ["exec name: EACCES", "", "/etc/passwd"],
      ["exec name: ENOENT", "", "/nonexistent"],
      ["exec name: ENOTDIR", "", "/etc/passwd/x"],
    ] as const)
      asRoot(`says that it couldn't ${text}`, () => {
        expect(run(["65534", "65534", "", directory, program, "name"])).toEqual({
          status: 127,
          stdout: "",
          stderr: `supervisor: couldn't ${text}${UNSPAWNED}`,
        });
      });

    asRoot("says that it couldn't become the user", () => {
      expect(run(["1", "1", "1", "", "/bin/true", "true"], { uid: 65_534, gid: 65_534 })).toEqual({
        status: 127,
        stdout: "",
        stderr: `supervisor: couldn't setuid to 1: Could not set groups of effective user${UNSPAWNED}`,
      });
    });

    emulated("does nothing without all its words", () => {
      expect(run(["1", "1", "", "", "/bin/true"])).toEqual({ status: 127, stdout: "", stderr: "" });
    });
  });
}
