/** In which order things start and stop. */
import { fixture } from "../support/fixture.js";
import { scenario } from "./scenario.js";

const area = "ordering";
const names = (lines: readonly string[]): string[] =>
  lines.map((line) => line.replace(/ with pid \d+$/, "").replace(/ \(.*\)$/, ""));

const program = (name: string, more = ""): string =>
  `[program:${name}]\ncommand=${fixture("ready")}\n${more}\n`;

scenario("autostart goes by priority, then by name", {
  area,
  conf: program("c", "priority=5") + program("a") + program("b") + program("z", "priority=1"),
  async play({ logged, log }) {
    await logged("spawned", 4);
    return names(log(/spawned/));
  },
});

scenario("inside a group autostart follows programs=, not the process priority", {
  area,
  conf: `${program("za", "priority=5")}${program("zb", "priority=1")}[group:g]\nprograms=za,zb\n`,
  async play({ logged, log }) {
    await logged("spawned", 2);
    return names(log(/spawned/));
  },
});

scenario("processes of a numprocs program start by name as text", {
  area,
  conf: program("n", "numprocs=12\nprocess_name=p%(process_num)d"),
  async play({ logged, log }) {
    await logged("spawned", 12);
    return names(log(/spawned/));
  },
});

scenario("shutdown goes from the highest priority to the lowest, one group at a time", {
  area,
  conf: program("low", "priority=1") + program("high", "priority=10") + program("alike"),
  async play({ state, rpc, daemon, log }) {
    await state("alike", "RUNNING");
    await state("low", "RUNNING");
    await state("high", "RUNNING");
    const answer = await rpc("supervisor.shutdown");
    return [answer, await daemon.exited, names(log(/stopped/))];
  },
});

scenario("event listeners start first and stop last", {
  area,
  conf: `${program("worker", "priority=1")}[eventlistener:ears]\ncommand=${fixture("listen-events")} %(dir)s/seen\nevents=TICK_3600\n`,
  async play({ state, rpc, daemon, log }) {
    await state("worker", "RUNNING");
    await state("ears", "RUNNING");
    const started = names(log(/spawned/));
    await rpc("supervisor.shutdown");
    return [started, await daemon.exited, names(log(/stopped/))];
  },
});

scenario("startAllProcesses and stopAllProcesses list what they did", {
  area,
  conf:
    program("a", "autostart=false\npriority=7") +
    program("b", "autostart=false\npriority=3") +
    program("up", "priority=1"),
  async play({ state, rpc, logged, log }) {
    await state("up", "RUNNING");
    const start = await rpc("supervisor.startAllProcesses");
    await logged("entered RUNNING", 3);
    const spawned = names(log(/spawned/));
    const stop = (await rpc("supervisor.stopAllProcesses")) as { name: string }[];
    return [start, spawned, stop.sort((one, other) => (one.name < other.name ? -1 : 1))];
  },
});

scenario("startProcessGroup goes by process priority", {
  area,
  conf: `${program("za", "priority=5\nautostart=false")}${program("zb", "priority=1\nautostart=false")}[group:g]\nprograms=za,zb\n`,
  async play({ rpc, log }) {
    const start = (await rpc("supervisor.startProcessGroup", "g")) as { name: string }[];
    return [start.map(({ name }) => name).sort(), names(log(/spawned/))];
  },
});

scenario("groups of equal priority come by name; members form no group of their own", {
  area,
  conf: `${program("x")}${program("y")}${program("w")}[group:zz]\nprograms=x\npriority=4\n[group:aa]\nprograms=y\npriority=4\n`,
  async play({ logged, log, ctl, rpc }) {
    await logged("entered RUNNING", 3);
    return [names(log(/spawned/)), await ctl("avail"), await rpc("supervisor.getProcessInfo", "x")];
  },
});

/** Names that are neither in the order of `programs=` nor in that of the file; two priorities. */
const mixed = `${program("m", "priority=5")}${program("b")}${program("z", "priority=5")}${program("a")}[group:g]\nprograms=z,b,a,m\n`;

scenario("in a group, equal priorities come in the order of programs=, in every operation", {
  area,
  conf: mixed,
  supervisord: "loglevel=debug",
  async play({ logged, log, ctl, daemon }) {
    await logged("entered RUNNING", 4);
    const done = (): string[] => names(log(/spawned: |DEBG killing /));
    const seen = [done()];
    const wholes = [
      ["stop", "g:*"],
      ["start", "g:*"],
      ["restart", "g:*"],
      ["stop", "all"],
      ["start", "all"],
    ];
    for (const words of wholes) {
      const before = done().length;
      await ctl(...words);
      seen.push(done().slice(before));
    }
    const before = done().length;
    await ctl("shutdown");
    await daemon.exited;
    return [...seen, done().slice(before)];
  },
});

scenario("who is waited for at shutdown: what waits to be retried too", {
  area,
  conf: `${program("p")}[program:boom]\ncommand=/bin/false\nstartretries=100\n[program:zoom]\ncommand=/bin/false\nstartretries=100\n`,
  async play({ state, daemon, ctl, log }) {
    await state("p", "RUNNING");
    for (const name of ["boom", "zoom"]) await state(name, "BACKOFF");
    await ctl("shutdown");
    await daemon.exited;
    return log(/waiting for/);
  },
});

scenario("what waits to be retried does not keep the daemon from stopping the others", {
  area,
  conf: `[program:slow]\ncommand=${fixture("ignore-sigterm")}\nstopwaitsecs=4\n[program:boom]\ncommand=/bin/false\nstartretries=100\n`,
  async play({ state, daemon, ctl, log }) {
    await state("slow", "RUNNING");
    await state("boom", "BACKOFF");
    await ctl("shutdown");
    return [await daemon.exited, log(/waiting for|stopped: /)];
  },
});
scenario("update and status list groups as they come and go", {
  area,
  conf: ["b:1", "a:5", "c:3", "d:999", "Z:999"].map((each) => cat(each)).join(""),
  async play({ rpc, edit, ctl, state }) {
    await state("Z", "RUNNING");
    const listed = async (): Promise<unknown> => {
      const names: string[][] = [];
      for (const method of ["getAllProcessInfo", "getAllConfigInfo"])
        names.push(
          ((await rpc(`supervisor.${method}`)) as { group: string; name: string }[]).map(
            ({ group, name }) => `${group}:${name}`,
          ),
        );
      return names;
    };
    edit(
      `${["b:1", "a:5", "c:4", "d:999", "e:0", "aa:2"].map((each) => cat(each)).join("")}[group:g]\nprograms=d,b\n`,
    );
    const first = [await rpc("supervisor.reloadConfig"), await ctl("update"), await listed()];
    // A group that comes back while the daemon runs is the last to go, whatever its priority.
    await rpc("supervisor.stopProcess", "e");
    await rpc("supervisor.removeProcessGroup", "e");
    await rpc("supervisor.addProcessGroup", "e");
    const back = await listed();
    edit(cat("c:4"));
    return [first, back, await rpc("supervisor.reloadConfig"), await ctl("update"), await listed()];
  },
});

function cat(each: string): string {
  const [name = "", priority = ""] = each.split(":");
  return program(
    name,
    `priority=${priority}\nstartsecs=0\nstdout_logfile=/dev/null\nstderr_logfile=/dev/null`,
  );
}
