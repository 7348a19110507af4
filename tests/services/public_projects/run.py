"""Builds public dbt projects with Millstream and with dbt-core + dbt-duckdb, and compares what comes out.

run.py --checkouts DIR --millstream BINARY --dbt DBT --work DIR [--only NAME]... [--verbose]

A node is equal if both sides give it the same status (a test: the same number of failures too) and, where it makes a
relation, the same columns in the same order with the same rows. Types that differ are listed and do not count, as long
as the values are the same. What dbt itself cannot build cannot be compared; it is told and left out of the share.
Exits with 1 if a project's share of equal nodes is below what `projects.py` asks.
"""

import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

import duckdb
import yaml

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import rows  # noqa: E402
from projects import PROJECTS  # noqa: E402

SCHEMA = "analytics"
BUILT = ("model", "seed", "snapshot")
NOT_COPIED = shutil.ignore_patterns(".git", "target", "logs", "workspace", "*.duckdb")
# What makes a relation fail for us but not differ: it is told with the reason.
GOOD = ("success", "pass", "warn")


def find(checkouts, names):
    return next((checkouts / name for name in names if (checkouts / name).is_dir()), None)


def copy(project, checkouts, checkout, to):
    """A copy of the checkout to build in, with its packages. Returns the project's folder."""
    shutil.copytree(checkout, to, ignore=NOT_COPIED)
    folder = to / project.folder
    for name, places in project.packages.items():
        there = folder / "dbt_packages" / name
        if not there.is_dir():
            package = find(checkouts, places)
            if package is None:
                raise SystemExit(f"{project.name} needs the package {name}: put a checkout of it into {checkouts}, as one of {places}")
            shutil.copytree(package, there, ignore=NOT_COPIED)
        # A package's own test project has packages of its own, which dbt would look for.
        shutil.rmtree(there / "integration_tests", ignore_errors=True)
    return folder


def profile(folder, to, output):
    """Writes a profiles.yml with the profile that the project names, outside of it."""
    name = yaml.safe_load((folder / "dbt_project.yml").read_text())["profile"]
    to.mkdir(parents=True)
    (to / "profiles.yml").write_text(yaml.safe_dump({name: {"target": "dev", "outputs": {"dev": output}}}))


def call(command, folder, log):
    with log.open("a") as file:
        return subprocess.run(command, cwd=folder, stdout=file, stderr=subprocess.STDOUT).returncode


def results(folder):
    path = folder / "target" / "run_results.json"
    if not path.is_file():
        return {}
    return {r["unique_id"]: r for r in json.loads(path.read_text())["results"]}


def build(tools, project, checkouts, checkout, work):
    """Builds both sides; returns their folders."""
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    ours = copy(project, checkouts, checkout, work / "ours")
    theirs = copy(project, checkouts, checkout, work / "theirs")
    profile(ours, work / "profile-ours", {"type": "millstream", "path": str(work / "workspace"), "schema": SCHEMA, "threads": 2})
    profile(theirs, work / "profile-theirs", {"type": "duckdb", "path": str(work / "warehouse.duckdb"), "schema": SCHEMA, "threads": 2})
    sides = (
        ("ours", ours, [tools.millstream], []),
        ("theirs", theirs, [tools.dbt, "--no-use-colors"], []),
    )
    for side, folder, tool, _ in sides:
        log = work / f"{side}.log"
        options = ["--profiles-dir", str(work / f"profile-{side}"), "--vars", project.vars]
        if project.deps and side == "theirs":
            call([*tool, "deps", *options], folder, log)
        if project.seeds_first:
            call([*tool, "seed", *options], folder, log)
        call([*tool, "build", *options], folder, log)
    return ours, theirs


def relation_problems(tools, connection, work, folder, our_node, their_node):
    """(what differs, types that differ) between the relations of one node."""
    path = work / "rows.parquet"
    ours_is, theirs_is = (f'"{n["schema"]}"."{n["alias"]}"' for n in (our_node, their_node))
    failed = rows.export(tools.millstream, folder, ours_is, path, ("--profiles-dir", str(work / "profile-ours")))
    if failed:
        return [f"cannot be read: {failed}"], []
    ours_is = f"read_parquet('{path}')"
    our_columns, their_columns = rows.columns_of(connection, ours_is), rows.columns_of(connection, theirs_is)
    problems = rows.name_problems(our_columns, their_columns, str.lower)
    if problems:
        return problems, []
    left = f"select {rows.picked(our_columns, ())} from {ours_is}"
    right = f"select {rows.picked(their_columns, ())} from {theirs_is}"
    try:
        problems = rows.row_problems(connection, left, right)
    except duckdb.Error as error:
        problems = [f"cannot be compared: {error}"]
    return problems, rows.type_problems(our_columns, their_columns)


