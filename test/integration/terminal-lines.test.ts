/** Lines typed to supervisorctl at a terminal: history, completion, movement, long ones, and output beside them. */
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { afterAll, beforeAll, expect } from "vitest";
import { encodeResponse } from "../../src/wire/xmlrpc.js";
import { type Booted, boot } from "../support/boot.js";
import { fixture } from "../support/fixture.js";
import { needs } from "../support/needs.js";
import { environment, supervisorctl } from "../support/programs.js";
import { scratch } from "../support/scratch.js";
import { ORDINARY, type Terminal, type TerminalOptions, terminal } from "../support/terminal.js";

const { test } = needs("python3");

const PROMPT = "supervisor> ";
const TO_EXIT = "==> Press Ctrl-C to exit <==\n";
const CTRL = { A: "\x01", C: "\x03" };
const TAB = "\t";
const UP = "\x1b[A";
const LEFT = "\x1b[D";

let daemon: Booted;

beforeAll(async () => {
  daemon = await boot(`[program:echo]
command=${fixture("echo-stdin")}

[program:ready]
command=${fixture("ready")}

[program:later]
command=${fixture("say-when-told")} later
`);
  for (const name of ["echo", "ready", "later"]) await daemon.line(name, "ready");
  for (const name of ["echo", "ready", "later"]) await daemon.state(name, "RUNNING");
});

afterAll(() => daemon[Symbol.asyncDispose]());

interface ShellOptions {
  readonly term?: string;
  readonly columns?: number;
  readonly words?: readonly string[];
}

function at(dir: string, term: string, columns: number): TerminalOptions {
  return { cwd: dir, env: environment(dir, { TERM: term }), columns };
}

async function shell({
  term = "xterm-256color",
  columns = 80,
  words = [],
}: ShellOptions = {}): Promise<Terminal> {
  const command = [...supervisorctl("ours"), "-c", daemon.conf, ...words];
  const screen = await terminal(command, at(daemon.dir, term, columns));
  await screen.sees(PROMPT);
  return screen;
}

async function leave(screen: Terminal): Promise<void> {
  screen.type("quit\r");
  expect(await screen.ended).toEqual({ exit: 0, modes: ORDINARY });
}

test("Tab completes what is clear and lists what is not", async () => {
  await using screen = await shell();
  screen.type(`sta${TAB}${TAB}`);
  await screen.sees("start");
  await screen.sees("status");
  screen.type(`tus r${TAB}`);
  await screen.sees("ready ");
  screen.type("\r");
  await screen.sees("RUNNING");
  await screen.sees(PROMPT);
  expect(screen.screen()).toContain("supervisor> status ready");
  await leave(screen);
});

test("keys typed after Tab wait for what it asks of the daemon", async () => {
  await using screen = await shell();
  screen.type(`status rea${TAB}\rversion\r`);
  await screen.sees("RUNNING");
  await screen.sees("4.");
  await leave(screen);
});

