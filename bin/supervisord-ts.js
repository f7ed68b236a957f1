#!/bin/sh
":" //; case " $* " in *" --respawn "*) exec /bin/sh "$(dirname "$(readlink -f "$0")")/respawn.sh" "$0" "$@";; esac
":" //; SUPERVISORD_TS_NOFILE=$(ulimit -Sn) exec node --max-semi-space-size=1 "$0" "$@"
// Both sh and JavaScript: the lines above start Node on this very file, or with --respawn what keeps it running. They
// note the limit of open files that children shall have, since Node raises its own before a script can look. The room
// for new objects is kept small: it would grow to 32 MB while many programs start, and an idle daemon never gives
// that back.
const { main } = require("../dist/bin/supervisord.cjs");

const io = {
  stdout: (text) => process.stdout.write(text),
  stderr: (text) => process.stderr.write(text),
};
main(process.argv.slice(1), io).then((status) => process.exit(status));
