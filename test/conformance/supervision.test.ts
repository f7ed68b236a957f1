/** The life of a process: starting, retrying, exiting, stopping, and what a child finds when it wakes up. */

import { fixture, fixturePath } from "../support/fixture.js";
import { cwd, descriptors, environ, stat, status } from "../support/processes.js";
import type { Ran } from "../support/run-command.js";
import { until } from "../support/until.js";
import { scenario } from "./scenario.js";
import type { Info } from "./stage.js";

const area = "supervision";
const LIFE = /spawned|success|exited|stopped|gave up|spawnerr|killing/;
/** For startsecs=0: whether RUNNING is noticed before the death is a matter of the reference's polling. */
const ENDS = /spawned|exited|gave up/;

scenario("a program that stays up is RUNNING after startsecs", {
  area,
  conf: `[program:stay]\ncommand=${fixture("ready")}\nstartsecs=5`,
  async play({ state, log, rpc }) {
    await state("stay", "STARTING");
    const running = await state("stay", "RUNNING");
    return [running, log(LIFE), await rpc("supervisor.getAllProcessInfo")];
  },
});

scenario("gives up after startretries", {
  area,
  conf: "[program:boom]\ncommand=/bin/false\nstartsecs=4\nstartretries=2",
  async play({ state, log }) {
    return [await state("boom", "FATAL"), log(LIFE)];
  },
});

scenario("startretries=0 is one attempt", {
  area,
  conf: "[program:boom]\ncommand=/bin/false\nstartsecs=4\nstartretries=0",
  async play({ state, log }) {
    return [await state("boom", "FATAL"), log(LIFE)];
  },
});

scenario("a program that fails twice is RUNNING at its third attempt", {
  area,
  conf: `[program:late]\ncommand=${fixture("fail-times")} %(dir)s/count 2\nstartsecs=3`,
  async play({ state, log, read }) {
    return [await state("late", "RUNNING"), log(LIFE), read("count")];
  },
});

scenario("exiting with 0 before startsecs is a failed start", {
  area,
  conf: "[program:quick]\ncommand=/bin/true\nstartsecs=4\nstartretries=0\nexitcodes=0\nautorestart=false",
  async play({ state, log }) {
    return [await state("quick", "FATAL"), log(LIFE)];
  },
});

scenario("with startsecs=0 an immediate exit is EXITED", {
  area,
  conf: `[program:once]\ncommand=${fixture("exit-with")} 0\nstartsecs=0\nautorestart=false`,
  async play({ state, log }) {
    return [await state("once", "EXITED"), log(ENDS)];
  },
});

scenario("with startsecs=0 an unexpected immediate exit is EXITED with its exitstatus", {
  area,
  conf: `[program:once]\ncommand=${fixture("exit-with")} 7\nstartsecs=0\nautorestart=false`,
  async play({ state, log }) {
    return [await state("once", "EXITED"), log(ENDS)];
  },
});

scenario("an expected exit is not restarted", {
  area,
  conf: `[program:fine]\ncommand=${fixture("exit-with")} 3 2.2\nexitcodes=0,3`,
  async play({ state, log }) {
    return [await state("fine", "EXITED"), log(LIFE)];
  },
});

scenario("an unexpected exit is restarted", {
  area,
  conf: `[program:again]\ncommand=${fixture("exit-with")} 4 2.2\nexitcodes=0,3`,
  async play({ logged, log }) {
    await logged("spawned: 'again'", 2);
    return log(LIFE).slice(0, 4);
  },
});

scenario("autorestart=true restarts after an expected exit", {
  area,
  conf: `[program:again]\ncommand=${fixture("exit-with")} 0 2.2\nautorestart=true`,
  async play({ logged, log }) {
    await logged("spawned: 'again'", 2);
    return log(LIFE).slice(0, 4);
  },
});

scenario("autorestart=false lets an unexpected exit be", {
  area,
  conf: `[program:gone]\ncommand=${fixture("exit-with")} 9 2.2\nautorestart=false`,
  async play({ state, log }) {
    return [await state("gone", "EXITED"), log(LIFE)];
  },
});

scenario("an empty exitcodes makes every exit unexpected", {
  area,
  conf: `[program:gone]\ncommand=${fixture("exit-with")} 0 2.2\nautorestart=false\nexitcodes=`,
  async play({ state, log }) {
    return [await state("gone", "EXITED"), log(LIFE)];
  },
});

