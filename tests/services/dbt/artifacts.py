"""Compares our manifest.json and run_results.json with dbt's: artifacts.py OUR_TARGET DBT_TARGET.

Ours must parse in dbt's own artifact classes; nodes, sources and exposures must have the same ids, names, schemas,
materializations, files and parents; tests the same macro, column and severity; every node of the build the same status.
Left out of the results: exposures, which dbt reports as `no-op`.
"""

import json
import pathlib
import sys

from dbt.artifacts.schemas.manifest import WritableManifest
from dbt.artifacts.schemas.run import RunResultsArtifact

ours_at, theirs_at = map(pathlib.Path, sys.argv[1:])
problems = []

for name, artifact in (("manifest.json", WritableManifest), ("run_results.json", RunResultsArtifact)):
    try:
        artifact.read_and_check_versions(str(ours_at / name))
        print(f"parses   {name} in dbt's {artifact.__name__}")
    except Exception as error:  # whatever dbt finds wrong is the finding
        problems.append(f"{name} does not parse in dbt's {artifact.__name__}: {error}")

ours, theirs = (json.loads((at / "manifest.json").read_text()) for at in (ours_at, theirs_at))


def facts(node):
    """What must be the same of a node."""
    config = node.get("config", {})
    return {
        "name": node.get("name"),
        "alias": node.get("alias"),
        "schema": node.get("schema"),
        "file": node.get("original_file_path"),
        "fqn": node.get("fqn"),
        "tags": sorted(node.get("tags", [])),
        "description": (node.get("description") or "").strip(),
        # dbt-duckdb has no dynamic tables: the project asks it for plain ones.
        "materialized": {"dynamic_table": "table"}.get(config.get("materialized"), config.get("materialized")),
        "severity": (config.get("severity") or "").lower(),
        "parents": sorted(set(node.get("depends_on", {}).get("nodes", []))),
        "column": node.get("column_name"),
        "attached": node.get("attached_node"),
        "test": (node.get("test_metadata") or {}).get("name"),
        "columns": sorted(node.get("columns", {})),
        "checksum": (node.get("checksum") or {}).get("checksum"),
    }


def belongs(unique_id):
    return unique_id.split(".")[1] == "finance"


for kind in ("nodes", "sources", "exposures"):
    a = {key: value for key, value in ours[kind].items() if belongs(key)}
    b = {key: value for key, value in theirs[kind].items() if belongs(key)}
    for key in sorted(a.keys() - b.keys()):
        problems.append(f"{kind}: only ours has {key}")
    for key in sorted(b.keys() - a.keys()):
        problems.append(f"{kind}: only dbt has {key}")
    for key in sorted(a.keys() & b.keys()):
        left, right = facts(a[key]), facts(b[key])
        for fact in left:
            if left[fact] != right[fact]:
                problems.append(f"{key}: {fact} is {left[fact]!r}, in dbt's {right[fact]!r}")
    print(f"compared {len(a.keys() & b.keys())} {kind}")


def statuses(at):
    results = json.loads((at / "run_results.json").read_text())["results"]
    return {r["unique_id"]: (r["status"], r.get("failures")) for r in results if not r["unique_id"].startswith("exposure.")}


left, right = statuses(ours_at), statuses(theirs_at)
for key in sorted(left.keys() | right.keys()):
    if left.get(key) != right.get(key):
        problems.append(f"result of {key}: {left.get(key)}, in dbt's {right.get(key)}")
print(f"compared {len(left.keys() & right.keys())} results")

for problem in problems:
    print(f"differs  {problem}")
print(f"{len(problems)} differences")
sys.exit(1 if problems else 0)
