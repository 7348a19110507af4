#!/usr/bin/env bash
# `millstream up` on Apache Kafka itself, the whole pipeline of the finance project. See README.md. Exit code 1 when one of
# the cases does not end as it must.
set -euo pipefail
HERE="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
ROOT="$(cd "$HERE/../../.." && pwd)"
source "$HERE/shared.sh"
source "$HERE/broker.sh"
UP_PID= FLOW_PID= HELD_PID=
finish() {
    for pid in $UP_PID $FLOW_PID $HELD_PID; do { kill -9 "$pid" && wait "$pid"; } 2>/dev/null || true; done
    stop_broker
    rm -rf "$WORK"
}
trap finish EXIT

# How long anything may take until it is there, in seconds. Nothing waits for as long as that when all is well.
PATIENCE=40

becomes() { # becomes EXPECTED WHAT COMMAND…: what the command prints
    local expected=$1 what=$2 found until=$((SECONDS + PATIENCE))
    shift 2
    while
        found="$("$@" 2>/dev/null || true)"
        [ "$found" != "$expected" ] && [ $SECONDS -lt $until ]
    do sleep 0.2; done
    same "$expected" "$found" "$what"
}
stays() { # stays SECONDS EXPECTED WHAT COMMAND…
    local until=$((SECONDS + $1)) expected=$2 what=$3 found
    shift 3
    while
        found="$("$@" 2>/dev/null || true)"
        [ "$found" = "$expected" ] && [ $SECONDS -lt $until ]
    do sleep 0.2; done
    same "$expected" "$found" "$what"
}

start_up() { # start_up OPTION…
    HTTP_PORT="$(free_port)"
    "$MILLSTREAM_BIN" up --project-dir "$PROJECT" --listen "127.0.0.1:$HTTP_PORT" "$@" >>up.log 2>&1 &
    UP_PID=$!
}
stop_up() { # stop_up WHAT
    local code=0 from=$EPOCHREALTIME took
    kill "$UP_PID" || true
    wait "$UP_PID" || code=$?
    UP_PID=
    took=$(((${EPOCHREALTIME/./} - ${from/./}) / 1000))
    same 0 "$code" "exit code of up after SIGTERM, $1 ($took ms)"
    [ $took -lt 5000 ] || { echo "FAILED: it took $took ms to end"; status=1; }
}
http() { # http PATH: the status, then the body
    python3 - "http://127.0.0.1:$HTTP_PORT$1" <<'PYTHON'
import sys, urllib.error, urllib.request
try:
    answer = urllib.request.urlopen(sys.argv[1], timeout=5)
except urllib.error.HTTPError as error:
    answer = error
print(answer.status, answer.read().decode(), sep="\n")
PYTHON
}
ready() { http /readyz | sed -n 1p; }
# The end that `up` knows is told too: it learns it once a second, and is 0 behind an earlier one.
lag() {
    http /metrics | awk '/^millstream_lag_messages\{/ { lag += $NF } /^millstream_next_offset\{/ { next_ += $NF; n++ }
        END { print n ? lag " behind " lag + next_ : "none" }'
}

client() { "$VENV/bin/python" "$HERE/client.py" "$PLAIN" "$@" 2>client.log || { cat client.log >&2; return 1; }; }
produce() { "$MILLSTREAM_BIN" produce --brokers "$SASL" --topic transactions --users-from shop/data/incoming --rate 10000 "${ALICE[@]}" "$@"; }
uuid() { printf '00000000-0000-0000-0000-%012x' "$1"; }
streamed() { count "select count(*) || ' rows of ' || count(distinct tx_id) || ' ids' as n from fct_transactions where source_system = 'streaming'"; }
numbered() { count "select count(*) as n from fct_transactions where tx_id between '$(uuid "$1")' and '$(uuid "$2")'"; } # numbered FIRST LAST
# Whether the fact holds what a foreign client reads of the topic, no more and no less.
like_topic() {
    client "$TOPIC" ids | sort >there.txt
    "$MILLSTREAM_BIN" --quiet query --project-dir "$PROJECT" --format csv \
        "select tx_id from fct_transactions where source_system = 'streaming'" | tail -n +2 | sort >here.txt
    if cmp -s there.txt here.txt; then echo "the same"; else
        echo "$(comm -23 there.txt here.txt | wc -l) missing, $(comm -13 there.txt here.txt | wc -l) too many"
    fi
}
once() { count "select count(*) - count(distinct kafka_partition || '/' || kafka_offset) as n from raw.transactions_streaming"; }
told() { grep -ciE 'are gone|no longer at the broker|made anew|please report|panic' up.log || true; }

