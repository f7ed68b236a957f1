#!/bin/sh
# Keeps a supervisord-ts running: `respawn.sh SCRIPT OPTIONS...` starts it again when it crashes, which is what any
# end is but exit status 0 (told to) and 2 (cannot start). A shell, because it costs a megabyte where a second Node
# costs forty.
script=$1
shift
count=$#
while [ "$count" -gt 0 ]; do
  word=$1
  shift
  [ "$word" = --respawn ] || set -- "$@" "$word"
  count=$((count - 1))
done

SUPERVISORD_TS_RESPAWN=$(readlink -f "$0")
SUPERVISORD_TS_NOFILE=${SUPERVISORD_TS_NOFILE:-$(ulimit -Sn)}
export SUPERVISORD_TS_RESPAWN SUPERVISORD_TS_NOFILE

daemon=
ending=
interrupted=
# tell SIGNAL PID: only our own child, as by the time of the signal it may have ended and its pid be somebody else's.
tell() {
  grep -qs "^PPid:[[:space:]]*$$\$" "/proc/$2/status" && kill -s "$1" "$2"
}
forward() {
  interrupted=yes
  [ -z "$daemon" ] || tell "$1" "$daemon"
}
trap 'ending=yes; forward TERM' TERM
trap 'ending=yes; forward INT' INT
trap 'ending=yes; forward QUIT' QUIT
trap 'forward HUP' HUP
trap 'forward USR2' USR2
# Of no use to the daemon either, and no reason to end.
trap '' USR1

# In the background the terminal is for the first daemon alone, which leaves it once it is ready. Later ones write
# where that one wrote at last: nowhere.
exec 4<&0 5>&1 6>&2
[ -z "$SUPERVISORD_TS_BACKGROUND" ] || exec </dev/null >/dev/null 2>&1

deaths=0
pause=0
while :; do
  [ -z "$ending" ] || exit 0
  started=$(date +%s)
  # A shell gives /dev/null to what it starts with &, unless told otherwise.
  node --inspect-port=192.0.2.1:9229 --max-semi-space-size=1 "$script" "$@" <&4 >&5 2>&6 4<&- 5>&- 6>&- &
  daemon=$!
  # Told to end before there was anyone to pass it on to.
  [ -z "$ending" ] || tell TERM "$daemon"
  [ -z "$SUPERVISORD_TS_BACKGROUND" ] || exec 4<&0 5>&1 6>&2
  status=
  while :; do
    interrupted=
    wait "$daemon"
    seen=$?
    # It had ended just before a signal came: the status is the one seen then.
    [ "$seen" -eq 127 ] && [ -n "$status" ] && break
    status=$seen
    [ -n "$interrupted" ] || break
  done
  daemon=
  case $status in 0 | 2) exit "$status" ;; esac
  [ -z "$ending" ] || exit "$status"

  if [ $(($(date +%s) - started)) -ge 10 ]; then deaths=0; fi
  deaths=$((deaths + 1))
  case $deaths in
    1) pause=0 ;;
    2) pause=1 ;;
    *) pause=$((pause * 2)) ;;
  esac
  [ "$pause" -le 30 ] || pause=30
  if [ "$pause" -gt 0 ]; then
    sleep "$pause" 4<&- 5>&- 6>&- &
    sleeper=$!
    wait "$sleeper"
    # A signal ends the pause, and leaves nobody asleep.
    tell TERM "$sleeper"
    wait "$sleeper"
  fi
done
