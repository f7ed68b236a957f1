# Waits for work that never comes, and says when it has been told to end.
# What the shell has started gets no signal of its own.
trap 'kill "$!"; wait; echo "worker: done"; exit 0' TERM
echo "worker: ready"
while :; do
  sleep 1000 &
  wait $!
done
