#!/bin/sh
":" /*
# Both sh and JavaScript, in the same words as supervisord-ts.js, which explains them.
trap '' USR1
set -f
for SUPERVISORD_TS_WORD in $(export -p); do
  case $SUPERVISORD_TS_WORD in
    NODE_*=* | UV_*=* | OPENSSL_*=*)
      SUPERVISORD_TS_WORD=${SUPERVISORD_TS_WORD%%=*}
      case $SUPERVISORD_TS_WORD in
        *[!A-Za-z0-9_]*) ;;
        NODE_CHANNEL_FD | NODE_CHANNEL_SERIALIZATION_MODE) unset "$SUPERVISORD_TS_WORD" ;;
        *)
          eval "[ -z \"\${$SUPERVISORD_TS_WORD+x}\" ] || export \"SUPERVISORD_TS_ASIDE_$SUPERVISORD_TS_WORD=\$$SUPERVISORD_TS_WORD\""
          unset "$SUPERVISORD_TS_WORD"
          ;;
      esac
      ;;
  esac
done
exec node --inspect-port=192.0.2.1:9229 "$0" "$@"
*/
require("./begin.js");
const { writeSync } = require("node:fs");
const { main } = require("../dist/bin/supervisorctl.cjs");

/** The reader, or the terminal, has gone away: nobody is left to tell. */
const GONE = ["EPIPE", "EIO"];

/** Whole or not at all, before the next line: output must survive the exit, and a closed pipe is quiet. */
function write(fd) {
  return (text) => {
    let bytes = Buffer.from(text);
    while (bytes.length > 0) {
      try {
        bytes = bytes.subarray(writeSync(fd, bytes));
      } catch (error) {
        if (GONE.includes(error.code)) process.exit(process.exitCode ?? 0);
        if (error.code !== "EAGAIN") cannotWrite(fd, error);
      }
    }
  };
}

function cannotWrite(fd, { message }) {
  if (fd !== 2) write(2)(`Error: cannot write: ${message}\n`);
  process.exit(1);
}

function interrupted() {
  const controller = new AbortController();
  const abort = () => controller.abort();
  process.on("SIGINT", abort);
  return { signal: controller.signal, [Symbol.dispose]: () => process.off("SIGINT", abort) };
}

const io = {
  stdout: write(1),
  stderr: write(2),
  /** Not opened before it is needed. */
  get stdin() {
    return process.stdin;
  },
  interrupted,
};
main(process.argv.slice(1), io).then(
  (status) => process.exit(status),
  ({ message }) => {
    io.stderr(`Error: ${message}\n`);
    process.exit(1);
  },
);
