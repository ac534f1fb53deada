#!/usr/bin/env bash
# Make requirements/*.lock anew: every version with its hashes, for all supported Pythons and platforms, naming no index.
# Options (such as --upgrade) go to the resolver.
set -euo pipefail
cd "$(dirname "$0")/.."

compile() {
  .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url "$@"
}

compile "$@" pyproject.toml --extra all --group dev --output-file requirements/dev.lock
compile --resolution lowest-direct pyproject.toml --extra server --group test --output-file requirements/floor.lock
compile "$@" requirements/protos.in --output-file requirements/protos.lock
compile "$@" requirements/node.in --output-file requirements/node.lock
compile "$@" requirements/prefect.in --output-file requirements/prefect.lock
compile "$@" requirements/prefect-oldest.in --output-file requirements/prefect-oldest.lock
compile "$@" requirements/prefect-newest.in --overrides requirements/prefect-newest.overrides --output-file requirements/prefect-newest.lock
if grep -nE '://' requirements/*.lock; then
  echo "lock: the lines above name an address, which must not be recorded" >&2
  exit 1
fi
