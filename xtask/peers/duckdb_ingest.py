"""The peer of `millstream ingest`: DuckDB reads the same CSV with declared types and inserts it into a table on disk.

usage: duckdb_ingest.py CSV DATABASE THREADS
"""
import sys

import duckdb

csv, database, threads = sys.argv[1], sys.argv[2], sys.argv[3]
con = duckdb.connect(database, config={"threads": threads})
con.execute("create schema raw")
con.execute(
    """create table raw.transactions_batch (
    tx_id varchar, user_id varchar, amount decimal(18,2), currency varchar, merchant varchar, category varchar,
    "timestamp" timestamp, source_file varchar)"""
)
con.execute(
    """insert into raw.transactions_batch
    select *, 'transactions.csv' from read_csv(?, header = true, columns = {
        'tx_id': 'varchar', 'user_id': 'varchar', 'amount': 'decimal(18,2)', 'currency': 'varchar',
        'merchant': 'varchar', 'category': 'varchar', 'timestamp': 'timestamp'})""",
    [csv],
)
print(con.execute("select count(*), sum(amount) from raw.transactions_batch").fetchone())
con.close()
