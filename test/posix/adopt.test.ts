/** Taking over real children: which process is believed to be whose, and what comes with it. */
import { spawn as spawnChild } from "node:child_process";
import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readdirSync,
  readSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import type { SavedRun } from "../../src/core/saved.js";
import { adoptChild, type Child, type ChildName, copySocket } from "../../src/posix/adopt.js";
import { identify, readsStdin } from "../../src/posix/identity.js";
import * as libc from "../../src/posix/libc.js";
import { signalPidfd } from "../../src/posix/pidfd.js";
import { inputPipe, outputPipe } from "../../src/posix/pipe.js";
import { holdsPipe } from "../../src/posix/pipe-holders.js";
import { reapOne } from "../../src/posix/reap.js";
import { getLimit, setLimit } from "../../src/posix/rlimit.js";
import { spawn } from "../../src/posix/spawn.js";
import { needs } from "../support/needs.js";
import { overhear } from "../support/overhear.js";
import { status } from "../support/processes.js";
import { scratch } from "../support/scratch.js";
import { until } from "../support/until.js";

const { describe: describeWithPython, test: testWithPython } = needs("python3");
const SID = identify(process.pid)?.sid ?? -1;
const NAME: ChildName = { group: "g", name: "p", sid: SID };
const NAMES = { SUPERVISOR_PROCESS_NAME: "p", SUPERVISOR_GROUP_NAME: "g" };

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0).reverse()) close();
});

interface Worker {
  readonly pid: number;
  readonly saved: SavedRun;
  /** The supervisor's ends, until it is gone. */
  readonly stdin: number;
  readonly stdout: number;
  /** The supervisor is gone: nobody holds the pipes but the worker. */
  abandon(): void;
}

interface StartOptions {
  /** Its stderr goes where its stdout goes. */
  readonly redirect?: boolean;
  readonly env?: Readonly<Record<string, string>>;
  /** A socket in the place of its stdin. */
  readonly socket?: number;
  readonly args?: readonly string[];
}

/** A child as a supervisor starts it, running a script of sh. */
function start(script: string, { redirect = false, env = {}, socket, args = [] }: StartOptions = {}): Worker {
  const stdin = socket === undefined ? inputPipe(null) : null;
  const stdout = outputPipe(null);
  const stderr = redirect ? null : outputPipe(null);
  const result = spawn({
    file: "/bin/sh",
    argv: ["/bin/sh", "-c", script, ...args],
    env: Object.entries({ PATH: "/usr/bin:/bin", ...env }).map(([name, value]) => `${name}=${value}`),
    directory: null,
    umask: null,
    user: null,
    stdin: stdin?.child ?? socket ?? -1,
    stdout: stdout.child,
    stderr: stderr?.child ?? stdout.child,
    nofile: null,
  });
  const ends = [stdin, stdout, stderr].filter((each) => each !== null);
  for (const { child } of ends) closeSync(child);
  const inode = (fd: number | undefined): number | null => (fd === undefined ? null : fstatSync(fd).ino);
  const pipes = { stdin: inode(stdin?.near), stdout: inode(stdout.near), stderr: inode(stderr?.near) };
  let held = true;
  const abandon = (): void => {
    if (held) for (const { near } of ends) closeSync(near);
    held = false;
  };
  closers.push(abandon);
  if (!result.ok) throw new Error(`${result.step} ${result.errno}`);
  const { pid } = result;
  closers.push(() => {
    kill(-pid);
    reapOne(pid);
  });
  const starttime = identify(pid)?.starttime ?? -1;
  return { pid, saved: { pid, starttime, ...pipes }, stdin: stdin?.near ?? -1, stdout: stdout.near, abandon };
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended already.
  }
}

/** What `adoptChild` says, and everything closed after the test. */
function adopt(saved: SavedRun, name: ChildName = NAME): Child | null {
  const child = adoptChild(saved, name);
  if (child === null) return null;
  const { pidfd, ends } = child;
  const open = [pidfd, ends.stdin, ends.stdout, ends.stderr].filter((fd) => fd !== null);
  closers.push(() => open.forEach((fd) => void closeSync(fd)));
  return child;
}

const buffer = Buffer.alloc(64 * 1024);

