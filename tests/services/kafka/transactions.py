"""Writes transactions: 60 messages that are committed, 40 that are aborted, and 20 of one that stays open.

Usage: transactions.py BROKERS TOPIC
"""

import json
import sys
import uuid

from confluent_kafka import Producer


def message(number):
    return json.dumps(
        {
            "tx_id": str(uuid.UUID(int=number)),
            "user_id": str(uuid.UUID(int=7)),
            "amount": "12.50",
            "currency": "EUR",
            "merchant": "Corner Shop",
            "category": "online_shopping",
            "timestamp": "2025-07-15T10:00:00+00:00",
            "source_system": "kafka_stream",
            "transaction_type": "purchase",
            "processing_time_ms": 5,
        }
    )


def send(brokers, topic, name, numbers, end):
    producer = Producer({"bootstrap.servers": brokers, "transactional.id": name, "transaction.timeout.ms": 60000})
    producer.init_transactions()
    producer.begin_transaction()
    for number in numbers:
        producer.produce(topic, key=str(number), value=message(number))
    producer.flush()
    if end == "commit":
        producer.commit_transaction()
    elif end == "abort":
        producer.abort_transaction()
    return producer


def main(brokers, topic):
    send(brokers, topic, "good", range(1, 61), "commit")
    send(brokers, topic, "taken-back", range(101, 141), "abort")
    # Kept until the process ends without an end of the transaction: nobody may read what is behind it either.
    return send(brokers, topic, "open", range(201, 221), "stay")


if __name__ == "__main__":
    left_open = main(*sys.argv[1:3])
