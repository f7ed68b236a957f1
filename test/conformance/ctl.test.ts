/** supervisorctl: both clients on both daemons, word for word, with exit statuses. */
import { fixture } from "../support/fixture.js";
import type { Ran } from "../support/run-command.js";
import { inPlainWords } from "./plain-words.js";
import { scenario } from "./scenario.js";
import { withoutPlace } from "./scrub.js";

const area = "ctl";
const bothClients = true;
/** No class of Python's, and no place in its source. */
const plain = {
  reason: "what goes wrong is told in a sentence",
  of: "client",
  ours: (transcript: unknown) => inPlainWords(transcript),
} as const;
const stay = `command=${fixture("ready")}`;

/** Completion order is a matter of scheduling. */
function sorted(ran: Ran): Ran {
  return { ...ran, out: ran.out.split("\n").sort().join("\n") };
}

scenario("status of everything, of names, of groups and of what is not there", {
  area,
  bothClients,
  conf: `[program:up]\n${stay}\n[program:down]\n${stay}\nautostart=false
[program:boom]\ncommand=/bin/false\nstartretries=0\nstartsecs=3\n[program:lost]\ncommand=nosuch-command\nstartretries=0
[program:m]\n${stay}\nnumprocs=2\nprocess_name=%(program_name)s_%(process_num)d_with_a_rather_long_name_of_its_own`,
  async play({ state, ctl }) {
    for (const name of [
      "up",
      "m:m_0_with_a_rather_long_name_of_its_own",
      "m:m_1_with_a_rather_long_name_of_its_own",
    ])
      await state(name, "RUNNING");
    await state("boom", "FATAL");
    await state("lost", "FATAL");
    return [
      await ctl("status"),
      await ctl("status", "all"),
      await ctl("status", "up"),
      await ctl("status", "up", "down"),
      await ctl("status", "m:*", "up"),
      await ctl("status", "m:"),
      await ctl("status", "nosuch", "up"),
      await ctl("status", "nosuch:*"),
      await ctl("status", "m:nosuch"),
      await ctl("status", "nosuch", "down"),
      await ctl("status", "boom", "lost"),
    ];
  },
});

scenario("status of no programs at all", {
  area,
  bothClients,
  play: async ({ ctl }) =>
    [await ctl("status"), await ctl("status", "all"), await ctl("avail"), await ctl("pid")].slice(0, 3),
});

scenario("start in all its forms", {
  area,
  bothClients,
  conf: `[program:a]\n${stay}\nautostart=false\n[program:b]\n${stay}\nautostart=false\n[program:c]\n${stay}\nautostart=false
[group:g]\nprograms=b,c`,
  async play({ ctl }) {
    return [
      await ctl("start", "a"),
      await ctl("start", "a"),
      sorted(await ctl("start", "g:*")),
      await ctl("start", "g:*"),
      await ctl("start", "g:b", "a"),
      await ctl("start", "b"),
      await ctl("start", "nosuch"),
      await ctl("start", "nosuch:*"),
      await ctl("start", "g:nosuch"),
      await ctl("start"),
    ];
  },
});

scenario("start of what cannot be started", {
  area,
  bothClients,
  conf: `[program:a]\n${stay}\nautostart=false
[program:boom]\ncommand=/bin/false\nautostart=false\nstartretries=0\nstartsecs=3
[program:lost]\ncommand=nosuch-command\nautostart=false\n[program:dir]\ncommand=/etc\nautostart=false
[program:badlog]\n${stay}\nstdout_logfile=/etc\nautostart=false`,
  async play({ ctl }) {
    return [
      await ctl("start", "boom"),
      await ctl("start", "lost"),
      await ctl("start", "dir"),
      await ctl("start", "badlog"),
      await ctl("start", "lost", "a"),
    ];
  },
});

scenario("start all and stop all", {
  area,
  bothClients,
  conf: `[program:a]\n${stay}\nautostart=false\n[program:b]\n${stay}\nautostart=false\n[program:lost]\ncommand=nosuch-command\nautostart=false`,
  async play({ ctl }) {
    return [sorted(await ctl("start", "all")), sorted(await ctl("stop", "all")), await ctl("stop", "all")];
  },
});