for (const signal of ["SEGV", "ABRT", "KILL", "USR1", "RTMIN", "XCPU"]) {
  scenario(`a death by SIG${signal} is told by its name and exitstatus -1`, {
    area,
    conf: `[program:dies]\ncommand=${fixture("die-by")} ${signal}\nstartsecs=0\nautorestart=false\n[supervisord]\ndirectory=/tmp`,
    async play({ state, log }) {
      return [await state("dies", "EXITED"), log(ENDS)];
    },
  });
}

scenario("stop sends TERM, and a death by it is a WARN line", {
  area,
  conf: `[program:stay]\ncommand=${fixture("ready")}`,
  async play({ state, rpc, log, info }) {
    await state("stay", "RUNNING");
    return [await rpc("supervisor.stopProcess", "stay"), await info("stay"), log(LIFE)];
  },
});

scenario("a stop that ends with an expected status is an INFO line", {
  area,
  conf: `[program:polite]\ncommand=${fixture("exit-on")} TERM 0`,
  async play({ state, rpc, log, info, printed }) {
    await state("polite", "RUNNING");
    await printed("polite", "ready");
    return [await rpc("supervisor.stopProcess", "polite"), await info("polite"), log(LIFE)];
  },
});

scenario("a stop that ends with an unexpected status is a WARN line", {
  area,
  conf: `[program:rude]\ncommand=${fixture("exit-on")} INT 5\nstopsignal=INT`,
  async play({ state, rpc, log, info, output }) {
    await state("rude", "RUNNING");
    return [await rpc("supervisor.stopProcess", "rude"), await info("rude"), log(LIFE), await output("rude")];
  },
});

scenario("what ignores TERM is killed after stopwaitsecs", {
  area,
  conf: `[program:deaf]\ncommand=${fixture("ignore-sigterm")}\nstopwaitsecs=1`,
  async play({ state, rpc, log, info }) {
    await state("deaf", "RUNNING");
    return [
      await rpc("supervisor.stopProcess", "deaf"),
      await info("deaf"),
      log(/spawned|stopped|killing|success/),
    ];
  },
});

scenario("stop without waiting leaves it STOPPING", {
  area,
  conf: `[program:slow]\ncommand=${fixture("exit-on")} TERM 0 3\n`,
  async play({ state, rpc, info, printed }) {
    await state("slow", "RUNNING");
    await printed("slow", "ready");
    return [
      await rpc("supervisor.stopProcess", "slow", false),
      await info("slow"),
      await rpc("supervisor.stopProcess", "slow"),
      await rpc("supervisor.startProcess", "slow", false),
      await rpc("supervisor.signalProcess", "slow", "CONT"),
      await state("slow", "STOPPED"),
    ];
  },
});

scenario("starting while STOPPING is an abnormal termination", {
  area,
  conf: `[program:slow]\ncommand=${fixture("exit-on")} TERM 0 2\n`,
  async play({ state, rpc, printed }) {
    await state("slow", "RUNNING");
    await printed("slow", "ready");
    return [
      await rpc("supervisor.stopProcess", "slow", false),
      await rpc("supervisor.startProcess", "slow"),
      await state("slow", "STOPPED"),
    ];
  },
});

scenario("a process in BACKOFF can be stopped at once", {
  area,
  conf: "[program:boom]\ncommand=/bin/false\nstartsecs=4\nstartretries=50",
  async play({ logged, state, rpc, info }) {
    await logged("exited: boom", 5);
    await state("boom", "BACKOFF");
    return [await rpc("supervisor.stopProcess", "boom"), await info("boom")];
  },
});

scenario("a process in BACKOFF is already started", {
  area,
  conf: "[program:boom]\ncommand=/bin/false\nstartsecs=4\nstartretries=50",
  async play({ logged, state, rpc }) {
    await logged("exited: boom", 5);
    await state("boom", "BACKOFF");
    return [
      await rpc("supervisor.startProcess", "boom"),
      await rpc("supervisor.signalProcess", "boom", "HUP"),
    ];
  },
});

scenario("a FATAL process can be started again and fails anew", {
  area,
  conf: "[program:boom]\ncommand=/bin/false\nstartsecs=4\nstartretries=0",
  async play({ state, rpc, log, logged }) {
    await state("boom", "FATAL");
    const answer = await rpc("supervisor.startProcess", "boom");
    await logged("gave up", 2);
    return [answer, await state("boom", "FATAL"), log(LIFE)];
  },
});