def compare(tools, work, ours, theirs):
    """One (kind, id, verdict, notes) for each node that either side has."""
    our_results, their_results = results(ours), results(theirs)
    if not their_results:
        raise SystemExit(f"dbt built nothing: see {work}/theirs.log")
    our_manifest = ours / "target" / "manifest.json"
    our_nodes = json.loads(our_manifest.read_text())["nodes"] if our_manifest.is_file() else {}
    their_nodes = json.loads((theirs / "target" / "manifest.json").read_text())["nodes"]
    connection = duckdb.connect(str(work / "warehouse.duckdb"), read_only=True)
    connection.execute("set timezone = 'UTC'")
    found = []
    for key in sorted(set(our_results) | set(their_results)):
        kind = key.split(".")[0]
        if kind not in (*BUILT, "test", "unit_test"):
            continue
        group = "test" if kind in ("test", "unit_test") else "model"
        left, right = our_results.get(key), their_results.get(key)
        if right is None:
            found.append((group, key, "only ours", []))
            continue
        if left is None:
            found.append((group, key, "failing", ["ours did not come to it"]))
            continue
        ours_is, theirs_is = ((r["status"], r.get("failures") if group == "test" else None) for r in (left, right))
        if right["status"] in ("error", "skipped"):
            found.append((group, key, "dbt fails", [f"ours: {left['status']}; dbt's: {right.get('message') or right['status']}"]))
        elif ours_is != theirs_is:
            verdict = "failing" if left["status"] in ("error", "skipped") else "differing"
            found.append((group, key, verdict, [f"ours: {ours_is}, dbt's: {theirs_is}", left.get("message") or ""]))
        elif kind in BUILT and their_nodes[key]["config"].get("materialized") != "ephemeral":
            if group == "model" and "drop" in str(their_nodes[key]["config"].get("post-hook", "")):
                found.append((group, key, "equal", ["dropped by its own hook"]))
                continue
            problems, types = relation_problems(tools, connection, work, ours, our_nodes[key], their_nodes[key])
            found.append((group, key, "differing" if problems else "equal", problems or types))
        else:
            found.append((group, key, "equal", []))
    return found


def share(found):
    counted = [verdict for _, _, verdict, _ in found if verdict in ("equal", "differing", "failing")]
    return sum(verdict == "equal" for verdict in counted) / len(counted) if counted else 0.0


def table(report):
    """The summary, one line per project and kind."""
    verdicts = ("equal", "differing", "failing", "dbt fails", "only ours")
    lines = [("project", "nodes", *verdicts)]
    for name, found in report.items():
        for group, title in (("model", "models, seeds, snapshots"), ("test", "tests")):
            counts = [str(sum(g == group and v == verdict for g, _, v, _ in found)) for verdict in verdicts]
            lines.append((name, title, *counts))
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in lines)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--checkouts", type=pathlib.Path, required=True)
    parser.add_argument("--millstream", required=True)
    parser.add_argument("--dbt", required=True)
    parser.add_argument("--work", type=pathlib.Path, required=True)
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--verbose", action="store_true", help="tell differing types too")
    tools = parser.parse_args()
    os.environ["DO_NOT_TRACK"] = "1"
    report, low = {}, []
    for project in PROJECTS:
        if tools.only and project.name not in tools.only:
            continue
        checkout = find(tools.checkouts, project.checkouts)
        if checkout is None:
            print(f"skipped {project.name}: no folder {' or '.join(project.checkouts)} in {tools.checkouts}", file=sys.stderr)
            continue
        print(f"== {project.name}", file=sys.stderr)
        work = tools.work / project.name
        ours, theirs = build(tools, project, tools.checkouts, checkout, work)
        found = report[project.name] = compare(tools, work, ours, theirs)
        for _, key, verdict, notes in found:
            if verdict != "equal" or (tools.verbose and notes):
                print(f"{verdict:10} {key}")
                for note in filter(None, notes):
                    print(re.sub("(?m)^", "           ", note.strip()))
        if share(found) < project.at_least:
            low.append(f"{project.name}: {share(found):.1%} of the nodes are equal, {project.at_least:.0%} are asked; logs in {work}")
    if not report:
        sys.exit("no checkout of a public project was found; see README.md beside this file")
    print(table(report))
    for line in low:
        print(line, file=sys.stderr)
    sys.exit(1 if low else 0)


main()
