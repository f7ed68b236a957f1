/** Event listeners to the last corner: every type of event, the protocol, pools, buffers, what shutdown does. */
import { EVENT_NAMES } from "../../src/core/event.js";
import { fixture } from "../support/fixture.js";
import { until } from "../support/until.js";
import { scenario } from "./scenario.js";
import type { Stage } from "./stage.js";

const area = "events";
const stay = `command=${fixture("ready")}`;

/** A listener that notes what it gets in the file of its name, and answers in these words. */
const answering = (name: string, events: string, answers: readonly string[], more = ""): string => {
  const words = answers.map((answer) => `'${answer}'`).join(" ");
  return `[eventlistener:${name}]\ncommand=${fixture("answer-events")} %(dir)s/${name} ${words}\nevents=${events}\nstderr_logfile=NONE\n${more}\n`;
};
const OK = [String.raw`RESULT 2\nOKREADY\n`];

type Heard = readonly [header: Readonly<Record<string, string>>, payload: string];

function heard({ read }: Stage, name: string): readonly Heard[] {
  return read(name)
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Heard);
}

async function hear(stage: Stage, name: string, count: number): Promise<readonly Heard[]> {
  await until(() => heard(stage, name).length >= count, `${count} events for ${name}`);
  return heard(stage, name);
}

const names = (events: readonly Heard[]): readonly string[] =>
  events.map(([{ eventname = "" }]) => eventname);
const numbers = (events: readonly Heard[]): unknown =>
  events.map(([{ eventname, serial, pool, poolserial }, payload]) => [
    eventname,
    serial,
    pool,
    poolserial,
    payload,
  ]);

/** Which concrete events each name in `events=` brings: one pool for each name, all told when it is over. */
scenario("what a subscription to each event type brings", {
  area,
  conf: `${EVENT_NAMES.map((type) => answering(type, `${type},REMOTE_COMMUNICATION`, OK, "buffer_size=400\nstdout_logfile=NONE")).join("")}
[program:good]\n${stay}\nautostart=false\n
[program:bad]\ncommand=${fixture("exit-with")} 3\nstartsecs=4\nstartretries=1\nautostart=false
[program:once]\ncommand=${fixture("exit-with")} 0 1.5\nautostart=false\nautorestart=false
[program:loud]
command=${fixture("print-raw-both")} "<!--XSUPERVISOR:BEGIN-->inside<!--XSUPERVISOR:END-->" "and some ordinary text that follows"
autostart=false\nstartsecs=0
stdout_capture_maxbytes=1KB\nstderr_capture_maxbytes=1KB
stdout_events_enabled=true\nstderr_events_enabled=true`,
  async play(stage) {
    const { state, rpc, daemon } = stage;
    for (const type of EVENT_NAMES) await state(type, "RUNNING");
    await rpc("supervisor.startProcess", "good");
    await rpc("supervisor.startProcess", "once");
    await rpc("supervisor.startProcess", "bad", false);
    await rpc("supervisor.startProcess", "loud");
    await state("once", "EXITED");
    await state("bad", "FATAL");
    await rpc("supervisor.stopProcess", "good");
    await rpc("supervisor.stopProcess", "loud");
    await rpc("supervisor.removeProcessGroup", "good");
    await rpc("supervisor.addProcessGroup", "good");
    await hear(stage, "TICK_5", 1);
    await rpc("supervisor.sendRemoteCommEvent", "marker", "");
    const all = [];
    for (const type of EVENT_NAMES) {
      const seen = await until(() => {
        const sofar = heard(stage, type);
        return sofar.some(([, payload]) => payload.startsWith("type:marker")) && sofar;
      }, `${type} hearing the marker`);
      const brought = [...new Set(names(seen))].filter((name) => !SELDOM.has(name)).sort();
      all.push([type, brought.map((name) => `brings ${name}`)]);
    }
    const last = heard(stage, "SUPERVISOR_STATE_CHANGE").length;
    daemon.kill("SIGTERM");
    const goodbye = await until(
      () => heard(stage, "SUPERVISOR_STATE_CHANGE").slice(last)[0],
      "SUPERVISOR_STATE_CHANGE_STOPPING",
    );
    return [all, `brings ${goodbye[0]["eventname"]}`, goodbye[0]["len"], goodbye[1]];
  },
});

/** Whether one of these falls into the scenario's time is chance; TICK_60 has its own, TICK_3600 is subscribed to. */
const SELDOM: ReadonlySet<string> = new Set(["TICK_60", "TICK_3600"]);

