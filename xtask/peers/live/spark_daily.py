"""Spark Structured Streaming: parse JSON, drop repeated tx_ids, count and sum by day, category and currency.

usage: spark_daily.py BROKERS TOPIC THREADS FOLDER JARS
Prints "MILLIS COUNT" after each micro-batch, in update mode: the time, and the transactions that all groups hold together.
"""
import glob
import sys
import time

from pyspark.sql import SparkSession
from pyspark.sql import functions as f

brokers, topic, threads, folder, jars = sys.argv[1:6]
spark = (
    SparkSession.builder.master(f"local[{threads}]")
    .config("spark.jars", ",".join(sorted(glob.glob(f"{jars}/*.jar"))))
    .config("spark.ui.enabled", "false")
    # As many as threads, which suits small data best; the default is 200.
    .config("spark.sql.shuffle.partitions", threads)
    .config("spark.driver.bindAddress", "127.0.0.1")
    .config("spark.driver.host", "127.0.0.1")
    .config("spark.driver.memory", "4g")
    .getOrCreate()
)
spark.sparkContext.setLogLevel("ERROR")
fields = "tx_id string, amount decimal(18,2), currency string, category string, timestamp timestamp"
daily = (
    spark.readStream.format("kafka")
    .option("kafka.bootstrap.servers", brokers)
    .option("subscribe", topic)
    .option("startingOffsets", "earliest")
    .load()
    .select(f.from_json(f.col("value").cast("string"), fields).alias("row"))
    .select("row.*")
    .dropDuplicates(["tx_id"])
    .groupBy(f.to_date("timestamp").alias("day"), "category", "currency")
    .agg(f.count("*").alias("transactions"), f.sum("amount").alias("total"))
)
groups = {}


def changed(batch, _):
    for row in batch.collect():
        groups[row["day"], row["category"], row["currency"]] = row["transactions"]
    print(int(time.time() * 1000), sum(groups.values()), flush=True)


daily.writeStream.outputMode("update").foreachBatch(changed).option(
    "checkpointLocation", f"{folder}/checkpoint"
).start().awaitTermination()
