/** A program with `user=` is an adversary of the daemon: what it can signal, and what its environment can steer. */
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { boot } from "../support/boot.js";
import { needs } from "../support/needs.js";

const root = process.getuid?.() === 0;
const NOBODY = 65_534;

/** Sends the four signals to its parent and to each of the parent's threads for ten seconds, then says what came of it. */
const SHOOTER = `
import os, signal, sys, time
parent, end, tries, hits = os.getppid(), time.time() + 10, 0, 0
print("shooting", flush=True)
while time.time() < end:
    targets = [parent] + [int(tid) for tid in os.listdir(f"/proc/{parent}/task")]
    for _ in range(50):
        for target in targets:
            for number in (signal.SIGKILL, signal.SIGSTOP, signal.SIGTERM, signal.SIGHUP):
                tries += 1
                try:
                    os.kill(target, number)
                    hits += 1
                except OSError:
                    pass
print(f"tries {tries > 10000} hits {hits}", flush=True)
time.sleep(1000)
`;

describe("a program with user=", () => {
  const withPython = root ? needs("python3").test : test.skip;

  withPython("can't signal the daemon, however many children of the same user start meanwhile", async () => {
    await using daemon = await boot(
      `[program:shooter]
command=/usr/bin/python3 %(dir)s/shooter.py
user=nobody
startsecs=0
[program:quick]
command=/bin/true
user=nobody
autostart=false
startsecs=0
autorestart=false
`,
      {
        prepare(dir) {
          writeFileSync(join(dir, "shooter.py"), SHOOTER);
          chmodSync(dir, 0o755);
        },
      },
    );
    await daemon.line("shooter", "shooting");
    let done = false;
    const shot = daemon.line("shooter", /^tries/).finally(() => {
      done = true;
    });
    let spawns = 0;
    while (!done) {
      await daemon.rpc("supervisor.startProcess", "quick", false).catch((error: unknown) => {
        // The daemon may not have seen the end yet.
        if (!String(error).includes("ALREADY_STARTED")) throw error;
      });
      spawns += 1;
    }
    expect(await shot).toBe("tries True hits 0");
    expect(spawns).toBeGreaterThan(100);
    expect(await daemon.rpc("supervisor.getState")).toMatchObject({ statename: "RUNNING" });
    expect(daemon.log().filter((line) => line.includes("received SIG"))).toEqual([]);
  });

  test.runIf(root)("can't have the loader write anything as root: LD_DEBUG_OUTPUT", async () => {
    await using daemon = await boot(
      `[program:p]
command=/bin/sh -c 'echo up; exec sleep 1000'
user=nobody
directory=%(dir)s/own
environment=LD_DEBUG="libs",LD_DEBUG_OUTPUT="%(dir)s/own/loader"
`,
      { prepare: ownDirectory },
    );
    await daemon.line("p", "up");
    const owners = readdirSync(join(daemon.dir, "own")).map(
      (name) => statSync(join(daemon.dir, "own", name)).uid,
    );
    expect(owners.length).toBeGreaterThan(0);
    expect(owners.filter((uid) => uid !== NOBODY)).toEqual([]);
  });

  const withLinker = root ? needs("binutils").test : test.skip;

  withLinker("has its LD_PRELOAD only as its user", async () => {
    await using daemon = await boot(
      `[program:p]
command=/bin/sh -c 'echo up $LD_PRELOAD; exec sleep 1000'
user=nobody
environment=LD_PRELOAD="%(dir)s/own/marker.so"
`,
      {
        prepare(dir) {
          ownDirectory(dir);
          makePreload(dir, join(dir, "own", "marker.so"), join(dir, "own", "mark"));
        },
      },
    );
    expect(await daemon.line("p", "up")).toBe(`up ${daemon.dir}/own/marker.so`);
    // The first process that runs the library makes the file, which is then that process's user's.
    expect(statSync(join(daemon.dir, "own", "mark")).uid).toBe(NOBODY);
  });

  test.runIf(root)("has no word of its environment in anybody's command line", async () => {
    await using daemon = await boot(
      `[program:p]
command=/bin/sh -c 'env | grep -c s3[c]ret; exec sleep 1000'
user=nobody
environment=SECRET="s3cret-%(process_num)d",LD_LIBRARY_PATH="/s3cret"
`,
    );
    expect(await daemon.line("p", /^\d/)).toBe("2");
    const words = readFileSync(`/proc/${(await daemon.info("p"))["pid"]}/cmdline`, "utf8");
    expect(words).not.toContain("s3cret");
  });
});

function ownDirectory(dir: string): void {
  chmodSync(dir, 0o755);
  mkdirSync(join(dir, "own"));
  chownSync(join(dir, "own"), NOBODY, NOBODY);
}

const OPEN_AND_CLOSE = {
  // open(path, O_CREAT | O_WRONLY, 0644)
  x64: "mov $2, %eax; lea path(%rip), %rdi; mov $0101, %esi; mov $0644, %edx; syscall; ret",
  // openat(AT_FDCWD, path, O_CREAT | O_WRONLY, 0644)
  arm64: "mov x0, #-100; adr x1, path; mov x2, #65; mov x3, #420; mov x8, #56; svc #0; ret",
};

/** A shared library that does nothing but create a file when it is loaded. */
function makePreload(dir: string, library: string, mark: string): void {
  const code = OPEN_AND_CLOSE[process.arch as keyof typeof OPEN_AND_CLOSE].replaceAll("; ", "\n");
  const source = join(dir, "marker.S");
  writeFileSync(
    source,
    `.text\nmark:\n${code}\n.balign 8\npath: .asciz "${mark}"\n.section .init_array, "aw"\n.balign 8\n.8byte mark\n.section .note.GNU-stack, "", %progbits\n`,
  );
  execFileSync("as", ["-o", join(dir, "marker.o"), source]);
  execFileSync("ld", ["-shared", "-o", library, join(dir, "marker.o")]);
  chmodSync(library, 0o755);
  if (existsSync(mark)) throw new Error("the mark is there already");
}
