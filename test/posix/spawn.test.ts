/** What a child finds when it is spawned: real processes that report on themselves. */
import { chmodSync, closeSync, openSync, readdirSync, readSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { readsStdin } from "../../src/posix/identity.js";
import * as libc from "../../src/posix/libc.js";
import { inputPipe, outputPipe, type PipeEnds, waitingBytes } from "../../src/posix/pipe.js";
import { decodeWaitStatus, reapOne } from "../../src/posix/reap.js";
import { kill } from "../../src/posix/signals.js";
import { claimDescriptors, type SpawnRequest, spawn } from "../../src/posix/spawn.js";
import { groupsOf, lookupUser } from "../../src/posix/user.js";
import { stat, status } from "../support/processes.js";
import { scratch } from "../support/scratch.js";
import { until } from "../support/until.js";

const root = process.getuid?.() === 0;
const asRoot = test.runIf(root);
const nobody = lookupUser("nobody");

interface Child {
  readonly pid: number;
  readonly stdin: PipeEnds;
  readonly stdout: PipeEnds;
}

const children: Child[] = [];
afterEach(() => {
  for (const { pid, stdin, stdout } of children.splice(0)) {
    kill(pid, 9, false);
    closeSync(stdin.near);
    closeSync(stdout.near);
  }
});

function request(command: readonly string[], changes: Partial<SpawnRequest> = {}): SpawnRequest {
  return {
    file: command[0] ?? "",
    argv: command,
    env: ["PATH=/usr/bin:/bin"],
    directory: null,
    umask: null,
    user: null,
    stdin: 0,
    stdout: 1,
    stderr: 1,
    nofile: null,
    ...changes,
  };
}

function start(command: readonly string[], changes: Partial<SpawnRequest> = {}): Child {
  const stdin = inputPipe(changes.user ?? null);
  const stdout = outputPipe(changes.user ?? null);
  const ends = { stdin: stdin.child, stdout: stdout.child, stderr: stdout.child };
  const result = spawn(request(command, { ...ends, ...changes }));
  closeSync(stdin.child);
  closeSync(stdout.child);
  if (!result.ok) {
    closeSync(stdin.near);
    closeSync(stdout.near);
    throw new Error(`${result.step} ${result.errno}`);
  }
  const child = { pid: result.pid, stdin, stdout };
  children.push(child);
  return child;
}

function read({ stdout }: Child): string {
  const buffer = Buffer.alloc(65_536);
  let text = "";
  for (;;) {
    try {
      const bytes = readSync(stdout.near, buffer);
      if (bytes === 0) return text;
      text += buffer.toString("utf8", 0, bytes);
    } catch {
      return text;
    }
  }
}

async function finished(child: Child): Promise<{ readonly output: string; readonly cause: unknown }> {
  const dead = await until(() => reapOne(child.pid), "the child's end", { everyMs: 5 });
  return { output: read(child), cause: decodeWaitStatus(dead.waitStatus) };
}

const sh = (script: string): readonly string[] => ["/bin/sh", "-c", script];

describe("a child", () => {
  test("gets its words, environment and output as given", async () => {
    const child = start(["/bin/sh", "-c", 'printf "%s|" "$0" "$@" "$VALUE"', "名", "", "a b"], {
      env: ["VALUE=ü=1", "PATH=/bin"],
    });
    expect(await finished(child)).toEqual({ output: "名||a b|ü=1|", cause: { type: "exit", status: 0 } });
  });

  test("can open /dev/stdout, which is a pipe", async () => {
    expect((await finished(start(sh("echo x > /dev/stdout; readlink /proc/self/fd/1")))).output).toMatch(
      /^x\npipe:\[\d+\]\n$/,
    );
  });

  test("sees descriptors 0, 1 and 2 alone", async () => {
    expect((await finished(start(sh("ls /proc/self/fd | tr '\\n' ' '")))).output).toBe("0 1 2 3 ");
  });

  test("has its own process group in our session", () => {
    const child = start(["/bin/sleep", "100"]);
    const mine = stat(process.pid);
    expect(stat(child.pid)).toMatchObject({ pgid: child.pid, sid: mine?.sid, ppid: process.pid });
  });

  test("has no signal blocked and none ignored", async () => {
    const child = start(["/bin/sleep", "100"]);
    await until(() => status(child.pid)["Name"] === "sleep", "exec");
    const { SigBlk, SigIgn } = status(child.pid);
    expect(SigBlk).toBe("0000000000000000");
    // 32 and 33 are libc's own, and ignored by its posix_spawn.
    expect(Number.parseInt(SigIgn ?? "", 16) & 0x7fff_ffff).toBe(0);
  });

  test("runs in its directory, with its umask and limit of open files", async () => {
    const child = start(sh("pwd; umask; ulimit -n"), { directory: "/usr", umask: 0o27, nofile: 777 });
    expect((await finished(child)).output).toBe("/usr\n0027\n777\n");
    expect(process.umask()).toBe(process.umask());
  });

  test("meets no end of its stdin, and reads what is written", async () => {
    const child = start(sh("read line; echo got $line"));
    writeSync(child.stdin.near, "this\n");
    expect((await finished(child)).output).toBe("got this\n");
  });

  test("that is killed tells by which signal", async () => {
    const child = start(["/bin/sleep", "100"]);
    expect(kill(child.pid, 11, true)).toBe(null);
    expect((await finished(child)).cause).toMatchObject({ type: "signal", signal: 11 });
    expect(kill(child.pid, 15, false)).toBe("ESRCH");
  });
});

describe("as another user", () => {
  const identity = nobody === null ? null : { ...nobody, groups: groupsOf(nobody) };

  asRoot("a child is that user, in all ids and groups, and can't come back", async () => {
    const child = start(sh("cat /proc/self/status"), { user: identity });
    const { output } = await finished(child);
    const { uid, gid } = identity ?? { uid: 0, gid: 0 };
    expect(output).toContain(`Uid:\t${uid}\t${uid}\t${uid}\t${uid}\n`);
    expect(output).toContain(`Gid:\t${gid}\t${gid}\t${gid}\t${gid}\n`);
    expect(output).toMatch(/CapEff:\t0+\n/);
    expect(process.geteuid?.()).toBe(0);
  });

  asRoot("a child has its supplementary groups", async () => {
    const user = { uid: 65_534, gid: 65_534, groups: [65_534, 4, 33] };
    const child = start(sh("cat /proc/self/status | grep Groups"), { user });
    expect((await finished(child)).output.split(/\s+/).filter(Boolean)).toEqual([
      "Groups:",
      "4",
      "33",
      "65534",
    ]);
  });

  asRoot("a child has its words, environment, directory, umask and limit as any other", async () => {
    const child = start(
      ["/bin/sh", "-c", 'printf "%s|" "$0" "$@" "$VALUE"; pwd; umask; ulimit -n', "名", "", "a b"],
      {
        user: identity,
        env: ["VALUE=ü=1", "PATH=/bin"],
        directory: "/usr",
        umask: 0o27,
        nofile: 777,
      },
    );
    expect((await finished(child)).output).toBe("名||a b|ü=1|/usr\n0027\n777\n");
  });

  asRoot("a child sees descriptors 0, 1 and 2 alone", async () => {
    const child = start(sh("ls /proc/self/fd | tr '\\n' ' '"), { user: identity });
    expect((await finished(child)).output).toBe("0 1 2 3 ");
  });

  asRoot("what is started as root afterwards has the groups it had before", async () => {
    const groups = async (): Promise<string> =>
      (await finished(start(sh("grep Groups /proc/self/status")))).output;
    const own = process.getgroups?.() ?? [];
    process.setgroups?.([]);
    try {
      const before = await groups();
      await finished(start(["/bin/true"], { user: identity }));
      expect(await groups()).toBe(before);
    } finally {
      process.setgroups?.(own);
    }
  });

  asRoot("a child can open /dev/stdout and /dev/stderr", async () => {
    const child = start(sh("echo out > /dev/stdout; echo err > /dev/stderr; id -un"), { user: identity });
    expect((await finished(child)).output).toBe("out\nerr\nnobody\n");
  });
});

describe("what can't be started is told apart", () => {
  test.each([
    ["a missing program", ["/nonexistent/program"], {}, { step: "exec", errno: "ENOENT" }],
    ["a file without exec permission", ["/etc/passwd"], {}, { step: "exec", errno: "EACCES" }],
    ["a missing directory", ["/bin/true"], { directory: "/nonexistent" }, { step: "chdir", errno: "ENOENT" }],
    [
      "a directory that is a file",
      ["/bin/true"],
      { directory: "/etc/passwd" },
      { step: "chdir", errno: "ENOTDIR" },
    ],
    ["an empty directory", ["/bin/true"], { directory: "" }, { step: "chdir", errno: "ENOENT" }],
  ] as const)("%s", (_what, command, changes, failure) => {
    const umask = process.umask();
    expect(spawn(request(command, { umask: 0, ...changes }))).toEqual({ ok: false, ...failure });
    expect(process.umask()).toBe(umask);
  });

  describe("by the child itself, where it is another user's", () => {
    const user = { uid: 65_534, gid: 65_534, groups: [65_534] };
    const place = scratch();
    afterAll(() => place[Symbol.dispose]());
    const bare = join(place.dir, "bare");
    writeFileSync(bare, "echo no first line\n", { mode: 0o755 });
    const own = join(place.dir, "own");
    writeFileSync(own, "#!/bin/sh\n", { mode: 0o700 });
    chmodSync(place.dir, 0o755);

    for (const [what, command, directory, said] of [
      ["a directory that the user may not enter", ["/bin/true"], "/root", "chdir to /root: EACCES"],
      ["a missing directory", ["/bin/true"], "/nonexistent", "chdir to /nonexistent: ENOENT"],
      ["an empty directory", ["/bin/true"], "", "chdir to : ENOENT"],
      ["a missing program", ["/nonexistent/program"], null, "exec /nonexistent/program: ENOENT"],
      ["a program that the user may not run", [own], null, `exec ${own}: EACCES`],
      ["a script that names no interpreter", [bare], null, `exec ${bare}: ENOEXEC`],
    ] as const)
      asRoot(what, async () => {
        expect(await finished(start(command, { directory, user }))).toEqual({
          output: `supervisor: couldn't ${said}\nsupervisor: child process was not spawned\n`,
          cause: { type: "exit", status: 127 },
        });
      });

    asRoot("too many words are told at once", () => {
      const words = ["/bin/true", ...Array.from({ length: 40 }, () => "x".repeat(100_000))];
      expect(spawn(request(words, { user }))).toEqual({ ok: false, step: "exec", errno: "E2BIG" });
    });
  });
});

test("a thousand spawns leave no descriptor behind", async () => {
  const before = readdirSync("/proc/self/fd").length;
  for (let round = 0; round < 1000; round += 1) {
    const child = start(["/bin/true"]);
    await until(() => reapOne(child.pid), "the child's end", { everyMs: 1 });
    children.pop();
    closeSync(child.stdin.near);
    closeSync(child.stdout.near);
  }
  expect(readdirSync("/proc/self/fd").length).toBe(before);
});

describe("what is open without a close-on-exec mark", () => {
  const F_DUPFD = 0;
  const F_GETFD = 1;
  const open = "ls /proc/self/fd | tr '\\n' ' '";

  /** A descriptor that children would inherit; gives what a child sees, and the descriptor's mark afterwards. */
  async function seenBeside(changes: Partial<SpawnRequest>): Promise<readonly [string, number]> {
    const marked = openSync("/dev/null", "r");
    const bare = libc.fcntl(marked, F_DUPFD, "int", 3);
    try {
      const { output } = await finished(start(sh(open), changes));
      return [output, libc.fcntl(bare, F_GETFD, "int", 0)];
    } finally {
      closeSync(marked);
      closeSync(bare);
    }
  }

  test("stays ours, and as it was", async () => {
    expect(await seenBeside({})).toEqual(["0 1 2 3 ", 0]);
    expect(await seenBeside({ stdin: 2 })).toEqual(["0 1 2 3 ", 0]);
  });

  test("stays ours, and is marked, in a process that says it is nobody else's", async () => {
    claimDescriptors();
    expect(await seenBeside({})).toEqual(["0 1 2 3 ", 1]);
    expect(await seenBeside({ stdin: 2 })).toEqual(["0 1 2 3 ", 1]);
  });
});

describe("a child that reads its stdin", () => {
  test("is seen to wait for it, and to have read it", async () => {
    const cat = start(["/bin/cat"]);
    await until(() => readsStdin(cat.pid), "cat to wait");
    expect(waitingBytes(cat.stdin.near)).toBe(0);
    const sleep = start(["/bin/sleep", "100"]);
    writeSync(sleep.stdin.near, "unread");
    expect(waitingBytes(sleep.stdin.near)).toBe(6);
    await until(() => readdirSync(`/proc/${sleep.pid}/fd`).length === 3, "sleep to run");
    expect(readsStdin(sleep.pid)).toBe(false);
  });
});
