# private-apt.sh, to be sourced: apt with lists, cache and settings of its own, so that fetching packages needs no root,
# installs nothing and does not change the machine's apt. It uses the package sources of the machine.
#
#   private_apt_in FOLDER [SUITE]   prepares it in FOLDER; with SUITE, for another release from the machine's mirror
#   private_apt ...                 apt-get; its messages go to FOLDER/log
#   private_apt_unpack DIR PKG...   fetches packages and unpacks them into DIR
#   private_apt_trouble             the errors in FOLDER/log
# shellcheck shell=bash

private_apt_in() {
  local tool
  for tool in apt-get apt-config dpkg-deb; do
    command -v "$tool" >/dev/null || { echo "$tool is missing: this machine has no usable apt" >&2; return 1; }
  done
  private_apt_dir=$1
  mkdir -p "$1"/{lists/partial,cache/archives/partial,debs,none}
  # The machine's settings (a proxy may be among them), without its hooks: those would run on the machine's own state.
  apt-config dump | grep -vE '^(Dir|DPkg::|APT::Update::(Pre|Post)-Invoke)' >"$1/apt.conf"
  cat >>"$1/apt.conf" <<CONF
Dir::Etc::Parts "$1/none";
Dir::Etc::Main "$1/none/apt.conf";
Dir::State "$1";
Dir::State::Lists "$1/lists";
Dir::State::status "/dev/null";
Dir::Cache "$1/cache";
Acquire::Languages "none";
Acquire::Retries "2";
Acquire::http::Timeout "30";
Debug::NoLocking "1";
CONF
  # apt as root drops to another user, who may not enter this folder.
  if [ "$(id -u)" = 0 ]; then echo 'APT::Sandbox::User "root";' >>"$1/apt.conf"; fi
  if [ $# -gt 1 ]; then private_apt_suite "$1" "$2"; fi
  # One unreachable source of several is no reason to give up: the next step tells whether the rest suffices.
  private_apt update >/dev/null || true
}

private_apt_suite() {
  local mirror
  # shellcheck disable=SC2016 # $(SITE) is for apt to fill in
  mirror=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' | awk '!/security/ { print; exit }')
  [ -n "$mirror" ] || { echo 'apt names no mirror' >&2; return 1; }
  echo "deb $mirror $2 main" >"$1/sources.list"
  printf 'Dir::Etc::sourcelist "%s";\nDir::Etc::sourceparts "%s";\n' "$1/sources.list" "$1/none" >>"$1/apt.conf"
}

private_apt() { APT_CONFIG=$private_apt_dir/apt.conf apt-get -q "$@" 2>>"$private_apt_dir/log"; }

private_apt_unpack() {
  local dir=$1 deb
  shift
  rm -f "$private_apt_dir"/debs/*.deb
  (cd "$private_apt_dir/debs" && private_apt download "$@" >/dev/null) || return 1
  for deb in "$private_apt_dir"/debs/*.deb; do dpkg-deb -x "$deb" "$dir"; done
}

private_apt_trouble() { grep -E '^(E|W|Err)' "$private_apt_dir/log" | tail -5 || true; }