scenario("ticks come when their slice of time begins, the one of a minute too", {
  area,
  conf:
    answering("quick", "TICK_5", OK) + answering("slow", "TICK_60", OK) + answering("rare", "TICK_3600", OK),
  async play(stage) {
    await stage.state("rare", "RUNNING");
    await until(() => heard(stage, "slow").length > 0, "TICK_60", { ceilingMs: 75_000, everyMs: 250 });
    const facts = (name: string, period: number): unknown =>
      heard(stage, name).map(([{ eventname }, payload]) => [
        `brings ${eventname}`,
        /^when:\d+$/.test(payload) && Number(payload.slice(5)) % period === 0,
      ])[0];
    return [facts("quick", 5), facts("slow", 60)];
  },
});

scenario("answers in pieces, and READY in one write with the result", {
  area,
  supervisord: "loglevel=debug",
  conf: answering("ears", "REMOTE_COMMUNICATION", [
    String.raw`RESULT 2\nOKREADY\n`,
    String.raw`RES+ULT 2+\nO+K+REA+DY\n`,
    String.raw`RESULT 4\nFAIL+READY\n`,
    String.raw`RESULT 2\nOK+READY\n`,
  ]),
  async play(stage) {
    const { state, rpc, log, logged } = stage;
    await state("ears", "RUNNING");
    await logged("ears: ACKNOWLEDGED -> READY");
    for (const data of ["a", "b", "c"]) await rpc("supervisor.sendRemoteCommEvent", "t", data);
    const seen = numbers(await hear(stage, "ears", 4));
    await logged("ears: ACKNOWLEDGED -> READY", 5);
    return [seen, log(/event \d|event was|rebuffering|-> READY/)];
  },
});

scenario("what follows the result must be READY", {
  area,
  conf: answering("ears", "REMOTE_COMMUNICATION", [String.raw`RESULT 2\nOK\n+READY\n`]),
  async play(stage) {
    const { state, rpc, logged, log } = stage;
    await state("ears", "RUNNING");
    await rpc("supervisor.sendRemoteCommEvent", "t", "d");
    await logged("UNKNOWN state");
    return [log(/ears: /), names(heard(stage, "ears")), (await stage.info("ears"))["statename"]];
  },
});

for (const [what, answer] of [
  ["a result line without a number", String.raw`RESULT x\nOK`],
  ["a result line of one word", String.raw`nonsense\nOK`],
] as const) {
  scenario(`${what} makes a listener UNKNOWN and its event go back`, {
    area,
    supervisord: "loglevel=debug",
    conf: answering("ears", "REMOTE_COMMUNICATION", [answer]),
    async play(stage) {
      const { state, rpc, logged, log } = stage;
      await state("ears", "RUNNING");
      await logged("ears: ACKNOWLEDGED -> READY");
      await rpc("supervisor.sendRemoteCommEvent", "t", "d");
      await logged("rebuffering event");
      await logged("UNKNOWN state");
      return [...log(/bad result|UNKNOWN|rebuffering/)].sort();
    },
  });
}

scenario("a listener that talks while it has nothing to say is UNKNOWN", {
  area,
  conf: answering("ears", "REMOTE_COMMUNICATION", [String.raw`RESULT 2\nOKREADY\n+and more`]),
  async play(stage) {
    const { state, rpc, logged, log } = stage;
    await state("ears", "RUNNING");
    await rpc("supervisor.sendRemoteCommEvent", "t", "d");
    await logged("UNKNOWN state");
    return log(/ears: /);
  },
});

scenario("an event whose listener dies comes again with its old serial", {
  area,
  conf: answering("ears", "REMOTE_COMMUNICATION", ["die"], "autorestart=true"),
  async play(stage) {
    await stage.state("ears", "RUNNING");
    await stage.rpc("supervisor.sendRemoteCommEvent", "t", "d");
    return numbers((await hear(stage, "ears", 2)).slice(0, 2));
  },
});

scenario("in a pool the first free listener gets the event", {
  area,
  conf: answering(
    "pool",
    "REMOTE_COMMUNICATION",
    ["hang"],
    "numprocs=3\nprocess_name=%(program_name)s_%(process_num)d",
  ).replace("/pool ", "/pool_%(process_num)d "),
  async play(stage) {
    const { state, rpc } = stage;
    for (const n of [0, 1, 2]) await state(`pool:pool_${n}`, "RUNNING");
    for (const [index, data] of ["a", "b", "c"].entries()) {
      await rpc("supervisor.sendRemoteCommEvent", "t", data);
      await hear(stage, `pool_${index}`, 1);
    }
    return [0, 1, 2].map((n) => numbers(heard(stage, `pool_${n}`)));
  },
});

