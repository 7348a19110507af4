"""Loads the exported raw tables into a DuckDB file: load_raw.py FOLDER_OF_PARQUET DATABASE.

Instants become `timestamp`, which is UTC throughout the project, so that no session time zone can shift them.
"""

import pathlib
import sys

import duckdb

folder, database = sys.argv[1:]
connection = duckdb.connect(database)
connection.execute("set timezone = 'UTC'")
connection.execute("create schema if not exists raw")
for path in sorted(pathlib.Path(folder).glob("*.parquet")):
    columns = connection.execute(f"describe select * from read_parquet('{path}')").fetchall()
    picked = ", ".join(
        f'cast("{name}" as timestamp) as "{name}"' if kind.startswith("TIMESTAMP") else f'"{name}"'
        for name, kind, *_ in columns
    )
    connection.execute(f"create or replace table raw.{path.stem} as select {picked} from read_parquet('{path}')")
    rows = connection.execute(f"select count(*) from raw.{path.stem}").fetchone()[0]
    print(f"raw.{path.stem}: {rows} rows", file=sys.stderr)
connection.close()
