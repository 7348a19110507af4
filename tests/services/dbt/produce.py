"""Sends each line of a file as one message, with librdkafka's own Python client: produce.py BROKERS TOPIC FILE.

The key is the message's tx_id, where it has one. Exits with 1 when a message was not acknowledged.
"""

import json
import sys

from confluent_kafka import Producer

brokers, topic, path = sys.argv[1:]
failed = []
producer = Producer({"bootstrap.servers": brokers, "enable.idempotence": True, "compression.type": "lz4",
                     "message.timeout.ms": 30_000})
with open(path, encoding="utf-8") as lines:
    count = 0
    for line in lines:
        line = line.rstrip("\n")
        try:
            key = json.loads(line)["tx_id"]
        except (ValueError, TypeError, KeyError):
            key = None
        producer.produce(topic, value=line.encode(), key=key, on_delivery=lambda error, _: error and failed.append(error))
        count += 1
left = producer.flush(30)
if failed or left:
    sys.exit(f"{len(failed)} messages failed, {left} were not acknowledged: {failed[:1]}")
print(f"{count} messages sent", file=sys.stderr)
