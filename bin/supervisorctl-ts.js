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
const { stdout, stderr, run } = require("./run.js");
const { main } = require("../dist/bin/supervisorctl.cjs");

function interrupted() {
  const controller = new AbortController();
  const abort = () => controller.abort();
  process.on("SIGINT", abort);
  return { signal: controller.signal, [Symbol.dispose]: () => process.off("SIGINT", abort) };
}

const io = {
  stdout,
  stderr,
  /** Not opened before it is needed. */
  get stdin() {
    return process.stdin;
  },
  interrupted,
};
run(() => main(process.argv.slice(1), io), 1);
