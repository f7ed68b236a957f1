/** A program, whatever it does to itself, must neither hide its output from the next supervisor nor give it a double. */
import { chownSync, existsSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type Mortal, mortal } from "../support/mortal.js";
import { needs } from "../support/needs.js";
import { alive, descriptors, environ, status } from "../support/processes.js";
import { type Client, environment, REFERENCE_SUPERVISORCTL, supervisorctl } from "../support/programs.js";
import { runCommand } from "../support/run-command.js";
import { until } from "../support/until.js";

const { test: withPython } = needs("python3");
const isRoot = process.getuid?.() === 0;
const asRoot = test.runIf(isRoot);

const CLIENTS: readonly Client[] = existsSync(REFERENCE_SUPERVISORCTL) ? ["ours", "python"] : ["ours"];
const NOBODY = 65534;
/** Root as it is in a container: without the right to look into other users' processes. */
const WITHOUT_PTRACE = ["setpriv", "--bounding-set", "-sys_ptrace", "--inh-caps", "-sys_ptrace"];
const AS_NOBODY = ["setpriv", `--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups"];
const PTRACE = 1n << 19n;

/** Says what it is given, on both channels, once it has said that it is ready. */
const ECHO = 'echo ready; while read -r line; do echo "out $line"; echo "err $line" >&2; done';

/** Does the same, after it has forbidden that anybody looks into it. */
const UNDUMPABLE = `import ctypes, os, sys
ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)
print("ready", flush=True)
for line in sys.stdin: print("out " + line, end="", flush=True)
`;

async function killAndStart(daemon: Mortal, through: readonly string[]): Promise<void> {
  await daemon.kill();
  await daemon.start(true, through);
}

function lines(daemon: Mortal, start: string): readonly string[] {
  return daemon.log().filter((line) => line.startsWith(start));
}

/** The program reads and writes, and is the one that was there before. */
async function expectTheSame(daemon: Mortal, pid: unknown): Promise<void> {
  expect(await daemon.info("p")).toMatchObject({
    pid,
    statename: "RUNNING",
    description: expect.stringMatching(/^pid \d+, uptime [\d:]+$/),
  });
  await daemon.rpc("supervisor.sendProcessStdin", "p", "on\n");
  await until(() => daemon.read("p.log") === "ready\nout on\n", "its stdout in the log");
  await until(() => daemon.read("p.err") === "err on\n", "its stderr in the log");
  expect(lines(daemon, "CRIT cannot")).toEqual([]);
}

const LOGS = "startsecs=0\nstdout_logfile=%(dir)s/p.log\nstderr_logfile=%(dir)s/p.err\n";

asRoot("the output of another user's program goes on when root may not look into processes", async () => {
  await using daemon = mortal(`[program:p]\ncommand=/bin/sh -c '${ECHO}'\nuser=nobody\n${LOGS}`);
  const first = await daemon.start(true, WITHOUT_PTRACE);
  expect(BigInt(`0x${status(first.pid)["CapEff"]}`) & PTRACE).toBe(0n);
  await until(() => daemon.read("p.log") === "ready\n", "the program");
  const { pid } = await daemon.state("p", "RUNNING");
  await killAndStart(daemon, WITHOUT_PTRACE);
  await expectTheSame(daemon, pid);
  // All four ids are the daemon's own again.
  expect(status(daemon.daemon.pid)["Uid"]).toBe("0\t0\t0\t0");
  expect(status(daemon.daemon.pid)["Gid"]).toBe("0\t0\t0\t0");
});

asRoot("so does the output of a program that has become another user by itself", async () => {
  const become = `setpriv --reuid=${NOBODY} --regid=${NOBODY} --clear-groups`;
  await using daemon = mortal(`[program:p]\ncommand=${become} /bin/sh -c '${ECHO}'\n${LOGS}`);
  await daemon.start(true, WITHOUT_PTRACE);
  await until(() => daemon.read("p.log") === "ready\n", "the program");
  const { pid } = await daemon.state("p", "RUNNING");
  await killAndStart(daemon, WITHOUT_PTRACE);
  await expectTheSame(daemon, pid);
});

withPython(
  "what cannot be read any more is said with what to do, and stands in status until then",
  async () => {
    const through = isRoot ? AS_NOBODY : [];
    await using daemon = mortal(`[program:p]\ncommand=python3 -ES -u %(dir)s/p.py\n${LOGS}`);
    writeFileSync(join(daemon.dir, "p.py"), UNDUMPABLE);
    if (isRoot) for (const path of [daemon.dir, daemon.conf]) chownSync(path, NOBODY, NOBODY);
    await daemon.start(true, through);
    await until(() => daemon.read("p.log") === "ready\n", "the program");
    const { pid } = await daemon.state("p", "RUNNING");
    await killAndStart(daemon, through);
    expect(daemon.running("p").length).toBeLessThanOrEqual(1);
    expect(await daemon.info("p")).toMatchObject({
      pid,
      statename: "RUNNING",
      description: expect.stringMatching(
        /^pid \d+, uptime [\d:]+, stdin, stdout, stderr lost since adoption: restart it$/,
      ),
    });
    expect(lines(daemon, "CRIT cannot")).toEqual([
      `CRIT cannot open stdin, stdout, stderr of 'p' (pid ${pid}): the kernel does not let this supervisord look into that process; what it writes is not logged, and it stands still once its pipe is full: restart 'p'`,
    ]);
    for (const client of CLIENTS) {
      const ran = await runCommand([...supervisorctl(client), "-c", daemon.conf, "status"], {
        env: environment(daemon.dir),
      });
      expect([ran.exit, ran.out]).toEqual([
        0,
        expect.stringMatching(
          /^p +RUNNING +pid \d+, uptime [\d:]+, stdin, stdout, stderr lost since adoption: restart it\n$/,
        ),
      ]);
    }
    // An upgrade gives it no more rights, and says so again.
    await daemon.rpc("supervisord_ts.upgrade");
    expect(await daemon.info("p")).toMatchObject({ pid, description: expect.stringContaining("lost since") });
    // The state holds as long as that child does.
    await daemon.rpc("supervisor.stopProcess", "p");
    await daemon.rpc("supervisor.startProcess", "p");
    expect(await daemon.state("p", "RUNNING")).toMatchObject({
      description: expect.stringMatching(/^pid \d+, uptime [\d:]+$/),
    });
  },
);

asRoot("a FastCGI socket that cannot be had stays with the child that listens on it", async () => {
  await using daemon = mortal(
    "[fcgi-program:p]\ncommand=/bin/sleep 1000\nuser=nobody\nsocket=unix://%(dir)s/f.sock\nstartsecs=0\n",
  );
  await daemon.start(true, WITHOUT_PTRACE);
  const { pid } = await daemon.state("p", "RUNNING");
  const { ino } = statSync(join(daemon.dir, "f.sock"));
  await killAndStart(daemon, WITHOUT_PTRACE);
  expect(await daemon.info("p")).toMatchObject({
    pid,
    description: expect.stringMatching(/, socket lost since adoption: restart it$/),
  });
  expect(lines(daemon, "CRIT cannot")).toEqual([
    `CRIT cannot open socket of 'p' (pid ${pid}): the kernel does not let this supervisord look into that process; the next child gets a socket of its own: restart 'p'`,
  ]);
  // A client that connects reaches the child.
  expect(statSync(join(daemon.dir, "f.sock")).ino).toBe(ino);
  const created = (): number => lines(daemon, "INFO Creating socket").length;
  const before = created();
  await daemon.rpc("supervisor.stopProcess", "p");
  await daemon.rpc("supervisor.startProcess", "p");
  expect(created()).toBe(before + 1);
});

/** Leaves its group and closes everything; then nothing of its environment is left. */
const WIPED = `import os, sys, time
other = os.fork()
if other == 0:
    os.closerange(0, 100)
    time.sleep(1000)
os.setpgid(other, other)
os.setpgid(0, other)
os.closerange(0, 100)
os.close(os.open(sys.argv[1], os.O_CREAT | os.O_WRONLY))
os.execve("/bin/sleep", ["sleep", "1000"], {})
`;

withPython("a program without pipes, names and a group of its own gets no double", async () => {
  await using daemon = mortal("[program:p]\ncommand=python3 -ES %(dir)s/p.py %(dir)s/ready\nstartsecs=0\n");
  writeFileSync(join(daemon.dir, "p.py"), WIPED);
  await daemon.start();
  const { pid } = await daemon.state("p", "RUNNING");
  await until(() => environ(Number(pid))["PATH"] === undefined, "the program");
  expect(descriptors(Number(pid))).toEqual({});
  await killAndStart(daemon, []);
  expect((await daemon.state("p", "RUNNING"))["pid"]).toBe(pid);
  expect(lines(daemon, "INFO spawned")).toHaveLength(1);
  await daemon.rpc("supervisor.stopProcess", "p");
  expect(alive(Number(pid))).toBe(false);
});
