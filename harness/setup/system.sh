#!/bin/sh
# Installs the system packages of system-packages.txt whose commands are missing, where the system has apt-get and this
# user may; says of each one that stays missing what it costs and how to get it. It never fails: a missing part costs its
# target and nothing else.
set -u

here=$(cd "$(dirname "$0")" && pwd)
table=${HARNESS_SYSTEM_PACKAGES:-$here/system-packages.txt}
workshop=${HARNESS_SETUP_DIRECTORY:-$here/../../.harness/setup}
release=${HARNESS_OS_RELEASE:-/etc/os-release}
attempted=$workshop/system-attempt
log=$workshop/system.log

say() { printf 'setup: %s\n' "$*"; }

# Which column of the table: whose package manager is there.
find_system() {
    if command -v apt-get >/dev/null 2>&1; then
        # shellcheck source=/dev/null
        case $(. "$release" 2>/dev/null && printf '%s %s' "${ID:-}" "${ID_LIKE:-}") in
        *ubuntu*) printf 'ubuntu' ;;
        *) printf 'debian' ;;
        esac
    elif command -v dnf >/dev/null 2>&1; then printf 'fedora'
    elif command -v brew >/dev/null 2>&1; then printf 'macos'
    else printf 'other'; fi
}
system=$(find_system)

# The package of a row, by its columns.
package_of() {
    case $system in
    debian) printf '%s' "$1" ;;
    ubuntu) printf '%s' "$2" ;;
    fedora) printf '%s' "$3" ;;
    macos) printf '%s' "$4" ;;
    *) printf '%s' "$5" ;;
    esac
}

# Whether one of the commands is there, or the browser of that name that Playwright downloaded.
there() {
    for found in $(printf '%s' "$1" | tr ',' ' '); do
        command -v "$found" >/dev/null 2>&1 && return 0
    done
    case $(uname -s 2>/dev/null) in
    Darwin) downloaded=${HOME:-}/Library/Caches/ms-playwright ;;
    *) downloaded=${XDG_CACHE_HOME:-${HOME:-}/.cache}/ms-playwright ;;
    esac
    for found in "${PLAYWRIGHT_BROWSERS_PATH:-$downloaded}/${1%%,*}"-*; do
        [ -d "$found" ] && return 0
    done
    return 1
}

# The packages to install now, those of the rows whose command is missing.
wanted() {
    while read -r commands debian ubuntu fedora macos other when _; do
        case $commands in '#'* | '') continue ;; esac
        package=$(package_of "$debian" "$ubuntu" "$fedora" "$macos" "$other")
        case $package in - | playwright:*) continue ;; esac
        there "$commands" && continue
        case $when in
        always | quicker) printf '%s ' "$package" ;;
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
    say "installing the packages $1(log: .harness/setup/system.log)"
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

# Where a package comes from, as words of a sentence. The backticks are for the reader.
# shellcheck disable=SC2016
source_of() {
    names=$(printf '%s' "$1" | tr ',' ' ')
    case $1 in
    -) printf "get it as your system has it" ;;
    playwright:*) printf 'get it with `.venv/bin/playwright install %s`' "${1#playwright:}" ;;
    *)
        case $system in
        debian | ubuntu) printf 'get it with `sudo apt-get install %s`' "$names" ;;
        fedora) printf 'get it with `sudo dnf install %s`' "$names" ;;
        macos) printf 'get it with `brew install %s`' "$names" ;;
        esac
        ;;
    esac
}

missing=$(wanted | tr ',' ' ')
[ -z "$missing" ] || install "$missing"

while read -r commands debian ubuntu fedora macos other when purpose; do
    case $commands in '#'* | '') continue ;; esac
    if [ "$when" = doctor ] || [ "$when" = quicker ] || { [ "$when" = ci ] && [ "${CI:-}" != true ]; }; then continue; fi
    there "$commands" && continue
    package=$(package_of "$debian" "$ubuntu" "$fedora" "$macos" "$other")
    say "${commands%%,*} is missing, so unavailable: $purpose; $(source_of "$package")"
done <"$table"
exit 0
