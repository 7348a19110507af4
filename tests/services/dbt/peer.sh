#!/usr/bin/env bash
# Sets up real dbt-core + dbt-duckdb on the raw tables of a Millstream project's workspace, for the benches:
#
#   tests/services/dbt/peer.sh PROJECT_DIR FOLDER [--seeded]
#
# Makes FOLDER/project (the same dbt project) and FOLDER/base.duckdb (the raw tables only). With --seeded the database
# also holds the seeds, and FOLDER/project/target/manifest.json the SQL that dbt compiles for DuckDB.
set -euo pipefail
HERE="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
ROOT="$(cd "$HERE/../../.." && pwd)"
PROJECT="$(cd "${1:?usage: peer.sh PROJECT_DIR FOLDER [--seeded]}" && pwd)"
FOLDER="${2:?usage: peer.sh PROJECT_DIR FOLDER [--seeded]}"
. "$HERE/venv.sh"

rm -rf "$FOLDER"
mkdir -p "$FOLDER/raw"
cd "$PROJECT"
for table in transactions_batch transactions_streaming users; do
    "$MILLSTREAM_BIN" --quiet query "select * from raw.$table" --format parquet >"$FOLDER/raw/$table.parquet"
done
"$PYTHON" "$HERE/load_raw.py" "$FOLDER/raw" "$FOLDER/base.duckdb" >&2
rm -r "$FOLDER/raw"

prepare_project "$FOLDER/project"
if [ "${3:-}" = "--seeded" ]; then
    cd "$FOLDER/project"
    export FINANCE_DUCKDB_PATH="$FOLDER/base.duckdb"
    "$DBT" --no-use-colors --quiet seed --target duckdb --profiles-dir . >&2
    "$DBT" --no-use-colors --quiet compile --target duckdb --profiles-dir . >&2
fi