scenario("stop in all its forms", {
  area,
  bothClients,
  conf: `[program:a]\n${stay}\n[program:b]\n${stay}\n[program:c]\n${stay}\n[group:g]\nprograms=b,c`,
  async play({ state, ctl }) {
    for (const name of ["a", "g:b", "g:c"]) await state(name, "RUNNING");
    return [
      await ctl("stop", "a"),
      await ctl("stop", "a"),
      sorted(await ctl("stop", "g:*")),
      await ctl("stop", "g:*"),
      await ctl("stop", "nosuch"),
      await ctl("stop", "nosuch:*"),
      await ctl("stop", "b"),
      await ctl("stop"),
    ];
  },
});

scenario("restart of what runs and of what does not", {
  area,
  bothClients,
  conf: `[program:a]\n${stay}\n[program:b]\n${stay}\nautostart=false\n[group:g]\nprograms=b`,
  async play({ state, ctl }) {
    await state("a", "RUNNING");
    return [
      await ctl("restart", "a"),
      await ctl("restart", "g:b"),
      await ctl("restart", "g:*"),
      await ctl("restart", "nosuch"),
      sorted(await ctl("restart", "all")),
      await ctl("restart"),
    ];
  },
});

scenario("signal in all its forms", {
  area,
  bothClients,
  conf: `[program:a]\n${stay}\n[program:b]\n${stay}\n[program:down]\n${stay}\nautostart=false\n[group:g]\nprograms=b`,
  async play({ state, ctl }) {
    for (const name of ["a", "g:b"]) await state(name, "RUNNING");
    return [
      await ctl("signal", "CONT", "a"),
      await ctl("signal", "18", "a", "g:b"),
      await ctl("signal", "0", "g:*"),
      sorted(await ctl("signal", "sigcont", "all")),
      await ctl("signal", "NOSUCH", "a"),
      await ctl("signal", "CONT", "down"),
      await ctl("signal", "CONT", "nosuch"),
      await ctl("signal", "CONT", "nosuch:*"),
      await ctl("signal", "CONT"),
      await ctl("signal"),
    ];
  },
});

scenario("pid", {
  area,
  bothClients,
  conf: `[program:a]\n${stay}\n[program:down]\n${stay}\nautostart=false`,
  async play({ state, ctl, daemon }) {
    const { pid } = await state("a", "RUNNING");
    const own = await ctl("pid");
    const one = await ctl("pid", "a");
    const all = await ctl("pid", "all");
    return [
      [own.out === `${daemon.pid}\n`, own.exit],
      [one.out === `${pid}\n`, one.exit],
      [all.out === `${pid}\n0\n`, all.exit],
      await ctl("pid", "down"),
      await ctl("pid", "nosuch"),
      await ctl("pid", "nosuch:*"),
    ];
  },
});

scenario("tail, its defaults and its complaints", {
  area,
  bothClients,
  conf: `[program:a]\ncommand=${fixture("print-lines")} 300 line\n[program:none]\n${stay}\nstdout_logfile=NONE\nautostart=false\n[program:g]\ncommand=${fixture("print-both")}`,
  async play({ printed, ctl }) {
    await printed("a", "done");
    await printed("g", "ready");
    return [
      await ctl("tail", "a"),
      await ctl("tail", "-20", "a"),
      await ctl("tail", "g", "stderr"),
      await ctl("tail", "-6", "g", "stdout"),
      await ctl("tail", "none"),
      await ctl("tail", "nosuch"),
      await ctl("tail", "a:*"),
      await ctl("tail", "a", "nochannel"),
      await ctl("tail", "-x", "a"),
      await ctl("tail", "-f"),
      await ctl("tail"),
      await ctl("tail", "a", "b", "c", "d"),
    ];
  },
});

scenario("tail -f of what is not there", {
  area,
  bothClients,
  differs: {
    reason: "a command that could do nothing should not exit with 0",
    of: "client",
    ours: (ran: Ran) => ({ ...ran, exit: 1 }),
  },
  play: ({ ctl }) => ctl("tail", "-f", "nosuch"),
});

