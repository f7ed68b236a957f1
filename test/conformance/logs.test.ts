/** Where a child's output goes, rotation, clearing, reopening, reading and tailing. */
import { renameSync, rmSync } from "node:fs";
import { crc32 } from "node:zlib";
import { fixture } from "../support/fixture.js";
import { until } from "../support/until.js";
import { scenario } from "./scenario.js";

const area = "logs";

scenario("AUTO logs lie in childlogdir under the name of process, channel and identifier", {
  area,
  supervisord: "identifier=ident",
  conf: `[program:p]\ncommand=${fixture("print-both")}\n[program:never]\ncommand=/bin/cat\nautostart=false`,
  async play({ printed, state, files, info, output, daemon, rpc }) {
    const out = await printed("p", "ready");
    await state("p", "RUNNING");
    const running = [out, await output("p", "stderr"), files(), await info("p"), await info("never")];
    await rpc("supervisor.shutdown");
    return [running, await daemon.exited, files()];
  },
});

scenario("old AUTO logs are deleted at start, only those of this identifier", {
  area,
  boot: false,
  supervisord: "identifier=ident",
  files: {
    "p-stdout---ident-abcdefgh.log": "old",
    "p-stdout---ident-abcdefgh.log.3": "old",
    "p-stdout---other-abcdefgh.log": "kept",
    "x-stderr---ident-more-abcdefgh.log": "kept?",
    "plain.log": "kept",
  },
  conf: "[program:p]\ncommand=/bin/cat\nautostart=false",
  async play({ launch, files, read }) {
    await launch();
    return [files(), read("p-stdout---ident-abcdefgh.log")];
  },
});

scenario("nocleanup keeps old AUTO logs", {
  area,
  boot: false,
  supervisord: "nocleanup=true",
  files: { "p-stdout---supervisor-abcdefgh.log": "old" },
  async play({ launch, read }) {
    await launch();
    return read("p-stdout---supervisor-abcdefgh.log");
  },
});

scenario("named log files are appended to", {
  area,
  files: { "p.out": "before\n" },
  conf: `[program:p]
command=${fixture("print-both")}
stdout_logfile=%(dir)s/p.out
stderr_logfile=%(dir)s/p.err`,
  async play({ printed, state, read }) {
    await printed("p", "ready");
    return [await state("p", "RUNNING"), read("p.out"), read("p.err")];
  },
});

scenario("a log file's name may hold the process number", {
  area,
  conf: `[program:p]
command=${fixture("ready")}
numprocs=2
process_name=p%(process_num)d
stdout_logfile=%(dir)s/%(program_name)s-%(process_num)02d-of-%(numprocs)d.out
stderr_logfile=NONE`,
  async play({ printed, files }) {
    await printed("p:p0", "ready");
    await printed("p:p1", "ready");
    return files();
  },
});

scenario("NONE and OFF keep no log but the pipe is drained", {
  area,
  conf: `[program:none]
command=${fixture("flood-stdout")} 2000000
stdout_logfile=NONE
stderr_logfile=off`,
  async play({ state, rpc, info, files }) {
    await state("none", "RUNNING");
    return [
      await info("none"),
      await rpc("supervisor.readProcessStdoutLog", "none", 0, 0),
      await rpc("supervisor.tailProcessStdoutLog", "none", 0, 100),
      files(),
    ];
  },
});

scenario("a log rotates after the write that crosses maxbytes", {
  area,
  conf: `[program:p]
command=${fixture("say-when-told")} 012345678901234567890123456789
stdout_logfile=%(dir)s/p.out
stdout_logfile_maxbytes=60
stdout_logfile_backups=2`,
  async play({ state, printed, rpc, read, files }) {
    await state("p", "RUNNING");
    await printed("p", "ready");
    for (const length of [37, 0, 31, 0, 31, 0, 31]) {
      await rpc("supervisor.signalProcess", "p", "USR1");
      await until(() => read("p.out").length === length, `p.out of ${length} bytes`);
    }
    return [files(), ["p.out", "p.out.1", "p.out.2"].map(read)];
  },
});

