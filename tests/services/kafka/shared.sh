# Sourced by run.sh and up.sh, which set HERE and ROOT: the binary, a folder to work in, the Python client, and what is
# asked of the project.
MILLSTREAM_BIN="${MILLSTREAM_BIN:-$ROOT/target/release/millstream}"
WORK="$(mktemp -d)"
VENV="${MILLSTREAM_KAFKA_VENV:-$ROOT/target/kafka-venv}"
if ! cmp -s "$HERE/requirements.txt" "$VENV/installed.txt"; then
    python3 -m venv "$VENV" >&2
    "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check -r "$HERE/requirements.txt" >&2
    cp "$HERE/requirements.txt" "$VENV/installed.txt"
fi

source "$HERE/../cases.sh"
same() { # same EXPECTED FOUND WHAT
    if [ "$2" = "$1" ]; then echo "ok: $3: $2"; else
        echo "FAILED: $3: $2, expected $1"
        status=1
    fi
}

# What they ask is asked of the project in the folder PROJECT.
PROJECT=shop
count() { "$MILLSTREAM_BIN" --quiet query --project-dir "$PROJECT" "$1" --format csv | tail -1; }
rows() { same "$1 rows" "$(count "select count(*) as n from raw.transactions_streaming") rows" "$2"; } # rows EXPECTED WHAT
balance() { # "balanced IN QUARANTINED" when every message of the topic is in the table or in quarantine
    "$MILLSTREAM_BIN" --quiet ledger --project-dir "$PROJECT" --table transactions_streaming --format csv | awk -F, '
        NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
        { i_ += $at["rows_in"]; l += $at["rows_loaded"]; q += $at["rows_quarantined"] }
        END { print (i_ == l + q) ? "balanced" : "unbalanced", i_ + 0, q + 0 }'
}

# What Kafka's own tools say of the group's lag at the broker PLAIN.
group_lag() { # group_lag TOPIC
    java_main org.apache.kafka.tools.consumer.group.ConsumerGroupCommand --bootstrap-server "$PLAIN" --all-groups --describe \
        2>/dev/null | awk -v topic="$1" '$2 == topic { lag += $6; n++ } END { print n ? lag : "none" }'
}
