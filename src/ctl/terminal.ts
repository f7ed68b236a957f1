/**
 * The terminal's keyboard. It has one owner at a time: the line that is being typed, or else the command that runs.
 * Every byte goes through `onBytes` to that owner, so that nothing typed into one command is run as the next.
 *
 * The terminal is raw for as long as this is open, except while a stream is shown and on a dumb terminal: there the
 * kernel edits and echoes lines, and Ctrl-C is a signal. Raw, the keys that would be signals are acted on here.
 */
import { clearScreenDown, createInterface, cursorTo, type Interface } from "node:readline";
import { Readable } from "node:stream";
import { StringDecoder } from "node:string_decoder";
import { setImmediate } from "node:timers/promises";
import { isatty, ReadStream } from "node:tty";
import type { Destiny, Keyboard, LineOptions, Typed } from "./keyboard.js";
import { secretReader } from "./secret.js";

const KEY = {
  INTERRUPT: 0x03,
  END: 0x04,
  TAB: 0x09,
  LINE_FEED: 0x0a,
  RETURN: 0x0d,
  SUSPEND: 0x1a,
  QUIT: 0x1c,
} as const;
/** Keys after which a line may be over or may wait for something: what follows is not read before that is known. */
const PAUSES: ReadonlySet<number> = new Set([
  KEY.INTERRUPT,
  KEY.END,
  KEY.TAB,
  KEY.LINE_FEED,
  KEY.RETURN,
  KEY.SUSPEND,
]);
/** Limit of what is typed ahead while a command runs; the rest is dropped. */
const AHEAD_LIMIT_BYTES = 64 * 1024;
/** Long enough for a stop signal to arrive, where it is not ignored. */
const STOP_MS = 50;
/** An unfinished line beyond this is not drawn anew. */
const LAST_LINE_LIMIT = 70;
/** A terminal that is gone gives nothing but ends. */
const MOST_ENDS = 100;
const EMPTY = Buffer.alloc(0);

