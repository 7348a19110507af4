"""Builds a dbt project with dbt-core and dbt-snowflake against fakesnow, in this process, and writes what came out.

peer.py PROJECT_DIR OUT_DIR [NAME=VARS_JSON ...]

Each NAME=VARS is one `dbt build --vars VARS` on the same emulated account; after each, every relation of the project
goes to OUT_DIR/NAME/<schema>.<name>.json as {"columns": [...], "rows": [[...], ...]} in fakesnow's own values.
Nodes that fail are told in OUT_DIR/NAME/failed.json and are no error here: compare.py knows which may.
"""

import datetime
import decimal
import json
import os
import pathlib
import sys
import warnings

warnings.filterwarnings("ignore")
os.environ.update(DO_NOT_TRACK="1", DBT_SEND_ANONYMOUS_USAGE_STATS="false")

import fakesnow
import fakesnow.transforms as transforms
import snowflake.connector
from sqlglot import Dialect, exp

SNOWFLAKE = Dialect.get_or_raise("snowflake")
TRY_TIMESTAMP = {"TRY_TO_TIMESTAMP", "TRY_TO_TIMESTAMP_NTZ"}

_alias_in_join = transforms.alias_in_join


def mended(expression):
    """What fakesnow hands to DuckDB as it is, in DuckDB's words: as-of joins, text that may be an instant,
    instants by a format, and temporary tables, which DuckDB keeps elsewhere, as tables."""
    if isinstance(expression, exp.Join) and expression.args.get("match_condition"):
        condition = expression.args["match_condition"]
        expression.set("match_condition", None)
        expression.set("side", "LEFT")
        expression.set("on", exp.and_(expression.args.get("on"), condition.unnest()))
    if isinstance(expression, exp.Anonymous) and expression.name.upper() in TRY_TIMESTAMP and len(expression.expressions) == 1:
        return exp.TryCast(this=expression.expressions[0], to=exp.DataType.build("TIMESTAMP"))
    if isinstance(expression, exp.Create) and (properties := expression.args.get("properties")):
        properties.set("expressions", [p for p in properties.expressions if not isinstance(p, exp.TemporaryProperty)])
    if isinstance(expression, exp.ToChar) and isinstance(expression.args.get("format"), exp.Literal):
        moment = exp.cast(expression.this, "timestamp")
        return exp.TimeToStr(this=moment, format=exp.Literal.string(SNOWFLAKE.format_time(expression.args["format"]).name))
    return _alias_in_join(expression)


def native_merge(expression):
    """DuckDB has `merge` itself by now; fakesnow's own way needs a second database, which a transaction may not write."""
    if isinstance(expression, exp.Merge):
        source = expression.args["using"].alias_or_name
        for insert in expression.find_all(exp.Insert):
            for column in insert.expression.find_all(exp.Column):
                if not column.table:
                    column.set("table", exp.to_identifier(source))
    return [expression]


transforms.alias_in_join = mended
transforms.merge = native_merge


def plain(value):
    """A value as JSON, losing nothing that compare.py looks at."""
    if isinstance(value, decimal.Decimal):
        return {"decimal": str(value)}
    if isinstance(value, (datetime.datetime, datetime.date, datetime.time)):
        return value.isoformat(sep=" ") if isinstance(value, datetime.datetime) else value.isoformat()
    return value


def relations(manifest):
    """What the nodes of the project make, and what its hooks make besides."""
    for node in manifest["nodes"].values():
        if node["resource_type"] in ("model", "seed", "snapshot"):
            yield node["schema"], node["alias"]
    for name in ("run_audit", "price_book", "price_book_changes"):
        yield "analytics", name


def main():
    project, out = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
    os.chdir(project)
    from dbt.cli.main import dbtRunner

    with fakesnow.patch():
        connection = snowflake.connector.connect(database="retail", schema="analytics")
        for build in sys.argv[3:]:
            name, variables = build.split("=", 1)
            folder = out / name
            folder.mkdir(parents=True, exist_ok=True)
            ran = dbtRunner().invoke(
                ["--no-use-colors", "--quiet", "build", "--target", "snowflake", "--profiles-dir", ".", "--threads", "1", "--vars", variables]
            )
            if ran.exception:
                raise ran.exception
            failed = {r.node.unique_id: (r.status.value, r.message) for r in ran.result.results if r.status.value not in ("success", "pass")}
            (folder / "failed.json").write_text(json.dumps(failed, indent=1))
            manifest = json.loads((project / "target/manifest.json").read_text())
            cursor = connection.cursor()
            for schema, table in relations(manifest):
                try:
                    cursor.execute(f"select * from retail.{schema}.{table}")
                    rows = [[plain(value) for value in row] for row in cursor.fetchall()]
                    columns = [column.name for column in cursor.description]
                except Exception as error:  # the relation is not there: its node has failed
                    failed[f"{schema}.{table}"] = ("not read", str(error))
                    continue
                (folder / f"{schema}.{table}.json").write_text(json.dumps({"columns": columns, "rows": rows}))
            print(f"{name}: {len(ran.result.results)} nodes, {len(failed)} not well")
            for node, (status, message) in failed.items():
                print(f"  {status:8} {node}: {' '.join(str(message).split())[:600]}")


main()
