#!/usr/bin/env bash
# Apache Kafka itself as the broker. See README.md. Exit code 1 when one of the cases does not end as it must.
set -euo pipefail
HERE="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
ROOT="$(cd "$HERE/../../.." && pwd)"
source "$HERE/shared.sh"
source "$HERE/broker.sh"
finish() {
    stop_broker
    rm -rf "$WORK"
}
trap finish EXIT

prepare_broker "$WORK/broker"
start_broker
cd "$WORK"
"$MILLSTREAM_BIN" init shop >/dev/null 2>&1

produce() { "$MILLSTREAM_BIN" produce --topic transactions --rate 10000 "$@"; }
ingest() { "$MILLSTREAM_BIN" ingest transactions_streaming --project-dir shop "$@"; }

must 0 "500 messages to Apache Kafka" produce --brokers "$PLAIN" --count 500 --seed 1
must 0 "ingested" ingest --brokers "$PLAIN"
rows 500 "after the first"
for codec in none gzip snappy lz4 zstd; do
    must 0 "compressed by $codec" produce --brokers "$PLAIN" --count 100 --seed "1$(printf %s "$codec" | wc -c)$RANDOM" -X compression.type=$codec
done
must 0 "every codec ingested" ingest --brokers "$PLAIN"
rows 1000 "after all codecs"

must 0 "SASL/PLAIN over TLS: produced" produce --brokers "$SASL" --count 200 --seed 2 "${ALICE[@]}"
must 0 "SASL/PLAIN over TLS: ingested" ingest --brokers "$SASL" "${ALICE[@]}"
must 0 "SASL/SCRAM-SHA-512 over TLS: produced" produce --brokers "$SASL" --count 200 --seed 3 "${BOB[@]}"
must 0 "SASL/SCRAM-SHA-512 over TLS: ingested" ingest --brokers "$SASL" "${BOB[@]}"
rows 1400 "after SASL"
must 3 "a wrong password is refused" ingest --brokers "$SASL" "${TLS[@]}" -X sasl.mechanism=PLAIN -X sasl.username=alice -X sasl.password=other-word
if grep -q other-word last.log; then echo "FAILED: the password is in what was said"; status=1; else echo "ok: the password is not told"; fi
must 3 "no TLS where TLS is spoken is refused" produce --brokers "$SASL" --count 10 --seed 4 --connect-timeout 5s

same 0 "$(group_lag transactions)" "lag of the group as Kafka's own tools see it"

"$VENV/bin/python" "$HERE/transactions.py" "$PLAIN" transactions >transactions.log 2>&1 || { cat transactions.log; status=1; }
must 0 "transactions ingested" ingest --brokers "$PLAIN"
rows 1460 "committed messages only"

stop_broker
must 3 "a broker that is away is told" ingest --brokers "$PLAIN"
start_broker
must 0 "after a restart of the broker: produced" produce --brokers "$PLAIN" --count 40 --seed 5
must 0 "after a restart of the broker: ingested" ingest --brokers "$PLAIN"
balance="$(balance)"
same balanced "${balance%% *}" "the ledger of ${balance#* } (messages in, in quarantine)"
same 0 "$(count "select count(*) - count(distinct tx_id) as n from raw.transactions_streaming")" "messages that were loaded twice"

# Its own broker, so that this one needs no memory meanwhile.
stop_broker
"$HERE/up.sh" || status=1
exit $status
