#!/usr/bin/env bash
# docker-down.sh PIDFILE
#
# Ends the engine that docker-up.sh started; without the pid file it does nothing. It uses SIGTERM, since a killed engine
# leaves mounts and a containerd behind.
set -euo pipefail

pidfile=${1:?usage: docker-down.sh PIDFILE}
[ -f "$pidfile" ] || exit 0
pid=$(cat "$pidfile")
if ! grep -qs dockerd "/proc/$pid/cmdline"; then rm -f "$pidfile"; exit 0; fi
kill -TERM "$pid"
for _ in $(seq 300); do
  # A zombie has an empty command line.
  if ! grep -qs dockerd "/proc/$pid/cmdline"; then rm -f "$pidfile"; exit 0; fi
  sleep 0.1
done
echo "docker-down: the engine ($pid) is still running after 30 s" >&2
exit 1
