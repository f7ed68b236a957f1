#!/bin/sh
":" /*
# Both sh and JavaScript. The lines up to the star and slash are for sh, which starts Node on this very file.
#
# Variables that Node, libuv or OpenSSL obey are meant for the programs, not for this command: Node would open a
# debugger, load a file or refuse to start. They travel under other names, and begin.js gives them back.
#
# SIGUSR1 opens Node's debugger to every local user. Node sets its handler itself before it runs a script, whatever it
# inherits, and --disable-sigusr1 is an error before Node 22.14. An address that no machine has keeps the debugger
# from listening in every version, until begin.js takes the signal. The trap covers the time before Node.
trap '' USR1
set -f
for SUPERVISORD_TS_WORD in $(export -p); do
  case $SUPERVISORD_TS_WORD in
    NODE_*=* | UV_*=* | OPENSSL_*=*)
      SUPERVISORD_TS_WORD=${SUPERVISORD_TS_WORD%%=*}
      case $SUPERVISORD_TS_WORD in
        *[!A-Za-z0-9_]*) ;;
        # Both name a descriptor, which the programs do not have.
        NODE_CHANNEL_FD | NODE_CHANNEL_SERIALIZATION_MODE) unset "$SUPERVISORD_TS_WORD" ;;
        *)
          eval "[ -z \"\${$SUPERVISORD_TS_WORD+x}\" ] || export \"SUPERVISORD_TS_ASIDE_$SUPERVISORD_TS_WORD=\$$SUPERVISORD_TS_WORD\""
          unset "$SUPERVISORD_TS_WORD"
          ;;
      esac
      ;;
  esac
done
case " $* " in *" --respawn "*) exec /bin/sh "$(dirname "$(readlink -f "$0")")/respawn.sh" "$0" "$@" ;; esac
# Node raises its limit of open files before a script can look; the children shall have the one that was given. The
# room for new objects is kept small: it would grow to 32 MB while many programs start, and an idle daemon never gives
# that back.
SUPERVISORD_TS_NOFILE=$(ulimit -Sn)
export SUPERVISORD_TS_NOFILE
exec node --inspect-port=192.0.2.1:9229 --max-semi-space-size=1 "$0" "$@"
*/
require("./begin.js");
const { stdout, stderr, run } = require("./run.js");
const { main } = require("../dist/bin/supervisord.cjs");

run(() => main(process.argv.slice(1), { stdout, stderr }), 2);