scenario("startProcess of a failing program answers after the first attempt while retries go on", {
  area,
  conf: `[program:late]\ncommand=${fixture("fail-times")} %(dir)s/count 1\nautostart=false\nstartsecs=4`,
  differs: {
    reason: "the reference looks about once a second, and so may miss that the first attempt failed",
    ours: ([, info]: [unknown, unknown]) => [{ fault: "50 SPAWN_ERROR: late" }, info],
  },
  async play({ rpc, state }) {
    return [await rpc("supervisor.startProcess", "late"), await state("late", "RUNNING")];
  },
});

/** Completion order is a matter of scheduling. */
function sorted(ran: Ran): Ran {
  return { ...ran, out: ran.out.split("\n").sort().join("\n") };
}

const UNUSABLE = {
  "a command that is not there": "nosuch-command --flag",
  "a path that is not there": "/nonexistent/program",
  "an empty command": "",
  "a command with an unclosed quote": `/bin/echo "unclosed`,
  "a command that is a directory": "/etc",
  "a command that is not executable": "/etc/passwd",
} as const;
for (const [what, command] of Object.entries(UNUSABLE)) {
  scenario(`${what} is a spawn error, and a fault when asked for`, {
    area,
    conf: `[program:bad]\ncommand=${command}\nstartretries=0`,
    async play({ state, rpc, log, ctl, info }) {
      const fatal = await state("bad", "FATAL");
      return [
        fatal,
        await rpc("supervisor.startProcess", "bad"),
        await ctl("start", "bad"),
        await ctl("status"),
        await info("bad"),
        log(LIFE),
      ];
    },
  });
}

scenario("a script without an interpreter line cannot be executed", {
  area,
  conf: "[program:bare]\ncommand=%(dir)s/bare.sh\nstartsecs=4\nstartretries=0",
  async play({ write, state, log, rpc, output, dir }) {
    write("bare.sh", "echo hello\n");
    await chmodPlus(`${dir}/bare.sh`);
    const answer = await rpc("supervisor.startProcess", "bare");
    await state("bare", "FATAL");
    const text = await output("bare", "stderr");
    return [answer !== true, log(/exited|gave up/).slice(-1), text.split("\n").slice(0, 2)];
  },
});

async function chmodPlus(path: string): Promise<void> {
  const { chmod } = await import("node:fs/promises");
  await chmod(path, 0o755);
}

scenario("a directory that is not there is told in the child's stderr log", {
  area,
  conf: `[program:lost]\ncommand=${fixture("ready")}\ndirectory=/nonexistent/place\nstartsecs=4\nstartretries=0`,
  async play({ state, log, output }) {
    return [await state("lost", "FATAL"), log(LIFE), await output("lost", "stderr")];
  },
});

scenario("a log file that is a directory is a spawn error", {
  area,
  conf: `[program:bad]\ncommand=${fixture("ready")}\nstdout_logfile=/etc\nstartretries=0`,
  async play({ state, rpc, log, logged }) {
    const answers = [await state("bad", "FATAL"), await rpc("supervisor.startProcess", "bad")];
    await logged("gave up", 2);
    return [answers, log(LIFE)];
  },
});

scenario("a child has its own process group in the daemon's session, three pipes and nothing else open", {
  area,
  conf: `[program:child]\ncommand=${fixture("ready")}\ndirectory=/usr\numask=027`,
  async play({ state, daemon, printed }) {
    const { pid } = await state("child", "RUNNING");
    await printed("child", "ready");
    const child = stat(Number(pid));
    const parent = stat(daemon.pid);
    return {
      ownGroup: child?.pgid === pid,
      daemonsSession: child?.sid === parent?.sid,
      daemonsChild: child?.ppid === daemon.pid,
      descriptors: descriptors(Number(pid)),
      cwd: cwd(Number(pid)),
      umask: status(Number(pid))["Umask"],
      blocked: status(Number(pid))["SigBlk"],
      caught: status(Number(pid))["SigCgt"],
      ids: [status(Number(pid))["Uid"], status(Number(pid))["Gid"]],
    };
  },
});

scenario("what the daemon was started with open is not open in a child", {
  area,
  boot: false,
  conf: `[program:child]\ncommand=${fixture("ready")}`,
  async play({ launch, state, printed }) {
    await launch([], { through: ["/bin/sh", "-c", 'exec "$@" 7</dev/null', "sh"] });
    const { pid } = await state("child", "RUNNING");
    await printed("child", "ready");
    return descriptors(Number(pid));
  },
});