scenario("backups=0 truncates in place", {
  area,
  conf: `[program:p]
command=${fixture("say-when-told")} 012345678901234567890123456789
stdout_logfile=%(dir)s/p.out
stdout_logfile_maxbytes=50
stdout_logfile_backups=0`,
  async play({ state, printed, rpc, read, files }) {
    await state("p", "RUNNING");
    await printed("p", "ready");
    await rpc("supervisor.signalProcess", "p", "USR1");
    await until(() => read("p.out").length === 37, "first text");
    await rpc("supervisor.signalProcess", "p", "USR1");
    await until(() => read("p.out").length === 0, "truncation");
    await rpc("supervisor.signalProcess", "p", "USR1");
    await until(() => read("p.out").length === 31, "text after truncation");
    return [read("p.out"), files()];
  },
});

scenario("the main log rotates too", {
  area,
  supervisord: "logfile_maxbytes=400\nlogfile_backups=2",
  conf: "[program:boom]\ncommand=/bin/false\nstartretries=3",
  async play({ state, files }) {
    await state("boom", "FATAL");
    return files().filter((name) => name.startsWith("main.log")).length > 1;
  },
});

scenario("clearing the logs of a live process empties them and output goes on", {
  area,
  conf: `[program:p]\ncommand=${fixture("say-when-told")} more`,
  async play({ state, printed, rpc, output }) {
    await state("p", "RUNNING");
    await printed("p", "ready");
    const cleared = await rpc("supervisor.clearProcessLogs", "p");
    const after = await output("p");
    await rpc("supervisor.signalProcess", "p", "USR1");
    return [cleared, after, await printed("p", "more")];
  },
});

scenario("clearing the log of a process that is not running", {
  area,
  conf: `[program:p]\ncommand=${fixture("ready")}`,
  differs: {
    reason: "clear also empties the log of a process that is not running; the reference only says so",
    ours: (transcript: readonly unknown[]) => [transcript[0], ""],
  },
  async play({ state, printed, rpc, output }) {
    await state("p", "RUNNING");
    await printed("p", "ready");
    await rpc("supervisor.stopProcess", "p");
    return [await rpc("supervisor.clearProcessLogs", "p"), await output("p")];
  },
});

scenario("clearAllProcessLogs lists every process", {
  area,
  conf: `[program:a]\ncommand=${fixture("ready")}\n[program:b]\ncommand=${fixture("ready")}\nautostart=false`,
  async play({ printed, rpc }) {
    await printed("a", "ready");
    const all = (await rpc("supervisor.clearAllProcessLogs")) as { name: string }[];
    return all.sort((one, other) => (one.name < other.name ? -1 : 1));
  },
});

scenario("USR2 reopens the logs where logrotate has moved them", {
  area,
  conf: `[program:p]\ncommand=${fixture("say-when-told")} later\nstdout_logfile=%(dir)s/p.out`,
  async play({ state, printed, rpc, read, dir, daemon, exists }) {
    await state("p", "RUNNING");
    await printed("p", "ready");
    renameSync(`${dir}/p.out`, `${dir}/p.old`);
    renameSync(`${dir}/main.log`, `${dir}/main.old`);
    daemon.kill("SIGUSR2");
    await until(() => exists("main.log") && exists("p.out"), "new files");
    await rpc("supervisor.signalProcess", "p", "USR1");
    const told = read("main.old")
      .split("\n")
      .filter((line) => /USR2|reopen/.test(line));
    return [await printed("p", "later"), read("p.old"), told];
  },
});

scenario("strip_ansi takes colours out", {
  area,
  supervisord: "strip_ansi=true",
  conf: String.raw`[program:p]
command=${fixture("print-raw")} "\033[31mred\033[0m plain \033[1;32mgreen\033[0m\n" "end\n"`,
  async play({ printed }) {
    return printed("p", "end");
  },
});

scenario("readProcessStdoutLog by offset and length", {
  area,
  conf: `[program:p]\ncommand=${fixture("print-lines")} 3 line`,
  async play({ printed, rpc }) {
    await printed("p", "done");
    const answers = [];
    for (const [offset, length] of [
      [0, 0],
      [0, 4],
      [7, 6],
      [-5, 0],
      [-5, 3],
      [0, -1],
      [5000, 0],
      [20, 5000],
      [-5000, 0],
    ] as const) {
      answers.push([offset, length, await rpc("supervisor.readProcessStdoutLog", "p", offset, length)]);
    }
    return [
      answers,
      await rpc("supervisor.readProcessLog", "p", 0, 6),
      await rpc("supervisor.readProcessStderrLog", "p", 0, 0),
    ];
  },
});

