#!/bin/sh
# Installs the Debian packages of debian-packages.txt whose commands are missing, where this user may; says of each one
# that stays missing what it costs and how to get it. It never fails: a missing part costs its target and nothing else.
set -u

here=$(cd "$(dirname "$0")" && pwd)
table=${HARNESS_DEBIAN_PACKAGES:-$here/debian-packages.txt}
workshop=${HARNESS_SETUP_DIRECTORY:-$here/../../.harness/setup}
attempted=$workshop/debian-attempt
log=$workshop/debian.log

say() { printf 'setup: %s\n' "$*"; }

# Packages to install now, those of the rows whose command is missing.
wanted() {
    while read -r command package when _; do
        case $command in '#'* | '') continue ;; esac
        command -v "$command" >/dev/null 2>&1 && continue
        case $when in
        always) printf '%s ' "$package" ;;
        ci) [ "${CI:-}" != true ] || printf '%s ' "$package" ;;
        esac
    done <"$table"
}

# How to become root: nothing for root, sudo with a password only where a person can type it.
elevation() {
    if [ "$(id -u)" = 0 ]; then return 0; fi
    command -v sudo >/dev/null 2>&1 || return 1
    if sudo -n true 2>/dev/null; then printf 'sudo -n'; elif [ -t 0 ]; then printf 'sudo'; else return 1; fi
}

apt() {
    # The words of $become are a command and its arguments, or none.
    # shellcheck disable=SC2086
    $become env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=120 -o Acquire::Retries=2 "$@" \
        </dev/null >>"$log" 2>&1
}

install() {
    command -v apt-get >/dev/null 2>&1 || return 0
    become=$(elevation) || return 0
    mkdir -p "$workshop"
    # What failed within the hour is not tried again at every call.
    if [ "$(cat "$attempted" 2>/dev/null)" = "$1" ] && [ -n "$(find "$attempted" -mmin -60)" ]; then return 0; fi
    say "installing the Debian packages $1(log: .harness/setup/debian.log)"
    : >"$log"
    apt update || say "the package lists cannot be updated: going on with those that are there"
    # shellcheck disable=SC2086
    if ! apt install --yes --no-install-recommends $1; then
        for package in $1; do # one that cannot be had does not cost the others
            apt install --yes --no-install-recommends "$package"
        done
    fi
    printf '%s' "$1" >"$attempted"
}

missing=$(wanted)
[ -z "$missing" ] || install "$missing"

while read -r command package when purpose; do
    case $command in '#'* | '') continue ;; esac
    if [ "$when" = ci ] && [ "${CI:-}" != true ]; then continue; fi
    command -v "$command" >/dev/null 2>&1 && continue
    say "$command is missing, so unavailable: $purpose; get it with \`sudo apt-get install $package\`"
done <"$table"
exit 0
