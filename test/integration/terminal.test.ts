/** supervisorctl at a terminal: who has the keyboard, what Ctrl-C ends, and how the terminal is left. */
import { afterAll, beforeAll, expect } from "vitest";
import { type Booted, boot } from "../support/boot.js";
import { fixture } from "../support/fixture.js";
import { freePort } from "../support/free-port.js";
import { needs } from "../support/needs.js";
import { environment, supervisorctl } from "../support/programs.js";
import { ORDINARY, type Terminal, terminal } from "../support/terminal.js";

const { describe, test } = needs("python3");

const PROMPT = "supervisor> ";
const TO_EXIT = "==> Press Ctrl-C to exit <==\n";
const CTRL = { A: "\x01", C: "\x03", D: "\x04", U: "\x15", W: "\x17", Z: "\x1a", BACKSLASH: "\x1c" };
const BACKSPACE = "\x7f";

let daemon: Booted;
let port = 0;

beforeAll(async () => {
  port = await freePort();
  daemon = await boot(`[inet_http_server]
port=127.0.0.1:${port}
username=joe
password=secret

[program:echo]
command=${fixture("echo-stdin")}

[program:a]
command=${fixture("ready")}

[program:later]
command=${fixture("say-when-told")} later

[program:db]
command=${fixture("prompt-for-lines")}

[program:deaf]
command=${fixture("ignore-sigterm")}
stopwaitsecs=1000
autorestart=false
`);
  for (const name of ["echo", "a", "later", "db", "deaf"]) await daemon.state(name, "RUNNING");
  for (const name of ["echo", "later", "deaf"]) await daemon.line(name, "ready");
});

afterAll(async () => {
  await daemon.rpc("supervisor.signalProcess", "deaf", "KILL").catch(() => undefined);
  await daemon[Symbol.asyncDispose]();
});

function ctl(term: string, words: readonly string[] = [], columns = 80): Promise<Terminal> {
  return terminal([...supervisorctl("ours"), "-c", daemon.conf, ...words], {
    cwd: daemon.dir,
    env: environment(daemon.dir, { TERM: term }),
    columns,
  });
}

/** A shell at its first prompt. */
async function shell(term: string, columns = 80): Promise<Terminal> {
  const screen = await ctl(term, [], columns);
  await screen.sees(PROMPT);
  return screen;
}

/** Types a line and waits for what it makes the terminal show. */
async function enter(screen: Terminal, line: string, ...shown: readonly string[]): Promise<void> {
  screen.type(`${line}\r`);
  for (const text of shown) await screen.sees(text);
}

/** The part of the screen from the first line that holds this. */
function from(screen: Terminal, text: string): readonly string[] {
  const lines = screen.screen();
  return lines.slice(lines.findIndex((line) => line.includes(text)));
}

async function leave(screen: Terminal): Promise<void> {
  screen.type("quit\r");
  expect(await screen.ended).toEqual({ exit: 0, modes: ORDINARY });
}

async function alive(name: string): Promise<void> {
  expect((await daemon.info(name))["statename"]).toBe("RUNNING");
}

