#!/bin/sh
# Renews the hashed requirement files. A uv.lock is not kept, because it carries download addresses.
set -eu
cd "$(dirname "$0")/.."
command -v uv >/dev/null 2>&1 && uv=uv || uv=.uv/bin/uv
compile() { "$uv" pip compile -q --universal --generate-hashes --python-version 3.11 --no-emit-index-url --no-header "$@"; }
compile pyproject.toml -o requirements/base.txt
compile pyproject.toml --extra dev -o requirements/dev.txt
echo uv | compile - -o requirements/uv.txt