/** What a non-blocking descriptor has now. */
function read(fd: number | null): string {
  try {
    return fd === null ? "" : buffer.toString("utf8", 0, readSync(fd, buffer));
  } catch {
    return "";
  }
}

/** Reads on until this has come. */
async function reads(fd: number | null, text: string): Promise<void> {
  let seen = "";
  await until(
    () => {
      seen += read(fd);
      return seen === text;
    },
    `${JSON.stringify(text)} to be read`,
    { everyMs: 5 },
  );
}

function openDescriptors(): number {
  return readdirSync("/proc/self/fd").length;
}

/** Refused, and nothing is left open. */
function expectRefused(saved: SavedRun, name: ChildName = NAME): void {
  const before = openDescriptors();
  expect(adopt(saved, name)).toBeNull();
  expect(openDescriptors()).toBe(before);
}

const ECHO = 'echo ready; while read -r line; do echo "out $line"; echo "err $line" >&2; done';

describe("the child that was written down", () => {
  test("is adopted, and its ends carry bytes both ways", async () => {
    const { pid, saved, abandon } = start(ECHO);
    abandon();
    const child = adopt(saved);
    expect(child?.run).toEqual(saved);
    const { stdin, stdout, stderr } = child?.ends ?? {};
    expect(new Set([stdin, stdout, stderr]).size).toBe(3);
    await reads(stdout ?? null, "ready\n");
    writeSync(stdin ?? -1, "one\ntwo\n");
    await reads(stdout ?? null, "out one\nout two\n");
    await reads(stderr ?? null, "err one\nerr two\n");
    expect(signalPidfd(child?.pidfd ?? -1, 9)).toBeNull();
    await until(() => reapOne(pid), "its end", { everyMs: 5 });
    // It was the last who held them.
    expect(readSync(stdout ?? -1, buffer)).toBe(0);
    expect(readSync(stderr ?? -1, buffer)).toBe(0);
  });

  test("brings along what it wrote while nobody looked, and what it had not read", async () => {
    const gate = scratch();
    closers.push(() => gate[Symbol.dispose]());
    const path = join(gate.dir, "gate");
    const script = 'echo early; while [ ! -e "$0" ]; do sleep 0.02; done; cat';
    const { saved, stdin, stdout, abandon } = start(script, { args: [path] });
    await reads(stdout, "early\n");
    writeSync(stdin, "unread\n");
    abandon();
    writeFileSync(path, "");
    const child = adopt(saved);
    await reads(child?.ends.stdout ?? null, "unread\n");
  });

  test("with stderr redirected has one pipe for both", async () => {
    const { saved, abandon } = start(ECHO, { redirect: true });
    abandon();
    const child = adopt(saved);
    expect(child?.ends.stderr).toBeNull();
    await reads(child?.ends.stdout ?? null, "ready\n");
    writeSync(child?.ends.stdin ?? -1, "x\n");
    await reads(child?.ends.stdout ?? null, "out x\nerr x\n");
  });

  test("may have left a pipe to a descendant, from whom it is opened", async () => {
    const gate = scratch();
    closers.push(() => gate[Symbol.dispose]());
    const path = join(gate.dir, "gate");
    const script =
      '(while [ ! -e "$0" ]; do sleep 0.02; done; echo late; exec sleep 1000) & exec >/dev/null 2>&1; exec sleep 1000';
    const { pid, saved, abandon } = start(script, { args: [path] });
    await until(() => holdsPipe(pid, saved.stdout ?? -1) === "no", "its pipe closed", { everyMs: 5 });
    abandon();
    const child = adopt(saved);
    writeFileSync(path, "");
    await reads(child?.ends.stdout ?? null, "late\n");
  });

  test("has no end for a pipe that nobody holds any more", async () => {
    const { pid, saved, abandon } = start("exec 2>&-; echo ready; exec sleep 1000");
    abandon();
    await until(() => holdsPipe(pid, saved.stderr ?? -1) === "no", "its stderr closed", { everyMs: 5 });
    const child = adopt(saved);
    expect(child?.ends.stderr).toBeNull();
    await reads(child?.ends.stdout ?? null, "ready\n");
  });

  test("gives its listening socket, which no other descriptor of ours has any more", async () => {
    const place = scratch();
    closers.push(() => place[Symbol.dispose]());
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(join(place.dir, "s"), resolve));
    const { fd } = (server as unknown as { _handle: { fd: number } })._handle;
    const { ino } = fstatSync(fd);
    const { saved, abandon } = start("exec sleep 1000", { socket: fd });
    await new Promise((resolve) => server.close(resolve));
    abandon();
    const child = adopt(saved);
    expect(child?.ends.stdin).toBeNull();
    const copy = child === null ? null : copySocket(child);
    closers.push(() => copy !== null && closeSync(copy));
    expect(fstatSync(copy ?? -1).ino).toBe(ino);
  });
});

