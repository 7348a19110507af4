"""Compares every relation that dbt built in DuckDB with ours, row by row.

compare.py MILLSTREAM PROJECT DATABASE DBT_MANIFEST

Rows are compared as multisets over all columns; names and order of columns and the types of decimals must agree too.
Left out: `dbt_scd_id`, which is a hash over an engine's own way to write an instant as text.
Prints one line per relation; exits with 1 on any difference.
"""

import json
import pathlib
import subprocess
import sys
import tempfile

import duckdb

LEFT_OUT = {"dbt_scd_id"}


def family(kind):
    """Types that hold the same values, whatever each engine calls them. Decimals keep precision and scale."""
    if kind in ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"):
        return "integer"
    if kind.startswith("TIMESTAMP"):
        return "timestamp"
    return kind


def columns_of(connection, relation):
    return [(row[0], row[1]) for row in connection.execute(f"describe select * from {relation}").fetchall()]


def picked(columns):
    """A select list in which both sides have one type for each family."""
    casts = {"integer": "hugeint", "timestamp": "timestamp"}
    return ", ".join(
        f'cast("{name}" as {casts[family(kind)]})' if family(kind) in casts else f'"{name}"'
        for name, kind in columns
        if name not in LEFT_OUT
    )


def compare(connection, ours, theirs):
    """Problems found between two relations, as texts."""
    our_columns, their_columns = columns_of(connection, ours), columns_of(connection, theirs)
    if [name for name, _ in our_columns] != [name for name, _ in their_columns]:
        return [f"columns differ: ours {[n for n, _ in our_columns]}, dbt's {[n for n, _ in their_columns]}"]
    problems = [
        f"column {name}: type {ours_is}, in dbt's {theirs_is}"
        for (name, ours_is), (_, theirs_is) in zip(our_columns, their_columns)
        if family(ours_is) != family(theirs_is)
    ]
    left, right = f"select {picked(our_columns)} from {ours}", f"select {picked(their_columns)} from {theirs}"
    for label, a, b in (("only in ours", left, right), ("only in dbt's", right, left)):
        found = connection.execute(f"select count(*) from ({a} except all {b})").fetchone()[0]
        if found:
            example = connection.execute(f"({a} except all {b}) limit 1").fetchone()
            problems.append(f"{found} rows {label}, for example {example}")
    return problems


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
            with path.open("wb") as file:
                asked = [binary, "--quiet", "query", f"select * from {schema}.{name}", "--format", "parquet"]
                subprocess.run(asked, cwd=project, stdout=file, check=True)
            theirs = f'"{schema}"."{name}"'
            rows = connection.execute(f"select count(*) from {theirs}").fetchone()[0]
            problems = compare(connection, f"read_parquet('{path}')", theirs)
            different += bool(problems)
            print(f"{'differs' if problems else 'same':8}{rows:>9} rows  {schema}.{name}")
            for problem in problems:
                print(f"          {problem}")
    print(f"{len(relations)} relations, {different} differ")
    sys.exit(1 if different else 0)


main()
