/** Every XML-RPC method: results, field by field, and faults. */
import { fixture } from "../support/fixture.js";
import { request } from "../support/http.js";
import { scenario } from "./scenario.js";
import { withoutPlace } from "./scrub.js";

const area = "rpc";
const stay = `command=${fixture("ready")}`;

scenario("who the daemon says it is", {
  area,
  supervisord: "identifier=my-name",
  async play({ rpc, daemon }) {
    return [
      await rpc("supervisor.getAPIVersion"),
      await rpc("supervisor.getVersion"),
      await rpc("supervisor.getIdentification"),
      await rpc("supervisor.getState"),
      (await rpc("supervisor.getPID")) === daemon.pid,
    ];
  },
});

scenario("getSupervisorVersion", {
  area,
  differs: { reason: "the version of the newest Supervisor, whose behaviour it is", ours: () => "4.4.0" },
  play: ({ rpc }) => rpc("supervisor.getSupervisorVersion"),
});

scenario("system.listMethods", {
  area,
  async play({ rpc }) {
    const names = (await rpc("system.listMethods")) as string[];
    return names.filter((name) => !name.startsWith("supervisord_ts."));
  },
});

scenario("system.methodSignature of every method", {
  area,
  async play({ rpc }) {
    const names = (await rpc("system.listMethods")) as string[];
    const signatures = [];
    for (const name of names.filter((name) => !name.startsWith("supervisord_ts."))) {
      signatures.push([name, await rpc("system.methodSignature", name)]);
    }
    return [
      signatures,
      await rpc("system.methodSignature", "supervisor.nosuch"),
      await rpc("system.methodSignature", "x"),
    ];
  },
});

scenario("system.methodHelp names parameters and results alike", {
  area,
  async play({ rpc }) {
    const tags = [];
    for (const name of [
      "supervisor.startProcess",
      "supervisor.readLog",
      "supervisor.getPID",
      "system.multicall",
    ]) {
      const text = String(await rpc("system.methodHelp", name));
      tags.push([
        name,
        text.match(/@(?:param|return)\s+\w+(?:\s+\w+)?/g)?.map((tag) => tag.split(/\s+/).slice(0, 2)),
      ]);
    }
    return [tags, await rpc("system.methodHelp", "supervisor.nosuch")];
  },
});

const STRANGE = [
  "supervisor.nosuch",
  "nosuch.getState",
  "getState",
  "supervisor",
  "supervisor._update",
  "supervisor.supervisord.options.execve",
  "supervisor.__class__",
  ".",
  "supervisor.",
] as const;
for (const method of STRANGE) {
  scenario(`the method name ${method} is refused`, { area, play: ({ rpc }) => rpc(method) });
}

scenario("wrong numbers of arguments are faults", {
  area,
  async play({ rpc }) {
    return [
      await rpc("supervisor.getState", 1),
      await rpc("supervisor.getProcessInfo"),
      await rpc("supervisor.startProcess"),
      await rpc("supervisor.startProcess", "a", true, 3),
      await rpc("supervisor.readLog", 0),
      await rpc("supervisor.tailProcessStdoutLog", "a"),
      await rpc("supervisor.signalProcess", "a"),
      await rpc("system.listMethods", 1),
      await rpc("system.multicall"),
    ];
  },
});

