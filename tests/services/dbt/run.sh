#!/usr/bin/env bash
# Does real dbt build the same marts? Builds the finance project on the fixtures with Millstream and with dbt-core on
# DuckDB, from the same raw tables, and compares every relation row by row, every column, decimals exactly. Then the
# artifacts: ours must parse in dbt's own classes and name the same nodes.
#
#   tests/services/dbt/run.sh [--keep]
#
# Needs: the millstream binary (MILLSTREAM_BIN), python3 and PyPI. Exit code 1 on any difference.
set -euo pipefail
HERE="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
ROOT="$(cd "$HERE/../../.." && pwd)"
. "$HERE/venv.sh"

WORK="$(mktemp -d)"
BROKER_PID=""
finish() {
    [ -n "$BROKER_PID" ] && kill "$BROKER_PID" 2>/dev/null && wait "$BROKER_PID" 2>/dev/null
    if [ "${KEEP:-}" ]; then echo "kept: $WORK" >&2; else rm -rf "$WORK"; fi
}
[ "${1:-}" = "--keep" ] && KEEP=1
trap finish EXIT

OURS="$WORK/ours"
THEIRS="$WORK/theirs"
prepare_project "$OURS"
prepare_project "$THEIRS"
rm -rf "$OURS/dbt_packages"     # ours ship with the binary
cp "$ROOT"/tests/fixtures/incoming/*.csv "$OURS/data/incoming/"

echo "== messages into the embedded broker, by another client" >&2
PORT="$("$PYTHON" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')"
export MILLSTREAM_BROKERS="127.0.0.1:$PORT"
"$MILLSTREAM_BIN" broker --listen "$MILLSTREAM_BROKERS" --topic transactions:3 >"$WORK/broker.log" 2>&1 &
BROKER_PID=$!
"$PYTHON" "$HERE/produce.py" "$MILLSTREAM_BROKERS" transactions "$ROOT/tests/fixtures/kafka_500.jsonl"

echo "== millstream ingest, build" >&2
cd "$OURS"
"$MILLSTREAM_BIN" ingest
"$MILLSTREAM_BIN" build

echo "== the same raw tables into DuckDB" >&2
mkdir "$WORK/raw"
for table in transactions_batch transactions_streaming users; do
    "$MILLSTREAM_BIN" --quiet query "select * from raw.$table" --format parquet >"$WORK/raw/$table.parquet"
done
export FINANCE_DUCKDB_PATH="$WORK/finance.duckdb"
"$PYTHON" "$HERE/load_raw.py" "$WORK/raw" "$FINANCE_DUCKDB_PATH"

echo "== dbt build" >&2
cd "$THEIRS"
"$DBT" --no-use-colors --quiet build --target duckdb --profiles-dir .

echo "== comparison" >&2
status=0
"$PYTHON" "$HERE/compare.py" "$MILLSTREAM_BIN" "$OURS" "$FINANCE_DUCKDB_PATH" "$THEIRS/target/manifest.json" || status=1
"$PYTHON" "$HERE/artifacts.py" "$OURS/target" "$THEIRS/target" || status=1
exit $status