scenario("maintail", {
  area,
  bothClients,
  conf: `[program:a]\n${stay}`,
  async play({ state, ctl }) {
    await state("a", "RUNNING");
    const whole = await ctl("maintail");
    return [
      whole.exit,
      whole.out.includes("entered RUNNING"),
      await ctl("maintail", "-22"),
      await ctl("maintail", "5"),
      await ctl("maintail", "-1", "2"),
      await ctl("maintail", "-x"),
    ];
  },
});

scenario("clear", {
  area,
  bothClients,
  conf: `[program:a]\n${stay}\n[program:b]\n${stay}\nautostart=false`,
  async play({ printed, ctl }) {
    await printed("a", "ready");
    return [
      await ctl("clear", "a"),
      await ctl("tail", "a"),
      await ctl("clear", "a", "b"),
      sorted(await ctl("clear", "all")),
      await ctl("clear", "nosuch"),
      await ctl("clear"),
    ];
  },
});

scenario("avail, reread and update", {
  area,
  bothClients,
  conf: `[program:same]\n${stay}\n[program:edited]\n${stay}\n[program:gone]\n${stay}\n[program:manual]\n${stay}\nautostart=false\npriority=3`,
  async play({ state, ctl, edit }) {
    for (const name of ["same", "edited", "gone"]) await state(name, "RUNNING");
    const before = [await ctl("avail"), await ctl("reread"), await ctl("update")];
    edit(
      `[program:same]\n${stay}\n[program:edited]\n${stay}\nstopsignal=INT\n[program:manual]\n${stay}\nautostart=false\npriority=3\n[program:new]\n${stay}\n[program:newer]\n${stay}`,
    );
    return [
      before,
      await ctl("reread"),
      await ctl("avail"),
      await ctl("update", "newer"),
      await ctl("update", "nosuch"),
      await ctl("update"),
      await ctl("update"),
      await state("edited", "RUNNING"),
      await state("new", "RUNNING"),
      await ctl("status"),
      await ctl("avail"),
    ];
  },
});

scenario("add and remove", {
  area,
  bothClients,
  conf: `[program:a]\n${stay}\n[program:b]\n${stay}`,
  async play({ state, ctl, edit }) {
    await state("a", "RUNNING");
    edit(`[program:a]\n${stay}\n[program:c]\n${stay}`);
    await state("b", "RUNNING");
    return [
      await ctl("add", "c"),
      await ctl("reread"),
      await ctl("add", "c"),
      await ctl("add", "c"),
      await ctl("add", "nosuch"),
      await ctl("add"),
      await ctl("remove", "b"),
      await ctl("stop", "b"),
      await ctl("remove", "b"),
      await ctl("remove", "nosuch"),
      await ctl("remove"),
      await state("c", "RUNNING"),
    ];
  },
});

scenario("a broken conf at reread and at update", {
  area,
  bothClients,
  differs: plain,
  conf: `[program:a]\n${stay}`,
  async play({ state, ctl, edit }) {
    await state("a", "RUNNING");
    edit("[program:a]\ncommand=/bin/cat\nstartsecs=soon");
    const strip = (ran: Ran): Ran => ({ ...ran, out: withoutPlace(ran.out) });
    return [strip(await ctl("reread")), strip(await ctl("update")), await ctl("status")];
  },
});

scenario("version, help and unknown words", {
  area,
  bothClients,
  async play({ ctl }) {
    const version = await ctl("version");
    return [
      [version.exit, version.err, /^4\.\d/.test(version.out)],
      await ctl("help", "nosuch"),
      await ctl("nosuch"),
      await ctl("!ls"),
      await ctl("STATUS"),
      await ctl("version", "x"),
      await ctl("reload", "x", "y").then(({ exit, out }) => [exit, out.length > 0]),
      await ctl("shutdown", "x"),
      await ctl("avail", "x"),
      await ctl("reread", "x"),
    ];
  },
});

const TOPICS = [
  "add",
  "avail",
  "clear",
  "exit",
  "fg",
  "help",
  "maintail",
  "open",
  "pid",
  "quit",
  "reload",
  "remove",
  "reread",
  "restart",
  "shutdown",
  "signal",
  "start",
  "status",
  "stop",
  "tail",
  "update",
  "version",
] as const;

