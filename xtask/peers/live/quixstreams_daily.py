"""Quix Streams: parse JSON, drop repeated tx_ids, count and sum by day, category and currency, updates as they come.

usage: quixstreams_daily.py BROKERS TOPIC THREADS FOLDER (one thread, which is what a Quix application has)
Prints "MILLIS COUNT" every 20 ms: the time, and the transactions that all groups hold together.
"""
import sys
import threading
import time

from quixstreams import Application

brokers, topic, _, folder = sys.argv[1:5]
app = Application(
    broker_address=brokers,
    consumer_group="quixstreams-daily",
    auto_offset_reset="earliest",
    state_dir=f"{folder}/state",
    loglevel="WARNING",
)
transactions = app.dataframe(app.topic(topic, value_deserializer="json"))


def is_new(row, state):
    # Messages are keyed by tx_id, and state is that of the key.
    if state.get("seen"):
        return False
    state.set("seen", True)
    return True


def add(row, state):
    count = state.get("count", 0) + 1
    amount = state.get("amount", 0.0) + row["amount"]
    state.set("count", count)
    state.set("amount", amount)
    return {"count": count, "amount": amount}


total = 0


def count(_):
    # Each update of a group is one transaction more.
    global total
    total += 1


def tell():
    told = 0
    while True:
        time.sleep(0.02)
        if total != told:
            told = total
            print(int(time.time() * 1000), told, flush=True)


transactions = transactions.filter(is_new, stateful=True)
daily = transactions.group_by(lambda row: f"{row['timestamp'][:10]}|{row['category']}|{row['currency']}", name="daily")
daily.apply(add, stateful=True).update(count)
threading.Thread(target=tell, daemon=True).start()
app.run()
