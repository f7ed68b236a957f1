/** supervisorctl spoken with: streams, the foreground, the shell and its questions, servers that are strange. */
import { chmodSync, mkdirSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { columns } from "../../src/ctl/render.js";
import { fixture } from "../support/fixture.js";
import type { Ran } from "../support/run-command.js";
import { until } from "../support/until.js";
import { inPlainWords } from "./plain-words.js";
import { scenario } from "./scenario.js";
import { withoutPlace } from "./scrub.js";

const area = "ctl";
const bothClients = true;
const plain = { reason: "what goes wrong is told in a sentence", of: "client" } as const;
const stay = `command=${fixture("ready")}`;

scenario("tail -f streams until Ctrl-C", {
  area,
  bothClients,
  conf: `[program:p]\ncommand=${fixture("say-when-told")} later`,
  async play({ talk, state, printed, rpc }) {
    await state("p", "RUNNING");
    await printed("p", "ready");
    const tail = talk("tail", "-f", "p");
    await tail.said("ready");
    await rpc("supervisor.signalProcess", "p", "USR1");
    await tail.said("later");
    tail.kill("SIGINT");
    return tail.exited;
  },
});

scenario("tail -f of stderr, and maintail -f", {
  area,
  bothClients,
  conf: `[program:p]\ncommand=${fixture("print-both")}`,
  async play({ talk, state, printed }) {
    await state("p", "RUNNING");
    await printed("p", "ready");
    const tail = talk("tail", "-f", "p", "stderr");
    await tail.said("err 2");
    tail.kill("SIGINT");
    const main = talk("maintail", "-f");
    await main.said("entered RUNNING");
    main.kill("SIGINT");
    const { out, ...rest } = await main.exited;
    return [await tail.exited, out.split("\n").slice(0, 1), out.split("\n").slice(-4), rest];
  },
});

scenario("tail -f goes on over a rotation", {
  area,
  bothClients,
  conf: `[program:p]
command=${fixture("echo-stdin")}
stdout_logfile=%(dir)s/p.out
stdout_logfile_maxbytes=40
stdout_logfile_backups=2`,
  async play({ talk, state, printed, rpc, exists }) {
    await state("p", "RUNNING");
    await printed("p", "ready");
    const tail = talk("tail", "-f", "p");
    await tail.said("ready");
    await rpc("supervisor.sendProcessStdin", "p", `${"a".repeat(50)}\n`);
    await until(() => exists("p.out.1"), "p.out.1");
    await rpc("supervisor.sendProcessStdin", "p", "after\n");
    await tail.said("heard after");
    tail.kill("SIGINT");
    return (await tail.exited).exit;
  },
});

// 57 bytes with their colon: what is longer Python's supervisorctl breaks into two lines.
scenario("tail -f with credentials as long as the reference can", {
  area,
  bothClients,
  server: `username=${"u".repeat(28)}\npassword=${"p".repeat(28)}`,
  auth: `${"u".repeat(28)}:${"p".repeat(28)}`,
  conf: `[program:p]\n${stay}`,
  async play({ talk, printed }) {
    await printed("p", "ready");
    const tail = talk("-u", "u".repeat(28), "-p", "p".repeat(28), "tail", "-f", "p");
    await tail.said("ready");
    tail.kill("SIGINT");
    return tail.exited;
  },
});

scenario("fg sends what is typed, and leaves at the end of input", {
  area,
  bothClients,
  conf: `[program:p]\ncommand=${fixture("echo-stdin")}`,
  async play({ talk, printed, state }) {
    await state("p", "RUNNING");
    await printed("p", "ready");
    const fg = talk("fg", "p");
    await fg.said("ready");
    fg.write("one\n");
    await printed("p", "heard one");
    await fg.said("heard one");
    fg.end();
    await fg.said("Exiting foreground");
    // What the reference does after these words is to linger.
    fg.kill("SIGKILL");
    await fg.exited;
    return [fg.out().split("\n").sort(), (await state("p", "RUNNING"))["statename"]];
  },
});

scenario("fg of a process that dies says so at the next line", {
  area,
  bothClients,
  conf: `[program:p]\ncommand=${fixture("echo-stdin")}\nautorestart=false`,
  async play({ talk, printed, state }) {
    await state("p", "RUNNING");
    await printed("p", "ready");
    const fg = talk("fg", "p");
    await fg.said("ready");
    fg.write("quit\n");
    await state("p", "EXITED");
    fg.write("more\n");
    await fg.said("Exiting foreground");
    fg.kill("SIGKILL");
    await fg.exited;
    return fg.out().includes("Process got killed\nExiting foreground\n");
  },
});

scenario("the shell asks before shutdown and reload", {
  area,
  bothClients,
  conf: `[program:p]\n${stay}\nautostart=false`,
  async play({ shell, daemon, rpc }) {
    const refused = await shell("shutdown", "n", "reload", "", "reload", "no", "quit");
    const alive = await rpc("supervisor.getState");
    return [refused, alive, await shell("shutdown", "Yes", "quit"), await daemon.exited];
  },
});

scenario("-i with an action asks, does it, and opens no shell", {
  area,
  bothClients,
  conf: `[program:p]\n${stay}\nautostart=false`,
  async play({ conf, bareCtl, rpc }) {
    return [
      await bareCtl(["-c", conf, "-i", "status"], "version x\n"),
      await bareCtl(["-c", conf, "-i", "shutdown"], "n\n"),
      await rpc("supervisor.getState"),
    ];
  },
});

/** The reference's help with our one command more among its columns. */
function withUpgrade(text: string): string {
  return text.replace(/(=+\n)((?:[^\n]+\n)+)/g, (_, line: string, block: string) => {
    const words = block.split(/\s+/).filter(Boolean);
    return `${line}${columns([...words, "upgrade"].sort()).join("\n")}\n`;
  });
}

scenario("help, its columns and its words", {
  area,
  bothClients,
  differs: {
    of: "client",
    reason: "the command upgrade is beyond Supervisor",
    ours: (transcript: readonly Ran[]) => transcript.map((ran) => ({ ...ran, out: withUpgrade(ran.out) })),
  },
  async play({ ctl, shell }) {
    const ran = await shell("help", "? nosuch", "?", "help nosuch", "quit");
    return [ran, await ctl("help")];
  },
});

scenario("commands that the shell does not know", {
  area,
  bothClients,
  conf: `[program:p]\n${stay}\nautostart=false`,
  play: ({ shell }) => shell("stat", "Status", "start;stop", "pid p; pid p", "  status p  ", "EOF"),
});

scenario("status while something starts: the line ends in blanks", {
  area,
  bothClients,
  conf: `[program:p]\n${stay}\nstartsecs=100`,
  async play({ state, ctl }) {
    await state("p", "STARTING");
    return [await ctl("status"), await ctl("pid", "nosuch", "p").then(({ exit }) => exit)];
  },
});

scenario("status of what is in BACKOFF is no failure", {
  area,
  bothClients,
  conf: "[program:boom]\ncommand=/bin/false\nstartsecs=4\nstartretries=50",
  async play({ logged, during, ctl }) {
    await logged("exited: boom", 4);
    return during("boom", "BACKOFF", () => ctl("status"));
  },
});

scenario("start and restart while a stop is under way", {
  area,
  bothClients,
  conf: `[program:slow]\ncommand=${fixture("ignore-sigterm")}\nstopwaitsecs=1000`,
  async play({ state, printed, ctl, rpc }) {
    await state("slow", "RUNNING");
    await printed("slow", "ready");
    await rpc("supervisor.stopProcess", "slow", false);
    return [
      await ctl("start", "slow"),
      await ctl("stop", "slow"),
      await ctl("restart", "slow"),
      await ctl("status"),
    ];
  },
});

scenario("restart does not read the conf again", {
  area,
  bothClients,
  conf: `[program:p]\n${stay}`,
  async play({ state, edit, ctl, info }) {
    const before = await state("p", "RUNNING");
    edit(`[program:p]\ncommand=/bin/sleep 1000\nredirect_stderr=true`);
    const ran = [await ctl("restart", "p"), await ctl("reread"), await ctl("restart", "p")];
    return [ran, before["stderr_logfile"] !== "", (await info("p"))["stderr_logfile"] !== ""];
  },
});

scenario("update: what disappeared, what changed, what is new, in this order", {
  area,
  bothClients,
  conf: `[program:gone]\n${stay}\n[program:edited]\n${stay}\n[program:same]\n${stay}\nautostart=false`,
  async play({ state, edit, ctl }) {
    await state("gone", "RUNNING");
    await state("edited", "RUNNING");
    edit(
      `[program:edited]\n${stay}\nstopwaitsecs=3\n[program:same]\n${stay}\nautostart=false\n[program:new]\n${stay}\nautostart=false`,
    );
    const first = await ctl("update", "gone", "nosuch");
    const rest = await ctl("update", "all");
    return [first, rest, await ctl("update"), await ctl("status", "same", "new")];
  },
});

scenario("update of one program of a group is update of the group", {
  area,
  bothClients,
  conf: `[program:a]\n${stay}\nautostart=false\n[program:b]\n${stay}\nautostart=false\n[group:g]\nprograms=a,b`,
  async play({ edit, ctl }) {
    edit(
      `[program:a]\n${stay}\nautostart=false\n[program:b]\n${stay}\nautostart=false\nstopwaitsecs=3\n[group:g]\nprograms=a,b`,
    );
    return [await ctl("update", "b"), await ctl("update", "g"), await ctl("update", "g")];
  },
});

scenario("logs that cannot be read", {
  area,
  bothClients,
  conf: `[program:p]\n${stay}\nstdout_logfile=%(dir)s/p.out\n[program:gone]\n${stay}\nstdout_logfile=%(dir)s/gone.out\n[program:never]\n${stay}\nautostart=false\nstdout_logfile=%(dir)s/never.out`,
  async play({ dir, printed, ctl, rpc }) {
    for (const name of ["p", "gone"]) await printed(name, "ready");
    // A log that is in use comes back when it is removed.
    await ctl("stop", "gone");
    rmSync(`${dir}/gone.out`);
    const missing = [await ctl("tail", "gone"), await ctl("tail", "never")];
    for (const name of ["p.out", "main.log"]) {
      rmSync(`${dir}/${name}`);
      mkdirSync(`${dir}/${name}`);
    }
    return [
      missing,
      await ctl("tail", "p"),
      await ctl("maintail"),
      await rpc("supervisor.readLog", 0, 0),
      await rpc("supervisor.readProcessStdoutLog", "p", 0, 0),
      await rpc("supervisor.clearProcessLogs", "p"),
      await ctl("clear", "p"),
    ];
  },
});

scenario("maintail of a daemon that writes to syslog", {
  area,
  bothClients,
  supervisord: "logfile=syslog",
  play: ({ ctl }) => ctl("maintail"),
});

/** Answers everything with one body. */
async function strangeServer(
  status: number,
  body: string,
): Promise<AsyncDisposable & { readonly url: string }> {
  const server = createServer((request, response) => {
    request.resume();
    response.writeHead(status, { "Content-Type": "text/xml", "Content-Length": Buffer.byteLength(body) });
    response.end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

scenario("a server of another API version, and one that answers 500", {
  area,
  bothClients,
  differs: { ...plain, ours: (transcript: unknown) => inPlainWords(transcript, "http://SERVER") },
  boot: false,
  async play({ bareCtl }) {
    const ask = async (url: string, ...words: string[]): Promise<Ran> => {
      const ran = await bareCtl(["-s", url, ...words]);
      return { ...ran, out: ran.out.replaceAll(/127\.0\.0\.1:\d+/g, "SERVER") };
    };
    const answer = (value: string): string =>
      `<?xml version='1.0'?>\n<methodResponse>\n<params>\n<param>\n<value>${value}</value>\n</param>\n</params>\n</methodResponse>\n`;
    await using old = await strangeServer(200, answer("<string>2.0</string>"));
    await using broken = await strangeServer(500, "");
    return [
      await ask(old.url, "status"),
      await ask(old.url, "start", "x"),
      await ask(old.url, "version"),
      await ask(broken.url, "status"),
      await ask(broken.url, "reread"),
    ];
  },
});

scenario("errors that only have Python's words", {
  area,
  bothClients,
  differs: {
    ...plain,
    ours: (transcript: readonly Ran[]) =>
      transcript.map((ran, index) =>
        inPlainWords(ran, index === 6 ? "http://127.0.0.1:1" : "unix://DIR/none"),
      ),
  },
  boot: false,
  async play({ dir, bareCtl, write }) {
    write("file", "");
    chmodSync(`${dir}/file`, 0o700);
    const ask = (url: string, ...words: string[]): Promise<Ran> => bareCtl(["-s", url, ...words]);
    return [
      await ask(`unix://${dir}/none`, "reread"),
      await ask(`unix://${dir}/none`, "update"),
      await ask(`unix://${dir}/none`, "add", "x"),
      await ask(`unix://${dir}/none`, "remove", "x"),
      await ask(`unix://${dir}/none`, "avail"),
      await ask(`unix://${dir}/none`, "reload"),
      await ask("http://127.0.0.1:1", "reread"),
      await ask(`unix://${dir}/file`, "status"),
    ];
  },
});

scenario("a serverurl of an unknown kind fails when it is used", {
  area,
  bothClients,
  differs: { ...plain, ours: (transcript: unknown) => inPlainWords(transcript) },
  boot: false,
  files: { "ctl.conf": "[supervisorctl]\nserverurl=gopher://x\n" },
  play: ({ bareCtl, dir }) => bareCtl(["-c", `${dir}/ctl.conf`, "status"]),
});

scenario("the client's conf: credentials, prompt, history, %(here)s, and no includes", {
  area,
  bothClients,
  server: "username=user\npassword=secret",
  auth: "user:secret",
  files: {
    "ctl.conf":
      "[include]\nfiles=more.conf\n[supervisorctl]\nserverurl=unix://%(here)s/s.sock\nusername=user\npassword=secret\nprompt=say\nhistory_file=%(here)s/history\n",
    "more.conf": "[supervisorctl]\nprompt=never\n",
    "included.conf": "[include]\nfiles=more.conf\n[supervisord]\n",
    "plugin.conf": "[supervisorctl]\n[ctlplugin:x]\na=b\n",
  },
  async play({ dir, bareCtl, exists }) {
    return [
      await bareCtl(["-c", `${dir}/ctl.conf`], "pid nosuch\nquit\n"),
      exists("history"),
      await bareCtl(["-c", `${dir}/included.conf`, "status"]),
      await bareCtl(["-c", `${dir}/plugin.conf`, "status"]).then((ran) => ({
        ...ran,
        err: withoutPlace(ran.err),
      })),
    ];
  },
});
