/** Event listeners as they were written for Supervisor. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Client } from "../../src/client/client.js";
import { boot } from "../support/boot.js";
import { fixture } from "../support/fixture.js";
import { needs } from "../support/needs.js";
import { until } from "../support/until.js";

const EVENTS = 10_000;
const { test: withSupervisor } = needs("supervisor");
const { test: testWithPython } = needs("python3");

function notes(file: string): readonly string[] {
  return existsSync(file) ? readFileSync(file, "utf8").split("\n").filter(Boolean) : [];
}

withSupervisor(
  `a listener on childutils gets ${EVENTS} events, each once and in order`,
  { timeout: 120_000 },
  async () => {
    await using daemon = await boot(
      `[eventlistener:l]\ncommand=${fixture("childutils-listener")} %(dir)s/notes\nevents=REMOTE_COMMUNICATION\nbuffer_size=${EVENTS}\nstartsecs=0`,
    );
    await using client = new Client({ serverurl: `unix://${daemon.socket}` });
    const file = join(daemon.dir, "notes");
    for (let sent = 0; sent < EVENTS; sent += 100)
      await client.multicall(
        Array.from({ length: 100 }, (_, index) => ({
          methodName: "supervisor.sendRemoteCommEvent",
          params: ["number", String(sent + index)],
        })),
      );
    await until(() => notes(file).length >= EVENTS, "all events", { ceilingMs: 100_000 });
    expect(notes(file)).toEqual(
      Array.from({ length: EVENTS }, (_, index) => `${index} REMOTE_COMMUNICATION ${index}`),
    );
    expect(daemon.log().filter((line) => line.includes("discarding"))).toEqual([]);
  },
);

/** Programs stop before listeners. This one takes until the listener has noted what it was told. */
const FIRST_TO_STOP = `trap 'until grep -q STOPPING "$1"; do sleep 0.05; done; exit 0' TERM
echo > "$2"
while :; do sleep 0.05; done
`;

withSupervisor(
  "ticks come at multiples of their period, and the end of the daemon is an event",
  { timeout: 60_000 },
  async () => {
    let file = "";
    const seen: string[] = [];
    {
      await using daemon = await boot(
        `[eventlistener:l]\ncommand=${fixture("childutils-listener")} %(dir)s/notes\nevents=TICK_5,SUPERVISOR_STATE_CHANGE\nbuffer_size=100\nstartsecs=0\nstdout_logfile=NONE\n[program:first]\ncommand=/bin/sh %(dir)s/first.sh %(dir)s/notes %(dir)s/up`,
        { files: { "first.sh": FIRST_TO_STOP } },
      );
      await until(() => existsSync(join(daemon.dir, "up")), "the program that stops before the listener");
      file = join(daemon.dir, "notes");
      await until(() => notes(file).some((line) => line.includes("TICK_5")), "a tick");
      daemon.signal("SIGTERM");
      await daemon.exited;
      seen.push(...notes(file));
    }
    const tick = Number(/TICK_5 when:(\d+)$/.exec(seen.find((line) => line.includes("TICK_5")) ?? "")?.[1]);
    expect(tick % 5).toBe(0);
    expect(Math.abs(tick - Date.now() / 1000)).toBeLessThan(60);
    expect(seen[0]).toMatch(/^0 SUPERVISOR_STATE_CHANGE_RUNNING/);
    expect(seen.at(-1)).toMatch(/SUPERVISOR_STATE_CHANGE_STOPPING/);
  },
);

test("a flood from a listener that answers nothing stops neither it nor the daemon", async () => {
  await using daemon = await boot(
    `[eventlistener:l]\ncommand=/bin/sh -c 'yes RUBBISH | head -c 20000000; echo done >&2; exec sleep 1000'\nevents=TICK_3600\nstartsecs=0\nstdout_logfile=NONE\nstderr_logfile=%(dir)s/l.err`,
  );
  await daemon.logged("has entered the UNKNOWN state");
  await until(() => notes(join(daemon.dir, "l.err")).includes("done"), "the end of the flood");
  expect((await daemon.info("l"))["statename"]).toBe("RUNNING");
});

/** Answers each event with its whole payload, as the listener of supervisor-stdout does. */
const ECHO = `
import sys
while True:
    sys.stdout.write("READY\\n")
    sys.stdout.flush()
    headers = dict(word.split(":") for word in sys.stdin.readline().split())
    data = sys.stdin.read(int(headers["len"]))
    sys.stdout.write("RESULT %d\\n%s" % (len(data), data))
    sys.stdout.flush()
`;

const SPEAKER = `[program:speaker]
command=/bin/sh -c 'echo first; printf "second | with: colon\\n\\n"; exec sleep 1000'
startsecs=0
stdout_events_enabled=true
`;

testWithPython(
  "the listener of supervisor-stdout has its handler: lines come out with name and channel",
  async () => {
    await using daemon = await boot(
      `${SPEAKER}[eventlistener:stdout]\ncommand=/usr/bin/python3 %(dir)s/echo.py\nevents=PROCESS_LOG\nresult_handler=supervisor_stdout:event_handler\nstartsecs=0\n`,
      { files: { "echo.py": ECHO } },
    );
    await until(() => daemon.own().stdout.includes("| second"), "the lines on stdout");
    const lines = daemon
      .own()
      .stdout.split("\n")
      .filter((line) => line.startsWith("speaker "));
    expect(lines.filter((line) => !line.endsWith("| "))).toEqual([
      "speaker stdout | first",
      "speaker stdout | second | with: colon",
    ]);
    expect(daemon.log().filter((line) => line.includes("WARN"))).toEqual([]);
  },
);

testWithPython("a handler that is not there accepts every result, and is warned of once", async () => {
  await using daemon = await boot(
    `${SPEAKER}[eventlistener:l]\ncommand=/usr/bin/python3 %(dir)s/echo.py\nevents=PROCESS_LOG\nresult_handler=my.module:handler\nstartsecs=0\n`,
    { files: { "echo.py": ECHO }, supervisord: "loglevel=debug" },
  );
  await daemon.logged("l: event was processed");
  expect(daemon.log().filter((line) => /WARN/.test(line))).toEqual([
    "WARN my.module:handler within [eventlistener:l] is a Python function, every result is accepted",
  ]);
});
