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

/** Whole or not at all, before the next line: output must survive the exit, and a closed pipe is quiet. */
function write(fd) {
  return (text) => {
    let bytes = Buffer.from(text);
    while (bytes.length > 0) {
      try {
        bytes = bytes.subarray(writeSync(fd, bytes));
      } catch (error) {
        if (error.code === "EPIPE") process.exit(process.exitCode ?? 0);
        if (error.code !== "EAGAIN") throw error;
      }
    }
  };
}

function interrupted() {
  const controller = new AbortController();
  const abort = () => controller.abort();
  process.on("SIGINT", abort);
  return { signal: controller.signal, [Symbol.dispose]: () => process.off("SIGINT", abort) };
}

const io = { stdout: write(1), stderr: write(2), stdin: process.stdin, interrupted };
main(process.argv.slice(1), io).then((status) => process.exit(status));
