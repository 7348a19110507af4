#!/usr/bin/env bash
# Do `produce` and `ingest` speak TLS? See README.md. Exit code 1 when one of the cases does not end as it must.
set -euo pipefail
HERE="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
ROOT="$(cd "$HERE/../../.." && pwd)"
MILLSTREAM_BIN="${MILLSTREAM_BIN:-$ROOT/target/release/millstream}"
WORK="$(mktemp -d)"
PIDS=()
finish() {
    for pid in "${PIDS[@]}"; do { kill "$pid" && wait "$pid"; } 2>/dev/null || true; done
    rm -rf "$WORK"
}
trap finish EXIT
cd "$WORK"

source "$HERE/../cases.sh"
authority() { openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=$1" -keyout "$1.key" -out "$1.crt" 2>/dev/null; }
signed() { # signed NAME SUBJECT_ALTERNATIVE_NAME
    openssl req -newkey rsa:2048 -nodes -subj "/CN=$1" -keyout "$1.key" -out "$1.csr" 2>/dev/null
    openssl x509 -req -in "$1.csr" -CA ours.crt -CAkey ours.key -CAcreateserial -days 2 -out "$1.crt" \
        -extfile <(printf 'subjectAltName=%s' "$2") 2>/dev/null
}
authority ours
authority other
signed server DNS:localhost
signed client DNS:client

BACK="$(free_port)"
FRONT="$(free_port)"
"$MILLSTREAM_BIN" broker --listen "127.0.0.1:$BACK" --advertised "localhost:$FRONT" --topic transactions:3 >broker.log 2>&1 &
PIDS+=($!)
python3 "$HERE/front.py" "$FRONT" "$BACK" server.crt server.key ours.crt >front.log 2>front.err &
PIDS+=($!)
for _ in $(seq 100); do grep -q ready front.log && break; sleep 0.1; done

"$MILLSTREAM_BIN" init shop >/dev/null 2>&1
TLS=(-X security.protocol=SSL -X ssl.ca.location="$WORK/ours.crt")
CLIENT=(-X ssl.certificate.location="$WORK/client.crt" -X ssl.key.location="$WORK/client.key")
produce() { "$MILLSTREAM_BIN" produce --topic transactions --count 500 --rate 10000 --seed 1 "$@"; }
must 0 "500 messages through TLS with a client certificate" produce --brokers "localhost:$FRONT" "${TLS[@]}" "${CLIENT[@]}"
must 0 "ingested through TLS" \
    "$MILLSTREAM_BIN" ingest transactions_streaming --project-dir shop --brokers "localhost:$FRONT" "${TLS[@]}" "${CLIENT[@]}"
must 0 "the machine's own authorities are trusted without ssl.ca.location" env SSL_CERT_FILE="$WORK/ours.crt" \
    "$MILLSTREAM_BIN" ingest transactions_streaming --project-dir shop --brokers "localhost:$FRONT" -X security.protocol=SSL "${CLIENT[@]}"
must 3 "an unknown authority is refused" produce --brokers "localhost:$FRONT" \
    -X security.protocol=SSL -X ssl.ca.location="$WORK/other.crt" "${CLIENT[@]}" --connect-timeout 5s
must 3 "a name that is not in the certificate is refused" produce --brokers "127.0.0.1:$FRONT" "${TLS[@]}" "${CLIENT[@]}" --connect-timeout 5s
must 3 "no client certificate is refused" produce --brokers "localhost:$FRONT" "${TLS[@]}" --connect-timeout 5s
rows="$("$MILLSTREAM_BIN" --quiet query --project-dir shop "select count(*) as n from raw.transactions_streaming" --format csv | tail -1)"
[ "$rows" = 500 ] || { echo "FAILED: $rows rows, expected 500"; status=1; }
exit $status