test("Ctrl-C while Tab waits for a daemon that does not answer leaves", async () => {
  using place = scratch();
  const socket = join(place.dir, "s.sock");
  let asked = 0;
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (text: string) => {
      body += text;
    });
    request.on("end", () => {
      const all = body.includes("getAllProcessInfo");
      asked += all ? 1 : 0;
      if (asked > 1) return;
      const answer = encodeResponse(all ? [] : "3.0");
      response.writeHead(200, { "Content-Type": "text/xml", "Content-Length": Buffer.byteLength(answer) });
      response.end(answer);
    });
  });
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  try {
    const command = [...supervisorctl("ours"), "-s", `unix://${socket}`];
    await using screen = await terminal(command, at(place.dir, "xterm-256color", 80));
    await screen.sees(PROMPT);
    screen.type(`stop a${TAB}bc`);
    await screen.sees("stop a");
    screen.type(CTRL.C);
    expect(await screen.ended).toEqual({ exit: 0, modes: ORDINARY });
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

test("Up brings back the last line; Left and Ctrl-A move in it", async () => {
  await using screen = await shell();
  screen.type("pid nosuch\r");
  await screen.sees("No such process nosuch");
  await screen.sees(PROMPT);
  screen.type(`${UP}h${LEFT}several\r`);
  await screen.sees("No such process nosuchseveralh");
  await screen.sees(PROMPT);
  screen.type(`nosuch${CTRL.A}pid \r`);
  await screen.sees("No such process nosuch");
  await leave(screen);
});

test("the history file holds commands, and neither answers nor what was typed into fg", async () => {
  const file = join(daemon.dir, "history");
  writeFileSync(file, "version\n");
  await using screen = await shell({ words: ["-r", file] });
  screen.type(`${UP}\r`);
  await screen.sees("4.");
  screen.type("shutdown\r");
  await screen.sees("y/N? ");
  screen.type("no\r");
  await screen.sees(PROMPT);
  screen.type("fg echo\r");
  await screen.sees(TO_EXIT);
  screen.type("my password\r");
  await screen.sees("heard my password");
  screen.type(`${UP}\r`);
  await screen.sees("heard my password");
  screen.type(CTRL.C);
  await screen.sees(PROMPT);
  await leave(screen);
  expect(readFileSync(file, "utf8")).toBe("version\nversion\nshutdown\nfg echo\nquit\n");
});

test.each(["xterm-256color", "dumb"])("a line longer than the screen is one line: TERM=%s", async (term) => {
  await using screen = await shell({ term, columns: 40 });
  const name = "n".repeat(150);
  screen.type(`pid ${name}\r`);
  await screen.sees(`No such process ${name}`);
  await screen.sees(PROMPT);
  expect(screen.screen().join("")).toContain(`supervisor> pid ${name}No such process ${name}`);
  await leave(screen);
});

test("a line of 20,000 letters reaches the process whole", async () => {
  await using screen = await shell();
  screen.type("fg echo\r");
  await screen.sees(TO_EXIT);
  screen.type(`${"x".repeat(20_000)}\r`);
  await daemon.line("echo", `heard ${"x".repeat(20_000)}`);
  screen.type(CTRL.C);
  await screen.sees(PROMPT);
  await leave(screen);
});

test("the line goes on in a window of another size", async () => {
  await using screen = await shell();
  screen.type("pid nosu");
  await screen.sees("pid nosu");
  screen.resize(10, 30);
  screen.type("ch\r");
  await screen.sees("No such process nosuch");
  await leave(screen);
});

test("output that comes while a line is typed in fg stands above it", async () => {
  await using screen = await shell();
  screen.type("fg later\r");
  await screen.sees("ready");
  screen.type("half a li");
  await screen.sees("half a li");
  await daemon.rpc("supervisor.signalProcess", "later", "USR1");
  await screen.sees("later\n");
  await screen.sees("half a li");
  screen.type("ne");
  await screen.sees("ne");
  expect(screen.screen().slice(-2)).toEqual(["later", "half a line"]);
  screen.type(CTRL.C);
  await screen.sees(`Exiting foreground\n${PROMPT}`);
  await leave(screen);
});

test("a dumb terminal gets text and nothing else", async () => {
  await using screen = await shell({ term: "dumb" });
  screen.type("status nosuch\r");
  await screen.sees("no such process");
  await screen.sees(PROMPT);
  await leave(screen);
  expect(screen.written()).not.toContain("\x1b");
});

test("with stdout in a pipe the kernel echoes, and every line is run once", async () => {
  const command = [...supervisorctl("ours"), "-c", daemon.conf].join(" ");
  await using screen = await terminal(["sh", "-c", `${command} | cat`], at(daemon.dir, "xterm-256color", 80));
  await screen.sees(PROMPT);
  screen.type("pid nosuch\r");
  await screen.sees("No such process nosuch");
  await screen.sees(PROMPT);
  screen.type("quit\r");
  expect((await screen.ended).modes).toEqual(ORDINARY);
  expect(screen.written().split("No such process")).toHaveLength(2);
  expect(screen.written()).not.toContain("\x1b");
});
