"""Compares every relation that dbt built in DuckDB with ours, row by row.

compare.py MILLSTREAM PROJECT DATABASE DBT_MANIFEST

Rows are compared as multisets over all columns; names and order of columns and the types of decimals must agree too.
Left out: `dbt_scd_id`, which is a hash over an engine's own way to write an instant as text.
Prints one line per relation; exits with 1 on any difference.
"""

import json
import pathlib
import sys
import tempfile

import duckdb

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import rows  # noqa: E402

LEFT_OUT = {"dbt_scd_id"}


def compare(connection, ours, theirs):
    """Problems found between two relations, as texts."""
    our_columns, their_columns = rows.columns_of(connection, ours), rows.columns_of(connection, theirs)
    problems = rows.name_problems(our_columns, their_columns)
    if problems:
        return problems
    left = f"select {rows.picked(our_columns, LEFT_OUT)} from {ours}"
    right = f"select {rows.picked(their_columns, LEFT_OUT)} from {theirs}"
    return rows.type_problems(our_columns, their_columns) + rows.row_problems(connection, left, right)


def main():
    binary, project, database, manifest = sys.argv[1:]
    nodes = json.loads(pathlib.Path(manifest).read_text())["nodes"].values()
    relations = sorted((n["schema"], n["alias"]) for n in nodes if n["resource_type"] in ("model", "seed", "snapshot"))
    connection = duckdb.connect(database, read_only=True)
    connection.execute("set timezone = 'UTC'")
    different = 0
    with tempfile.TemporaryDirectory() as folder:
        for schema, name in relations:
            path = pathlib.Path(folder) / f"{schema}.{name}.parquet"
            failed = rows.export(binary, project, f"{schema}.{name}", path)
            if failed:
                sys.exit(failed)
            theirs = f'"{schema}"."{name}"'
            count = connection.execute(f"select count(*) from {theirs}").fetchone()[0]
            problems = compare(connection, f"read_parquet('{path}')", theirs)
            different += bool(problems)
            print(f"{'differs' if problems else 'same':8}{count:>9} rows  {schema}.{name}")
            for problem in problems:
                print(f"          {problem}")
    print(f"{len(relations)} relations, {different} differ")
    sys.exit(1 if different else 0)


main()
