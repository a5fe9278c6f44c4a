# Runs a program in an emulated machine, where busybox is all there is: its output and its exit status are passed on, and
# the most memory that it had beside its guest's. SIGTERM is sent once it prints "press the button".
"$@" > /tmp/console 2>&1 &
program=$!
peak=0 asked=
while :; do
  # The guest's memory is one file in memory; a program that has ended has none.
  now=$(awk '/^[0-9a-f]+-[0-9a-f]+ / { guest = /memfd:vireo-guest-memory/ } /^Pss:/ && !guest { sum += $2 } END { print sum + 0 }' /proc/$program/smaps 2> /dev/null)
  [ "${now:-0}" != 0 ] || break
  [ "$now" -le $peak ] || peak=$now
  if [ -z "$asked" ] && grep -q 'press the button' /tmp/console; then
    asked=1
    sleep 1
    kill -TERM $program
  fi
  sleep 0.3
done
wait $program
status=$?
cat /tmp/console
echo "$peak KiB beside the guest's memory"
exit $status