describe.each(["xterm-256color", "dumb"])("TERM=%s", (term) => {
  test("a status first, then a prompt; a line is shown once; quit leaves all as it was", async () => {
    await using screen = await shell(term);
    await enter(screen, "version", PROMPT);
    expect(from(screen, PROMPT)).toEqual([
      "supervisor> version",
      expect.stringMatching(/^4\.\d/),
      "supervisor>",
    ]);
    expect(screen.screen()[0]).toMatch(/^a +RUNNING +pid \d+/);
    await leave(screen);
  });

  test("Ctrl-D at the prompt leaves", async () => {
    await using screen = await shell(term);
    screen.type(CTRL.D);
    expect(await screen.ended).toEqual({ exit: 0, modes: ORDINARY });
  });

  test("Ctrl-C at the prompt leaves, and runs nothing of a half line", async () => {
    await using screen = await shell(term);
    screen.type("stop a");
    await screen.sees("stop a");
    screen.type(CTRL.C);
    expect(await screen.ended).toEqual({ exit: 0, modes: ORDINARY });
    await alive("a");
  });

  test.each(["tail -f later", "maintail -f"])(
    "%s ends at Ctrl-C; what was typed is not run",
    async (line) => {
      await using screen = await shell(term);
      await enter(screen, line, TO_EXIT);
      await enter(screen, "stop a", "stop a");
      await daemon.rpc("supervisor.signalProcess", "later", "USR1");
      screen.type(CTRL.C);
      await screen.sees(PROMPT);
      await enter(screen, "version", "4.", PROMPT);
      await alive("a");
      await leave(screen);
    },
  );

  test("Ctrl-C ends one tail -f after the other, and not the shell", async () => {
    await using screen = await shell(term);
    for (const _turn of [1, 2, 3]) {
      await enter(screen, "tail -f later", TO_EXIT, "ready");
      screen.type(CTRL.C);
      await screen.sees(PROMPT);
    }
    await leave(screen);
  });

  test("the end of input while a stream is shown is no end of the shell, and keeps nothing for it", async () => {
    await using screen = await shell(term);
    await enter(screen, "tail -f later", TO_EXIT, "ready");
    screen.type(CTRL.D);
    await enter(screen, "stop a", "stop a");
    screen.type(CTRL.C);
    await screen.sees(PROMPT);
    await enter(screen, "version", "4.", PROMPT);
    await alive("a");
    await leave(screen);
  });

  test("fg sends each line once, shows it once, and leaves at Ctrl-C", async () => {
    await using screen = await shell(term);
    await daemon.rpc("supervisor.clearProcessLogs", "echo");
    await enter(screen, "fg echo", TO_EXIT);
    await enter(screen, "hello there", "hello there\n", "heard hello there\n");
    screen.type(CTRL.C);
    await screen.sees(`Exiting foreground\n${PROMPT}`);
    const lines = screen.screen();
    expect(lines.filter((text) => text === "hello there")).toHaveLength(1);
    await leave(screen);
  });

  test("what is typed into fg is not run, not even a half line at its end", async () => {
    await using screen = await shell(term);
    await enter(screen, "fg echo", TO_EXIT);
    await enter(screen, "stop a", "heard stop a\n");
    screen.type("stop a");
    await screen.sees("stop a");
    screen.type(CTRL.C);
    await screen.sees(PROMPT);
    await enter(screen, "version", "4.", PROMPT);
    await alive("a");
    await leave(screen);
  });

  test("Ctrl-D leaves fg and not the shell, again and again", async () => {
    await using screen = await shell(term);
    for (const _turn of [1, 2]) {
      await enter(screen, "fg echo", TO_EXIT);
      screen.type(CTRL.D);
      await screen.sees(`Exiting foreground\n${PROMPT}`);
    }
    await alive("echo");
    await leave(screen);
  });

  test("fg of a process that ends says so at the next line", async () => {
    await using screen = await shell(term);
    await enter(screen, "fg echo", TO_EXIT);
    screen.type("quit\r");
    await daemon.state("echo", "EXITED");
    screen.type("more\r");
    await screen.sees(`Exiting foreground\n${PROMPT}`);
    await daemon.rpc("supervisor.startProcess", "echo");
    await leave(screen);
  });

  test("lines typed into fg after its process has ended are not run", async () => {
    await using screen = await shell(term);
    await enter(screen, "fg echo", TO_EXIT);
    screen.type("quit\rstop a\rstop a\rstop a");
    await screen.sees("Exiting foreground\n");
    await screen.sees(PROMPT);
    await enter(screen, "version", "4.", PROMPT);
    await alive("a");
    await daemon.state("echo", "EXITED");
    await daemon.rpc("supervisor.startProcess", "echo");
    await leave(screen);
  });

  test("a prompt without a line's end stays before what is typed", async () => {
    await using screen = await shell(term);
    await daemon.rpc("supervisor.clearProcessLogs", "db");
    await enter(screen, "fg db", TO_EXIT);
    await enter(screen, "first", "got first\n(db) ");
    screen.type(`prinz${BACKSPACE}t`);
    await enter(screen, "", "got print\n(db) ");
    expect(screen.screen()).toContain("(db) print");
    screen.type(CTRL.C);
    await screen.sees(PROMPT);
    await leave(screen);
  });

  test("Ctrl-C while stop waits comes back to the prompt; the next command works", async () => {
    await using screen = await shell(term);
    await enter(screen, "stop deaf", "stop deaf\n");
    await daemon.state("deaf", "STOPPING");
    screen.type(CTRL.C);
    await screen.sees(`Interrupted; what supervisord has begun goes on\n${PROMPT}`);
    await enter(screen, "status deaf", "STOPPING", PROMPT);
    await daemon.rpc("supervisor.signalProcess", "deaf", "KILL");
    await daemon.state("deaf", "STOPPED");
    await daemon.rpc("supervisor.startProcess", "deaf");
    await leave(screen);
  });

  test("Ctrl-C while restart waits for the stop: nothing is started afterwards", async () => {
    await daemon.line("deaf", "ready");
    await using screen = await shell(term);
    await enter(screen, "restart deaf", "restart deaf\n");
    await daemon.state("deaf", "STOPPING");
    screen.type(CTRL.C);
    await screen.sees("Interrupted");
    await daemon.rpc("supervisor.signalProcess", "deaf", "KILL");
    await daemon.state("deaf", "STOPPED");
    await enter(screen, "status deaf", "STOPPED", PROMPT);
    await daemon.rpc("supervisor.startProcess", "deaf");
    await leave(screen);
  });

  test("what is typed while a command runs is the next line, and is shown once after its prompt", async () => {
    await daemon.line("deaf", "ready");
    await using screen = await shell(term);
    await enter(screen, "stop deaf", "stop deaf\n");
    await daemon.state("deaf", "STOPPING");
    screen.type("version\rstatus a");
    // Asked for after the keys were typed.
    await screen.modes();
    await daemon.rpc("supervisor.signalProcess", "deaf", "KILL");
    await screen.sees("deaf: stopped");
    await screen.sees("4.");
    await screen.sees(PROMPT);
    await enter(screen, "", "RUNNING", PROMPT);
    if (term !== "dumb")
      expect(from(screen, "supervisor> stop deaf")).toEqual([
        "supervisor> stop deaf",
        "deaf: stopped",
        "supervisor> version",
        expect.stringMatching(/^4\./),
        "supervisor> status a",
        expect.stringMatching(/^a +RUNNING/),
        "supervisor>",
      ]);
    expect(screen.screen().join("\n").split("version")).toHaveLength(2);
    await daemon.rpc("supervisor.startProcess", "deaf");
    await leave(screen);
  });

  test("several lines pasted at once are run one after the other", async () => {
    await using screen = await shell(term);
    screen.type("version\rpid nosuch\rstatus a\r");
    for (const text of ["4.", "No such process nosuch", "RUNNING", PROMPT]) await screen.sees(text);
    await leave(screen);
  });

  test("lines pasted after fg go to the process", async () => {
    await using screen = await shell(term);
    screen.type("fg echo\rpasted one\rstop a\r");
    await screen.sees("heard pasted one");
    await screen.sees("heard stop a");
    screen.type(CTRL.C);
    await screen.sees(`Exiting foreground\n${PROMPT}`);
    await alive("a");
    await leave(screen);
  });

  test("letters of every kind are typed, shown and sent", async () => {
    await using screen = await shell(term);
    await enter(screen, "übel €", "*** Unknown syntax: übel €", PROMPT);
    await enter(screen, "fg echo", TO_EXIT);
    await enter(screen, "grüße 日本 🙂", "heard grüße 日本 🙂");
    screen.type(CTRL.C);
    await screen.sees(PROMPT);
    await leave(screen);
  });

  test("backspace, Ctrl-W and Ctrl-U edit the line", async () => {
    await using screen = await shell(term);
    screen.type(`stop a${CTRL.U}status nosuch${CTRL.W}ax${BACKSPACE}\r`);
    await screen.sees("RUNNING");
    await screen.sees(PROMPT);
    expect(from(screen, PROMPT)[0]).toBe("supervisor> status a");
    await alive("a");
    await leave(screen);
  });

  test("shutdown asks; no, Ctrl-C and Ctrl-D are no", async () => {
    await using screen = await shell(term);
    const question = "Really shut the remote supervisord process down y/N? ";
    for (const answer of ["n\r", CTRL.C, CTRL.D]) {
      await enter(screen, "shutdown", question);
      screen.type(answer);
      await screen.sees(`\n${PROMPT}`);
    }
    expect(await daemon.rpc("supervisor.getState")).toMatchObject({ statename: "RUNNING" });
    await leave(screen);
  });

  test("a user name is shown, a password is not", async () => {
    await using screen = await ctl(term, ["-s", `http://127.0.0.1:${port}`]);
    await screen.sees("Server requires authentication\nUsername:");
    screen.type("joe\r");
    await screen.sees("Password:");
    expect((await screen.modes()).echo).toBe(false);
    screen.type(`seen${CTRL.U}secretx${BACKSPACE}\r`);
    await screen.sees(PROMPT);
    expect(screen.screen().slice(0, 4)).toEqual([
      "Server requires authentication",
      "Username:joe",
      "Password:",
      "",
    ]);
    expect(screen.written()).not.toMatch(/se(?:en|cret)/);
    await enter(screen, "version", "4.", PROMPT);
    await leave(screen);
  });

  test("Ctrl-C at the password comes back to the prompt, with echo", async () => {
    await using screen = await ctl(term, ["-s", `http://127.0.0.1:${port}`]);
    await screen.sees("Username:");
    screen.type("joe\r");
    await screen.sees("Password:");
    screen.type(`sec${CTRL.C}`);
    await screen.sees(PROMPT);
    screen.type("help exit\r");
    await screen.sees("help exit\n");
    await screen.sees(PROMPT);
    await leave(screen);
  });

  test.each(["SIGTERM", "SIGHUP", "SIGINT"] as const)(
    "%s at the prompt leaves the terminal as it was",
    async (signal) => {
      await using screen = await shell(term);
      process.kill(screen.pid(), signal);
      expect(await screen.ended).toEqual({ exit: signal === "SIGINT" ? 0 : signal, modes: ORDINARY });
    },
  );

  test("SIGTERM at a password leaves the terminal as it was", async () => {
    await using screen = await ctl(term, ["-s", `http://127.0.0.1:${port}`]);
    await screen.sees("Username:");
    screen.type("joe\r");
    await screen.sees("Password:");
    process.kill(screen.pid(), "SIGTERM");
    expect(await screen.ended).toEqual({ exit: "SIGTERM", modes: ORDINARY });
  });

  test("Ctrl-Z stops, with the terminal as it was; fg goes on at the same line", async () => {
    await using screen = await shell(term);
    screen.type(`version${CTRL.Z}`);
    expect(await screen.stopped()).toEqual(ORDINARY);
    screen.goOn();
    if (term === "dumb") await screen.sees(PROMPT);
    else await screen.sees(`${PROMPT}version`);
    await enter(screen, term === "dumb" ? "version" : "", "4.", PROMPT);
    await leave(screen);
  });

  test("Ctrl-Z stops a stream and a waiting command, which go on", async () => {
    await daemon.line("deaf", "ready");
    await using screen = await shell(term);
    await enter(screen, "tail -f later", TO_EXIT, "ready");
    screen.type(CTRL.Z);
    expect(await screen.stopped()).toEqual(ORDINARY);
    screen.goOn();
    await daemon.rpc("supervisor.signalProcess", "later", "USR1");
    await screen.sees("later");
    screen.type(CTRL.C);
    await screen.sees(PROMPT);
    await enter(screen, "stop deaf", "stop deaf\n");
    await daemon.state("deaf", "STOPPING");
    screen.type(CTRL.Z);
    expect(await screen.stopped()).toEqual(ORDINARY);
    screen.goOn();
    await daemon.rpc("supervisor.signalProcess", "deaf", "KILL");
    await screen.sees(`deaf: stopped\n${PROMPT}`);
    await daemon.rpc("supervisor.startProcess", "deaf");
    await leave(screen);
  });

  test("Ctrl-\\ ends even a command that waits, with the terminal as it was", async () => {
    await daemon.line("deaf", "ready");
    await using screen = await shell(term);
    await enter(screen, "stop deaf", "stop deaf\n");
    await daemon.state("deaf", "STOPPING");
    screen.type(CTRL.BACKSLASH);
    expect(await screen.ended).toEqual({ exit: "SIGQUIT", modes: ORDINARY });
    await daemon.rpc("supervisor.signalProcess", "deaf", "KILL");
    await daemon.state("deaf", "STOPPED");
    await daemon.rpc("supervisor.startProcess", "deaf");
  });

  test("single commands: tail -f and fg end at Ctrl-C with exit status 0", async () => {
    await using tail = await ctl(term, ["tail", "-f", "later"]);
    await tail.sees("ready");
    tail.type(CTRL.C);
    expect(await tail.ended).toEqual({ exit: 0, modes: ORDINARY });
    await daemon.rpc("supervisor.clearProcessLogs", "echo");
    await using fg = await ctl(term, ["fg", "echo"]);
    await fg.sees(TO_EXIT);
    await enter(fg, "one", "heard one");
    expect(fg.screen().filter((line) => line === "one")).toHaveLength(1);
    fg.type(CTRL.C);
    await fg.sees("Exiting foreground");
    expect(await fg.ended).toEqual({ exit: 0, modes: ORDINARY });
  });

  test("single commands: Ctrl-C ends a stop that waits, as a signal", async () => {
    await daemon.line("deaf", "ready");
    await using screen = await ctl(term, ["stop", "deaf"]);
    await daemon.state("deaf", "STOPPING");
    screen.type(CTRL.C);
    expect(await screen.ended).toEqual({ exit: "SIGINT", modes: ORDINARY });
    await daemon.rpc("supervisor.signalProcess", "deaf", "KILL");
    await daemon.state("deaf", "STOPPED");
    await daemon.rpc("supervisor.startProcess", "deaf");
  });

  test("single commands: -i asks at the terminal", async () => {
    await using screen = await ctl(term, ["-i", "shutdown"]);
    await screen.sees("y/N? ");
    screen.type("n\r");
    expect(await screen.ended).toEqual({ exit: 0, modes: ORDINARY });
    expect(screen.screen()).toEqual(["Really shut the remote supervisord process down y/N? n"]);
  });

  test.each(["fg a", "tail -f a"])(
    "%s ends with its daemon, and what was typed is forgotten",
    async (line) => {
      await using other = await boot(`[program:a]\ncommand=${fixture("ready")}`);
      await other.state("a", "RUNNING");
      await using screen = await terminal([...supervisorctl("ours"), "-c", other.conf], {
        cwd: other.dir,
        env: environment(other.dir, { TERM: term }),
      });
      await screen.sees(PROMPT);
      await enter(screen, line, TO_EXIT, "ready");
      screen.type("half a li");
      await screen.sees("half a li");
      other.signal("SIGTERM");
      await screen.sees(PROMPT);
      expect(await other.exited).toBe(0);
      await enter(screen, "version", "no such file", PROMPT);
      await leave(screen);
    },
  );
});