describe("nobody else is", () => {
  test("whoever has got the pid since", () => {
    const { saved } = start("exec sleep 1000");
    expectRefused({ ...saved, starttime: (saved.starttime ?? 0) + 1 });
    expectRefused({ ...saved, starttime: (saved.starttime ?? 0) - 1 });
    expectRefused({ ...saved, starttime: null });
  });

  test("one who is dead, collected or not", async () => {
    const { pid, saved, abandon } = start("exit 0");
    abandon();
    await until(() => identify(pid)?.dead === true, "its end", { everyMs: 5 });
    expectRefused(saved);
    reapOne(pid);
    expectRefused(saved);
  });

  test("this process itself", () => {
    const { saved } = start("exec sleep 1000");
    expectRefused({ ...saved, pid: process.pid, starttime: identify(process.pid)?.starttime ?? 0 });
  });

  testWithPython("a stranger whose pid and start time are right, without our pipes and names", async () => {
    const { saved } = start("exec sleep 1000");
    const stranger = await underAnother("lives", { ...NAMES, SUPERVISOR_PROCESS_NAME: "q" });
    expectRefused({ ...saved, ...identityOf(stranger) });
  });
});

describe("one that can't be held", () => {
  test.each([0, 1, 2, 3, 4])(
    "is not taken for gone, or a second one would be started: room for %d descriptors",
    (room) => {
      const { saved, abandon } = start("exec sleep 1000");
      abandon();
      const found = withRoom(room, () => {
        try {
          return adopt(saved)?.ends ?? "gone";
        } catch (error) {
          return (error as Error).message;
        }
      });
      // All of it or nothing: without one of its ends it would be stuck in a full pipe.
      if (typeof found === "string") expect(found).toBe("Cannot take over 'g:p': too many open files");
      else expect(Object.values(found)).not.toContain(null);
    },
  );
});

/** With so many descriptors that may still be opened. */
function withRoom<T>(room: number, act: () => T): T {
  const limit = getLimit("NOFILE");
  const highest = Math.max(...readdirSync("/proc/self/fd").map(Number));
  const fillers: number[] = [];
  do fillers.push(openSync("/dev/null", constants.O_RDONLY));
  while ((fillers.at(-1) ?? 0) < highest);
  expect(setLimit("NOFILE", { soft: (fillers.at(-1) ?? 0) + 1 + room, hard: limit.hard })).toBeNull();
  try {
    return act();
  } finally {
    setLimit("NOFILE", limit);
    for (const fd of fillers) closeSync(fd);
  }
}

describe("a child whose spawn was only wished for", () => {
  test("is found by its pipes alone, with its start time", async () => {
    const { saved, abandon } = start(ECHO);
    abandon();
    const child = adopt({ ...saved, pid: null, starttime: null });
    expect(child?.run).toEqual(saved);
    await reads(child?.ends.stdout ?? null, "ready\n");
  });

  test("by its output alone, when it has closed its stdin", async () => {
    const { pid, saved, abandon } = start("exec </dev/null; echo ready; exec sleep 1000");
    await until(() => holdsPipe(pid, saved.stdin ?? -1) === "no", "its stdin closed", { everyMs: 5 });
    abandon();
    expect(adopt({ ...saved, pid: null, starttime: null })?.run).toEqual(saved);
  });

  test("is not one of its descendants, though they lead groups and have the pipes", async () => {
    const { saved, stdout, abandon } = start("setsid sleep 1000 & echo $!; exec sleep 1000");
    let said = "";
    const descendant = await until(
      () => {
        said += read(stdout);
        const pid = Number(said);
        return said.endsWith("\n") && identify(pid)?.pgid === pid && pid;
      },
      "a descendant with its own group",
      { everyMs: 5 },
    );
    closers.push(() => kill(descendant));
    abandon();
    expect(adopt({ ...saved, pid: null, starttime: null })?.run).toEqual(saved);
  });

  test("is none when nobody has the pipes", () => {
    const { saved } = start("exec sleep 1000");
    const { near, child } = outputPipe(null);
    const { ino } = fstatSync(near);
    closers.push(() => [near, child].forEach((fd) => void closeSync(fd)));
    expectRefused({ ...saved, pid: null, starttime: null, stdin: null, stdout: ino, stderr: null });
  });
});

