#!/usr/bin/env bash
# Do public dbt projects that carry their own data build as they are? See README.md beside this file.
#
#   PUBLIC_PROJECTS_DIR=DIR tests/services/public_projects/run.sh [--keep] [--verbose] [PROJECT...]
set -euo pipefail
HERE="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
ROOT="$(cd "$HERE/../../.." && pwd)"
if [ ! -d "${PUBLIC_PROJECTS_DIR:-}" ]; then
    echo "PUBLIC_PROJECTS_DIR must name a folder with checkouts of public dbt projects, for example" >&2
    echo "  mkdir /tmp/public && cd /tmp/public && git clone https://github.com/dbt-labs/jaffle_shop_duckdb" >&2
    echo "see $HERE/README.md for all of them" >&2
    exit 2
fi
. "$ROOT/tests/services/dbt/venv.sh"

ASKED=(--checkouts "$(cd "$PUBLIC_PROJECTS_DIR" && pwd)" --millstream "$(realpath "$MILLSTREAM_BIN")" --dbt "$DBT")
KEEP=""
for word in "$@"; do
    case "$word" in
        --keep) KEEP=1 ;;
        --verbose) ASKED+=(--verbose) ;;
        *) ASKED+=(--only "$word") ;;
    esac
done
WORK="${PUBLIC_PROJECTS_WORK:-$(mktemp -d)}"
finish() { if [ "$KEEP" ]; then echo "kept: $WORK" >&2; else rm -rf "$WORK"; fi; }
trap finish EXIT
"$PYTHON" "$HERE/run.py" --work "$WORK" "${ASKED[@]}"
