"""What the suites against other engines share: reading a relation of ours, and comparing it with theirs in DuckDB.

Rows are compared as multisets over all columns. Types that hold the same values count as one family.
"""

import subprocess


def family(kind):
    """Types that hold the same values, whatever each engine calls them. Decimals keep precision and scale."""
    if kind in ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"):
        return "integer"
    if kind.startswith("TIMESTAMP"):
        return "timestamp"
    return kind


def columns_of(connection, relation):
    return [(row[0], row[1]) for row in connection.execute(f"describe select * from {relation}").fetchall()]


def picked(columns, left_out):
    """A select list in which both sides have one type for each family."""
    casts = {"integer": "hugeint", "timestamp": "timestamp"}
    return ", ".join(
        f'cast("{name}" as {casts[family(kind)]})' if family(kind) in casts else f'"{name}"'
        for name, kind in columns
        if name not in left_out
    )


def name_problems(ours, theirs, same=lambda name: name):
    """Differences in the names and the order of columns, as texts."""
    left, right = [same(name) for name, _ in ours], [same(name) for name, _ in theirs]
    return [] if left == right else [f"columns differ: ours {left}, dbt's {right}"]


def type_problems(ours, theirs):
    """Differences in the types of columns of the same name, as texts."""
    return [
        f"column {name}: type {ours_is}, in dbt's {theirs_is}"
        for (name, ours_is), (_, theirs_is) in zip(ours, theirs)
        if family(ours_is) != family(theirs_is)
    ]


def row_problems(connection, left, right):
    """Rows that one of two queries has and the other has not, as texts with an example."""
    problems = []
    for label, a, b in (("only in ours", left, right), ("only in dbt's", right, left)):
        found = connection.execute(f"select count(*) from ({a} except all {b})").fetchone()[0]
        if found:
            example = connection.execute(f"({a} except all {b}) limit 1").fetchone()
            problems.append(f"{found} rows {label}, for example {example}")
    return problems


def export(binary, project, relation, path, options=()):
    """Writes a relation of our warehouse to a Parquet file; what went wrong comes back as text."""
    with path.open("wb") as file:
        asked = [binary, "--quiet", "query", f"select * from {relation}", "--format", "parquet", *options]
        ran = subprocess.run(asked, cwd=project, stdout=file, stderr=subprocess.PIPE, text=True)
    return None if ran.returncode == 0 else ran.stderr.strip()