/**
 * Starts a sleeping worker with an environment of its own, no pipes, in its own group. `lives`: its supervisor does;
 * `died`: it is an orphan; `reaped`: an orphan that is no child of init but of a reaper in between.
 */
const SUPERVISOR = `
import ctypes, json, os, subprocess, sys
how, env = sys.argv[1], json.loads(sys.argv[2])
def work():
    none = subprocess.DEVNULL
    print(subprocess.Popen(["/bin/sleep", "1000"], stdin=none, stdout=none, stderr=none, env=env, preexec_fn=os.setpgrp).pid, flush=True)
if how == "reaped":
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
    child = os.fork()
    if child == 0:
        os.setsid()
        work()
        os._exit(0)
    os.waitpid(child, 0)
    print("reaped", flush=True)
else:
    work()
if how != "died":
    sys.stdin.read()
`;

async function underAnother(
  how: "lives" | "died" | "reaped",
  env: Readonly<Record<string, string>>,
  ownSession = false,
): Promise<number> {
  const supervisor = spawnChild("/usr/bin/python3", ["-ES", "-c", SUPERVISOR, how, JSON.stringify(env)], {
    stdio: ["pipe", "pipe", "inherit"],
    detached: ownSession,
  });
  const { out, exited } = overhear(supervisor);
  closers.push(() => void supervisor.kill("SIGKILL"));
  const done = how === "reaped" ? "reaped\n" : "\n";
  const pid = await until(() => out().endsWith(done) && Number.parseInt(out(), 10), "a worker", {
    everyMs: 5,
  });
  closers.push(() => kill(pid));
  if (how === "died") await exited;
  return pid;
}

function identityOf(pid: number): { readonly pid: number; readonly starttime: number } {
  return { pid, starttime: identify(pid)?.starttime ?? -1 };
}

/** Written down as ours, but with pipes that it doesn't hold. */
function withoutPipes(pid: number): SavedRun {
  const { near, child } = outputPipe(null);
  closers.push(() => [near, child].forEach((fd) => void closeSync(fd)));
  const { ino } = fstatSync(near);
  return { ...identityOf(pid), stdin: ino, stdout: ino, stderr: null };
}

describeWithPython("one that has closed all its pipes", () => {
  test.each([
    ["with its names", NAMES],
    ["with an environment that it has wiped", {}],
  ])("is known once its supervisor has died: %s", async (_what, env) => {
    const worker = await underAnother("died", env);
    const child = adopt(withoutPipes(worker));
    expect(child?.run.pid).toBe(worker);
    expect(child?.run.lost).toBeUndefined();
    expect(child?.ends).toEqual({ stdin: null, stdout: null, stderr: null });
  });

  test.each([NAMES, {}])(
    "is not, while it has another supervisor in the same session: names %o",
    async (env) => {
      expectRefused(withoutPipes(await underAnother("lives", env)));
    },
  );

  test.each([NAMES, {}])(
    "is not, while it has another supervisor in a session of its own: names %o",
    async (env) => {
      const worker = await underAnother("lives", env, true);
      expectRefused(withoutPipes(worker));
      expectRefused(withoutPipes(worker), { ...NAME, sid: identify(worker)?.sid ?? -1 });
    },
  );

  test.each([NAMES, {}])("may have become the child of a reaper that is not init: names %o", async (env) => {
    const worker = await underAnother("reaped", env);
    expect(identify(worker)?.ppid).toBeGreaterThan(1);
    const sid = identify(worker)?.sid ?? -1;
    expect(sid).not.toBe(SID);
    expect(adopt(withoutPipes(worker), { ...NAME, sid })?.run.pid).toBe(worker);
  });

  test("may have become the child of a reaper in its own session that this process descends from", async () => {
    reapOrphans(true);
    closers.push(() => reapOrphans(false));
    const worker = await underAnother("died", {});
    closers.push(() => reapOne(worker));
    expect(identify(worker)).toMatchObject({ ppid: process.pid, sid: SID });
    expect(adopt(withoutPipes(worker))?.run.pid).toBe(worker);
    expectRefused(withoutPipes(worker), { ...NAME, sid: SID + 1 });
  });
});

