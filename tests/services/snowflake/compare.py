"""Compares each relation that Millstream built with what dbt built in fakesnow, row by row and column by column.

compare.py MILLSTREAM PROJECT_DIR PEER_DIR HAND_DIR [--write EXPECTED_DIR] -- QUERY_OPTION...

PEER_DIR holds what peer.py wrote, HAND_DIR what expected.py wrote: it wins, for the models of which fakesnow is no
witness. Rows are compared as multisets over all columns in canonical.py's spelling; names and order of columns must
agree. --write puts the marts and reports of the peer and of the hand into EXPECTED_DIR as CSV, for the test of the
command line. Exit code 1 on any difference.
"""

import collections
import csv
import decimal
import json
import pathlib
import subprocess
import sys

import canonical

# Hashes over an engine's own text of an instant, and the wall clock of the two builds.
LEFT_OUT = {"snapshots.snap_prices": {"dbt_scd_id"}, "snapshots.snap_subscriptions": {"dbt_scd_id", "dbt_updated_at", "dbt_valid_from"}}
ONLY_WHETHER_NULL = {"snapshots.snap_subscriptions": {"dbt_valid_to"}}
# fakesnow makes a timestamp of dateadd over a date where Snowflake keeps the date.
WIDENED = {"reports.rpt_week_rules": {"month_later", "year_later"}}
WRITTEN = ("marts.", "reports.", "snapshots.", "analytics.")


def ours(binary, project, relation, options):
    asked = [binary, "--quiet", "query", f"select * from {relation}", "--format", "json", *options]
    ran = subprocess.run(asked, cwd=project, capture_output=True, text=True)
    if ran.returncode != 0:
        return None, " ".join(ran.stderr.split()) or f"exit code {ran.returncode}"
    rows = json.loads(ran.stdout, parse_float=decimal.Decimal, object_pairs_hook=list)
    columns = [name for name, _ in rows[0]] if rows else []
    return {"columns": columns, "rows": [[nested(value) for _, value in row] for row in rows]}, None


def nested(value):
    """Objects inside of a row were read as lists of pairs, to keep the order of the row's own columns."""
    if isinstance(value, list) and value and all(isinstance(v, tuple) for v in value):
        return {key: nested(v) for key, v in value}
    return value


def theirs_of(name, table):
    """Names and rows of the peer, dates that it has widened cut back."""
    names, rows = canonical.rows(table, LEFT_OUT.get(name, ()), ONLY_WHETHER_NULL.get(name, ()))
    dates = {i for i, column in enumerate(names) if column in WIDENED.get(name, ())}
    return names, [tuple(v and v.removesuffix(" 00:00:00") if i in dates else v for i, v in enumerate(row)) for row in rows]


def compare(name, mine, theirs):
    """Problems found between two relations, as texts."""
    their_names, their_rows = theirs_of(name, theirs)
    if not mine["rows"] and not their_rows:
        return []
    names, rows = canonical.rows(mine, LEFT_OUT.get(name, ()), ONLY_WHETHER_NULL.get(name, ()))
    if names != their_names:
        return [f"columns differ: ours {names}, theirs {their_names}"]
    left, right = collections.Counter(rows), collections.Counter(their_rows)
    problems = []
    for label, only in (("only in ours", left - right), ("only in theirs", right - left)):
        if only:
            example = min(only, key=str)
            problems.append(f"{sum(only.values())} rows {label}, for example {dict(zip(names, example))}")
    return problems


def write(folder, name, theirs):
    """The expected rows as CSV: header, then rows in order of their text; null is \\N."""
    names, rows = theirs_of(name, theirs)
    with (folder / f"{name}.csv").open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(names)
        writer.writerows(sorted(["\\N" if value is None else value for value in row] for row in rows))


def main():
    arguments, options = sys.argv[1:], []
    if "--" in arguments:
        cut = arguments.index("--")
        arguments, options = arguments[:cut], arguments[cut + 1 :]
    expected = None
    if "--write" in arguments:
        cut = arguments.index("--write")
        expected = pathlib.Path(arguments[cut + 1])
        del arguments[cut : cut + 2]
        expected.mkdir(parents=True, exist_ok=True)
    binary, project, peer, hand = arguments
    tables = {path.stem: path for folder in (peer, hand) for path in sorted(pathlib.Path(folder).glob("*.*.json"))}
    by_hand = {path.stem for path in pathlib.Path(hand).glob("*.*.json")}
    differ = compared = 0
    failed = json.loads((pathlib.Path(peer) / "failed.json").read_text())
    for node, (status, message) in failed.items():
        if not any(name.split(".")[1] in node for name in by_hand):
            differ += 1
            print(f"{'differs':8} dbt itself: {node} {status}: {message}")
    for name, path in sorted(tables.items()):
        theirs = json.loads(path.read_text())
        mine, problem = ours(binary, project, name, options)
        problems = [problem] if problem else compare(name, mine, theirs)
        differ += bool(problems)
        compared += len(theirs["rows"])
        witness = "hand" if name in by_hand else "fakesnow"
        print(f"{'differs' if problems else 'same':8}{len(theirs['rows']):>7} rows  {witness:9} {name}")
        for text in problems:
            print(f"          {text}")
        if expected and name.startswith(WRITTEN):
            write(expected, name, theirs)
    print(f"{len(tables)} relations, {compared} rows, {len(by_hand)} relations by hand, {differ} differ")
    sys.exit(1 if differ else 0)


main()
