#!/usr/bin/env bash
# secrets.sh [DIR]
#
# Creates the secrets of docker-compose.yml in DIR (default: the folder secrets next to docker-compose.yml): a random password
# in <user>-password for each user, and from these the files that the containers read. Existing passwords are kept.
#
# To replace a password, remove its file, run this again, and run `docker compose up --detach --force-recreate`.
set -euo pipefail
cd "$(dirname "$0")/../.."

dir=${1:-secrets}
umask 077
mkdir -p "$dir"
# The containers run as other users, so the files are readable for all; the folder keeps out users of this machine.
chmod 700 "$dir"
umask 022

password_of() { cat "$dir/$1-password"; }
for user in manager pim1 dvmrp1 igmp1 noc redis console; do
  [ -s "$dir/$user-password" ] || head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n' >"$dir/$user-password"
done

# For nats-server: included by deploy/nats/accounts.conf.
for user in manager pim1 dvmrp1 igmp1 noc; do
  echo "$(tr '[:lower:]' '[:upper:]' <<<"$user")_PASSWORD: \"$(password_of "$user")\""
done >"$dir/passwords.conf"

# For Redis: the users of deploy/redis/users.acl for managers with MGM_DURABILITY=durable.
hash=$(password_of redis | sha256sum | cut -d ' ' -f 1)
grep -E '^user (default|health|manager-durable) ' deploy/redis/users.acl | sed "s/SHA256_OF_PASSWORD/$hash/" >"$dir/users.acl"

# For the managers.
echo "nats://manager:$(password_of manager)@nats:4222" >"$dir/manager-nats-url"
echo "redis://manager-durable:$(password_of redis)@redis:6379" >"$dir/manager-redis-url"

# For the console: it logs in to NATS as the operator; its own user in the browser is noc with console-password.
echo "nats://noc:$(password_of noc)@nats:4222" >"$dir/console-nats-url"
echo "noc:$(password_of console | sha256sum | cut -d ' ' -f 1)" >"$dir/console-users"
echo "the secrets are in $dir"
