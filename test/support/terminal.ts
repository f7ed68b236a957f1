/** A command at a pseudo terminal: what it shows, what is typed to it, what it does to the terminal's modes. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { find } from "./counterparts.mjs";
import { createScreen } from "./screen.js";
import { until } from "./until.js";

const DRIVER = fileURLToPath(new URL("terminal.py", import.meta.url));

/** How the kernel treats what is typed. */
export interface Modes {
  readonly echo: boolean;
  readonly canonical: boolean;
  readonly signals: boolean;
}

export interface Ended {
  /** The exit status, or the signal's name. */
  readonly exit: number | string;
  /** As it left the terminal. */
  readonly modes: Modes;
}

/** How a terminal is before anybody changes it. */
export const ORDINARY: Modes = { echo: true, canonical: true, signals: true };

export interface Terminal extends AsyncDisposable {
  readonly ended: Promise<Ended>;
  readonly pid: () => number;
  type(keys: string): void;
  /** Waits until this has been shown, after what the last call waited for. */
  sees(text: string): Promise<void>;
  /** The screen, line by line. */
  screen(): readonly string[];
  /** Everything that was written to the terminal. */
  written(): string;
  modes(): Promise<Modes>;
  resize(rows: number, columns: number): void;
  /** Waits until the command has been stopped, and tells how the terminal is then. */
  stopped(): Promise<Modes>;
  /** As a shell's `fg` does. */
  goOn(): void;
}

export interface TerminalOptions {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly columns?: number;
}

interface Message {
  readonly pid?: number;
  readonly out?: string;
  readonly modes?: Modes;
  readonly stopped?: Modes;
  readonly ended?: Ended;
}

export async function terminal(command: readonly string[], options: TerminalOptions): Promise<Terminal> {
  const { cwd, env, columns = 80 } = options;
  const driver = spawn(find("python3") ?? "python3", [DRIVER, "24", String(columns), ...command], {
    cwd,
    env,
    stdio: ["pipe", "pipe", "inherit"],
  });
  driver.stdin.on("error", () => undefined); // it ends with the command
  const gone = new Promise<void>((resolve) => driver.on("close", () => resolve()));
  const decoder = new TextDecoder();
  const screen = createScreen(columns);
  const answers: Modes[] = [];
  const stops: Modes[] = [];
  let pid = 0;
  let written = "";
  let seen = 0;
  let end: Ended | null = null;
  const lines = createInterface({ input: driver.stdout });
  const ended = new Promise<Ended>((resolve, reject) => {
    lines.on("line", (line) => {
      const message = JSON.parse(line) as Message;
      if (message.pid !== undefined) pid = message.pid;
      if (message.modes !== undefined) answers.push(message.modes);
      if (message.stopped !== undefined) stops.push(message.stopped);
      if (message.out !== undefined) {
        const text = decoder.decode(Buffer.from(message.out, "base64"), { stream: true });
        written += text;
        screen.write(text);
      }
      if (message.ended === undefined) return;
      end = message.ended;
      resolve(message.ended);
    });
    driver.on("error", reject);
  });
  const say = (wish: object): void => void driver.stdin.write(`${JSON.stringify(wish)}\n`);
  const plain = (): string => written.replaceAll(SEQUENCES, "").replaceAll(/\r+\n/g, "\n");
  await until(() => pid > 0, "a command at a terminal", { everyMs: 5 });
  return {
    ended,
    pid: () => pid,
    type: (keys) => say({ send: keys }),
    async sees(text) {
      await until(
        () => {
          const at = plain().indexOf(text, seen);
          if (at < 0 && end !== null) throw new Error(`Cannot see ${text}, it has ended, in:\n${plain()}`);
          if (at >= 0) seen = at + text.length;
          return at >= 0;
        },
        () => `${JSON.stringify(text)} after the first ${seen} characters of:\n${plain()}`,
        { everyMs: 5 },
      );
    },
    screen: () => screen.lines(),
    written: () => written,
    async modes() {
      say({ modes: 1 });
      return until(() => answers.shift(), "the terminal's modes", { everyMs: 5 });
    },
    resize: (rows, wide) => say({ size: [rows, wide] }),
    stopped: () => until(() => stops.shift(), "a stop", { everyMs: 5 }),
    goOn: () => say({ continue: 1 }),
    async [Symbol.asyncDispose]() {
      driver.stdin.end();
      await gone;
    },
  };
}

const SEQUENCES = /\x1b\[[\d;?]*[A-Za-z]/g;