scenario("tailProcessStdoutLog by offset and length", {
  area,
  conf: String.raw`[program:p]
command=${fixture("print-raw")} "h\303\251llo\n"`,
  async play({ printed, rpc }) {
    await printed("p", "llo\n");
    const answers = [];
    for (const [offset, length] of [
      [0, 0],
      [0, 3],
      [0, 100],
      [5, 3],
      [7, 5],
      [100, 10],
      [0, -1],
    ] as const) {
      answers.push([offset, length, await rpc("supervisor.tailProcessStdoutLog", "p", offset, length)]);
    }
    return [
      answers,
      await rpc("supervisor.tailProcessLog", "p", 0, 4),
      await rpc("supervisor.tailProcessStderrLog", "p", 0, 4),
    ];
  },
});

scenario("a log that is not UTF-8 can be read", {
  area,
  conf: String.raw`[program:p]
command=${fixture("print-raw")} "a\377b\n" "end\n"`,
  differs: {
    reason: "bytes that are not UTF-8 are replaced; the reference answers HTTP 500",
    ours: () => "a\ufffdb\nend\n",
  },
  async play({ printed, rpc }) {
    await printed("p", "end");
    return rpc("supervisor.readProcessStdoutLog", "p", 0, 0);
  },
});

scenario("the main log can be read and cleared over RPC", {
  area,
  conf: `[program:p]\ncommand=${fixture("ready")}`,
  async play({ state, rpc, log }) {
    await state("p", "RUNNING");
    const whole = String(await rpc("supervisor.readLog", 0, 0));
    return [
      whole.split("\n").filter((line) => line.includes("spawned")),
      await rpc("supervisor.readLog", 0, 4).then((text) => /^\d{4}$/.test(String(text))),
      await rpc("supervisor.readMainLog", -9, 0),
      await rpc("supervisor.readLog", -9, 5),
      await rpc("supervisor.readLog", 0, -5),
      await rpc("supervisor.clearLog"),
      log(),
    ];
  },
});

scenario("output after the stop request is kept", {
  area,
  conf: `[program:p]\ncommand=${fixture("exit-on")} TERM 0`,
  async play({ state, printed, rpc, output }) {
    await state("p", "RUNNING");
    await printed("p", "ready");
    await rpc("supervisor.stopProcess", "p");
    return output("p");
  },
});

scenario("text between the capture tokens does not reach the log", {
  area,
  conf: `[program:p]
command=${fixture("print-raw")} "before the capture begins, long enough\\n" "<!--XSUPERVISOR:BEGIN-->secret<!--XSUPERVISOR:END-->" "after the capture has ended, long enough to be flushed\\n"
stdout_capture_maxbytes=1kb`,
  async play({ state, printed, rpc, output }) {
    await state("p", "RUNNING");
    await printed("p", "capture has");
    await rpc("supervisor.stopProcess", "p");
    return output("p");
  },
});

scenario("a megabyte comes through byte for byte", {
  area,
  conf: `[program:p]\ncommand=${fixture("flood-stdout")} 1000000\nstdout_logfile=%(dir)s/p.out`,
  async play({ printed, read }) {
    await printed("p", "done");
    const { createHash } = await import("node:crypto");
    return [read("p.out").length, createHash("sha256").update(read("p.out")).digest("hex")];
  },
});

scenario("at level debug output that is no UTF-8 is mirrored as Python shows bytes", {
  area,
  supervisord: "loglevel=debug",
  conf: `[program:p]\ncommand=/bin/sh -c 'printf "\\\\210\\\\n"; sleep 0.3; printf "\\\\303\\\\244 fine\\\\n" >&2; exec sleep 1000'`,
  async play({ logged, state, log }) {
    await state("p", "RUNNING");
    await logged("fine");
    return log(/output:|Undecodable|fine/);
  },
});

scenario("at level debug the child's output is mirrored in the main log", {
  area,
  supervisord: "loglevel=debug",
  conf: `[program:p]\ncommand=${fixture("exit-on")} TERM 0`,
  async play({ state, printed, rpc, log, logged }) {
    await state("p", "RUNNING");
    await printed("p", "ready");
    await rpc("supervisor.stopProcess", "p");
    await logged("stopped: p");
    const lines = log();
    const mirrored = lines.findIndex((line) => line.includes("'p' stdout output:"));
    return [lines.slice(mirrored, mirrored + 2), log(/killing p/), log(/received SIGCHLD/).slice(0, 1)];
  },
});

