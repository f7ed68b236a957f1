/** The state file comes back when it is removed, and lies where nobody else can remove it. */
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readStateFile } from "../../src/wire/state-file.js";
import { type Mortal, mortal } from "../support/mortal.js";
import { runCommand } from "../support/run-command.js";
import { until } from "../support/until.js";

const isRoot = process.getuid?.() === 0;
const describeAsRoot = describe.runIf(isRoot);
const NOBODY = 65534;
const AS_NOBODY = ["setpriv", `--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups"];

const SLEEP =
  "[program:p]\ncommand=/bin/sleep 1000\nstartsecs=0\n[program:q]\ncommand=/bin/sleep 1000\nstartsecs=0\nautostart=false\n";

const lines = (daemon: Mortal, text: string): readonly string[] =>
  daemon.log().filter((line) => line.includes(text));

/** A file that tells of the daemon's programs. */
function isWhole(path: string): boolean {
  if (!existsSync(path)) return false;
  const stat = lstatSync(path);
  if (!stat.isFile() || (stat.mode & 0o777) !== 0o600) return false;
  const reading = readStateFile(readFileSync(path, "utf8"));
  return reading.ok && reading.state.processes.some(({ name, run }) => name === "p" && run !== null);
}

describe("a state file that is no longer in its place", () => {
  const GONE = /^WARN state file \S+ was removed or replaced; it is written again$/;

  /** After this the next daemon has the child of the first, and has heard of what was done since. */
  async function disturb(act: (daemon: Mortal) => void, said: readonly unknown[]): Promise<void> {
    await using daemon = mortal(SLEEP);
    await daemon.start();
    const { pid } = await daemon.state("p", "RUNNING");
    act(daemon);
    await until(() => isWhole(daemon.statefile), "the state file");
    const { pid: later } = await daemon.state("q", "STOPPED").then(async () => {
      await daemon.rpc("supervisor.startProcess", "q");
      return daemon.state("q", "RUNNING");
    });
    expect(lines(daemon, "state file")).toEqual(said);
    await daemon.kill();
    await daemon.start();
    expect([(await daemon.info("p"))["pid"], (await daemon.info("q"))["pid"]]).toEqual([pid, later]);
    expect([daemon.running("p"), daemon.running("q")]).toEqual([[pid], [later]]);
    daemon.daemon.kill("SIGTERM");
    expect(await daemon.daemon.exited).toBe(0);
    expect(existsSync(daemon.statefile)).toBe(false);
  }

  test("as it was removed comes back", () =>
    disturb(({ statefile }) => rmSync(statefile), [expect.stringMatching(GONE)]));

  test("as it was moved away comes back", () =>
    disturb(({ statefile }) => renameSync(statefile, `${statefile}.away`), [expect.stringMatching(GONE)]));

  test("as another file took its place comes back", () =>
    disturb(
      ({ dir, statefile }) => {
        writeFileSync(join(dir, "other"), "nonsense\n");
        renameSync(join(dir, "other"), statefile);
      },
      [expect.stringMatching(GONE)],
    ));

  test("as a link took its place comes back, and the link's target is left alone", () =>
    disturb(
      ({ dir, statefile }) => {
        writeFileSync(join(dir, "precious"), "precious\n");
        symlinkSync(join(dir, "precious"), join(dir, "link"));
        renameSync(join(dir, "link"), statefile);
      },
      [expect.stringMatching(GONE)],
    ));

  test("as a directory took its place comes back", () =>
    disturb(
      ({ statefile }) => {
        rmSync(statefile);
        mkdirSync(statefile);
      },
      [expect.stringMatching(GONE)],
    ));

  test("as a directory with something in it took its place comes back, and the directory is moved aside", () =>
    disturb(
      ({ statefile }) => {
        // The daemon may be quicker than the next line.
        for (let isDirectory = false; !isDirectory; isDirectory = statSync(statefile).isDirectory()) {
          rmSync(statefile, { recursive: true, force: true });
          try {
            mkdirSync(join(statefile, "full"), { recursive: true });
          } catch (error) {
            expect((error as NodeJS.ErrnoException).code).toMatch(/^(ENOTDIR|EEXIST)$/);
          }
        }
      },
      [expect.stringMatching(GONE)],
    ));

  test("as its directory went away is written when that is back", async () => {
    await using daemon = mortal(SLEEP, "statefile=%(here)s/sub/state");
    const sub = join(daemon.dir, "sub");
    mkdirSync(sub);
    await daemon.start();
    const { pid } = await daemon.state("p", "RUNNING");
    rmSync(sub, { recursive: true });
    await until(() => lines(daemon, "state file").length === 2, "two lines");
    expect(lines(daemon, "state file")).toEqual([
      expect.stringMatching(GONE),
      expect.stringMatching(
        /^ERRO cannot write state file \S+: ENOENT.*; if supervisord dies now, its processes are lost$/,
      ),
    ]);
    mkdirSync(sub);
    await until(() => isWhole(join(sub, "state")), "the state file");
    await until(() => lines(daemon, "state file").length === 3, "a third line");
    expect(lines(daemon, "state file")[2]).toMatch(/^WARN can write state file \S+ again$/);
    await daemon.kill();
    await daemon.start();
    expect((await daemon.info("p"))["pid"]).toBe(pid);
  });

  test.runIf(isRoot)(
    "as a link to a directory of root's took its directory's place, nothing is written there",
    async () => {
      await using daemon = mortal(SLEEP, "statefile=%(here)s/theirs/run/s.state");
      const { dir } = daemon;
      const [run, roots] = [join(dir, "theirs", "run"), join(dir, "roots")];
      for (const theirs of [join(dir, "theirs"), run]) {
        mkdirSync(theirs);
        chownSync(theirs, NOBODY, NOBODY);
      }
      mkdirSync(roots);
      writeFileSync(join(roots, "s.state.new"), "root's\n");
      chmodSync(dir, 0o755);
      await daemon.start();
      await daemon.state("p", "RUNNING");
      const script = `mv ${run} ${run}.old && ln -s ${roots} ${run}`;
      expect((await runCommand([...AS_NOBODY, "sh", "-c", script])).exit).toBe(0);
      await until(() => lines(daemon, "cannot write state file").length > 0, "the refusal");
      expect(readdirSync(roots)).toEqual(["s.state.new"]);
      rmSync(run);
      renameSync(`${run}.old`, run);
      await until(() => lines(daemon, "can write state file").length > 0, "the file in its place");
      expect(isWhole(join(run, "s.state"))).toBe(true);
    },
  );

  test("however often it is removed is said once, and written again when that is over", async () => {
    await using daemon = mortal(SLEEP);
    await daemon.start();
    await daemon.state("p", "RUNNING");
    for (let removals = 0; removals < 200; removals += 1) {
      rmSync(daemon.statefile, { force: true });
      if (removals % 20 === 0) await daemon.rpc("supervisor.startProcess", "q");
      if (removals % 20 === 10) await daemon.rpc("supervisor.stopProcess", "q");
    }
    await until(() => isWhole(daemon.statefile), "the state file");
    expect(lines(daemon, "state file")).toHaveLength(1);
  });

  test("is left to another supervisord that writes it now", async () => {
    await using other = mortal(SLEEP);
    await using daemon = mortal(SLEEP);
    await other.start();
    await daemon.start();
    await daemon.state("p", "RUNNING");
    const theirs = readFileSync(other.statefile);
    writeFileSync(join(daemon.dir, "theirs"), theirs, { mode: 0o600 });
    renameSync(join(daemon.dir, "theirs"), daemon.statefile);
    await until(() => lines(daemon, "state file").length > 0, "a line");
    expect(lines(daemon, "state file")).toEqual([
      `ERRO state file ${daemon.statefile} is written by another supervisord (pid ${other.daemon.pid}) now; if this one dies, its processes are lost`,
    ]);
    daemon.daemon.kill("SIGTERM");
    expect(await daemon.daemon.exited).toBe(0);
    expect(readFileSync(daemon.statefile)).toEqual(theirs);
  });
});

describeAsRoot("a pidfile where others can write", () => {
  /** `dir/open` is everybody's, and `/run` is `dir/run`. */
  function inTheOpen(): {
    readonly daemon: Mortal;
    readonly run: string;
    readonly open: string;
    readonly through: readonly string[];
  } {
    const daemon = mortal(SLEEP, "pidfile=%(here)s/open/d.pid");
    const [run, open] = [join(daemon.dir, "run"), join(daemon.dir, "open")];
    for (const dir of [run, open]) mkdirSync(dir);
    chmodSync(daemon.dir, 0o755);
    chmodSync(open, 0o1777);
    const script = `mount --bind ${run} /run && exec "$@"`;
    return { daemon, run, open, through: ["unshare", "--mount", "/bin/sh", "-c", script, "sh"] };
  }

  const states = (dir: string): readonly string[] =>
    existsSync(dir) ? readdirSync(dir).filter((name) => name.endsWith(".state")) : [];

  test("has its state in a directory of root's own, which is made again as well", async () => {
    const { daemon: kept, run, open, through } = inTheOpen();
    await using daemon = kept;
    await daemon.start(true, through);
    const { pid } = await daemon.state("p", "RUNNING");
    const own = join(run, "supervisord-ts");
    expect(statSync(own).mode & 0o777).toBe(0o700);
    const [name = ""] = states(own);
    expect(name).toMatch(/^[0-9a-f]{32}\.state$/);
    expect(isWhole(join(own, name))).toBe(true);
    expect(states(open)).toEqual([]);
    expect(readFileSync(join(own, String(daemon.daemon.pid)), "utf8")).toBe(`${daemon.conf}\n`);
    // Files that the daemon makes again meanwhile are removed too.
    rmSync(own, { recursive: true, maxRetries: 5 });
    await until(() => isWhole(join(own, name)), "the state file");
    const first = daemon.daemon.pid;
    await daemon.kill();
    writeFileSync(join(own, String(first)), "left behind\n");
    await daemon.start(true, through);
    expect((await daemon.info("p"))["pid"]).toBe(pid);
    expect(lines(daemon, "can write")).toEqual([]);
    daemon.daemon.kill("SIGTERM");
    expect(await daemon.daemon.exited).toBe(0);
    expect(readdirSync(own)).toEqual([]);
  });

  test("whose state an earlier version has left beside it is taken over, and that file goes", async () => {
    const { daemon: kept, run, open, through } = inTheOpen();
    await using daemon = kept;
    // An earlier version did so always.
    daemon.edit(SLEEP, "pidfile=%(here)s/open/d.pid\nstatefile=%(here)s/open/d.pid.state");
    await daemon.start(true, through);
    const { pid } = await daemon.state("p", "RUNNING");
    await daemon.kill();
    expect(states(open)).toEqual(["d.pid.state"]);
    daemon.edit(SLEEP);
    await daemon.start(true, through);
    expect((await daemon.info("p"))["pid"]).toBe(pid);
    expect(states(open)).toEqual([]);
    expect(states(join(run, "supervisord-ts"))).toHaveLength(1);
    await daemon.kill();
    await daemon.start(true, through);
    expect((await daemon.info("p"))["pid"]).toBe(pid);
  });

  test("whose state moves while the daemon runs, as over an upgrade, leaves none behind", async () => {
    const { daemon: kept, run, open, through } = inTheOpen();
    await using daemon = kept;
    chmodSync(open, 0o755);
    await daemon.start(true, through);
    const { pid } = await daemon.state("p", "RUNNING");
    expect(states(open)).toEqual(["d.pid.state"]);
    chmodSync(open, 0o1777);
    await daemon.rpc("supervisord_ts.upgrade");
    expect((await daemon.info("p"))["pid"]).toBe(pid);
    expect(states(open)).toEqual([]);
    expect(states(join(run, "supervisord-ts"))).toHaveLength(1);
  });

  test.each([
    ["there is no other place", "mount -t tmpfs -o ro none /run"],
    [
      "somebody else has made that place",
      `mkdir -m 777 $0/run/supervisord-ts; chown ${NOBODY} $0/run/supervisord-ts; mount --bind $0/run /run`,
    ],
    ["somebody else has put a link there", "ln -s $0/open $0/run/supervisord-ts; mount --bind $0/run /run"],
  ])("keeps it there with a warning when %s, and follows no link", async (_why, script) => {
    const { daemon: kept, open } = inTheOpen();
    await using daemon = kept;
    const victim = join(daemon.dir, "victim");
    writeFileSync(victim, "precious\n");
    for (const name of ["d.pid.state", "d.pid.state.new"]) symlinkSync(victim, join(open, name));
    const through = ["unshare", "--mount", "/bin/sh", "-c", `${script}; exec "$@"`, daemon.dir];
    await daemon.start(true, through);
    const { pid } = await daemon.state("p", "RUNNING");
    expect(isWhole(join(open, "d.pid.state"))).toBe(true);
    expect(readFileSync(victim, "utf8")).toBe("precious\n");
    expect(lines(daemon, "state file")).toEqual([
      expect.stringMatching(/^ERRO state file \S+ is ignored: a link leads to it; /),
      expect.stringMatching(
        /^WARN state file \S+ is in a directory that others can write: .*; statefile= names a safer place$/,
      ),
    ]);
    await daemon.kill();
    await daemon.start(true, [
      "unshare",
      "--mount",
      "/bin/sh",
      "-c",
      'mount -t tmpfs -o ro none /run; exec "$@"',
      "sh",
    ]);
    expect((await daemon.info("p"))["pid"]).toBe(pid);
  });

  test("has its state in the user's runtime directory when the daemon isn't root", async () => {
    const { daemon: kept, open } = inTheOpen();
    await using daemon = kept;
    const runtime = mkdtempSync(join(daemon.dir, "runtime-"));
    for (const path of [daemon.dir, daemon.conf, runtime]) chownSync(path, NOBODY, NOBODY);
    const through = [...AS_NOBODY, "env", `XDG_RUNTIME_DIR=${runtime}`];
    await daemon.start(true, through);
    const { pid } = await daemon.state("p", "RUNNING");
    expect(states(open)).toEqual([]);
    expect(readdirSync(join(runtime, "supervisord-ts"))).toEqual([
      expect.stringMatching(/^[0-9a-f]{32}\.state$/),
    ]);
    await daemon.kill();
    await daemon.start(true, through);
    expect((await daemon.info("p"))["pid"]).toBe(pid);
    // The directory goes with the last login: the state must be somewhere all the same, and the next one must find it.
    rmSync(runtime, { recursive: true, maxRetries: 5 });
    await until(() => isWhole(join(open, "d.pid.state")), "the state beside the pidfile");
    await daemon.kill();
    mkdirSync(runtime, { mode: 0o700 });
    chownSync(runtime, NOBODY, NOBODY);
    await daemon.start(true, through);
    expect((await daemon.info("p"))["pid"]).toBe(pid);
    expect(states(open)).toEqual([]);
  });
});
