"""Makes tables D2 and D3: inequality by income concept, and the income ladder by decile."""

from __future__ import annotations

import math

import numpy as np

from microsim.budget.households import WELFARE, Households
from microsim.budget.rows import TableRows, difference_name
from microsim.indicators.estimates import estimated, inequality_linearised
from microsim.indicators.incidence import income_ladder
from microsim.indicators.influence import of_gini
from microsim.indicators.sampling import standard_error
from microsim.kernels.accumulate import exact_dot, exact_sum
from microsim.results.contents import CONCEPTS, Row

DECILES = tuple(f"decile {i}" for i in range(1, 11))
INDICES = (
    ("Gini", "gini", "index"),
    ("Theil", "theil", "index"),
    ("Mean log deviation", "mld", "index"),
    ("Atkinson (0.5)", "atkinson_half", "index"),
    ("Atkinson (1)", "atkinson_1", "index"),
    ("Atkinson (2)", "atkinson_2", "index"),
    ("P90/P10", "p90_p10", "number"),
    ("P90/P50", "p90_p50", "number"),
    ("P50/P10", "p50_p10", "number"),
    ("S80/S20", "s80_s20", "number"),
    ("Palma", "palma", "number"),
    ("Mean", "mean", "LCU/month"),
    ("Median", "median", "LCU/month"),
)


def inequality_table(households: Households) -> list[Row]:
    """Return table D2: inequality of welfare and of each income concept per equivalent person."""
    contents = households.contents
    table = TableRows("D2", contents.year)
    for scenario, name in enumerate(contents.scenarios):
        for concept, column in _concepts():
            found = households.measured(scenario, concept).inequality
            errors = _errors(households, scenario, concept)
            for row, attribute, unit in INDICES:
                table.add(
                    name, row, getattr(found, attribute), unit, column=column, n=households.n,
                    se_sampling=errors.get(attribute, math.nan), missing="not applicable",
                )  # fmt: skip
            for row, share in (
                ("Persons with a negative amount", found.share_of_negatives),
                ("Persons without a positive amount", found.share_of_non_positive),
            ):
                table.add(name, row, 100 * share, "%", column=column, n=households.n)
            if scenario:
                _difference(table, households, scenario, concept, column)
    return table.rows


def _errors(households: Households, scenario: int, concept: int) -> dict[str, float]:
    """Return the standard error of each index; none without a design."""
    if households.plan is None:
        return {}
    resource = households.resource(scenario, concept)
    linearised = inequality_linearised(resource, households.persons)
    return {k: e.se for k, e in estimated(linearised, households.plan).items()}


def _difference(
    table: TableRows, households: Households, scenario: int, concept: int, column: str
) -> None:
    """Add the change of the Gini, with the error of the same households seen twice."""
    contents = households.contents
    after, before = (households.measured(i, concept).inequality.gini for i in (scenario, 0))
    error = math.nan
    if households.plan is not None:
        u = [of_gini(households.resource(i, concept), households.persons) for i in (scenario, 0)]
        error = standard_error(u[0] - u[1], households.persons, households.plan)
    table.add(
        difference_name(contents.scenarios[scenario], contents.scenarios[0]), "Gini",
        after - before, "index", column=column, n=households.n, se_sampling=error,
        missing="not applicable",
    )  # fmt: skip


def _concepts() -> list[tuple[int, str]]:
    return [(WELFARE, "welfare"), *((i, f"{name} income") for i, name in enumerate(CONCEPTS))]


def ladder_table(households: Households) -> list[Row]:
    """Return table D3: mean a person and share of each income concept by decile."""
    contents, r = households.contents, households.records
    table = TableRows("D3", contents.year)
    everyone = exact_sum(households.persons)
    n = np.bincount(households.deciles, minlength=10)
    for scenario, name in enumerate(contents.scenarios):
        for i, concept in enumerate(CONCEPTS):
            amounts = np.ascontiguousarray(r.concepts[scenario, :, i])
            ladder = income_ladder(
                households.deciles, 10, r.weight, households.size, amounts[:, None]
            )
            total = exact_dot(r.weight, amounts)
            row = f"{concept} income, mean a person"
            for d, column in enumerate(DECILES):
                value = float(ladder.mean[d, 0])
                table.add(name, row, value, "LCU/month", column=column, n=int(n[d]))
            table.add(name, row, total / everyone, "LCU/month", column="all", n=households.n)
            row = f"{concept} income, share"
            for d, column in enumerate(DECILES):
                value = 100 * float(ladder.share[d, 0])
                table.add(
                    name, row, value, "%", column=column, n=int(n[d]), missing="not applicable"
                )
    return table.rows
