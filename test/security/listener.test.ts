/** A listener that announces a long answer and says it byte by byte makes the daemon write no more than it reads. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { type Mortal, mortal } from "../support/mortal.js";
import { needs } from "../support/needs.js";
import { until } from "../support/until.js";

const { test: withPython } = needs("python3");

const BYTES = 3000;
/** Notes each event; answers the first with a long result, 2 MB at once and then byte by byte, and never ends it. */
const DRIBBLE = `import os, sys, time
here = sys.argv[1]
def note(text):
    with open(here + "/notes", "a") as file: file.write(text + "\\n")
os.write(1, b"READY\\n")
while True:
    head = dict(word.split(":") for word in sys.stdin.readline().split())
    note("event " + head["serial"] + " " + sys.stdin.read(int(head["len"])).split("\\n")[-1])
    if os.path.exists(here + "/dribbled"):
        os.write(1, b"RESULT 2\\nOKREADY\\n")
        continue
    os.write(1, b"RESULT 16000000\\n")
    for _ in range(32): os.write(1, b"x" * 65536)
    note("begun")
    for _ in range(${BYTES}):
        os.write(1, b"x")
        time.sleep(0.0005)
    open(here + "/dribbled", "w").close()
    note("dribbled")
    time.sleep(1000)
`;

function writtenBytes(pid: number): number {
  return Number(/^wchar: (\d+)$/m.exec(readFileSync(`/proc/${pid}/io`, "utf8"))?.[1]);
}

const notes = (daemon: Mortal): readonly string[] => daemon.read("notes").split("\n").filter(Boolean);

withPython("and when that daemon is killed, its event goes to it again, once it is restarted", async () => {
  await using daemon = mortal(
    "[eventlistener:ears]\ncommand=python3 -ESu %(dir)s/ears.py %(dir)s\nevents=REMOTE_COMMUNICATION\nstartsecs=0\nstderr_logfile=%(dir)s/err\n",
  );
  writeFileSync(join(daemon.dir, "ears.py"), DRIBBLE);
  await daemon.start();
  const { pid } = await daemon.state("ears", "RUNNING");
  await daemon.rpc("supervisor.sendRemoteCommEvent", "t", "first");
  await until(() => notes(daemon).includes("begun"), "the answer's beginning");
  const before = writtenBytes(daemon.daemon.pid);
  await daemon.rpc("supervisor.sendRemoteCommEvent", "t", "second");
  await until(() => notes(daemon).includes("dribbled"), "the answer's bytes");
  // A line of the log, an event and two calls; 4 MB at the least for each of the bytes, were it written down.
  expect(writtenBytes(daemon.daemon.pid) - before).toBeLessThan(100 * BYTES);
  expect(readFileSync(daemon.statefile).length).toBeLessThan(256 * 1024);
  await daemon.kill();
  await daemon.start();
  await until(() => notes(daemon).length >= 5, "both events");
  expect(notes(daemon)).toEqual(["event 0 first", "begun", "dribbled", "event 0 first", "event 1 second"]);
  expect((await daemon.state("ears", "RUNNING"))["pid"]).not.toBe(pid);
  expect(daemon.log()).toContain(
    "WARN ears: what it was answering when the last supervisord died is lost; its event goes to a listener again, and this one is restarted",
  );
});
