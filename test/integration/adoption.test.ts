/** Workers outlive a daemon that is killed, and the next one takes them over. */
import { execFileSync } from "node:child_process";
import { chmodSync, chownSync, existsSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { describe, expect, test } from "vitest";
import { fixture } from "../support/fixture.js";
import { type Mortal, mortal } from "../support/mortal.js";
import { needs } from "../support/needs.js";
import { alive, commandLine, descriptors, marked, stat } from "../support/processes.js";
import { environment, OUR_SUPERVISORD } from "../support/programs.js";
import { runCommand } from "../support/run-command.js";
import { until } from "../support/until.js";

/** Longer runs for those who want them. */
const SECONDS = Number(process.env["SUPERVISORD_TS_CRASH_SECONDS"] ?? 10);
const INSTANTS = Number(process.env["SUPERVISORD_TS_CRASH_INSTANTS"] ?? 20);
const KILLS = 10;
/** The log's clock is not the one that decides, and a busy machine may come between deciding and saying. */
const CLOCKS_MS = 500;
/** Of one daemon after another, while one worker is being stopped. */
const DEATHS = 5;
const WORKERS = 20;
const { test: withSupervisor } = needs("supervisor");
const { test: withPython } = needs("python3");
const asRoot = test.runIf(process.getuid?.() === 0);

const SLEEP = "[program:p]\ncommand=/bin/sleep 1000\nstartsecs=0\n";

/** A log with its rotated copies, oldest first. */
function wholeLog(daemon: Mortal, name: string): string {
  const parts: string[] = [daemon.read(name)];
  for (let number = 1; existsSync(join(daemon.dir, `${name}.${number}`)); number += 1)
    parts.unshift(daemon.read(`${name}.${number}`));
  return parts.join("");
}

/** As `write-lines`, until it is told to end: then its last line goes to FILE, too. */
const SAY_LAST = `#!/usr/bin/python3 -ES
import os, signal, sys, time
rate, last = int(sys.argv[1]), sys.argv[2]
ending = []
signal.signal(signal.SIGTERM, lambda *_: ending.append(1))
number, line, started = 0, b"", time.monotonic()
while not ending:
    due = int((time.monotonic() - started) * rate)
    text = b""
    while number < due:
        number += 1
        line = b"%d %d\\n" % (os.getpid(), number)
        text += line
    while text:
        text = text[os.write(1, text):]
    time.sleep(0.01)
with open(last, "wb") as file:
    file.write(line)
`;

withPython(
  `${WORKERS} workers write 20,000 lines a second while the daemon is killed ${KILLS} times: each line once, in order`,
  {
    timeout: (SECONDS + 110) * 1000,
  },
  async () => {
    await using daemon = mortal(
      `[program:w]\ncommand=%(dir)s/say-last ${20_000 / WORKERS} %(dir)s/w%(process_num)d.last\nnumprocs=${WORKERS}\nprocess_name=%(process_num)d\n` +
        "stdout_logfile=%(dir)s/w%(process_num)d.log\nstdout_logfile_maxbytes=30KB\nstdout_logfile_backups=1000\n",
    );
    writeFileSync(join(daemon.dir, "say-last"), SAY_LAST, { mode: 0o755 });
    await daemon.start();
    await until(
      async () => (await daemon.all()).every(({ statename }) => statename === "RUNNING"),
      "all running",
    );
    const before = (await daemon.all()).map(({ pid }) => pid);
    for (let kills = 0; kills < KILLS; kills += 1) {
      // The time that passes is what is tested here.
      await new Promise((resolve) => setTimeout(resolve, (SECONDS * 1000) / KILLS));
      await daemon.kill();
      await daemon.start();
    }
    expect((await daemon.all()).map(({ pid }) => pid)).toEqual(before);
    await daemon.rpc("supervisor.stopAllProcesses");
    for (let worker = 0; worker < WORKERS; worker += 1) {
      const text = wholeLog(daemon, `w${worker}.log`);
      const lines = text.split("\n").slice(0, -1);
      expect(lines.length).toBeGreaterThan(1000);
      const wrong = lines.findIndex(
        (line, at) => line !== `${before[0] === 0 ? 0 : line.split(" ")[0]} ${at + 1}`,
      );
      expect(wrong === -1 ? null : `w${worker} line ${wrong + 1}: ${lines[wrong]}`).toBeNull();
      expect(new Set(lines.map((line) => line.split(" ")[0])).size).toBe(1);
      // Nothing is missing at the end either, by the worker's own word.
      expect(`${lines.at(-1)}\n`).toBe(daemon.read(`w${worker}.last`));
    }
  },
);

withSupervisor(
  "a worker that died with nobody looking is told of, as an event too, and started again",
  async () => {
    await using daemon = mortal(
      `[program:p]\ncommand=/bin/sleep 1000\nautorestart=true\n[eventlistener:ears]\ncommand=${fixture("listen-events")} %(dir)s/notes\nevents=PROCESS_STATE_EXITED,REMOTE_COMMUNICATION\nstartsecs=0\n`,
    );
    await daemon.start();
    const { pid } = await daemon.state("p", "RUNNING");
    await daemon.rpc("supervisor.sendRemoteCommEvent", "before", "x");
    await until(() => daemon.read("notes").includes("before"), "an event before");
    // Its answer has been heard and written down: what comes next finds it ready.
    await until(() => {
      const pools = daemon
        .read("supervisord.pid.state")
        .split("\n")
        .filter((line) => line.includes('"is":"pool"'));
      return pools.at(-1)?.includes('"state":"READY"') === true;
    }, "the listener being ready again");
    await daemon.kill();
    process.kill(Number(pid), "SIGKILL");
    await until(() => !alive(Number(pid)), "the worker's end");
    await daemon.start();
    const after = await daemon.state("p", "RUNNING");
    expect(after["pid"]).not.toBe(pid);
    expect(daemon.log()).toContain("WARN exited: p (exit status unknown; not expected)");
    const notes = await until(() => {
      const lines = daemon.read("notes").split("\n").filter(Boolean);
      return lines.length >= 2 && lines.map((line) => JSON.parse(line) as [Record<string, string>, string]);
    }, "the event");
    expect(notes.map(([{ serial, eventname }]) => [serial, eventname])).toEqual([
      ["0", "REMOTE_COMMUNICATION"],
      ["1", "PROCESS_STATE_EXITED"],
    ]);
    expect(notes[1]?.[1]).toBe(`processname:p groupname:p from_state:RUNNING expected:0 pid:${pid}`);
  },
);

test("each state goes on where it was", { timeout: 90_000 }, async () => {
  await using daemon = mortal(`
[program:up]
command=/bin/sh -c 'echo one; echo two >&2; exec cat'
redirect_stderr=true
[program:held]
command=/bin/cat
startsecs=0
[program:manual]
command=/bin/cat
autostart=false
[program:bad]
command=/bin/false
startretries=1000
[program:nosuch]
command=/no/such
startretries=0
[program:starting]
command=/bin/cat
startsecs=4
[program:deaf]
command=/bin/sh -c 'trap "" TERM; echo ready; while :; do sleep 0.1; done'
stopwaitsecs=4
startsecs=0
`);
  await daemon.start();
  await daemon.state("up", "RUNNING");
  await daemon.state("nosuch", "FATAL");
  await daemon.rpc("supervisor.stopProcess", "held");
  await until(
    () => daemon.log().filter((line) => line.startsWith("WARN exited: bad")).length >= 2,
    "two failures",
  );
  await until(
    async () => String(await daemon.rpc("supervisor.readProcessStdoutLog", "deaf", 0, 0)).includes("ready"),
    "deaf ready",
  );
  await daemon.rpc("supervisor.stopProcess", "deaf", false);
  const before = await daemon.info("up");
  const starting = await daemon.info("starting");
  await daemon.kill();
  await daemon.start();
  const after = await daemon.info("up");
  expect(after).toMatchObject({
    pid: before["pid"] ?? 0,
    start: before["start"] ?? 0,
    stdout_logfile: before["stdout_logfile"] ?? "",
  });
  expect((await daemon.info("held"))["statename"]).toBe("STOPPED");
  expect(await daemon.info("manual")).toMatchObject({ statename: "STOPPED", description: "Not started" });
  expect(await daemon.info("nosuch")).toMatchObject({
    statename: "FATAL",
    spawnerr: "can't find command '/no/such'",
  });
  expect(["BACKOFF", "STARTING"]).toContain((await daemon.info("bad"))["statename"]);
  await daemon.state("deaf", "STOPPED");
  expect(daemon.log().filter((line) => line.includes("killing 'deaf'"))).toHaveLength(1);
  expect(await daemon.state("starting", "RUNNING")).toMatchObject({ pid: starting["pid"] ?? 0 });
  await daemon.rpc("supervisor.sendProcessStdin", "up", "three\n");
  await until(
    () => readFileSync(String(before["stdout_logfile"]), "utf8") === "one\ntwo\nthree\n",
    "the log going on",
  );
  // Its end is known though it is no child of this daemon.
  await daemon.rpc("supervisor.signalProcess", "up", "KILL");
  await until(
    () => daemon.log().some((line) => /exited: up \(terminated by SIGKILL; not expected\)/.test(line)),
    "its end",
  );
});

test("failed starts are counted on, not anew: FATAL after startretries in all", {
  timeout: 90_000,
}, async () => {
  await using daemon = mortal(
    "[program:bad]\ncommand=/bin/sh -c 'echo >> %(dir)s/attempts; exit 1'\nstartretries=3\n",
  );
  const failures = (): number => daemon.log().filter((line) => line.startsWith("WARN exited: bad")).length;
  await daemon.start();
  for (const tries of [1, 2]) {
    await until(() => failures() >= tries, `failure ${tries}`);
    await daemon.state("bad", "BACKOFF");
    await daemon.kill();
    await daemon.start();
  }
  await daemon.state("bad", "FATAL");
  expect([daemon.read("attempts").length, failures()]).toEqual([4, 4]);
  // Each pause went on where it was: it is as long as its number, whoever waited.
  const pauses = daemon.times().filter(({ line }) => /^(INFO spawned: 'bad'|WARN exited: bad)/.test(line));
  expect(pauses).toHaveLength(8);
  for (const tries of [1, 2, 3])
    expect((pauses[tries * 2]?.at ?? 0) - (pauses[tries * 2 - 1]?.at ?? 0)).toBeGreaterThanOrEqual(
      tries * 1000 - CLOCKS_MS,
    );
  // It stays where it is, whoever comes next.
  await daemon.kill();
  await daemon.start();
  expect((await daemon.info("bad"))["statename"]).toBe("FATAL");
});

/** Longer than a busy machine takes for the daemons that come and go meanwhile. */
const STOPWAITSECS = 15;

test("stopwaitsecs counts from the stop, however often the daemon dies meanwhile", async () => {
  await using daemon = mortal(
    `[program:deaf]\ncommand=${fixture("ignore-sigterm")}\nstopwaitsecs=${STOPWAITSECS}\nstartsecs=0\nstdout_logfile=%(dir)s/deaf.log\n`,
    "loglevel=debug",
  );
  await daemon.start();
  await until(() => daemon.read("deaf.log") === "ready\n", "deaf ready");
  const { pid } = await daemon.state("deaf", "RUNNING");
  await daemon.rpc("supervisor.stopProcess", "deaf", false);
  for (let kills = 0; kills < DEATHS; kills += 1) {
    await daemon.kill();
    expect(alive(Number(pid))).toBe(true);
    await daemon.start();
  }
  await daemon.state("deaf", "STOPPED");
  const said = (text: string): readonly number[] =>
    daemon.times().flatMap(({ at, line }) => (line.includes(text) ? [at] : []));
  const [stopped = 0, ...more] = said(`killing deaf (pid ${pid}) with signal SIGTERM`);
  const [killed = 0, ...again] = said(`killing 'deaf' (${pid}) with SIGKILL`);
  const adopted = said(`adopted: 'deaf' with pid ${pid}`);
  expect([more, again, adopted.length]).toEqual([[], [], DEATHS]);
  expect(killed - stopped).toBeGreaterThanOrEqual(STOPWAITSECS * 1000 - CLOCKS_MS);
  // Counted anew by the last daemon, it would have come so long after that one had taken over.
  expect(killed - (adopted.at(-1) ?? 0)).toBeLessThan(STOPWAITSECS * 1000 - CLOCKS_MS);
});

test("what the files no longer say is stopped, what they say otherwise starts anew", async () => {
  const same = "[program:same]\ncommand=/bin/sleep 1000\nstartsecs=0\n";
  await using daemon = mortal(
    `${same}[program:gone]\ncommand=/bin/sleep 1000\nstartsecs=0\n[program:other]\ncommand=/bin/sleep 1000\nstartsecs=0\n`,
  );
  await daemon.start();
  const [gone, other, kept] = await Promise.all(
    ["gone", "other", "same"].map((name) => daemon.state(name, "RUNNING")),
  );
  await daemon.kill();
  daemon.edit(
    `${same}[program:other]\ncommand=/bin/sleep 2000\nstartsecs=0\n[program:fresh]\ncommand=/bin/sleep 1000\nstartsecs=0\n`,
  );
  await daemon.start();
  await daemon.state("fresh", "RUNNING");
  expect((await daemon.info("same"))["pid"]).toBe(kept?.["pid"]);
  await until(() => !alive(Number(gone?.["pid"])) && !alive(Number(other?.["pid"])), "the old ones' end");
  expect((await daemon.state("other", "RUNNING"))["pid"]).not.toBe(other?.["pid"]);
  expect((await daemon.all()).map(({ name }) => name)).toEqual(["fresh", "other", "same"]);
});

asRoot("another user's worker and a FastCGI socket come along", async () => {
  await using daemon = mortal(
    `[program:nobody]\ncommand=/bin/sh -c 'id -un; exec cat'\nuser=nobody\nstdout_logfile=%(dir)s/nobody.log\nstartsecs=0\n[fcgi-program:f]\ncommand=/bin/sleep 1000\nsocket=unix://%(dir)s/f.sock\nstartsecs=0\n`,
  );
  await daemon.start();
  const nobody = await daemon.state("nobody", "RUNNING");
  const f = await daemon.state("f", "RUNNING");
  const inode = statSync(join(daemon.dir, "f.sock")).ino;
  await daemon.kill();
  await daemon.start();
  expect((await daemon.info("nobody"))["pid"]).toBe(nobody["pid"]);
  await daemon.rpc("supervisor.sendProcessStdin", "nobody", "on\n");
  await until(() => daemon.read("nobody.log") === "nobody\non\n", "its log");
  expect((await daemon.info("f"))["pid"]).toBe(f["pid"]);
  // The next worker gets the same socket: who connected in between is in its queue still.
  const client = connect(join(daemon.dir, "f.sock"));
  await new Promise<void>((resolve, reject) => client.once("connect", resolve).once("error", reject));
  await daemon.rpc("supervisor.stopProcess", "f");
  await daemon.rpc("supervisor.startProcess", "f");
  expect(statSync(join(daemon.dir, "f.sock")).ino).toBe(inode);
  expect(daemon.log().filter((line) => line.includes("Creating socket"))).toHaveLength(2);
  client.destroy();
});

withSupervisor(
  "a listener's protocol keeps in step: an event in hand, others waiting, answers to come",
  async () => {
    await using daemon = mortal(
      `[eventlistener:ears]\ncommand=${fixture("gated-listener")} %(dir)s/notes %(dir)s/gate\nevents=REMOTE_COMMUNICATION\nbuffer_size=100\nstartsecs=0\n`,
    );
    await daemon.start();
    const { pid } = await daemon.state("ears", "RUNNING");
    const notes = (): string[] => daemon.read("notes").split("\n").filter(Boolean);
    const send = async (from: number, to: number): Promise<void> => {
      for (let number = from; number < to; number += 1)
        await daemon.rpc("supervisor.sendRemoteCommEvent", "t", String(number));
    };
    await send(0, 5);
    await until(() => notes().length === 1, "the first event in hand");
    await daemon.kill();
    await daemon.start();
    await send(5, 10);
    expect(notes()).toHaveLength(1);
    await daemon.kill();
    // Nobody is there to hear its answer, which waits in the pipe.
    writeFileSync(join(daemon.dir, "gate"), "");
    await daemon.start();
    await send(10, 15);
    await until(() => notes().length >= 15, "every event");
    expect(notes()).toEqual(Array.from({ length: 15 }, (_, at) => `${at} REMOTE_COMMUNICATION ${at}`));
    expect((await daemon.info("ears"))["pid"]).toBe(pid);
  },
);

describe("a state file that is not to be believed", () => {
  /** With the daemon dead and the file changed: what its log says of it, and no signal to `innocent`. */
  async function tamper(
    change: (path: string, innocent: number) => void,
    name = "innocent",
  ): Promise<readonly string[]> {
    await using daemon = mortal(SLEEP);
    await using bystander = mortal(SLEEP.replace("program:p", `program:${name}`));
    await bystander.start();
    const innocent = Number((await bystander.state(name, "RUNNING"))["pid"]);
    await daemon.start();
    const { pid } = await daemon.state("p", "RUNNING");
    await daemon.kill();
    change(daemon.statefile, innocent);
    const at = daemon.log().length;
    await daemon.start();
    const after = Number((await daemon.state("p", "RUNNING"))["pid"]);
    expect([Number(pid), innocent]).not.toContain(after);
    await daemon.rpc("supervisor.stopProcess", "p");
    expect(alive(innocent)).toBe(true);
    return daemon
      .log()
      .slice(at)
      .filter((line) => /state file/.test(line));
  }

  function edit(path: string, change: (json: string) => string): void {
    const lines = readFileSync(path, "utf8").split("\n").filter(Boolean);
    const edited = lines.map((line) => {
      const json = change(line.slice(9));
      return `${crc32(json).toString(16).padStart(8, "0")} ${json}\n`;
    });
    writeFileSync(path, edited.join(""));
  }

  function starttimeOf(pid: number): string {
    return readFileSync(`/proc/${pid}/stat`, "latin1").split(") ")[1]?.split(" ")[19] ?? "";
  }

  /** Flips a bit of what this finds, and says in which line of the file it stands. */
  function flip(path: string, find: RegExp): number {
    const bytes = readFileSync(path);
    const at = bytes.toString("latin1").search(find);
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    writeFileSync(path, bytes);
    return bytes.toString("latin1", 0, at).split("\n").length;
  }

  test.each([
    ["the pid", /(?<="run":{"pid":)\d/],
    ["a checksum", /^[0-9a-f](?=\S* {"is":"process")/m],
  ])("a flipped bit in %s", async (_what, find) => {
    let line = 0;
    const said = await tamper((path) => {
      line = flip(path, find);
    });
    expect(line).toBeGreaterThan(1);
    expect(said).toEqual([
      expect.stringMatching(new RegExp(`^ERRO state file .* is ignored: line ${line} is damaged; `)),
    ]);
  });

  test("a flipped bit in its first line", async () => {
    const said = await tamper((path) => expect(flip(path, /(?<="boot":")./)).toBe(1));
    expect(said).toEqual([
      expect.stringMatching(/^ERRO state file .* is ignored: its first line is damaged; /),
    ]);
  });

  test("bytes missing before its last line: that is no torn end", async () => {
    const said = await tamper((path) => {
      const text = readFileSync(path, "utf8");
      const at = text.search(/.{10}\n[^\n]*\n$/);
      writeFileSync(path, text.slice(0, at) + text.slice(at + 10));
    });
    expect(said).toEqual([expect.stringMatching(/^ERRO state file .* is ignored: line \d+ is damaged; /)]);
  });

  test("another boot", async () => {
    const said = await tamper((path) =>
      edit(path, (json) => json.replace(/"boot":"[^"]*"/, '"boot":"other"')),
    );
    expect(said).toEqual([expect.stringMatching(/is ignored: it is from before the machine was started; /)]);
  });

  test("readable by others", async () => {
    const said = await tamper((path) => chmodSync(path, 0o644));
    expect(said).toEqual([expect.stringMatching(/is ignored: others may read or write it; /)]);
  });

  asRoot("another user's", async () => {
    const said = await tamper((path) => chownSync(path, 65534, 65534));
    expect(said).toEqual([expect.stringMatching(/is ignored: it belongs to another user \(uid 65534\); /)]);
  });

  test("nothing but a beginning", async () => {
    const said = await tamper((path) => writeFileSync(path, readFileSync(path, "utf8").slice(0, 40)));
    expect(said).toEqual([expect.stringMatching(/is ignored: its first line is damaged; /)]);
  });

  test("a fifo", async () => {
    const said = await tamper((path) => {
      rmSync(path);
      execFileSync("mkfifo", [path]);
    });
    expect(said).toEqual([expect.stringMatching(/is ignored: it is no file; /)]);
  });

  test("a recycled pid is neither adopted nor signalled", async () => {
    const said = await tamper((path, innocent) =>
      edit(path, (json) => json.replace(/"run":\{"pid":\d+/, `"run":{"pid":${innocent}`)),
    );
    expect(said).toEqual([]);
  });

  const writeIn = (path: string, innocent: number): void =>
    edit(path, (json) =>
      json.replace(
        /"run":\{"pid":\d+,"starttime":\d+/,
        `"run":{"pid":${innocent},"starttime":${starttimeOf(innocent)}`,
      ),
    );

  test("nor is a stranger whose start time somebody wrote in", async () => {
    expect(await tamper(writeIn)).toEqual([]);
  });

  test("nor is another daemon's program of the same name", async () => {
    expect(await tamper(writeIn, "p")).toEqual([]);
  });
});

describe("a state file that ends in the middle of a line", () => {
  const TORN = /^WARN state file .* ends in the middle of a line; what stands before it is used$/;

  /** With the daemon dead and the file cut: the same child, and one line that says what was done. */
  async function cut(change: (text: string) => string): Promise<void> {
    await using daemon = mortal(SLEEP);
    await daemon.start();
    const { pid, start } = await daemon.state("p", "RUNNING");
    await daemon.kill();
    const text = readFileSync(daemon.statefile, "utf8");
    const changed = change(text);
    expect([changed.length < text.length, changed.endsWith("\n")]).toEqual([true, false]);
    writeFileSync(daemon.statefile, changed);
    const at = daemon.log().length;
    await daemon.start();
    expect(await daemon.state("p", "RUNNING")).toMatchObject({ pid: pid ?? 0, start: start ?? 0 });
    expect(daemon.running("p")).toEqual([pid]);
    const said = daemon.log().slice(at);
    expect(said.filter((line) => /state file/.test(line))).toEqual([expect.stringMatching(TORN)]);
    expect(said.filter((line) => /spawned|adopted/.test(line))).toEqual([
      `INFO adopted: 'p' with pid ${pid}`,
    ]);
  }

  test("is used up to there", () => cut((text) => text.slice(0, -1)));

  test("that would have said which pid the child has: its pipes say it", () =>
    cut((text) => {
      const at = text.search(/"run":{"pid":\d/);
      const before = text.slice(0, at);
      expect(before).toMatch(/"state":{"name":"STARTING","pid":null.*"run":{"pid":null,.*\n.*$/);
      return before;
    }));
});

/** The same state file, as a later version might have written it. */
function ofNewerFormat(text: string): string {
  const [first = ""] = text.split("\n");
  const json = first.slice(9).replace('"format":1', '"format":99');
  return text.replace(first, `${crc32(json).toString(16).padStart(8, "0")} ${json}`);
}

test("a newer format stops the start, and nothing is lost", async () => {
  await using daemon = mortal(SLEEP);
  await daemon.start();
  const { pid } = await daemon.state("p", "RUNNING");
  await daemon.kill();
  const text = readFileSync(daemon.statefile, "utf8");
  const newer = ofNewerFormat(text);
  writeFileSync(daemon.statefile, newer);
  const refused = await daemon.start(false);
  expect(await refused.exited).toBe(2);
  expect(refused.stderr()).toMatch(/^Error: state file .* cannot be used: it is of format 99, .*\n/);
  expect(readFileSync(daemon.statefile, "utf8")).toBe(newer);
  expect(daemon.running("p")).toEqual([pid]);
  writeFileSync(daemon.statefile, text);
  await daemon.start();
  expect((await daemon.info("p"))["pid"]).toBe(pid);
});

test("with too few descriptors to take over everybody it doesn't start, and nobody is lost or doubled", async () => {
  await using daemon = mortal(`${SLEEP}numprocs=12\nprocess_name=p%(process_num)d\n`, "minfds=10");
  await daemon.start();
  const pids = async (): Promise<readonly unknown[]> => (await daemon.all()).map(({ pid }) => pid);
  await until(async () => !(await pids()).includes(0), "all running");
  const before = await pids();
  await daemon.kill();
  const refused = await daemon.start(false, ["prlimit", "--nofile=60:60"]);
  const exit = await refused.exited;
  expect(daemon.left()).toHaveLength(12);
  await daemon.start();
  expect(await pids()).toEqual(before);
  expect(refused.stderr()).toMatch(/^Error: Cannot take over 'p:p\d+': too many open files\n/);
  expect(exit).toBe(2);
});

test("a second daemon leaves the first one and its file alone", async () => {
  await using daemon = mortal(SLEEP);
  const first = await daemon.start();
  await daemon.state("p", "RUNNING");
  const conf = readFileSync(daemon.conf, "utf8");
  // Without a server of its own, nothing but the state file tells that there is another.
  writeFileSync(daemon.conf, conf.replace(/\[unix_http_server\]\nfile=.*\n/, ""));
  const second = await daemon.start(false);
  expect(await second.exited).toBe(2);
  expect(second.stderr()).toMatch(/^Error: supervisord is running already \(pid \d+\) with the state file /);
  expect(daemon.running("p")).toHaveLength(1);
  expect(await daemon.rpc("supervisor.getPID")).toBe(first.pid);
  first.kill("SIGTERM");
  expect(await first.exited).toBe(0);
  expect(existsSync(daemon.statefile)).toBe(false);
  expect(marked(daemon.dir)).toEqual([]);
});

test("with adopt=false there is no state file, and pipes break with the daemon", async () => {
  await using daemon = mortal(SLEEP, "adopt=false");
  await daemon.start();
  const { pid } = await daemon.state("p", "RUNNING");
  expect(existsSync(daemon.statefile)).toBe(false);
  expect(descriptors(Number(pid))).toMatchObject({ 0: "pipe:", 1: "pipe:", 2: "pipe:" });
  const flags = (fd: number): number =>
    Number.parseInt(/flags:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/fdinfo/${fd}`, "utf8"))?.[1] ?? "", 8) &
    3;
  expect([flags(0), flags(1), flags(2)]).toEqual([0, 1, 1]);
});

test("adopt=false does not look at the state file of an earlier life: nothing is adopted, as under Supervisor", async () => {
  await using daemon = mortal(SLEEP);
  await daemon.start();
  const { pid } = await daemon.state("p", "RUNNING");
  await daemon.kill();
  const text = readFileSync(daemon.statefile, "utf8");
  const { ino } = statSync(daemon.statefile);
  // One that even stops a start, were it read.
  const newer = ofNewerFormat(text);
  for (const [left, found] of [
    [text, "the state of a daemon that died"],
    [newer, "the state of a newer version"],
  ] as const) {
    writeFileSync(daemon.statefile, left);
    daemon.edit(SLEEP, "adopt=false");
    const at = daemon.log().length;
    const life = await daemon.start();
    const { pid: own } = await daemon.state("p", "RUNNING");
    expect([...daemon.running("p")].sort(), found).toEqual([Number(pid), Number(own)].sort());
    expect(
      daemon
        .log()
        .slice(at)
        .filter((line) => /state file|adopted/.test(line)),
    ).toEqual([]);
    life.kill("SIGTERM");
    expect(await life.exited).toBe(0);
    expect(readFileSync(daemon.statefile, "utf8")).toBe(left);
    expect(daemon.running("p")).toEqual([pid]);
  }
  expect(statSync(daemon.statefile).ino).toBe(ino);
  // Whoever wants it again gets what was left then.
  writeFileSync(daemon.statefile, text);
  daemon.edit(SLEEP, "adopt=true");
  await daemon.start();
  expect((await daemon.info("p"))["pid"]).toBe(pid);
});

test("the state file knows the session of the children, in the foreground and under --respawn in the background", async () => {
  await using daemon = mortal(SLEEP);
  const sessions = async (): Promise<readonly unknown[]> => {
    const { pid } = await daemon.state("p", "RUNNING");
    const { header } = JSON.parse(readFileSync(daemon.statefile, "utf8").split("\n", 1)[0]?.slice(9) ?? "");
    return [header.sid, stat(Number(pid))?.sid];
  };
  const first = await daemon.start();
  const [said, is] = await sessions();
  expect(said).toBe(is);
  first.kill("SIGTERM");
  await first.exited;
  const ran = await runCommand([OUR_SUPERVISORD, "--respawn", "-c", daemon.conf], {
    cwd: daemon.dir,
    env: environment(daemon.dir),
  });
  expect(ran.exit).toBe(0);
  const [saidLater, isLater] = await sessions();
  expect(saidLater).toBe(isLater);
});

withPython(
  `killed at ${INSTANTS} random instants, there is never a second copy and never a lost worker`,
  {
    timeout: 60_000 + INSTANTS * 5_000,
  },
  async () => {
    const programs = (extra: string): string =>
      ["a", "b", "c", "d"]
        .map((name) => `[program:${name}]\ncommand=/bin/sleep 1000\nstartsecs=0\n${extra}`)
        .join("") +
      `[program:chatty]\ncommand=${fixture("write-lines")} 2000\nstdout_logfile=%(dir)s/chatty.log\nstdout_logfile_maxbytes=2KB\nstartsecs=0\n` +
      `[program:crashing]\ncommand=/bin/sh -c 'sleep 0.0$$; exit 1'\nautorestart=true\nstartsecs=0\n` +
      // One that never comes up, and by then has started something, as fast as it is let.
      `[program:failing]\ncommand=/bin/sh -c '/bin/true; exit 1'\nstartretries=1000000\n`;
    await using daemon = mortal(programs(""));
    const seed = Math.trunc(Math.random() * 1e9);
    console.log(`seed ${seed}`);
    let random = seed;
    const next = (): number => {
      random = (random * 1103515245 + 12345) % 2 ** 31;
      return random / 2 ** 31;
    };
    await daemon.start();
    for (let instant = 0; instant < INSTANTS; instant += 1) {
      const driver = drive(daemon, programs, instant);
      await new Promise((resolve) => setTimeout(resolve, next() * 400));
      await daemon.kill();
      await driver;
      await daemon.start();
      // Which the operator stopped may be down; whatever is up is up once, and known.
      await until(
        async () => {
          const known = (await daemon.all()).filter(({ name }) => !SHORT_LIVED.has(String(name)));
          const settled = known.every(({ statename }) => statename === "RUNNING" || statename === "STOPPED");
          const up = known.filter(({ statename }) => statename === "RUNNING").map(({ pid }) => Number(pid));
          const found = known.flatMap(({ name }) => [...daemon.running(String(name))]);
          const sorted = (pids: readonly number[]): string => [...pids].sort((x, y) => x - y).join();
          return settled && sorted(up) === sorted(found) && up.length >= known.length - 1;
        },
        `order after instant ${instant} of seed ${seed}\n${daemon.log().slice(-40).join("\n")}`,
      );
    }
    await daemon.rpc("supervisor.startAllProcesses");
    for (const name of SHORT_LIVED) await daemon.rpc("supervisor.stopProcess", name).catch(() => null);
    const all = await daemon.all();
    expect(
      all.filter(({ statename, name }) => !SHORT_LIVED.has(String(name)) && statename !== "RUNNING"),
    ).toEqual([]);
    for (const name of ["a", "b", "c", "d", "chatty"]) expect(daemon.running(name)).toHaveLength(1);
    // Whatever runs is one of these: no instant has left anything that nobody knows of.
    const known = all.map(({ pid }) => Number(pid)).filter((pid) => pid !== 0);
    await until(() => daemon.left().every((pid) => known.includes(pid)), `no orphans; seed ${seed}`).catch(
      (error: Error) => {
        const orphans = daemon.left().filter((pid) => !known.includes(pid));
        throw new Error(`${error.message}: ${orphans.map((pid) => `${pid} ${commandLine(pid)}`).join(", ")}`);
      },
    );
    daemon.daemon.kill("SIGTERM");
    expect(await daemon.daemon.exited).toBe(0);
    expect(daemon.left()).toEqual([]);
  },
);

/** They come and go, and may be between two lives at any instant. */
const SHORT_LIVED = new Set(["crashing", "failing"]);

/** Keeps the daemon busy with everything that moves processes, until it is no longer there. */
async function drive(daemon: Mortal, programs: (extra: string) => string, round: number): Promise<void> {
  try {
    for (let turn = 0; ; turn += 1) {
      await daemon.rpc("supervisor.stopProcess", "a");
      await daemon.rpc("supervisor.startProcess", "a");
      daemon.edit(programs(`priority=${round * 100 + turn}\n`));
      const [[, changed]] = (await daemon.rpc("supervisor.reloadConfig")) as [[string[], string[], string[]]];
      for (const group of changed.filter((name) => name === "b" || name === "c")) {
        await daemon.rpc("supervisor.stopProcessGroup", group);
        await daemon.rpc("supervisor.removeProcessGroup", group);
        await daemon.rpc("supervisor.addProcessGroup", group);
      }
      await daemon.rpc("supervisor.signalProcess", "d", "KILL");
      if (turn % 3 === 2) await daemon.rpc("supervisor.restart");
    }
  } catch {
    // It is gone, or in the midst of a reload; the next round goes on.
  }
}
