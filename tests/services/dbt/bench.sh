#!/usr/bin/env bash
# Times real dbt-core + dbt-duckdb on the equivalent project: the raw tables of PROJECT_DIR's workspace, the same
# models, seeds, snapshot and tests.
#
#   tests/services/dbt/bench.sh PROJECT_DIR [RUNS]
#
# Prints one line per run on standard output: the wall time in seconds of the whole process `dbt build`. The first run
# has no partial-parse cache and is not printed; every run starts from a database with the raw tables only.
# The installation of dbt and the copy of the raw tables are not in the time.
set -euo pipefail
HERE="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
ROOT="$(cd "$HERE/../../.." && pwd)"
PROJECT="$(cd "${1:?usage: bench.sh PROJECT_DIR [RUNS]}" && pwd)"
RUNS="${2:-3}"
. "$HERE/venv.sh"

WORK="$(mktemp -d)"
trap 'rm -rf "$WORK"' EXIT
mkdir "$WORK/raw"
cd "$PROJECT"
for table in transactions_batch transactions_streaming users; do
    "$MILLSTREAM_BIN" --quiet query "select * from raw.$table" --format parquet >"$WORK/raw/$table.parquet"
done
"$PYTHON" "$HERE/load_raw.py" "$WORK/raw" "$WORK/raw.duckdb" >&2

prepare_project "$WORK/project"
cd "$WORK/project"
export FINANCE_DUCKDB_PATH="$WORK/finance.duckdb"
for run in $(seq 0 "$RUNS"); do
    rm -f "$FINANCE_DUCKDB_PATH"*
    cp "$WORK/raw.duckdb" "$FINANCE_DUCKDB_PATH"
    began="$(date +%s.%N)"
    "$DBT" --no-use-colors --quiet build --target duckdb --profiles-dir . >&2
    ended="$(date +%s.%N)"
    [ "$run" = 0 ] || awk -v a="$began" -v b="$ended" 'BEGIN { printf "%.3f\n", b - a }'
done
