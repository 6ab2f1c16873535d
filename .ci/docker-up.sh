#!/usr/bin/env bash
# docker-up.sh PIDFILE
#
# Provides a Docker engine: a running one, else the installed dockerd, else docker.io from Debian's or Ubuntu's packages.
# Prints only its DOCKER_HOST on stdout. PIDFILE exists afterwards only if this script started the engine, which
# docker-down.sh PIDFILE then ends.
#
# Fails with the reason if there is no engine (no root, no apt, a kernel without support for containers).
set -euo pipefail

pidfile=${1:?usage: docker-up.sh PIDFILE}
socket=/var/run/docker.sock
exec_root=/var/run/docker
log=${pidfile%.pid}.log
say() { echo "docker-up: $*" >&2; }
give_up() { say "$*"; exit 1; }
is_process() { grep -qs "$1" "/proc/$2/cmdline"; } # NAME PID

answers() { # ADDRESS
  if [ "${1#unix://}" != "$1" ] && [ ! -S "${1#unix://}" ]; then return 1; fi
  if [ "${1#unix://}" != "$1" ] && command -v curl >/dev/null; then
    [ "$(curl -fsS -m 3 --unix-socket "${1#unix://}" http://engine/_ping 2>/dev/null)" = OK ]
  else
    command -v docker >/dev/null && DOCKER_HOST=$1 timeout 10 docker version >/dev/null 2>&1
  fi
}

install_engine() {
  command -v apt-get >/dev/null || give_up 'no engine, no dockerd, and no apt-get to install docker.io'
  say 'installing docker.io'
  export DEBIAN_FRONTEND=noninteractive
  # A package source that does not answer may not matter: the installation shows it.
  apt-get update -qq >&2 || true
  local packages='docker.io ca-certificates'
  # Newer releases have a separate package for the command line.
  if apt-cache show docker-cli >/dev/null 2>&1; then packages+=' docker-cli'; fi
  # shellcheck disable=SC2086 # one word per package
  apt-get install -y -qq --no-install-recommends $packages </dev/null >"$log.apt" 2>&1 ||
    { tail -5 "$log.apt" >&2; give_up 'installing docker.io failed'; }
}

# dockerd needs mounted control groups; minimal virtual machines may lack them.
mount_cgroups() {
  mountpoint -q /sys/fs/cgroup && return
  mount -t cgroup2 none /sys/fs/cgroup || give_up 'cannot mount the control groups'
}

# Pid files of a killed engine prevent the start of the next one: its own, and that of containerd.
remove_leftovers() {
  local file name
  for file in /var/run/docker.pid "$exec_root/containerd/containerd.pid"; do
    name=dockerd; case $file in *containerd*) name=containerd ;; esac
    [ ! -f "$file" ] || is_process "$name" "$(cat "$file")" || rm -f "$file"
  done
}

for host in ${DOCKER_HOST:+"$DOCKER_HOST"} "unix://$socket"; do
  if answers "$host"; then
    command -v docker >/dev/null || give_up "an engine answers at $host, but there is no docker command"
    say "an engine answers at $host"
    echo "$host"
    exit 0
  fi
done
[ "$(id -u)" = 0 ] || give_up 'no engine answers, and starting one needs root'
command -v dockerd >/dev/null && command -v docker >/dev/null || install_engine
mount_cgroups
remove_leftovers

# Published ports on loopback only; the MTU of the uplink; a session of its own without our descriptors, so that the engine
# outlives this script and does not keep its output open.
uplink=$(awk '$2 == "00000000" { print $1; exit }' /proc/net/route)
mtu=$(cat "/sys/class/net/${uplink:-eth0}/mtu" 2>/dev/null || echo 1500)
setsid dockerd --pidfile "$pidfile" --exec-root "$exec_root" -H "unix://$socket" --ip 127.0.0.1 --mtu "$mtu" \
  --log-level warn </dev/null >"$log" 2>&1 9>&- &
pid=$!
for _ in $(seq 300); do
  if answers "unix://$socket"; then say "started an engine (pid $pid)"; echo "unix://$socket"; exit 0; fi
  kill -0 "$pid" 2>/dev/null || { tail -5 "$log" >&2; give_up 'dockerd ended'; }
  sleep 0.1
done
kill "$pid"
tail -5 "$log" >&2
give_up 'dockerd did not answer within 30 s'
