#!/usr/bin/env bash
# Does dbt-snowflake make the same tables? Builds examples/retail_snowflake with Millstream on the embedded warehouse and
# with dbt-core + dbt-snowflake against fakesnow, and compares every relation after each of two builds.
#
#   tests/services/snowflake/run.sh [--keep] [--write]
#
# Needs: the millstream binary (MILLSTREAM_BIN), python3 and PyPI. Exit code 1 on any difference.
set -euo pipefail
HERE="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
ROOT="$(cd "$HERE/../../.." && pwd)"

KEEP="" WRITE=()
for argument in "$@"; do
    case "$argument" in
        --keep) KEEP=1 ;;
        --write) WRITE=(--write "$ROOT/tests/expected/retail_snowflake") ;;
        *) echo "unknown: $argument" >&2; exit 2 ;;
    esac
done

VENV="${MILLSTREAM_SNOWFLAKE_VENV:-$ROOT/target/snowflake-venv}"
if ! cmp -s "$HERE/requirements.txt" "$VENV/installed.txt"; then
    echo "installing dbt-core, dbt-snowflake and fakesnow from PyPI into $VENV" >&2
    python3 -m venv "$VENV" >&2
    "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check -r "$HERE/requirements.txt" >&2
    cp "$HERE/requirements.txt" "$VENV/installed.txt"
fi
PYTHON="$VENV/bin/python"

if [ -z "${MILLSTREAM_BIN:-}" ]; then
    for built in release debug; do
        candidate="${CARGO_TARGET_DIR:-$ROOT/target}/$built/millstream"
        if [ -x "$candidate" ] && { [ -z "${MILLSTREAM_BIN:-}" ] || [ "$candidate" -nt "$MILLSTREAM_BIN" ]; }; then
            MILLSTREAM_BIN="$candidate"
        fi
    done
fi
if [ ! -x "${MILLSTREAM_BIN:-}" ]; then
    echo "no millstream binary: run 'cargo build --release' first, or set MILLSTREAM_BIN" >&2
    exit 2
fi

WORK="$(mktemp -d)"
finish() { if [ "$KEEP" ]; then echo "kept: $WORK" >&2; else rm -rf "$WORK"; fi; }
trap finish EXIT

LOCAL=(--target snowflake --engine local)
EARLY='{"as_of": "2025-01-31 00:00:00"}'
"$PYTHON" "$HERE/make_seeds.py" --check
"$PYTHON" "$HERE/expected.py" "$WORK/hand/early" 2025-01-31
"$PYTHON" "$HERE/expected.py" "$WORK/hand/all"
for side in ours theirs; do
    mkdir "$WORK/$side"
    (cd "$ROOT/examples/retail_snowflake" && tar cf - --exclude=./workspace --exclude=./target --exclude=./logs .) | tar xf - -C "$WORK/$side"
done

echo "== dbt build, twice" >&2
"$PYTHON" "$HERE/peer.py" "$WORK/theirs" "$WORK/peer" "early=$EARLY" "all={}" | sed -n '/^early:/p;/^all:/p' >&2

status=0
cd "$WORK/ours"
echo "== millstream build as of January" >&2
"$MILLSTREAM_BIN" build "${LOCAL[@]}" --vars "$EARLY"
"$PYTHON" "$HERE/compare.py" "$MILLSTREAM_BIN" . "$WORK/peer/early" "$WORK/hand/early" -- "${LOCAL[@]}" || status=1
echo "== millstream build of the rest" >&2
"$MILLSTREAM_BIN" build "${LOCAL[@]}"
"$PYTHON" "$HERE/compare.py" "$MILLSTREAM_BIN" . "$WORK/peer/all" "$WORK/hand/all" "${WRITE[@]}" -- "${LOCAL[@]}" || status=1
exit $status