scenario("the first line of help for every command", {
  area,
  bothClients,
  async play({ shell }) {
    const ran = await shell(...TOPICS.map((topic) => `help ${topic}`));
    return ran.out
      .split("supervisor> ")
      .slice(1)
      .map((text) => text.split("\n")[0]?.replace(/\t+.*/, "").trim());
  },
});

scenario("shutdown and reload say so at once", {
  area,
  bothClients,
  conf: `[program:a]\n${stay}`,
  async play({ state, ctl, daemon, logged }) {
    await state("a", "RUNNING");
    const reload = await ctl("reload");
    await logged("entered RUNNING", 2);
    return [reload, await ctl("shutdown"), await daemon.exited];
  },
});

scenario("a shell on a pipe: status first, prompts, unknown words, quit", {
  area,
  bothClients,
  conf: `[program:a]\n${stay}`,
  async play({ state, shell }) {
    await state("a", "RUNNING");
    return [
      await shell("", "nosuch", "!x", "pid nosuch", "stop a", "status", "quit"),
      await shell("start a"),
      await shell(),
      await shell("exit", "status"),
    ];
  },
});

scenario("the prompt is that of the conf", {
  area,
  bothClients,
  boot: false,
  async play({ dir, write, bareCtl, launch }) {
    await launch();
    write("ctl.conf", `[supervisorctl]\nserverurl=unix://${dir}/s.sock\nprompt=me@%(ENV_HOME)s\n`);
    return bareCtl(["-c", `${dir}/ctl.conf`], "version nosuch\nquit\n");
  },
});

scenario("no daemon: missing socket, refused connection, exit statuses", {
  area,
  bothClients,
  boot: false,
  async play({ dir, bareCtl, ctl }) {
    const url = (text: string, ...words: string[]): Promise<Ran> => bareCtl(["-s", text, ...words]);
    return [
      await ctl("status"),
      await ctl("start", "a"),
      await ctl("stop", "all"),
      await ctl("pid"),
      await ctl("tail", "a"),
      await ctl("shutdown"),
      await ctl("version"),
      await url("http://127.0.0.1:1", "status"),
      await url("http://127.0.0.1:1", "start", "a"),
      await url("http://127.0.0.1:1", "shutdown"),
      await url(`unix://${dir}/none`, "status"),
      await url("foo", "status"),
    ].map((ran) => ({ ...ran, out: ran.out.replace(/\n(?:unix|http).*\n$/, "\n") }));
  },
});

scenario("credentials: none, wrong and right, from the conf and from the command line", {
  area,
  bothClients,
  server: "username=user\npassword=secret",
  auth: "user:secret",
  differs: plain,
  async play({ ctl, dir, bareCtl }) {
    const url = `unix://${dir}/s.sock`;
    return [
      await ctl("pid", "nosuch"),
      await bareCtl(["-s", url, "-u", "user", "-p", "wrong", "pid", "nosuch"]),
      await bareCtl(["-s", url, "-u", "user", "-p", "secret", "pid", "nosuch"]),
      await bareCtl(["-s", url, "--username=user", "--password", "secret", "version", "x"]),
    ];
  },
});

scenario("open another daemon from the shell", {
  area,
  bothClients,
  conf: `[program:a]\n${stay}\nautostart=false`,
  async play({ dir, bareCtl }) {
    return bareCtl(["-s", `unix://${dir}/none`], `open unix://${dir}/s.sock\nopen foo\nquit\n`);
  },
});

scenario("fg's complaints", {
  area,
  bothClients,
  conf: `[program:a]\n${stay}\nautostart=false`,
  play: async ({ ctl }) => [
    await ctl("fg"),
    await ctl("fg", "a"),
    await ctl("fg", "nosuch"),
    await ctl("fg", "a", "b"),
  ],
});

scenario("commands while the daemon shuts down", {
  area,
  bothClients,
  differs: plain,
  conf: `[program:slow]\ncommand=${fixture("exit-on")} TERM 0 100\nstopwaitsecs=100`,
  async play({ state, printed, ctl }) {
    await state("slow", "RUNNING");
    await printed("slow", "ready");
    return [
      await ctl("shutdown"),
      await ctl("shutdown"),
      await ctl("reload"),
      await ctl("status"),
      await ctl("reread"),
      await ctl("update"),
      await ctl("add", "x"),
      await ctl("avail"),
    ];
  },
});
