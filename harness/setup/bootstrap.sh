#!/bin/sh
# Makes `.venv`, the engine's own environment, from requirements/dev.txt. It needs a Python 3.11 to 3.14 (or lets uv bring
# one) and any pip: the venv module, which Debian packages apart, is not needed. What projects share is installed in the
# user's folder for caches, all else in this folder. Quick when nothing has changed.
set -eu

root=$(cd "$(dirname "$0")/../.." && pwd)
cd "$root"
# shellcheck source=harness/setup/shared.sh
. harness/setup/shared.sh

requirements=requirements/dev.txt
stamp=.venv/setup-stamp
workshop=.harness/setup

say() { printf 'setup: %s\n' "$*"; }
fail() { printf 'setup: %s\n' "$*" >&2; exit 2; }

# Every input of the environment. The folder is one: scripts in `.venv` name it, so a moved clone needs a new one.
inputs() { printf '%s\n' "$root"; cat pyproject.toml "$requirements" harness/setup/bootstrap.sh | cksum; }

# A version that the engine runs on, with the modules of the standard library that systems leave out.
works() {
    [ -x "$1" ] && "$1" -c 'import sys
if not (3, 11) <= sys.version_info[:2] <= (3, 14): sys.exit(1)
import ctypes, json, lzma, sqlite3, ssl, zlib' 2>/dev/null
}

if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$(inputs)" ] && works .venv/bin/python; then
    exit 0
fi

# How to get something from the system's own packages.
get() {
    if command -v apt-get >/dev/null 2>&1; then printf 'apt-get install %s' "$1"
    elif command -v dnf >/dev/null 2>&1; then printf 'dnf install %s' "$1"
    elif command -v brew >/dev/null 2>&1; then printf 'brew install python'
    else printf 'install %s as your system has it' "$1"; fi
}

# The interpreter itself, not a launcher or another environment that leads to it. The converters need 3.11 or 3.12, so
# these go first: one Python then does for all.
find_python() {
    for candidate in ${HARNESS_PYTHON:+"$HARNESS_PYTHON"} python3.11 python3.12 python3 python3.13 python3.14; do
        path=$(command -v "$candidate" 2>/dev/null) || continue
        works "$path" || continue
        "$path" -c 'import os, sys
base = os.path.join(sys.base_prefix, "bin", "python%d.%d" % sys.version_info[:2])
print(base if os.path.exists(base) else sys.executable)'
        return 0
    done
    return 1
}

python=$(find_python) || python=

# A pip that starts: one that is there, else one of an environment that a Python with its venv module makes.
pip_command() {
    for candidate in ${python:+"$python"} python3 python; do
        if "$candidate" -m pip --version >/dev/null 2>&1; then printf '%s -m pip' "$candidate"; return 0; fi
    done
    for candidate in pip3 pip; do
        if "$candidate" --version >/dev/null 2>&1; then printf '%s' "$candidate"; return 0; fi
    done
    for candidate in ${python:+"$python"} python3; do
        if "$candidate" -m venv --clear "$workshop/pip" >/dev/null 2>&1; then
            printf '%s' "$workshop/pip/bin/pip"
            return 0
        fi
    done
    return 1
}

# uv, of the version and hashes that the requirement file pins, into a folder of our own: `pip install --target` is
# allowed on a Debian whose Python is marked as externally managed.
uv_version=$(sed -n 's/^uv==\([^ ]*\).*/\1/p' "$requirements")
tools=$workshop/uv-$uv_version
partial=$tools.partial.$$
trap 'rm -rf "$partial" "$partial.txt"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

install_uv() {
    pip=$(pip_command) || return 1
    say "installing uv $uv_version"
    mkdir -p "$workshop"
    awk '/^uv==/ { within = 1 } within { print; if ($0 !~ /\\$/) exit }' "$requirements" >"$partial.txt"
    # The words of $pip are a command and its arguments.
    # shellcheck disable=SC2086
    PIP_REQUIRE_VIRTUALENV=0 PIP_ROOT_USER_ACTION=ignore $pip install --quiet --no-user --no-input --no-deps \
        --disable-pip-version-check --only-binary :all: --require-hashes --target "$partial" \
        --requirement "$partial.txt" || return 1
    "$partial/bin/uv" --version >/dev/null || return 1
    rm -rf "$tools"
    mv "$partial" "$tools"
}

uv=$tools/bin/uv
if ! "$uv" --version >/dev/null 2>&1 && ! install_uv; then
    uv=$(command -v uv) && "$uv" --version >/dev/null 2>&1 ||
        fail "uv cannot be installed: see that pip is there (\`$(get python3-pip)\`) and that the package index can be" \
            "reached, then run the same command again."
    say "pip did not install uv $uv_version: going on with $("$uv" --version)"
fi

# No Python that will do: uv brings one, to where it brings those of environments too. What failed within the hour is
# not tried again at every call, unless another mirror is named.
bring_python() {
    failed=$workshop/python-attempt
    setting="${UV_PYTHON_INSTALL_MIRROR:-} ${UV_PYTHON_DOWNLOADS_JSON_URL:-}"
    UV_PYTHON_INSTALL_DIR=$(environments_directory)/pythons
    export UV_PYTHON_INSTALL_DIR
    python=$("$uv" python find --managed-python --no-python-downloads 3.11 2>/dev/null) && works "$python" && return 0
    if [ "$(cat "$failed" 2>/dev/null)" = "$setting" ] && [ -n "$(find "$failed" -mmin -60)" ]; then return 1; fi
    say "there is no Python 3.11 to 3.14 on PATH: uv brings a 3.11 from" \
        "${UV_PYTHON_INSTALL_MIRROR:-its releases on GitHub} into $UV_PYTHON_INSTALL_DIR"
    if "$uv" python install --no-bin 3.11 &&
        python=$("$uv" python find --managed-python --no-python-downloads 3.11) && works "$python"; then
        rm -f "$failed"
        return 0
    fi
    printf '%s' "$setting" >"$failed"
    return 1
}

[ -n "$python" ] || bring_python ||
    fail "there is no whole Python 3.11 to 3.14 on PATH, and uv could not bring one: install one (\`$(get python3)\`)," \
        "name one in HARNESS_PYTHON, or name a mirror of uv's in UV_PYTHON_INSTALL_MIRROR."
export UV_PYTHON_DOWNLOADS=never

# An environment that was copied or moved here runs scripts of the place that it came from.
if ! works .venv/bin/python || ! grep -qF "'$root/.venv'" .venv/bin/activate 2>/dev/null; then
    say "creating .venv with $("$python" --version)"
    rm -rf .venv
    "$uv" venv --quiet --python "$python" --prompt harness .venv
fi
rm -f "$stamp"

say "installing what $requirements pins into .venv"
"$uv" pip install --python .venv/bin/python --require-hashes --requirements "$requirements" ||
    fail "the packages of $requirements cannot be installed: uv's reason is above."
# Built with the pinned setuptools that is in the environment by now: nothing unpinned is fetched.
"$uv" pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation \
    --reinstall-package ml-runtime-harness --editable . ||
    fail "the project cannot be installed into .venv: uv's reason is above."

inputs >"$stamp"
say ".venv is ready"
