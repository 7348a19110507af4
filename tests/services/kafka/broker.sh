# Sourced by run.sh and up.sh: Apache Kafka in KRaft mode, one node, from Maven Central.
# MILLSTREAM_KAFKA_LIB says where its jars are kept (default: target/kafka-lib of the repository). Idempotent.
#
# Listeners: PLAIN_PORT without anything, SASL_PORT with SASL (PLAIN and SCRAM-SHA-512) over TLS.
LIB="${MILLSTREAM_KAFKA_LIB:-$ROOT/target/kafka-lib}"
if ! cmp -s "$HERE/pom.xml" "$LIB/pom.xml"; then
    echo "fetching Apache Kafka into $LIB" >&2
    rm -rf "$LIB"
    mkdir -p "$LIB"
    mvn -q -B -f "$HERE/pom.xml" org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies \
        -DincludeScope=runtime -DoutputDirectory="$LIB" >&2
    cp "$HERE/pom.xml" "$LIB/pom.xml"
fi

java_main() { java -Xmx512m -cp "$LIB/*" "$@"; }

# prepare_broker DIR: certificates, settings, and formatted storage with the users alice (PLAIN) and bob (SCRAM).
prepare_broker() {
    BROKER_DIR=$1
    mkdir -p "$BROKER_DIR"
    PLAIN_PORT="$(free_port)" SASL_PORT="$(free_port)" CONTROL_PORT="$(free_port)"
    # Where clients come in, and what they say.
    PLAIN="localhost:$PLAIN_PORT"
    SASL="localhost:$SASL_PORT"
    TLS=(-X security.protocol=SASL_SSL -X ssl.ca.location="$BROKER_DIR/ca.crt")
    ALICE=("${TLS[@]}" -X sasl.mechanism=PLAIN -X sasl.username=alice -X sasl.password=alice-word)
    BOB=("${TLS[@]}" -X sasl.mechanism=SCRAM-SHA-512 -X sasl.username=bob -X sasl.password=bob-word)
    (
        cd "$BROKER_DIR"
        openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=authority" -keyout ca.key -out ca.crt
        openssl req -newkey rsa:2048 -nodes -subj "/CN=localhost" -keyout server.key -out server.csr
        openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -out server.crt \
            -extfile <(printf 'subjectAltName=DNS:localhost')
        openssl pkcs12 -export -in server.crt -inkey server.key -certfile ca.crt -passout pass:store-word -out server.p12
    ) 2>/dev/null
    cat >"$BROKER_DIR/server.properties" <<EOF
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@localhost:$CONTROL_PORT
listeners=PLAINTEXT://localhost:$PLAIN_PORT,SASL_SSL://localhost:$SASL_PORT,CONTROLLER://localhost:$CONTROL_PORT
advertised.listeners=PLAINTEXT://localhost:$PLAIN_PORT,SASL_SSL://localhost:$SASL_PORT
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-512
listener.name.sasl_ssl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_alice="alice-word";
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
ssl.keystore.type=PKCS12
ssl.keystore.location=$BROKER_DIR/server.p12
ssl.keystore.password=store-word
ssl.key.password=store-word
log.dirs=$BROKER_DIR/log
num.partitions=3
offsets.topic.replication.factor=1
offsets.topic.num.partitions=3
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=3
group.initial.rebalance.delay.ms=0
log.cleaner.backoff.ms=250
EOF
    java_main kafka.tools.StorageTool format --cluster-id "$(java_main kafka.tools.StorageTool random-uuid 2>/dev/null | tail -1)" \
        --config "$BROKER_DIR/server.properties" --add-scram 'SCRAM-SHA-512=[name=bob,password=bob-word]' >"$BROKER_DIR/format.log" 2>&1 ||
        { cat "$BROKER_DIR/format.log" >&2; return 1; }
}

# start_broker, stop_broker: the same storage each time.
start_broker() {
    # Not by the function above: the process that is stopped later must be Java's own.
    java -Xmx512m -cp "$LIB/*" kafka.Kafka "$BROKER_DIR/server.properties" >>"$BROKER_DIR/broker.log" 2>&1 &
    BROKER_PID=$!
    for _ in $(seq 240); do
        python3 -c "import socket; socket.create_connection(('localhost', $PLAIN_PORT), 1)" 2>/dev/null && return 0
        kill -0 "$BROKER_PID" 2>/dev/null || break
        sleep 0.25
    done
    echo "the broker did not start" >&2
    tail -20 "$BROKER_DIR/broker.log" >&2
    return 1
}

stop_broker() {
    [ -z "${BROKER_PID:-}" ] || { kill "$BROKER_PID" && wait "$BROKER_PID"; } 2>/dev/null || true
    BROKER_PID=
}