scenario("unknown names are BAD_NAME with the name as sent", {
  area,
  conf: `[program:p]\n${stay}\nautostart=false\n[group:g]\nprograms=p`,
  async play({ rpc }) {
    const faults = [];
    for (const name of ["nosuch", "p", "g", "g:nosuch", "nosuch:p", "nosuch:*", "g:*", "g:", ":", ""]) {
      faults.push([name, await rpc("supervisor.getProcessInfo", name)]);
    }
    return [
      faults,
      await rpc("supervisor.startProcess", "nosuch"),
      await rpc("supervisor.startProcess", "nosuch:*"),
      await rpc("supervisor.startProcess", "g:nosuch"),
      await rpc("supervisor.stopProcess", "nosuch"),
      await rpc("supervisor.stopProcess", "nosuch:*"),
      await rpc("supervisor.signalProcess", "nosuch", "TERM"),
      await rpc("supervisor.startProcessGroup", "nosuch"),
      await rpc("supervisor.stopProcessGroup", "nosuch"),
      await rpc("supervisor.signalProcessGroup", "nosuch", "TERM"),
      await rpc("supervisor.readProcessStdoutLog", "nosuch", 0, 0),
      await rpc("supervisor.readProcessStderrLog", "g:*", 0, 0),
      await rpc("supervisor.tailProcessStdoutLog", "nosuch", 0, 0),
      await rpc("supervisor.tailProcessStderrLog", "g:*", 0, 0),
      await rpc("supervisor.clearProcessLogs", "nosuch"),
      await rpc("supervisor.clearProcessLog", "g:*"),
      await rpc("supervisor.sendProcessStdin", "nosuch", "x"),
      await rpc("supervisor.addProcessGroup", "nosuch"),
      await rpc("supervisor.removeProcessGroup", "nosuch"),
    ];
  },
});

scenario("values of other types than expected are told as Python writes them, or are an error", {
  area,
  conf: `[program:p]\n${stay}\n`,
  async play({ rpc, state }) {
    await state("p", "RUNNING");
    const answers = [];
    for (const value of [["it's", 'a "b"\n'], true, { key: [1, false, "é"] }, 1, -1.5])
      answers.push(await rpc("supervisor.sendProcessStdin", "p", value));
    for (const value of [3, true]) {
      answers.push(await rpc("supervisor.startProcessGroup", value));
      answers.push(await rpc("supervisor.stopProcessGroup", value));
      answers.push(await rpc("supervisor.addProcessGroup", value));
      answers.push(await rpc("supervisor.removeProcessGroup", value));
    }
    answers.push(await rpc("supervisor.sendRemoteCommEvent", ["t"], { key: true }));
    answers.push(await rpc("supervisor.signalProcess", "p", 18));
    return answers;
  },
});

scenario("what is not running cannot be stopped, signalled or written to", {
  area,
  conf: `[program:p]\n${stay}\nautostart=false`,
  async play({ rpc }) {
    return [
      await rpc("supervisor.stopProcess", "p"),
      await rpc("supervisor.signalProcess", "p", "HUP"),
      await rpc("supervisor.signalProcess", "p", "NOSUCH"),
      await rpc("supervisor.sendProcessStdin", "p", "x"),
      await rpc("supervisor.stopAllProcesses"),
      await rpc("supervisor.signalAllProcesses", "HUP"),
      await rpc("supervisor.readProcessStdoutLog", "p", 0, 0),
    ];
  },
});

scenario("signal names and numbers that do not exist", {
  area,
  conf: `[program:p]\n${stay}`,
  async play({ state, rpc }) {
    await state("p", "RUNNING");
    const answers = [];
    for (const signal of ["NOSUCH", "", "99", "-1", 64, 40, "sig", "SIGCLD", " hup "]) {
      answers.push([signal, await rpc("supervisor.signalProcess", "p", signal)]);
      await rpc("supervisor.startProcess", "p", true);
    }
    return answers;
  },
});

scenario("getProcessInfo before, during and after a run", {
  area,
  conf: `[program:p]\n${stay}\nautostart=false\nredirect_stderr=true\nstartsecs=3`,
  async play({ rpc, info, state }) {
    const seen = [await info("p"), await rpc("supervisor.startProcess", "p"), await info("p")];
    return [
      ...seen,
      await rpc("supervisor.startProcess", "p"),
      await rpc("supervisor.stopProcess", "p"),
      await state("p", "STOPPED"),
      await rpc("supervisor.startProcess", "p", false),
      await info("p"),
    ];
  },
});

