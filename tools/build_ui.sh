#!/usr/bin/env bash
# Build the web UI (gateway/ui, TypeScript) into gateway/headrace_gateway/static, where something changed since the last time.
# Without Node nothing fails: the server serves everything but the UI then.
set -euo pipefail
cd "$(dirname "$0")/.."

source_folder=gateway/ui
built=gateway/headrace_gateway/static
oldest_node=18

[ -f "$source_folder/package.json" ] || exit 0
if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
  echo "ui: not built, because node and npm are missing (on Debian: apt-get install nodejs npm; then: make ui)."
  echo "ui: the server, the HTTP API and the command line work without it."
  exit 0
fi
if [ "$(node -p 'process.versions.node.split(".")[0]')" -lt "$oldest_node" ]; then
  echo "ui: not built, because node $(node --version) is older than $oldest_node. Install a newer one, then: make ui"
  exit 0
fi

# What the UI is made of, as one checksum: the build is skipped while it stays the same.
checksum() {
  find "$source_folder" \( -name node_modules -o -name dist -o -name test-results \) -prune -o -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum
}

now=$(checksum)
if [ -f "$built/index.html" ] && [ "$(cat "$built/.built-from" 2>/dev/null)" = "$now" ]; then
  exit 0
fi
if [ ! -d "$source_folder/node_modules" ] || [ "$source_folder/package-lock.json" -nt "$source_folder/node_modules/.installed" ]; then
  echo "ui: installing packages"
  npm --prefix "$source_folder" ci --no-audit --no-fund --loglevel=error
  touch "$source_folder/node_modules/.installed"
fi
echo "ui: building"
npm --prefix "$source_folder" run --silent build
echo "$now" >"$built/.built-from"
