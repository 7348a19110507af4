# Sourced by run.sh and peer.sh: makes sure that the Python environment is there, and sets PYTHON and DBT.
# MILLSTREAM_DBT_VENV says where it is (default: target/dbt-venv of the repository). Idempotent.
VENV="${MILLSTREAM_DBT_VENV:-$ROOT/target/dbt-venv}"
REQUIREMENTS="$ROOT/tests/services/dbt/requirements.txt"
if ! cmp -s "$REQUIREMENTS" "$VENV/installed.txt"; then
    echo "installing dbt-core and dbt-duckdb from PyPI into $VENV" >&2
    python3 -m venv "$VENV" >&2
    "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check -r "$REQUIREMENTS" >&2
    cp "$REQUIREMENTS" "$VENV/installed.txt"
fi
PYTHON="$VENV/bin/python"
DBT="$VENV/bin/dbt"
export DO_NOT_TRACK=1 DBT_SEND_ANONYMOUS_USAGE_STATS=false

# The binary: MILLSTREAM_BIN, or the newest that cargo has built.
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

# prepare_project DIR: a copy of the finance project that both tools can build.
prepare_project() {
    mkdir -p "$1"
    (cd "$ROOT/examples/finance" && tar cf - --exclude=./workspace --exclude=./target --exclude=./logs --exclude=./data .) | tar xf - -C "$1"
    # dbt-core gets the macros that Millstream ships, so that both run the same ones.
    mkdir -p "$1/dbt_packages" "$1/data/incoming"
    rm -rf "$1/dbt_packages/dbt_utils"
    cp -r "$ROOT/crates/jinja/macros/dbt_utils" "$1/dbt_packages/dbt_utils"
}