scenario("at level trace RPC calls are told with their faults", {
  area,
  supervisord: "loglevel=trace",
  async play({ rpc, log, logged }) {
    await rpc("supervisor.getPID");
    await rpc("supervisor.getProcessInfo", "nosuch");
    await logged("BAD_NAME");
    return log(/getPID|getProcessInfo/);
  },
});

scenario("redirect_stderr leaves no empty stderr file", {
  area,
  conf: `[program:p]\ncommand=${fixture("print-both")}\nredirect_stderr=true`,
  async play({ printed, files }) {
    await printed("p", "ready");
    return files();
  },
});

scenario("a log deleted from outside does not stop the rotation", {
  area,
  conf: `[program:p]
command=${fixture("say-when-told")} 012345678901234567890123456789
stdout_logfile=%(dir)s/p.out
stdout_logfile_maxbytes=40
stdout_logfile_backups=2`,
  async play({ state, printed, rpc, read, files, dir }) {
    await state("p", "RUNNING");
    await printed("p", "ready");
    rmSync(`${dir}/p.out`);
    // Signals that come close together are one, so it is told until there was enough to rotate.
    await until(
      async () => (await rpc("supervisor.signalProcess", "p", "USR1")) === true && files().includes("p.out"),
      "a new p.out",
    );
    const seen = async (): Promise<boolean> => {
      await rpc("supervisor.signalProcess", "p", "USR1");
      return ["p.out", "p.out.1"].some((name) => files().includes(name) && read(name).includes("0123"));
    };
    await until(seen, "text in it");
    return files().includes("p.out");
  },
});

scenario("two streams of one log do not disturb each other", {
  area,
  conf: `[program:p]\ncommand=${fixture("say-when-told")} later`,
  async play({ state, printed, http, rpc }) {
    await state("p", "RUNNING");
    await printed("p", "ready");
    const short = await http("GET", "/logtail/p", { enough: (body) => body.includes("ready") });
    const long = http("GET", "/logtail/p", { enough: (body) => body.includes("later") });
    await http("GET", "/logtail/p", { enough: (body) => body.includes("ready") });
    await rpc("supervisor.signalProcess", "p", "USR1");
    return [short.body.toString(), (await long).body.toString()];
  },
});

scenario("a log that is long is read as a short one is", {
  area,
  bothClients: true,
  conf: "[program:p]\ncommand=/bin/cat\nautostart=false\nstdout_logfile=%(dir)s/long.log",
  files: { "long.log": "Fish & chips <b>\u00e0 la carte</b> \u{1f41f} > 1\n".repeat(10_000) },
  async play({ rpc, ctl, http }) {
    const [tail, offset, overflow] = (await rpc("supervisor.tailProcessStdoutLog", "p", 0, 300_001)) as [
      string,
      number,
      boolean,
    ];
    const many = (await rpc("system.multicall", [
      { methodName: "supervisor.readProcessLog", params: ["p", 0, 200_000] },
      { methodName: "supervisor.getAPIVersion", params: [] },
      { methodName: "supervisor.readProcessLog", params: ["p", 100_000, 100_000] },
    ])) as unknown[];
    const shown = await ctl("tail", "-400000", "p");
    const { status, headers } = await http("POST", "/RPC2", {
      body: "<methodCall><methodName>supervisor.readProcessLog</methodName><params><param><value>p</value></param><param><value><int>0</int></value></param><param><value><int>0</int></value></param></params></methodCall>",
    });
    return [
      await rpc("supervisor.readProcessStdoutLog", "p", 0, 0),
      await rpc("supervisor.readProcessStdoutLog", "p", 5, 123_456),
      [tail, offset, overflow],
      many,
      shown,
      [status, headers["content-length"], headers["content-type"]],
    ].map(summary);
  },
});

/** Long texts as their length and a checksum. */
function summary(value: unknown): unknown {
  if (typeof value === "string" && value.length > 200) return [value.length, crc32(value)];
  if (Array.isArray(value)) return value.map(summary);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, summary(each)]));
}
