"""Pathway: parse JSON, one row for each tx_id, count and sum by day, category and currency, updates as they come.

usage: pathway_daily.py BROKERS TOPIC THREADS FOLDER (THREADS is Pathway's own setting, PATHWAY_THREADS)
Prints "MILLIS COUNT" whenever the output has changed: the time, and the transactions that all groups hold together.
"""
import sys
import time

import pathway as pw

brokers, topic = sys.argv[1:3]


class Transaction(pw.Schema):
    tx_id: str
    amount: float
    currency: str
    category: str
    timestamp: str


messages = pw.io.kafka.read(
    {"bootstrap.servers": brokers, "group.id": "pathway-daily", "auto.offset.reset": "earliest"},
    topic=topic,
    schema=Transaction,
    format="json",
    # Pathway looks for new input this often; its default is 1500 ms.
    autocommit_duration_ms=100,
)
one_each = messages.groupby(pw.this.tx_id).reduce(
    day=pw.reducers.any(pw.this.timestamp.str.slice(0, 10)),
    category=pw.reducers.any(pw.this.category),
    currency=pw.reducers.any(pw.this.currency),
    amount=pw.reducers.any(pw.this.amount),
)
daily = one_each.groupby(pw.this.day, pw.this.category, pw.this.currency).reduce(
    pw.this.day,
    pw.this.category,
    pw.this.currency,
    transactions=pw.reducers.count(),
    total=pw.reducers.sum(pw.this.amount),
)
total = 0


def changed(key, row, time, is_addition):
    global total
    total += row["transactions"] if is_addition else -row["transactions"]


def complete(_):
    print(int(time.time() * 1000), total, flush=True)


pw.io.subscribe(daily, on_change=changed, on_time_end=complete)
pw.run(monitoring_level=pw.MonitoringLevel.NONE)
