#!/bin/sh
":" //; case " $* " in *" --respawn "*) exec /bin/sh "$(dirname "$(readlink -f "$0")")/respawn.sh" "$0" "$@";; esac
":" //; SUPERVISORD_TS_NOFILE=$(ulimit -Sn) exec node "$0" "$@"
// Both sh and JavaScript: the lines above start Node on this very file, or with --respawn what keeps it running. They
// note the limit of open files that children shall have, since Node raises its own before a script can look.
const { main } = require("../dist/bin/supervisord.cjs");

const io = {
  stdout: (text) => process.stdout.write(text),
  stderr: (text) => process.stderr.write(text),
};
main(process.argv.slice(1), io).then((status) => process.exit(status));