scenario("group methods touch only what they apply to", {
  area,
  conf: `[program:a]\n${stay}\n[program:b]\n${stay}\nautostart=false\n[program:other]\n${stay}\n[group:g]\nprograms=a,b`,
  async play({ state, rpc }) {
    await state("g:a", "RUNNING");
    return [
      await rpc("supervisor.signalProcessGroup", "g", "CONT"),
      await rpc("supervisor.signalProcess", "g:*", "CONT"),
      await rpc("supervisor.signalProcessGroup", "g", "NOSUCH"),
      await rpc("supervisor.startProcessGroup", "g"),
      await rpc("supervisor.startProcess", "g:*"),
      await rpc("supervisor.stopProcess", "g:a"),
      await rpc("supervisor.stopProcess", "g:*"),
      await rpc("supervisor.stopProcessGroup", "g"),
      await rpc("supervisor.startProcess", "g:b"),
      await rpc("supervisor.startProcess", "g:*", false),
    ];
  },
});

scenario("a group start lists failures with their faults", {
  area,
  conf: `[program:bad]\ncommand=/bin/false\nstartsecs=3\nautostart=false\nstartretries=0
[program:lost]\ncommand=nosuch-command\nautostart=false\nstartretries=0
[group:g]\nprograms=bad,lost`,
  async play({ rpc }) {
    const list = (await rpc("supervisor.startProcessGroup", "g")) as { name: string }[];
    return list.sort((one, other) => (one.name < other.name ? -1 : 1));
  },
});

scenario("getAllConfigInfo, field by field", {
  area,
  conf: `[program:plain]\ncommand=/bin/cat\nautostart=false
[program:full]
command=/bin/cat -u
numprocs=2
process_name=f%(process_num)d
priority=5
autostart=false
autorestart=false
startsecs=2
startretries=7
exitcodes=0,3
stopsignal=QUIT
stopwaitsecs=4
stopasgroup=true
user=nobody
directory=/tmp
umask=077
serverurl=http://example.org:9001
stdout_logfile=%(dir)s/out
stdout_logfile_maxbytes=1MB
stdout_logfile_backups=3
stdout_capture_maxbytes=2KB
stdout_events_enabled=true
stdout_syslog=true
stderr_logfile=NONE
stderr_events_enabled=true
[eventlistener:ears]
command=/bin/cat
events=TICK_5
autostart=false
redirect_stderr=false`,
  differs: {
    reason: "getAllConfigInfo has the field autorestart, as in the newest Supervisor",
    ours: (transcript: readonly { readonly name: string }[]) =>
      transcript.map((element) => ({
        ...element,
        autorestart: element.name.startsWith("f") ? false : "unexpected",
      })),
  },
  play: ({ rpc }) => rpc("supervisor.getAllConfigInfo"),
});

scenario("reloadConfig tells what was added, changed and removed", {
  area,
  conf: `[program:same]\n${stay}\nautostart=false\n[program:edited]\n${stay}\nautostart=false\n[program:gone]\n${stay}\nautostart=false`,
  async play({ rpc, edit }) {
    const before = await rpc("supervisor.reloadConfig");
    edit(
      `[program:new]\n${stay}\nautostart=false\n[program:same]\n; a comment\n  command =  ${fixture("ready")}\nautostart=no\n[program:edited]\n${stay}\nautostart=false\nstopwaitsecs=3`,
    );
    const infos = async (): Promise<unknown> => {
      const all = (await rpc("supervisor.getAllConfigInfo")) as {
        name: string;
        inuse: boolean;
        stopwaitsecs: number;
      }[];
      return all.map(({ name, inuse, stopwaitsecs }) => [name, inuse, stopwaitsecs]);
    };
    return [
      before,
      await rpc("supervisor.reloadConfig"),
      await infos(),
      await rpc("supervisor.addProcessGroup", "new"),
      await rpc("supervisor.addProcessGroup", "new"),
      await rpc("supervisor.removeProcessGroup", "gone"),
      await rpc("supervisor.reloadConfig"),
      await infos(),
    ];
  },
});