scenario("a buffer that overflows while an event comes back drops its oldest", {
  area,
  conf: answering(
    "ears",
    "REMOTE_COMMUNICATION",
    [String.raw`hold RESULT 4\nFAILREADY\n`, ...OK],
    "buffer_size=2",
  ),
  async play(stage) {
    const { state, rpc, logged, log } = stage;
    await state("ears", "RUNNING");
    await rpc("supervisor.sendRemoteCommEvent", "t", "a");
    await hear(stage, "ears", 1);
    for (const data of ["b", "c"]) await rpc("supervisor.sendRemoteCommEvent", "t", data);
    stage.write("ears.go", "");
    await logged("overflowed");
    return [numbers(await hear(stage, "ears", 3)), log(/overflowed|rejected/)];
  },
});

scenario("serials go on over a reload, those of a pool begin again", {
  area,
  conf: answering("ears", "REMOTE_COMMUNICATION", OK),
  async play(stage) {
    const { state, rpc, logged } = stage;
    await state("ears", "RUNNING");
    for (const data of ["a", "b"]) await rpc("supervisor.sendRemoteCommEvent", "t", data);
    await hear(stage, "ears", 2);
    await rpc("supervisor.restart");
    await logged("entered RUNNING", 2);
    await rpc("supervisor.sendRemoteCommEvent", "t", "c");
    return numbers(await hear(stage, "ears", 3));
  },
});

scenario("an event nobody wants takes no serial", {
  area,
  conf: answering("ears", "PROCESS_GROUP_ADDED", OK),
  async play(stage) {
    const { state, rpc, edit, ctl } = stage;
    await state("ears", "RUNNING");
    await hear(stage, "ears", 1);
    for (const data of ["a", "b"]) await rpc("supervisor.sendRemoteCommEvent", "t", data);
    edit(`${answering("ears", "PROCESS_GROUP_ADDED", OK)}[program:new]\n${stay}\nautostart=false`);
    await ctl("update");
    return numbers(await hear(stage, "ears", 2));
  },
});

scenario("len counts characters, and what is not ASCII comes as UTF-8", {
  area,
  conf: answering("ears", "REMOTE_COMMUNICATION", OK, 'environment=PYTHONUTF8="1"').replace("-ES", ""),
  async play(stage) {
    await stage.state("ears", "RUNNING");
    await stage.rpc("supervisor.sendRemoteCommEvent", "t1", "héllo ☃ \u{1f600}");
    return (await hear(stage, "ears", 1)).map(([{ len }, payload]) => [len, payload]);
  },
});

scenario("output that is not UTF-8 is told in Python's notation", {
  area,
  conf: String.raw`${answering("ears", "PROCESS_LOG,PROCESS_COMMUNICATION", OK)}[program:p]
command=${fixture("print-raw")} "a\377b'\n"
stdout_events_enabled=true
autostart=false`,
  async play(stage) {
    await stage.state("ears", "RUNNING");
    await stage.rpc("supervisor.startProcess", "p");
    return (await hear(stage, "ears", 1)).map(([, payload]) => payload);
  },
});

scenario("strip_ansi is for log events too", {
  area,
  supervisord: "strip_ansi=true",
  conf: String.raw`${answering("ears", "PROCESS_LOG_STDERR", OK)}[program:p]
command=${fixture("print-raw-both")} "\033[31mred\033[0m\n"
stderr_events_enabled=true
autostart=false`,
  async play(stage) {
    await stage.state("ears", "RUNNING");
    await stage.rpc("supervisor.startProcess", "p");
    return (await hear(stage, "ears", 1)).map(([, payload]) => payload);
  },
});

scenario("a listener's stdout is in its log as it speaks, and its stderr is ordinary", {
  area,
  conf: `[eventlistener:ears]\ncommand=${fixture("answer-events")} %(dir)s/ears 'RESULT 2\\nOKREADY\\n'\nevents=REMOTE_COMMUNICATION\nstdout_capture_maxbytes=1MB\nstdout_logfile=%(dir)s/ears.out\nstderr_logfile=%(dir)s/ears.err`,
  async play(stage) {
    await stage.state("ears", "RUNNING");
    await stage.rpc("supervisor.sendRemoteCommEvent", "t", "d");
    await stage.printed("ears", "OKREADY");
    const config = (await stage.rpc("supervisor.getAllConfigInfo")) as Record<string, unknown>[];
    return [stage.read("ears.out"), stage.read("ears.err"), config[0]?.["stdout_capture_maxbytes"]];
  },
});

