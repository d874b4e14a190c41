#!/bin/sh
# Makes `.venv`, the engine's own environment, from requirements/dev.txt. It needs Python 3.11 or 3.12 and any pip: the
# venv module, which Debian packages apart, is not used, and nothing is installed outside this folder. Quick when
# nothing has changed.
set -eu

root=$(cd "$(dirname "$0")/../.." && pwd)
cd "$root"

requirements=requirements/dev.txt
stamp=.venv/setup-stamp
workshop=.harness/setup
export UV_PYTHON_DOWNLOADS=never

say() { printf 'setup: %s\n' "$*"; }
fail() { printf 'setup: %s\n' "$*" >&2; exit 2; }

# Every input of the environment. The folder is one: scripts in `.venv` name it, so a moved clone needs a new one.
inputs() { printf '%s\n' "$root"; cat pyproject.toml "$requirements" harness/setup/bootstrap.sh | cksum; }

works() { [ -x "$1" ] && "$1" -c 'import sys; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12)))' 2>/dev/null; }

if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$(inputs)" ] && works .venv/bin/python; then
    exit 0
fi

# The interpreter itself, not a launcher or another environment that leads to it.
find_python() {
    for candidate in ${HARNESS_PYTHON:+"$HARNESS_PYTHON"} python3.11 python3 python3.12; do
        path=$(command -v "$candidate" 2>/dev/null) || continue
        works "$path" || continue
        "$path" -c 'import os, sys
base = os.path.join(sys.base_prefix, "bin", "python%d.%d" % sys.version_info[:2])
print(base if os.path.exists(base) else sys.executable)'
        return 0
    done
    return 1
}

python=$(find_python) || fail "there is no Python 3.11 or 3.12 on PATH; install one (\`apt-get install python3.11\` on" \
    "Debian 12) or name it in HARNESS_PYTHON."

pip_command() {
    for candidate in "$python" python3 python; do
        if "$candidate" -m pip --version >/dev/null 2>&1; then printf '%s -m pip' "$candidate"; return 0; fi
    done
    for candidate in pip3 pip; do
        if "$candidate" --version >/dev/null 2>&1; then printf '%s' "$candidate"; return 0; fi
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
        fail "uv cannot be installed: see that pip is there (\`apt-get install python3-pip\` on Debian) and that the" \
            "package index can be reached, then run the same command again."
    say "pip did not install uv $uv_version: going on with $("$uv" --version)"
fi

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