/** A sequence that one key sends, a control character, or letters. */
const KEYS = /\x1b(?:\[[\d;]*[A-Za-z~]|O[A-Za-z]|.)|[\x00-\x1f\x7f]|[^\x00-\x1f\x7f]+/gu;

/** The line that is being typed: takes the keys. */
interface Owner {
  /** False while nothing can be taken. */
  readonly ready: () => boolean;
  readonly feed: (piece: Buffer) => void;
  readonly settle: (typed: Typed) => void;
  /** Draws the line anew after a stop. */
  readonly redraw: () => void;
  readonly print: (text: string) => void;
}

/** Whether stdin is a terminal, and so `createTerminal` the right keyboard. */
export function isTerminal(): boolean {
  return isatty(0);
}

export function createTerminal(write: (text: string) => void): Keyboard {
  const dumb = !isatty(1) || ["", "dumb", "unknown"].includes(process.env["TERM"] ?? "");
  const listening: { readonly abort: () => void; readonly typed: Destiny }[] = [];
  let stream: ReadStream | null = null;
  let raw = false;
  let closed = false;
  let endsInARow = 0;
  let owner: Owner | null = null;
  /** Typed, and not yet taken. */
  let ahead: Buffer = EMPTY;
  /** The last line printed beside a line being typed, as far as it has come. */
  let unfinished = "";
  /** Until it is settled, what comes is still what was typed before `forget`. */
  let forgetting: Promise<void> | null = null;
  let stopped: { readonly raw: boolean; readonly ignored: NodeJS.Timeout } | null = null;

  const dropping = (): boolean => owner === null && listening.at(-1)?.typed === "drop";

  /** Node's stream is over after an end of input, which on a terminal may be followed by more: then a new one. */
  function open(): ReadStream {
    if (stream !== null) return stream;
    const opened = new ReadStream(0);
    opened.on("data", onBytes);
    opened.on("end", () => onEnd(opened)).on("error", () => onEnd(opened));
    stream = opened;
    return opened;
  }

  function onEnd(ended: ReadStream): void {
    ended.destroy();
    if (stream !== ended) return;
    stream = null;
    raw = false;
    endsInARow += 1;
    if (owner !== null) owner.settle("end");
    else if (!dropping()) ahead = Buffer.concat([ahead, Buffer.of(KEY.END)]);
    else if (endsInARow < MOST_ENDS) open();
  }

  function mode(wanted: boolean): void {
    const terminal = open();
    if (raw !== wanted) terminal.setRawMode(wanted);
    raw = wanted;
  }

  /** As it is while no line is being typed. */
  function rest(): void {
    if (!closed) mode(!dumb && !dropping());
  }

  function onBytes(bytes: Buffer): void {
    endsInARow = 0;
    if (dropping() || forgetting !== null) return;
    const waiting = owner?.ready() !== true;
    const kept = raw && waiting ? actOnSignals(bytes) : bytes;
    if (!waiting || ahead.length + kept.length <= AHEAD_LIMIT_BYTES) ahead = Buffer.concat([ahead, kept]);
    serve();
  }

  /** Drops what is typed so far. Half a line is given out by the kernel when it changes to raw mode. */
  function forget(): void {
    if (closed) return;
    ahead = EMPTY;
    mode(true);
    rest();
    forgetting = twoTurns().then(() => {
      forgetting = null;
    });
  }

  /**
   * In raw mode the kernel makes no signals of keys, so that is done here. Gives what is left to keep: as with the
   * kernel, what was typed before Ctrl-C is dropped.
   */
  function actOnSignals(bytes: Buffer): Buffer {
    if (bytes.includes(KEY.INTERRUPT)) interrupt();
    if (bytes.includes(KEY.QUIT)) end("SIGQUIT");
    if (bytes.includes(KEY.SUSPEND)) suspend(0);
    const after = bytes.subarray(bytes.lastIndexOf(KEY.INTERRUPT) + 1);
    return Buffer.from(after.filter((byte) => byte !== KEY.SUSPEND));
  }

  /** Gives the owner what has been typed, up to the end of its line. */
  function serve(): void {
    while (owner?.ready() === true && ahead.length > 0) {
      const pause = ahead.findIndex((byte) => PAUSES.has(byte));
      const end = pause < 0 ? ahead.length : pause + 1;
      const piece = ahead.subarray(0, end);
      const crlf = ahead[pause] === KEY.RETURN && ahead[end] === KEY.LINE_FEED;
      ahead = ahead.subarray(crlf ? end + 1 : end);
      owner.feed(piece);
    }
  }

  function interrupt(): void {
    ahead = EMPTY;
    const innermost = listening.at(-1);
    if (owner !== null) owner.settle("interrupt");
    else if (innermost !== undefined) innermost.abort();
    else end("SIGINT");
  }

  /** Ends the program by a signal, with the terminal as it was. */
  function end(signal: NodeJS.Signals): void {
    close();
    process.kill(process.pid, signal);
  }

  /** Stops this process, or with 0 the whole job, as Ctrl-Z does; the terminal is the shell's meanwhile. */
  function suspend(pid: number): void {
    if (stopped !== null) return;
    // A job that has no shell to continue it is not stopped.
    stopped = { raw, ignored: setTimeout(goOn, STOP_MS) };
    mode(false);
    process.off("SIGTSTP", onStop);
    process.kill(pid, "SIGTSTP");
  }

  /** Also after a stop by SIGSTOP: the shell has set the terminal to its own liking. */
  function goOn(): void {
    const wanted = stopped?.raw ?? raw;
    clearTimeout(stopped?.ignored);
    if (stopped !== null) process.on("SIGTSTP", onStop);
    stopped = null;
    mode(false);
    mode(wanted);
    owner?.redraw();
  }

  const onStop = (): void => suspend(process.pid);
  const onTerm = (): void => end("SIGTERM");
  const onHangUp = (): void => end("SIGHUP");
  const onQuit = (): void => end("SIGQUIT");
  const signals = [
    ["SIGINT", interrupt],
    ["SIGTSTP", onStop],
    ["SIGCONT", goOn],
    ["SIGTERM", onTerm],
    ["SIGHUP", onHangUp],
    ["SIGQUIT", onQuit],
  ] as const;
  for (const [signal, act] of signals) process.on(signal, act);
  // The terminal has gone away.
  if (!dumb) process.stdout.on("error", onHangUp);

  /** Makes a new owner the one that takes keys, until it settles. */
  async function own(
    create: (settle: (typed: Typed) => void) => Owner,
    signal?: AbortSignal,
  ): Promise<Typed> {
    const onAbort = (): void => owner?.settle("end");
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      return await new Promise((resolve) => {
        owner = create((typed) => {
          owner = null;
          unfinished = "";
          rest();
          resolve(typed);
        });
        if (signal?.aborted === true) onAbort();
        serve();
      });
    } finally {
      signal?.removeEventListener("abort", onAbort);
    }
  }

  return {
    terminal: true,
    async line(question, options = {}) {
      await forgetting;
      mode(!dumb);
      const prompt = question === "" ? unfinished : question;
      return own(
        (settle) =>
          dumb
            ? plainLine(prompt, write, settle)
            : editedLine(prompt, options, { write, settle, serve, suspend: () => suspend(0) }),
        options.signal,
      );
    },
    async secret(prompt) {
      await forgetting;
      mode(true);
      return own((settle) => secretLine(prompt, write, settle));
    },
    busy(typed) {
      const controller = new AbortController();
      const entry = { typed, abort: () => controller.abort() };
      listening.push(entry);
      if (typed === "drop") ahead = EMPTY;
      rest();
      return {
        signal: controller.signal,
        [Symbol.dispose]() {
          listening.splice(listening.indexOf(entry), 1);
          if (typed === "keep") rest();
          else forget();
        },
      };
    },
    print(text) {
      if (owner !== null) return owner.print(text);
      write(text);
      unfinished = lastLine(unfinished + text);
    },
    close,
  };

  function close(): void {
    if (closed) return;
    closed = true;
    clearTimeout(stopped?.ignored);
    for (const [signal, act] of signals) process.off(signal, act);
    if (raw) stream?.setRawMode(false);
    stream?.destroy();
  }
}

