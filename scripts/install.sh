#!/bin/sh
# Makes .venv with the locked packages and the `ringdove` command. Works with any Python 3.11+, also one that came
# without venv or pip. Called by `make install`, which calls it only when the lock or the project file changed.
set -eu
cd "$(dirname "$0")/.."

say() { printf '\033[1m%s\033[0m\n' "$*"; }
fail() { printf 'ringdove: %s\n' "$*" >&2; exit 1; }

find_python() {
    for candidate in ${PYTHON:-} python3.13 python3.12 python3.11 python3; do
        if command -v "$candidate" >/dev/null 2>&1 &&
           "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
    return 1
}

apt_install() {
    [ "$(id -u)" = 0 ] || return 1
    command -v apt-get >/dev/null 2>&1 || return 1
    say "Installing $* with apt"
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"; } >/dev/null
}

# uv makes the environment and checks the hashes. Where it is missing it is installed into .uv, by whichever of
# venv and pip this Python has; a Debian Python has neither until python3-venv is installed.
bootstrap_uv() {
    python=$1
    if "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        "$python" -m venv .uv
        .uv/bin/python -m pip install -q --disable-pip-version-check --root-user-action=ignore --require-hashes -r requirements/uv.txt
    elif "$python" -m pip --version >/dev/null 2>&1; then
        "$python" -m pip install -q --disable-pip-version-check --root-user-action=ignore --require-hashes --target .uv -r requirements/uv.txt
    else
        return 1
    fi
}

python=$(find_python) || { apt_install python3 && python=$(find_python); } ||
    fail "Python 3.11 or newer is needed. On Debian or Ubuntu: apt install python3 python3-venv"

if command -v uv >/dev/null 2>&1 && uv --version >/dev/null 2>&1; then
    uv=uv
else
    say "Fetching uv, which makes the environment"
    [ -x .uv/bin/uv ] || bootstrap_uv "$python" || { apt_install python3-venv && bootstrap_uv "$python"; } ||
        fail "this Python has neither venv nor pip. As root: apt install python3-venv"
    uv=.uv/bin/uv
fi

say "Making .venv ($("$python" --version))"
[ -x .venv/bin/python ] && .venv/bin/python -c '' 2>/dev/null || "$uv" venv -q --clear --python "$python" .venv
"$uv" pip sync -q --python .venv/bin/python --require-hashes requirements/dev.txt
"$uv" pip install -q --python .venv/bin/python --no-deps -e .
touch .venv/installed
say "Ready: .venv/bin/ringdove"
