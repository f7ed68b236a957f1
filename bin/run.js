/** How every command speaks and ends: whole lines, and one sentence for what nobody foresaw, never a trace. */
const { writeSync } = require("node:fs");
const { getSystemErrorMap } = require("node:util");

const AGAIN_MS = 5;
const nap = new Int32Array(new SharedArrayBuffer(4));

/** Written before it returns, as output must survive the exit. */
function write(fd, text) {
  for (let bytes = Buffer.from(text); bytes.length > 0; ) {
    try {
      bytes = bytes.subarray(writeSync(fd, bytes));
    } catch (error) {
      if (error.code !== "EAGAIN") throw error;
      // The pipe is full, and another process has made it non-blocking.
      Atomics.wait(nap, 0, 0, AGAIN_MS);
    }
  }
}

/** For what a command is there to say: without it the command ends; where nobody reads any more, in silence. */
function stdout(text) {
  try {
    write(1, text);
  } catch (error) {
    // The reader, or the terminal, has gone away.
    if (error.code === "EPIPE" || error.code === "EIO") process.exit(process.exitCode ?? 0);
    stderr(`Error: cannot write to stdout: ${reason(error)}\n`);
    process.exit(1);
  }
}

/** For what is said beside the work, which goes on when it can't be said. */
function aside(fd) {
  return (text) => {
    try {
      write(fd, text);
    } catch {
      // nobody hears it
    }
  };
}

const stderr = aside(2);

/** Ends the process with the status that `main` settles with, or with `broken` after a sentence about an error. */
function run(main, broken) {
  const fail = (error) => {
    stderr(`Error: ${describe(error)}\n`);
    process.exit(broken);
  };
  // A daemon under way listens too, and goes on.
  process.on("uncaughtException", (error) => {
    if (process.listenerCount("uncaughtException") === 1) fail(error);
  });
  main().then((status) => process.exit(status), fail);
}

/** An error of the system says all in its message; any other is a mistake of ours, and its place belongs to it. */
function describe(error) {
  if (!(error instanceof Error)) return `internal error: ${error}`;
  if (typeof error.errno === "number") return error.message;
  const [, place] = /\n\s+(at .*)/.exec(error.stack ?? "") ?? [];
  return `internal error: ${error.name}: ${error.message.split("\n", 1)[0]}${place === undefined ? "" : ` ${place}`}`;
}

function reason(error) {
  const [, text] = getSystemErrorMap().get(error.errno) ?? [];
  return text ?? error.message;
}

module.exports = { stdout, stderr, aside, run };