const EDITS = {
  command: "command=/bin/cat",
  priority: "priority=5",
  autostart: "autostart=false\n",
  autorestart: "autorestart=true",
  startsecs: "startsecs=9",
  startretries: "startretries=9",
  exitcodes: "exitcodes=4",
  stopsignal: "stopsignal=INT",
  stopwaitsecs: "stopwaitsecs=3",
  stopasgroup: "stopasgroup=true",
  killasgroup: "killasgroup=true",
  user: "user=nobody",
  directory: "directory=/tmp",
  umask: "umask=077",
  environment: 'environment=A="1"',
  redirect_stderr: "redirect_stderr=true",
  stdout_logfile: "stdout_logfile=NONE",
  stderr_logfile_maxbytes: "stderr_logfile_maxbytes=1MB",
  stdout_logfile_backups: "stdout_logfile_backups=1",
  stdout_capture_maxbytes: "stdout_capture_maxbytes=9",
  stderr_events_enabled: "stderr_events_enabled=true",
  stdout_syslog: "stdout_syslog=true",
  serverurl: "serverurl=http://x:1",
  process_name: "process_name=q",
  numprocs: "numprocs=2\nprocess_name=%(process_num)d",
  nothing: "",
} as const;

scenario("which edited options make a group changed", {
  area,
  conf: Object.keys(EDITS)
    .map(
      (name) =>
        `[program:${name}]\ncommand=/bin/sleep 1000\nstdout_logfile=/dev/null\nautostart=true\nstartsecs=0`,
    )
    .join("\n"),
  async play({ rpc, edit }) {
    edit(
      Object.entries(EDITS)
        .map(
          ([name, text]) =>
            `[program:${name}]\ncommand=/bin/sleep 1000\nstdout_logfile=/dev/null\nautostart=true\nstartsecs=0\n${text}`,
        )
        .join("\n"),
    );
    const changes = (await rpc("supervisor.reloadConfig")) as string[][][];
    return changes.map((lists) => lists.map((names) => [...names].sort()));
  },
});

scenario("a group that runs cannot be removed", {
  area,
  conf: `[program:p]\n${stay}`,
  async play({ state, rpc }) {
    await state("p", "RUNNING");
    return [
      await rpc("supervisor.removeProcessGroup", "p"),
      await rpc("supervisor.stopProcess", "p"),
      await rpc("supervisor.removeProcessGroup", "p"),
      await rpc("supervisor.getProcessInfo", "p"),
      await rpc("supervisor.addProcessGroup", "p"),
    ];
  },
});

scenario("a broken conf is CANT_REREAD and changes nothing", {
  area,
  conf: `[program:p]\n${stay}`,
  async play({ state, rpc, edit, info, ctl }) {
    await state("p", "RUNNING");
    const faults = [];
    for (const text of [
      "[program:p]\n",
      `[program:p]\n${stay}\nstartsecs=soon`,
      `[program:p]\n${stay}\nuser=nosuch`,
    ]) {
      edit(text);
      const answer = (await rpc("supervisor.reloadConfig")) as { fault?: string };
      faults.push(withoutPlace(answer.fault ?? "none"));
    }
    return [
      faults,
      (await ctl("reread")).exit,
      await info("p"),
      await rpc("supervisor.addProcessGroup", "p"),
    ];
  },
});

scenario("multicall gives bare values and faults in order", {
  area,
  conf: `[program:p]\n${stay}\nautostart=false`,
  async play({ rpc }) {
    return [
      await rpc("system.multicall", []),
      await rpc("system.multicall", [
        { methodName: "supervisor.getAPIVersion" },
        { methodName: "supervisor.getState", params: [] },
        { methodName: "supervisor.startProcess", params: ["p"] },
        { methodName: "supervisor.getProcessInfo", params: ["p"] },
        { methodName: "supervisor.getProcessInfo", params: ["nosuch"] },
        { methodName: "supervisor.stopProcess", params: ["p", true] },
        { methodName: "system.multicall", params: [[]] },
        { methodName: "nosuch.method", params: [] },
        { params: [] },
      ]),
    ];
  },
});

scenario("stdin that the child has closed", {
  area,
  conf: `[program:p]\ncommand=${fixture("close-stdin")}`,
  async play({ state, printed, rpc }) {
    await state("p", "RUNNING");
    await printed("p", "ready");
    return [
      await rpc("supervisor.sendProcessStdin", "p", "x\n"),
      await rpc("supervisor.sendProcessStdin", "p", "x\n"),
    ];
  },
});