scenario("a listener hears of the shutdown while the others stop", {
  area,
  conf: `${answering("ears", "SUPERVISOR_STATE_CHANGE,PROCESS_STATE_STOPPING", OK)}[program:slow]\ncommand=${fixture("exit-on")} TERM 0 5`,
  async play(stage) {
    const { state, daemon, printed } = stage;
    await state("ears", "RUNNING");
    await state("slow", "RUNNING");
    await printed("slow", "ready");
    daemon.kill("SIGTERM");
    const events = (await hear(stage, "ears", 3)).slice(0, 3);
    return [events.map(([{ eventname }, payload]) => [eventname, payload]), await daemon.exited];
  },
});

scenario("stop all and start all take listeners with them", {
  area,
  conf: `${answering("ears", "TICK_3600", OK)}[program:p]\n${stay}\n[program:q]\n${stay}\npriority=1`,
  async play({ state, rpc }) {
    for (const name of ["ears", "p", "q"]) await state(name, "RUNNING");
    const byName = (list: unknown): unknown =>
      [...(list as { name: string }[])].sort((one, other) => (one.name < other.name ? -1 : 1));
    return [
      byName(await rpc("supervisor.stopAllProcesses")),
      byName(await rpc("supervisor.startAllProcesses")),
    ];
  },
});

scenario("avail shows a listener's two priorities", {
  area,
  bothClients: true,
  conf: `${answering("ears", "TICK_3600", OK, "autostart=false")}[program:p]\n${stay}\nautostart=false\n[group:a-group-with-a-long-name]\nprograms=p\npriority=7`,
  play: ({ ctl }) => ctl("avail"),
});

scenario("a blank in the identifier stays in the header as it is", {
  area,
  supervisord: "identifier=two words",
  conf: `[eventlistener:ears]\ncommand=${fixture("copy-stdin")} %(dir)s/ears\nevents=REMOTE_COMMUNICATION`,
  async play({ state, rpc, read }) {
    await state("ears", "RUNNING");
    await rpc("supervisor.sendRemoteCommEvent", "t", "d");
    return until(() => read("ears").includes("type:t\nd") && read("ears"), "the event");
  },
});

scenario("a rejection in one pool leaves other pools alone", {
  area,
  conf: `${answering("picky", "REMOTE_COMMUNICATION", [String.raw`RESULT 4\nFAILREADY\n`, ...OK])}${answering("other", "PROCESS_GROUP_ADDED", OK)}`,
  differs: {
    reason: "a rejected event goes back to its own pool only; the reference gives it to all of that priority",
    ours: (transcript: readonly unknown[]) => [transcript[0], []],
  },
  async play(stage) {
    const { state, rpc } = stage;
    await state("picky", "RUNNING");
    await state("other", "RUNNING");
    await rpc("supervisor.sendRemoteCommEvent", "t", "d");
    await hear(stage, "picky", 2);
    await rpc("supervisor.sendRemoteCommEvent", "marker", "d");
    await hear(stage, "picky", 3);
    return [
      [...new Set(heard(stage, "picky").map(([, payload]) => payload))],
      heard(stage, "other")
        .filter(([{ eventname }]) => eventname === "REMOTE_COMMUNICATION")
        .slice(0, 1)
        .map(([, payload]) => payload),
    ];
  },
});

scenario("an edited listener is a changed group", {
  area,
  conf:
    answering("events", "TICK_5", OK, "autostart=false") +
    answering("buffer", "TICK_5", OK, "autostart=false") +
    answering("same", "TICK_5", OK, "autostart=false"),
  async play({ edit, rpc }) {
    edit(
      answering("events", "TICK_60", OK, "autostart=false") +
        answering("buffer", "TICK_5", OK, "autostart=false\nbuffer_size=11") +
        answering("same", "tick_5", OK, "autostart=false\nbuffer_size=10"),
    );
    const changes = (await rpc("supervisor.reloadConfig")) as string[][][];
    return changes.map((lists) => lists.map((group) => [...group].sort()));
  },
});
