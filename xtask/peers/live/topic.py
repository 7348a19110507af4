"""What a topic holds behind some offsets, by the producer's own times.

usage: topic.py BROKERS TOPIC [PARTITION:OFFSET,...]
Prints a line "MILLIS COUNT" for each millisecond of producer time: how many messages came up for the first time (by key)
then, in the order of time; last "end PARTITION:OFFSET,... MESSAGES", from where to go on and how many there were with repeats.
"""
import sys
from collections import Counter

from confluent_kafka import Consumer, TopicPartition

brokers, topic = sys.argv[1:3]
begin = dict(pair.split(":") for pair in sys.argv[3].split(",")) if len(sys.argv) > 3 and sys.argv[3] else {}
consumer = Consumer({
    "bootstrap.servers": brokers,
    "group.id": "bench-topic",
    "enable.auto.commit": False,
    "queued.min.messages": 200_000,
})
ends, left, at = {}, 0, []
for partition in consumer.list_topics(topic, timeout=30).topics[topic].partitions:
    _, high = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=30)
    first = int(begin.get(str(partition), 0))
    ends[partition] = high
    left += high - first
    at.append(TopicPartition(topic, partition, first))
consumer.assign(at)
messages, seen, counts = left, set(), Counter()
# A repeat has the time of the first one, so which of both is counted does not matter.
while left > 0:
    batch = consumer.consume(min(left, 10_000), timeout=30)
    if not batch:
        sys.exit(f"{left} messages of {topic} did not come")
    for message in batch:
        if message.error():
            sys.exit(str(message.error()))
        if message.offset() >= ends[message.partition()]:
            continue
        left -= 1
        key = hash(message.key())
        if key not in seen:
            seen.add(key)
            counts[message.timestamp()[1]] += 1
for millis in sorted(counts):
    print(millis, counts[millis])
print("end", ",".join(f"{partition}:{high}" for partition, high in sorted(ends.items())), messages)
