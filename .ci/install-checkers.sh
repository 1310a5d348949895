#!/usr/bin/env bash
# Puts the checkers of delivery files that pip does not have in one folder: actionlint (built from its Go module) and
# npm-groovy-lint. tests/delivery skips, with the reason, what is not there.
# usage: .ci/install-checkers.sh [folder]
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
out=${1:-${XDG_CACHE_HOME:-$HOME/.cache}/mlops-iac/checkers}
groovy_lint=16.2.0 # the newest that runs on Node.js 20
mkdir -p "$out"

if command -v go >/dev/null && [ ! -x "$out/actionlint" ]; then
  (cd "$here/actionlint" && CGO_ENABLED=0 GOWORK=off go build -mod=readonly -trimpath -o "$out/actionlint" \
    github.com/rhysd/actionlint/cmd/actionlint) || echo "install-checkers: actionlint could not be built" >&2
fi
if command -v npm >/dev/null && command -v java >/dev/null && [ ! -d "$out/node_modules/npm-groovy-lint" ]; then
  npm install --prefix "$out" --no-save --no-audit --no-fund --loglevel error "npm-groovy-lint@$groovy_lint" >&2 ||
    echo "install-checkers: npm-groovy-lint could not be installed" >&2
fi