prepare_broker "$WORK/broker"
start_broker
TOPIC=transactions
cd "$WORK"
"$MILLSTREAM_BIN" init shop >/dev/null 2>&1
"$MILLSTREAM_BIN" generate --project-dir shop --out-dir shop/data/incoming --year 2025 --month 7 --users 50 --transactions 300 --seed 1 >/dev/null 2>&1
client "$TOPIC" topic 3

echo "-- SASL/PLAIN over TLS, every codec"
start_up --brokers "$SASL" "${ALICE[@]}"
seed=0
for codec in none gzip snappy lz4 zstd; do
    seed=$((seed + 1))
    # An at-least-once producer repeats itself: the raw table has it twice, the fact once.
    must 0 "compressed by $codec" produce --count 200 --seed $seed --duplicates 0.1 -X compression.type=$codec
done
used="$(java_main kafka.tools.DumpLogSegments --files "$(ls broker/log/transactions-*/*.log | paste -sd,)" 2>/dev/null | grep -o 'compresscodec: [a-z0-9]*' | sort -u | awk '{ print $2 }' | paste -sd' ')"
same "gzip lz4 none snappy zstd" "$used" "codecs in the broker's log"
client "$TOPIC" spoiled
becomes "1000 rows of 1000 ids" "the fact" streamed
becomes 1000 "the transactions of all days" count "select sum(transaction_count) as n from fct_daily_transactions where source_system = 'streaming'"
becomes 0 "transactions without their user" count "select count(*) as n from fct_transactions as f left join dim_users as u on f.user_key = u.user_key where u.user_key is null"
becomes "balanced $(client "$TOPIC" messages) 3" "the ledger has every message, three of them in quarantine" balance
becomes 200 "/readyz" ready
becomes "0 behind $(client "$TOPIC" ends)" "lag in /metrics" lag
becomes 0 "lag as Kafka's own tools see it" group_lag "$TOPIC"

echo "-- transactions"
client "$TOPIC" sent 1 60 commit
client "$TOPIC" sent 101 40 abort
becomes 60 "committed messages" numbered 1 60
PATIENCE=10 becomes "0 behind $(client "$TOPIC" ends)" "lag in /metrics behind what was aborted" lag
for end in commit abort; do
    first=$([ $end = commit ] && echo 1001 || echo 2001)
    rm -f held.in
    mkfifo held.in
    exec 3<>held.in
    # Not by the function above, and without the end that is written to: it must end when this script does.
    "$VENV/bin/python" "$HERE/client.py" "$PLAIN" "$TOPIC" held $first $end <held.in >held.log 2>&1 3>&- &
    HELD_PID=$!
    becomes open "a transaction" grep -x open held.log
    becomes 10 "messages of another partition meanwhile" numbered $((first + 30)) $((first + 39))
    stays 3 0 "messages of an open transaction and behind it" numbered $first $((first + 29))
    echo >&3
    exec 3>&-
    must 0 "its end: $end" wait "$HELD_PID"
    HELD_PID=
    becomes 10 "messages behind it after $end" numbered $((first + 20)) $((first + 29))
    same "$([ $end = commit ] && echo 20 || echo 0)" "$(numbered $first $((first + 19)))" "its own messages after $end"
done
same 0 "$(numbered 101 140)" "aborted messages"
PATIENCE=10 becomes "0 behind $(client "$TOPIC" ends)" "lag in /metrics at the end of all transactions" lag
PATIENCE=10 becomes 0 "lag as Kafka's own tools see it at the end of all transactions" group_lag "$TOPIC"

echo "-- the broker is restarted"
stop_broker
becomes 503 "/readyz without a broker" ready
start_broker
must 0 "produced after it" produce --count 100 --seed 11
becomes "1220 rows of 1220 ids" "the fact" streamed
becomes 200 "/readyz" ready
becomes "the same" "transactions in the fact and at the broker" like_topic

echo "-- up is killed"
"$MILLSTREAM_BIN" produce --brokers "$PLAIN" --topic transactions --users-from shop/data/incoming --rate 1000 --count 2000 --seed 12 >flow.log 2>&1 &
FLOW_PID=$!
until="$((SECONDS + PATIENCE))"
while [ "$(count "select count(*) as n from raw.transactions_streaming")" -lt 1800 ] && [ $SECONDS -lt $until ]; do sleep 0.1; done
kill -9 "$UP_PID"
wait "$UP_PID" 2>/dev/null || true
UP_PID=
killed_at="$(count "select count(*) as n from raw.transactions_streaming")"
must 0 "what was sent meanwhile" wait "$FLOW_PID"
FLOW_PID=
[ "$killed_at" -lt "$(client "$TOPIC" messages)" ] || { echo "FAILED: it was killed when nothing was left to do"; status=1; }
must 0 "and after it" produce --count 100 --seed 13
# This time the settings are those of the project, and the other mechanism.
python3 - shop/models/sources.yml <<'PYTHON'
import sys
text = open(sys.argv[1]).read()
topic = "              topic: transactions\n"
assert text.count(topic) == 1
settings = "security.protocol: SASL_SSL, ssl.ca.location: \"{{ env_var('TEST_CA') }}\", sasl.mechanism: SCRAM-SHA-512, " \
    "sasl.username: bob, sasl.password: \"{{ env_var('TEST_WORD') }}\""
open(sys.argv[1], "w").write(text.replace(topic, topic + f"              properties: {{{settings}}}\n"))
PYTHON
export TEST_CA="$WORK/broker/ca.crt" TEST_WORD=bob-word MILLSTREAM_BROKERS="$SASL"
start_up
becomes "3320 rows of 3320 ids" "the fact after kill -9" streamed
becomes "the same" "transactions in the fact and at the broker" like_topic
same 0 "$(once)" "messages that are in the raw table twice"
becomes "0 behind $(client "$TOPIC" ends)" "lag in /metrics" lag
becomes 0 "lag as Kafka's own tools see it" group_lag "$TOPIC"
must 0 "sent just before SIGTERM" produce --count 50 --seed 14
stop_up "with messages on their way"
start_up
becomes "3370 rows of 3370 ids" "the fact after SIGTERM" streamed
client "$TOPIC" sent 3001 40 abort
PATIENCE=10 becomes "0 behind $(client "$TOPIC" ends)" "lag in /metrics behind what was aborted at the end" lag
stop_up "with nothing to do"
same "balanced $(client "$TOPIC" messages) 3" "$(balance)" "the ledger has every message"
same 0 "$(once)" "messages that are in the raw table twice"
same "the same" "$(like_topic)" "transactions in the fact and at the broker"
# Nothing that counts is gone, for what was not read was aborted: it must not be told as lost.
client "$TOPIC" gone
start_up
must 0 "sent when retention has removed what was aborted" produce --count 50 --seed 15
PATIENCE=15 becomes "3420 rows of 3420 ids" "the fact" streamed
PATIENCE=5 becomes 200 "/readyz" ready
stop_up "after retention"
must 0 "verify" "$MILLSTREAM_BIN" verify --project-dir shop

echo "-- a compacted topic"
TOPIC=compacted PROJECT=kept
"$MILLSTREAM_BIN" init kept >/dev/null 2>&1
sed -i 's/^              topic: transactions$/              topic: compacted/' kept/models/sources.yml
export MILLSTREAM_BROKERS="$PLAIN"
client "$TOPIC" topic 1 cleanup.policy=compact segment.ms=500 min.cleanable.dirty.ratio=0.01
same 51 "$(client "$TOPIC" versions 1)" "messages of 1001 that the cleaner keeps"
start_up
becomes "51 rows of 51 ids" "the fact of a topic that has gaps" streamed
becomes "0 behind $(client "$TOPIC" ends)" "lag in /metrics" lag
same 51 "$(client "$TOPIC" versions 2001)" "messages of 1001 that the cleaner keeps while up reads"
becomes 51 "the last of each key" numbered 2951 3001
becomes "0 behind $(client "$TOPIC" ends)" "lag in /metrics" lag
stop_up "with gaps"
# The offset at which it goes on is one of those that are gone then.
same 51 "$(client "$TOPIC" versions 4001)" "messages of 1001 that the cleaner keeps while up is away"
start_up
becomes 51 "the last of each key" numbered 4951 5001
same 51 "$(numbered 4001 5001)" "messages of that time"
becomes 200 "/readyz" ready
becomes "0 behind $(client "$TOPIC" ends)" "lag in /metrics" lag
becomes 0 "lag as Kafka's own tools see it" group_lag "$TOPIC"
stop_up "with gaps"
same 0 "$(once)" "messages that are in the raw table twice"
case "$(balance)" in "balanced "*" 0") echo "ok: the ledger: $(balance)" ;; *) echo "FAILED: the ledger: $(balance)"; status=1 ;; esac
must 0 "verify" "$MILLSTREAM_BIN" verify --project-dir kept

same 0 "$(told)" "lines of up that speak of lost messages or bugs"
secrets="$(grep -rlE 'alice-word|bob-word' ./*.log {shop,kept}/workspace 2>/dev/null | paste -sd' ' || true)"
same "" "$secrets" "logs and tables with a password"
[ $status = 0 ] || cat up.log
exit $status