const PRCTL = { x64: 157, arm64: 167 }[process.arch as string] ?? -1;
const PR_SET_CHILD_SUBREAPER = 36;
const PR_GET_DUMPABLE = 3;
const PR_SET_DUMPABLE = 4;

/** Whether orphans below this process become its children. */
function reapOrphans(yes: boolean): void {
  libc.syscall(PRCTL, "int", PR_SET_CHILD_SUBREAPER, "long", yes ? 1 : 0);
}

describe("a pipe that cannot be opened", () => {
  testWithPython("is lost, and others that can be are not", async () => {
    const undumpable =
      "import ctypes, os; ctypes.CDLL(None).prctl(4, 0, 0, 0, 0); os.write(1, b'ready\\n'); os.read(0, 1)";
    const { pid, saved, stdout, abandon } = start(`exec /usr/bin/python3 -ESc "${undumpable}" 2>&1`, {
      redirect: true,
    });
    await reads(stdout, "ready\n");
    abandon();
    withoutPtrace(() => {
      expect(holdsPipe(pid, saved.stdout ?? -1)).toBe("hidden");
      const child = adopt(saved);
      expect(child?.run).toEqual({ ...saved, lost: ["stdin", "stdout"] });
      expect(child?.ends).toEqual({ stdin: null, stdout: null, stderr: null });
      // The next supervisor may be allowed more.
      expect(adopt({ ...saved, lost: ["stderr"] })?.run.lost).toEqual(["stdin", "stdout"]);
    });
    expect(adopt({ ...saved, lost: ["stdin", "stdout"] })?.run).toEqual(saved);
  });
});

test.runIf(process.getuid?.() === 0)("another user's process that waits for input is seen to", async () => {
  const child = spawnChild("/bin/cat", { stdio: ["pipe", "ignore", "ignore"], uid: 65534, gid: 65534 });
  closers.push(() => void child.kill("SIGKILL"));
  await until(() => identify(child.pid ?? -1) !== null, "the process", { everyMs: 5 });
  const seen = (): boolean => {
    let reads = false;
    withoutPtrace(() => {
      reads = readsStdin(child.pid ?? -1);
    });
    return reads;
  };
  const dumpable = (): number => Number(libc.syscall(PRCTL, "int", PR_GET_DUMPABLE));
  libc.syscall(PRCTL, "int", PR_SET_DUMPABLE, "int", 1);
  await until(seen, "its read", { everyMs: 5 });
  // The process under test is as it was before.
  const { Uid: uid, Gid: gid } = status(process.pid);
  expect([uid, gid, dumpable()]).toEqual(["0\t0\t0\t0", "0\t0\t0\t0", 1]);
});

const CAPABILITY = { x64: [125, 126], arm64: [90, 91] }[process.arch as string] ?? [-1, -1];
const VERSION_3 = 0x20080522;
const CAP_SYS_PTRACE = 19;

/** Without the right to look into processes that don't allow it, as root in a container is. */
function withoutPtrace(act: () => void): void {
  const [capget = -1, capset = -1] = CAPABILITY;
  const header = Buffer.alloc(8);
  header.writeUInt32LE(VERSION_3, 0);
  const before = Buffer.alloc(24);
  libc.syscall(capget, "void *", header, "void *", before);
  const less = Buffer.from(before);
  less.writeUInt32LE((before.readUInt32LE(0) & ~(1 << CAP_SYS_PTRACE)) >>> 0, 0);
  expect(libc.syscall(capset, "void *", header, "void *", less)).toBe(0);
  try {
    act();
  } finally {
    libc.syscall(capset, "void *", header, "void *", before);
  }
}
