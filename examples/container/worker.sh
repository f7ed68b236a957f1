# Waits for work that never comes, and says when it has been told to end.
trap 'echo "worker: done"; exit 0' TERM
echo "worker: ready"
while :; do
  sleep 1000 &
  wait $!
done
