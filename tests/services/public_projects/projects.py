"""The public projects: where each lies in its checkout, and what its own README asks a user to do.

Nothing of theirs is kept here: checkouts are given by the user.
"""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Project:
    """One dbt project in a checkout."""

    name: str
    # Names of its checkout's folder; the first that is there is taken.
    checkouts: tuple
    # The project's folder in the checkout.
    folder: str = "."
    # `--vars` for both sides.
    vars: str = "{}"
    # Whether its sources are its own seeds, so that these come first, in a command of their own.
    seeds_first: bool = False
    # Hub and git packages that it declares: name -> names of the checkouts that hold it.
    packages: dict = dataclasses.field(default_factory=dict)
    # Whether `dbt deps` needs no network (packages are `local:`).
    deps: bool = False
    # The least share of its models and tests that must be equal.
    at_least: float = 1.0


UTILS = ("dbt-utils", "dbt_utils")

PROJECTS = (
    Project("jaffle_shop", ("jaffle_shop", "jaffle-shop-classic")),
    Project("jaffle_shop_duckdb", ("jaffle_shop_duckdb",)),
    Project(
        "jaffle-shop",
        ("jaffle-shop",),
        vars="{load_source_data: true}",
        seeds_first=True,
        packages={
            "dbt_utils": UTILS,
            "dbt_date": ("dbt-date", "dbt_date"),
            "audit_helper": ("dbt-audit-helper", "audit_helper"),
        },
    ),
    Project("dbt-utils", UTILS, folder="integration_tests", deps=True, at_least=0.9),
)
