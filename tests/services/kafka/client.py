"""What up.sh does as a foreign client of Apache Kafka.

Usage: client.py BROKERS TOPIC topic PARTITIONS [SETTING=VALUE…]   makes the topic
                              ids                 the tx_ids of all that is committed, each once, sorted
                              messages            how many messages are committed
                              ends                the offsets at which the partitions end, added up
                              spoiled             sends three messages that are no transactions
                              sent FIRST COUNT END
                                                  sends a transaction that ends by END (commit or abort)
                              gone                removes all messages, as retention does
                              held FIRST END      20 messages of a transaction and 10 plain ones behind it in partition 0,
                                                  10 plain ones in partition 1; says "open", and ends the transaction by
                                                  END (commit or abort) when it is given a line
                              versions FIRST      keys that are written again and again, until the broker's cleaner has
                                                  removed what is superseded; says how many messages it kept of them
"""

import json
import sys
import time

from confluent_kafka import OFFSET_END, Consumer, KafkaError, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from transactions import message, send

KEYS = 50
VERSIONS = 20
CLEANED_WITHIN = 30


def make(brokers, topic, partitions, *settings):
    new = NewTopic(topic, int(partitions), 1, config=dict(setting.split("=", 1) for setting in settings))
    admin = AdminClient({"bootstrap.servers": brokers})
    for made in admin.create_topics([new]).values():
        made.result(30)


def remove(brokers, topic):
    admin = AdminClient({"bootstrap.servers": brokers})
    partitions = admin.list_topics(topic, 10).topics[topic].partitions
    for removed in admin.delete_records([TopicPartition(topic, partition, OFFSET_END) for partition in partitions]).values():
        removed.result(30)


def committed(brokers, topic):
    consumer = Consumer({"bootstrap.servers": brokers, "group.id": "foreign", "enable.auto.commit": False,
                         "enable.partition.eof": True, "isolation.level": "read_committed"})
    left = set(consumer.list_topics(topic, 10).topics[topic].partitions)
    consumer.assign([TopicPartition(topic, partition, 0) for partition in left])
    while left:
        polled = consumer.poll(10)
        if polled is None:
            sys.exit("the broker says nothing")
        if polled.error() is None:
            yield polled
        elif polled.error().code() == KafkaError._PARTITION_EOF:
            left.discard(polled.partition())
        else:
            sys.exit(str(polled.error()))
    consumer.close()


def ends(brokers, topic):
    consumer = Consumer({"bootstrap.servers": brokers, "group.id": "foreign"})
    partitions = consumer.list_topics(topic, 10).topics[topic].partitions
    print(sum(consumer.get_watermark_offsets(TopicPartition(topic, partition), 10)[1] for partition in partitions))
    consumer.close()


def ids(brokers, topic):
    found = set()
    for read in committed(brokers, topic):
        try:
            found.add(json.loads(read.value())["tx_id"])
        except (TypeError, ValueError):
            continue  # one of the spoiled
    print("\n".join(sorted(found)))


def plain(brokers, topic, messages):
    producer = Producer({"bootstrap.servers": brokers})
    for partition, key, value in messages:
        producer.produce(topic, partition=partition, key=key, value=value)
    if producer.flush(30):
        sys.exit("not everything was sent")


def held(brokers, topic, first, end):
    first = int(first)
    # Its partition is named, so that what follows is behind it.
    producer = Producer({"bootstrap.servers": brokers, "transactional.id": f"held-{first}"})
    producer.init_transactions()
    producer.begin_transaction()
    for number in range(first, first + 20):
        producer.produce(topic, partition=0, value=message(number))
    producer.flush()
    plain(brokers, topic, [(0, None, message(number)) for number in range(first + 20, first + 30)])
    plain(brokers, topic, [(1, None, message(number)) for number in range(first + 30, first + 40)])
    print("open", flush=True)
    sys.stdin.readline()
    producer.commit_transaction() if end == "commit" else producer.abort_transaction()


def versions(brokers, topic, first):
    first = int(first)
    before = list(committed(brokers, topic))
    start = max((read.offset() + 1 for read in before), default=0)
    numbers = range(first, first + KEYS * VERSIONS)
    plain(brokers, topic, [(0, f"key-{number % KEYS}", message(number)) for number in numbers])
    # The segment that is written to is never cleaned: a message after segment.ms begins the next one.
    time.sleep(1)
    plain(brokers, topic, [(0, f"last-{first}", message(numbers.stop))])
    deadline = time.monotonic() + CLEANED_WITHIN
    while time.monotonic() < deadline:
        kept = [read.offset() for read in committed(brokers, topic) if read.offset() >= start]
        if len(kept) == KEYS + 1:
            print(len(kept), flush=True)
            return
        time.sleep(0.3)
    sys.exit(f"the cleaner has kept {len(kept)} messages")


def main(brokers, topic, what, *rest):
    if what == "topic":
        make(brokers, topic, *rest)
    elif what == "ids":
        ids(brokers, topic)
    elif what == "messages":
        print(sum(1 for _ in committed(brokers, topic)))
    elif what == "ends":
        ends(brokers, topic)
    elif what == "spoiled":
        plain(brokers, topic, [(0, "a", "no JSON"), (1, "b", message(9001)[:-10]), (2, "c", None)])
    elif what == "sent":
        first, number, end = rest
        send(brokers, topic, f"sent-{first}", range(int(first), int(first) + int(number)), end)
    elif what == "gone":
        remove(brokers, topic)
    elif what == "held":
        held(brokers, topic, *rest)
    elif what == "versions":
        versions(brokers, topic, *rest)
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(*sys.argv[1:])