/** Everything that could be read before has been read then. */
async function twoTurns(): Promise<void> {
  await setImmediate();
  await setImmediate();
}

/** Text between the start of the screen line and the cursor; empty unless it is plain text. */
function lastLine(text: string): string {
  const last = text.slice(text.lastIndexOf("\n") + 1);
  return last.length > LAST_LINE_LIMIT || /[\x00-\x1f\x7f]/.test(last) ? "" : last;
}

/** A line that the kernel edits and echoes. */
function plainLine(prompt: string, write: (text: string) => void, settle: (typed: Typed) => void): Owner {
  const pieces: Buffer[] = [];
  const finish = (typed: Typed): void => {
    if (typeof typed === "string" && (prompt !== "" || typed === "interrupt")) write("\n");
    settle(typed);
  };
  write(prompt);
  return {
    ready: () => true,
    feed(piece) {
      if (piece.at(-1) === KEY.END) return finish("end");
      pieces.push(piece);
      if (piece.at(-1) === KEY.LINE_FEED)
        finish({
          line: Buffer.concat(pieces)
            .toString("utf8")
            .replace(/\r?\n$/, ""),
        });
    },
    settle: finish,
    redraw: () => write(prompt),
    print: write,
  };
}

function secretLine(prompt: string, write: (text: string) => void, settle: (typed: Typed) => void): Owner {
  const finish = (typed: Typed): void => {
    write("\n");
    settle(typed);
  };
  write(prompt);
  return {
    ready: () => true,
    feed: secretReader(finish),
    settle: finish,
    redraw: () => write(prompt),
    print: write,
  };
}

interface Surroundings {
  readonly write: (text: string) => void;
  readonly settle: (typed: Typed) => void;
  readonly serve: () => void;
  readonly suspend: () => void;
}

/** A line with history, completion and movement: Node's readline, which is given only the keys of this line. */
function editedLine(
  prompt: string,
  { history = [], complete }: LineOptions,
  { write, settle, serve, suspend }: Surroundings,
): Owner {
  const keys = new Readable({ read: () => undefined });
  const reader = createInterface({
    input: keys,
    output: process.stdout,
    terminal: true,
    prompt,
    history: [...history],
    historySize: Math.max(history.length, 1),
    ...(complete === undefined ? {} : { completer: completer(complete) }),
  });
  const decoder = new StringDecoder("utf8");
  /** Of several letters at once Node's readline puts all but the last at the end of the line, wherever the cursor is. */
  const press = (key: string): void => {
    const atEnd = reader.cursor === reader.line.length;
    for (const part of atEnd || key.startsWith("\x1b") ? [key] : key) keys.emit("data", Buffer.from(part));
  };
  let waiting = false;
  const onClose = (): void => finish("end");
  const finish = (typed: Typed): void => {
    const shown = reader.getPrompt() + reader.line;
    reader.off("close", onClose).close();
    if (typeof typed === "string" && shown !== "") write("\n");
    settle(typed);
  };
  reader.on("line", (text) => finish({ line: text }));
  reader.on("SIGINT", () => finish("interrupt"));
  reader.on("SIGTSTP", suspend);
  reader.on("close", onClose);
  // Paused while Tab asks the daemon for names.
  reader.on("pause", () => {
    waiting = true;
  });
  reader.on("resume", () => {
    // Readline puts the completion into the line right after this event.
    queueMicrotask(() => {
      waiting = false;
      serve();
    });
  });
  if (prompt !== "") reader.prompt();
  return {
    ready: () => !waiting,
    feed(piece) {
      for (const [key] of decoder.write(piece).matchAll(KEYS)) press(key);
    },
    settle: finish,
    redraw: () => reader.prompt(true),
    print: (text) => printBeside(reader, text, write),
  };
}

function completer(
  complete: NonNullable<LineOptions["complete"]>,
): (line: string, done: (error: Error | null, result: [string[], string]) => void) => void {
  return (line, done) => {
    complete(line).then(
      ([candidates, word]) => done(null, [[...candidates], word]),
      () => done(null, [[], line]),
    );
  };
}

/**
 * Output that comes while a line is being typed. The line moves below it; an unfinished last line, such as the
 * prompt of a debugger, becomes the line's prompt and so survives when the line is drawn anew.
 */
function printBeside(reader: Interface, text: string, write: (text: string) => void): void {
  const before = reader.getPrompt();
  const { rows } = reader.getCursorPos();
  reader.setPrompt(lastLine(before + text));
  if (reader.line === "" || rows > 0) return write(text);
  cursorTo(process.stdout, 0);
  clearScreenDown(process.stdout);
  write(before + text);
  reader.prompt(true);
}