scenario("what signals a child ignores", {
  area,
  conf: "[program:child]\ncommand=/bin/sleep 1000",
  differs: {
    reason: "SIGPIPE and SIGXFSZ are at their defaults in children, not ignored as CPython leaves them",
    ours: () => "0",
  },
  async play({ state }) {
    const { pid } = await state("child", "RUNNING");
    // 32 and 33 are the C library's own: its posix_spawn always leaves them ignored.
    const ownOfLibc = 0x180000000n;
    return (BigInt(`0x${status(Number(pid))["SigIgn"]}`) & ~ownOfLibc).toString(16);
  },
});

scenario("stderr is the same pipe as stdout with redirect_stderr", {
  area,
  conf: `[program:child]\ncommand=${fixture("print-both")}\nredirect_stderr=true`,
  async play({ state, printed }) {
    return [await state("child", "RUNNING"), await printed("child", "ready")];
  },
});

scenario("a child's environment is the daemon's, Supervisor's own and what the conf adds", {
  area,
  env: { FROM_DAEMON: "daemon", OVERRIDDEN: "daemon" },
  supervisord: `environment=GLOBAL="global",OVERRIDDEN="global",BOTH="global"`,
  conf: `[program:child]
command=/bin/sleep 1000
environment=BOTH="program",SUPERVISOR_GROUP_NAME="mine",PLACE="%(here)s"
[group:party]
programs=child`,
  async play({ state }) {
    const { pid } = await state("party:child", "RUNNING");
    const seen = environ(Number(pid));
    return Object.fromEntries(Object.entries(seen).sort(([a], [b]) => (a < b ? -1 : 1)));
  },
});

scenario("environment= in all its spellings", {
  area,
  conf: [
    "A=1,B=2",
    "A = 1 , B=2",
    "A=1,B=2,",
    "A=\"a,b\",B='c d'",
    'A="",B="x"',
    'A="1",\n  B="2"',
    "A=path/to.file-1:(x)",
    "A=http://h:80/p?q=1",
    "A='q\"q'",
    'A="100%%"',
    'A="%(process_num)d of %(numprocs)d",B="%(program_name)s in %(group_name)s"',
    'A="%(ENV_HOME)s"',
    "A=é",
  ]
    .map((text, index) => `[program:p${index}]\ncommand=/bin/sleep 1000\nenvironment=${text}`)
    .join("\n"),
  async play({ rpc, state }) {
    await state("p12", "RUNNING");
    const all = (await rpc("supervisor.getAllProcessInfo")) as Info[];
    return all.map(({ name, pid }) => {
      const { A, B, q, b } = environ(Number(pid));
      return { name, A, B, q, b };
    });
  },
});

scenario("backslashes in environment= follow the shell, as in the newest Supervisor", {
  area,
  conf: String.raw`[program:p]
command=/bin/sleep 1000
environment=A="a\\b",B="x"`,
  differs: {
    reason: "environment= is read by POSIX quoting rules (Supervisor 4.4); 4.2.5 kept backslashes",
    ours: () => ({ A: "a\\b", B: "x" }),
  },
  async play({ state }) {
    const { pid } = await state("p", "RUNNING");
    const { A, B } = environ(Number(pid));
    return { A, B };
  },
});

scenario("the command is split into words without a shell", {
  area,
  conf: String.raw`[program:words]
command=${fixture("print-words")} plain "two words" 'single $HOME' a\ b ~ * $HOME && "" %%d "q\"q" 'it'"'"'s'
startsecs=0`,
  async play({ printed }) {
    return printed("words", "ready");
  },
});

scenario("PATH of environment= is used to find the command", {
  area,
  conf: `[program:mine]
command=ready
environment=PATH="${fixturePath("")}:/usr/bin:/bin"
[program:notmine]
command=ready
startretries=0`,
  async play({ state }) {
    return [await state("mine", "RUNNING"), await state("notmine", "FATAL")];
  },
});

scenario("user= runs the child as that user with its groups", {
  area,
  conf: "[program:other]\ncommand=/bin/sleep 1000\nuser=nobody\n[program:byid]\ncommand=/bin/sleep 1000\nuser=1",
  async play({ state }) {
    const facts = [];
    for (const name of ["other", "byid"]) {
      const { pid } = await state(name, "RUNNING");
      const seen = status(Number(pid));
      const env = environ(Number(pid));
      facts.push([seen["Uid"], seen["Gid"], seen["Groups"], seen["CapEff"], env["HOME"], env["USER"]]);
    }
    return facts;
  },
});

