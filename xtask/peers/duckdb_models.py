"""The peer of `millstream run`: DuckDB runs the same models (SQL compiled by dbt for DuckDB), one after the other,
each with all threads, as dbt would ask for them, without dbt's own time.

usage: duckdb_models.py DATABASE MANIFEST THREADS
MANIFEST is dbt's target/manifest.json after `dbt compile`; models run in the order of their dependencies.
"""
import json
import sys
import time

import duckdb

database, manifest, threads = sys.argv[1], json.load(open(sys.argv[2])), sys.argv[3]
con = duckdb.connect(database, config={"threads": threads})
nodes = {k: n for k, n in manifest["nodes"].items() if n["resource_type"] == "model"}
done = set()


def run(key):
    if key in done or key not in nodes:
        return
    for parent in nodes[key]["depends_on"]["nodes"]:
        run(parent)
    done.add(key)
    node = nodes[key]
    kind = node["config"]["materialized"]
    if kind == "ephemeral":
        return
    kind = "view" if kind == "view" else "table"
    con.execute(f'create schema if not exists {node["schema"]}')
    name = f'{node["schema"]}.{node["alias"]}'
    began = time.perf_counter()
    con.execute(f'create or replace {kind} {name} as ({node["compiled_code"]})')
    print(f"{name}: {time.perf_counter() - began:.2f} s", flush=True)


for key in sorted(nodes):
    run(key)
con.execute("checkpoint")
con.close()
