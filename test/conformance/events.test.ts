/** Event listeners: what they are sent, in which words, and what their answers do. */
import { fixture } from "../support/fixture.js";
import { until } from "../support/until.js";
import { scenario } from "./scenario.js";
import type { Stage } from "./stage.js";

const area = "events";
const listener = (name: string, events: string, more = ""): string =>
  `[eventlistener:${name}]\ncommand=${fixture("listen-events")} %(dir)s/${name}\nevents=${events}\n${more}\n`;

type Event = readonly [header: Readonly<Record<string, string>>, payload: string];

async function events({ read }: Stage, name: string, count: number): Promise<readonly Event[]> {
  await until(() => read(name).split("\n").length > count, `${count} events for ${name}:\n${read(name)}`);
  return read(name)
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Event)
    .map(([header, payload]) => [
      { ...header, len: payload.includes("pid:") ? "LEN" : (header["len"] ?? "") },
      payload,
    ]);
}

scenario("state changes of a process reach a listener", {
  area,
  conf: `${listener("ears", "PROCESS_STATE")}[program:p]\ncommand=${fixture("ready")}\nautostart=false`,
  async play(stage) {
    const { state, rpc } = stage;
    await state("ears", "RUNNING");
    await events(stage, "ears", 1);
    await rpc("supervisor.startProcess", "p");
    await rpc("supervisor.stopProcess", "p");
    const seen = await events(stage, "ears", 6);
    return seen
      .filter(([, payload]) => payload.includes("processname:p"))
      .map(([{ eventname }, payload]) => [eventname, payload]);
  },
});

scenario("header tokens, serials and pools", {
  area,
  supervisord: "identifier=me",
  conf: listener("one", "REMOTE_COMMUNICATION") + listener("two", "remote_communication,TICK_3600"),
  async play(stage) {
    const { state, rpc } = stage;
    await state("one", "RUNNING");
    await state("two", "RUNNING");
    await rpc("supervisor.sendRemoteCommEvent", "first", "some data");
    await rpc("supervisor.sendRemoteCommEvent", "second", "line 1\nline 2\n");
    return [await events(stage, "one", 2), await events(stage, "two", 2)];
  },
});

scenario("a rejected event comes again", {
  area,
  conf: `[eventlistener:picky]\ncommand=${fixture("listen-events")} %(dir)s/picky fail\nevents=REMOTE_COMMUNICATION`,
  async play(stage) {
    await stage.state("picky", "RUNNING");
    await stage.rpc("supervisor.sendRemoteCommEvent", "t", "d");
    return [await events(stage, "picky", 2), stage.log(/rejected/)];
  },
});

scenario("a listener that breaks the protocol is told of and left alone", {
  area,
  conf: `[eventlistener:rude]\ncommand=${fixture("talk-wrongly")}\nevents=REMOTE_COMMUNICATION`,
  async play({ logged, log, info, state }) {
    await state("rude", "RUNNING");
    await logged("UNKNOWN state");
    return [log(/rude/), await info("rude")];
  },
});

scenario("a full buffer drops its oldest event", {
  area,
  conf: `[eventlistener:late]\ncommand=/bin/sleep 1000\nevents=REMOTE_COMMUNICATION\nbuffer_size=2`,
  async play({ state, rpc, logged, log }) {
    await state("late", "RUNNING");
    for (const data of ["a", "b", "c", "d"]) await rpc("supervisor.sendRemoteCommEvent", "t", data);
    await logged("overflowed", 2);
    return log(/overflowed/);
  },
});

scenario("output of a process becomes events when asked for", {
  area,
  conf: `${listener("ears", "PROCESS_LOG", "stdout_logfile=NONE")}[program:p]
command=${fixture("say-when-told")} hello
stdout_events_enabled=true
autostart=false`,
  async play(stage) {
    const { state, rpc, printed } = stage;
    await state("ears", "RUNNING");
    await rpc("supervisor.startProcess", "p");
    await printed("p", "ready");
    await rpc("supervisor.signalProcess", "p", "USR1");
    const seen = await events(stage, "ears", 2);
    return seen.map(([{ eventname }, payload]) => [eventname, payload]);
  },
});

scenario("text between the capture tokens becomes a communication event", {
  area,
  conf: String.raw`${listener("ears", "PROCESS_COMMUNICATION")}[program:p]
command=${fixture("print-raw")} "<!--XSUPERVISOR:BEGIN-->hello there<!--XSUPERVISOR:END-->" "and some ordinary text that follows\n"
stdout_capture_maxbytes=1MB
autostart=false`,
  async play(stage) {
    const { state, rpc } = stage;
    await state("ears", "RUNNING");
    await rpc("supervisor.startProcess", "p");
    const seen = await events(stage, "ears", 1);
    return seen.map(([{ eventname }, payload]) => [eventname, payload]);
  },
});

scenario("groups that come and go are events", {
  area,
  conf: `${listener("ears", "PROCESS_GROUP")}[program:p]\ncommand=${fixture("ready")}\nautostart=false`,
  async play(stage) {
    const { state, rpc } = stage;
    await state("ears", "RUNNING");
    await rpc("supervisor.removeProcessGroup", "p");
    await rpc("supervisor.addProcessGroup", "p");
    const seen = await events(stage, "ears", 4);
    return seen.map(([{ eventname }, payload]) => [eventname, payload]);
  },
});

scenario("an unexpected and an expected exit as events", {
  area,
  conf: `${listener("ears", "PROCESS_STATE_EXITED,PROCESS_STATE_FATAL,PROCESS_STATE_BACKOFF")}
[program:bad]\ncommand=${fixture("exit-with")} 3\nstartsecs=0\nautostart=false\nautorestart=false
[program:good]\ncommand=${fixture("exit-with")} 0\nstartsecs=0\nautostart=false\nautorestart=false
[program:never]\ncommand=nosuch-command\nautostart=true\nstartretries=1\npriority=5`,
  async play(stage) {
    const { state, rpc } = stage;
    await state("ears", "RUNNING");
    await events(stage, "ears", 3);
    await rpc("supervisor.startProcess", "bad");
    await events(stage, "ears", 4);
    await rpc("supervisor.startProcess", "good");
    const seen = await events(stage, "ears", 5);
    return seen.map(([{ eventname }, payload]) => [eventname, payload]);
  },
});