scenario("/dev/stdout and /dev/stderr can be opened by the child", {
  area,
  conf: `[program:opens]\ncommand=${fixture("open-dev-stdout")}`,
  async play({ printed, output }) {
    return [await printed("opens", "ready"), await output("opens", "stderr")];
  },
});

scenario("a grandchild survives a plain stop", {
  area,
  conf: `[program:parent]\ncommand=${fixture("grandchild")}`,
  async play({ state, rpc, printed }) {
    await state("parent", "RUNNING");
    const text = await printed("parent", "ready");
    const grandchild = Number(/grandchild (\d+)/.exec(text)?.[1]);
    const stopped = await rpc("supervisor.stopProcess", "parent");
    return [stopped, stat(grandchild)?.state];
  },
});

scenario("stopasgroup ends the grandchild too", {
  area,
  conf: `[program:parent]\ncommand=${fixture("grandchild")}\nstopasgroup=true`,
  async play({ state, rpc, printed }) {
    await state("parent", "RUNNING");
    const text = await printed("parent", "ready");
    const grandchild = Number(/grandchild (\d+)/.exec(text)?.[1]);
    const stopped = await rpc("supervisor.stopProcess", "parent");
    await until(() => (stat(grandchild)?.state ?? "Z") === "Z", "grandchild gone");
    return [stopped, text.split("\n").length];
  },
});

scenario("killasgroup kills the grandchild too", {
  area,
  conf: `[program:parent]\ncommand=${fixture("deaf-grandchild")}\nkillasgroup=true\nstopwaitsecs=1`,
  async play({ state, rpc, printed, log }) {
    await state("parent", "RUNNING");
    const text = await printed("parent", "ready");
    const grandchild = Number(/grandchild (\d+)/.exec(text)?.[1]);
    const stopped = await rpc("supervisor.stopProcess", "parent");
    await until(() => (stat(grandchild)?.state ?? "Z") === "Z", "grandchild gone");
    return [stopped, log(/killing|stopped/)];
  },
});

scenario("signals reach the process and change no state", {
  area,
  conf: `[program:ears]\ncommand=${fixture("report-signals")}`,
  async play({ state, rpc, printed, info }) {
    await state("ears", "RUNNING");
    await printed("ears", "ready");
    const answers = [];
    for (const signal of ["HUP", "sigusr1", 28, "2", "0", "TERM"]) {
      answers.push(await rpc("supervisor.signalProcess", "ears", signal));
    }
    return [answers, (await printed("ears", "SIGTERM")).split("\n").sort(), await info("ears")];
  },
});

scenario("a stdin that never ends, and lines sent to it", {
  area,
  conf: `[program:parrot]\ncommand=${fixture("echo-stdin")}`,
  async play({ state, rpc, printed }) {
    await state("parrot", "RUNNING");
    await printed("parrot", "ready");
    return [
      await rpc("supervisor.sendProcessStdin", "parrot", "one\ntwo é\n"),
      await printed("parrot", "two"),
      await rpc("supervisor.sendProcessStdin", "parrot", "quit\n"),
      await state("parrot", "EXITED"),
    ];
  },
});

scenario("twenty processes of one program run side by side", {
  area,
  conf: `[program:many]\ncommand=/bin/sleep 1000\nnumprocs=20\nnumprocs_start=5\nprocess_name=%(program_name)s_%(process_num)03d`,
  async play({ state, rpc, ctl }) {
    await state("many:many_024", "RUNNING");
    await state("many:many_005", "RUNNING");
    return [
      await rpc("supervisor.getAllProcessInfo"),
      await ctl("status"),
      sorted(await ctl("stop", "many:*")),
    ];
  },
});

scenario("umask=000 is applied", {
  area,
  conf: "[program:p]\ncommand=/bin/sleep 1000\numask=000",
  async play({ state }) {
    const { pid } = await state("p", "RUNNING");
    return status(Number(pid))["Umask"];
  },
});

scenario("a user that may not enter the directory", {
  area,
  conf: "[program:p]\ncommand=/bin/sleep 1000\nuser=nobody\ndirectory=/root\nstartsecs=4\nstartretries=0",
  async play({ state, output }) {
    return [await state("p", "FATAL"), await output("p", "stderr")];
  },
});