scenario("requests in the dialect's odd spellings", {
  area,
  conf: `[program:p]\n${stay}\nautostart=false`,
  async play({ target }) {
    const bodies = [
      "<methodCall><methodName>supervisor.getAPIVersion</methodName></methodCall>",
      "<?xml version='1.0'?>\n<methodCall>\n <methodName>supervisor.getAPIVersion</methodName>\n <params></params>\n</methodCall>\n",
      "<?xml version='1.0'?><methodCall><methodName>supervisor.getProcessInfo</methodName><params><param><value>nosuch</value></param></params></methodCall>",
      "<?xml version='1.0'?><methodCall><methodName>supervisor.readLog</methodName><params><param><value><i4>-1</i4></value></param><param><value><int>5</int></value></param></params></methodCall>",
      "<?xml version='1.0'?><methodCall><methodName>supervisor.getProcessInfo</methodName><params><param><value><string>a&amp;b &lt;c&gt; &#233;</string></value></param></params></methodCall>",
      "<?xml version='1.0'?><methodCall><methodName></methodName></methodCall>",
      "<?xml version='1.0'?><methodCall></methodCall>",
      " <?xml version='1.0'?><methodCall><methodName>supervisor.getState</methodName></methodCall>",
      "<methodCall><methodName>supervisor.getState</methodName>",
      "not xml at all",
    ];
    const answers = [];
    for (const body of bodies) {
      const { status, headers, body: text } = await request(target, "POST", "/RPC2", { body });
      answers.push([
        body,
        status,
        headers["content-type"],
        status === 200 ? text.toString().replace(/\s+/g, "") : "",
      ]);
    }
    return answers;
  },
});

scenario("the bytes of a response", {
  area,
  async play({ target }) {
    const body =
      "<?xml version='1.0'?><methodCall><methodName>supervisor.getState</methodName><params/></methodCall>";
    const answer = await request(target, "POST", "/RPC2", { body });
    const { date, ...headers } = answer.headers;
    return [answer.status, headers, typeof date, answer.body.toString()];
  },
});

scenario("while shutting down every method but a few answers SHUTDOWN_STATE", {
  area,
  conf: `[program:slow]\ncommand=${fixture("exit-on")} TERM 0 7`,
  async play({ state, printed, rpc, daemon, ctl, exists }) {
    await state("slow", "RUNNING");
    await printed("slow", "ready");
    const first = await rpc("supervisor.shutdown");
    const answers = [];
    for (const [method, ...params] of [
      ["supervisor.getState"],
      ["supervisor.getPID"],
      ["supervisor.getAPIVersion"],
      ["supervisor.getProcessInfo", "slow"],
      ["supervisor.getAllProcessInfo"],
      ["supervisor.startProcess", "slow"],
      ["supervisor.reloadConfig"],
      ["supervisor.shutdown"],
      ["supervisor.restart"],
      ["supervisor.sendRemoteCommEvent", "a", "b"],
      ["system.methodSignature", "supervisor.getPID"],
    ] as const) {
      answers.push([method, await rpc(method, ...params)]);
    }
    const status = await ctl("status");
    return [first, answers, status, await daemon.exited, exists("s.sock"), exists("supervisord.pid")];
  },
});

scenario("a waiting start holds up nobody else", {
  area,
  conf: `[program:slow]\n${stay}\nstartsecs=4\nautostart=false\n[program:quick]\n${stay}\nautostart=false\nstartsecs=0`,
  async play({ rpc }) {
    const order: string[] = [];
    const note = async (name: string, answer: Promise<unknown>): Promise<unknown> => {
      const given = await answer;
      order.push(name);
      return given;
    };
    const answers = await Promise.all([
      note("slow", rpc("supervisor.startProcess", "slow")),
      note("quick", rpc("supervisor.startProcess", "quick")),
      note("state", rpc("supervisor.getState")),
    ]);
    return [answers, order.at(-1)];
  },
});
