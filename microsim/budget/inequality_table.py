"""Makes tables D2 and D3: inequality by income concept, and the income ladder by decile."""

from __future__ import annotations

import math

import numpy as np

from microsim.budget.households import WELFARE, Floats, Households
from microsim.budget.rows import TableRows, difference_name
from microsim.indicators.incidence import income_ladder
from microsim.indicators.inequality import inequality
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
    ginis: dict[tuple[int, str], tuple[float, Floats | None]] = {}
    for scenario, name in enumerate(contents.scenarios):
        for concept, column in _concepts():
            found = inequality(households.ranked(scenario, concept))
            u = None
            if households.plan is not None:
                u = of_gini(households.resource(scenario, concept), households.persons)
            ginis[scenario, column] = (found.gini, u)
            for row, attribute, unit in INDICES:
                table.add(
                    name, row, getattr(found, attribute), unit, column=column, n=households.n,
                    se_sampling=_error(households, u) if attribute == "gini" else math.nan,
                    missing="not applicable",
                )  # fmt: skip
            for row, share in (
                ("Persons with a negative amount", found.share_of_negatives),
                ("Persons without a positive amount", found.share_of_non_positive),
            ):
                table.add(name, row, 100 * share, "%", column=column, n=households.n)
    for (scenario, column), (value, u) in ginis.items():
        if scenario:
            before, u_before = ginis[0, column]
            both = None if u is None or u_before is None else u - u_before
            name = difference_name(contents.scenarios[scenario], contents.scenarios[0])
            table.add(
                name, "Gini", value - before, "index", column=column, n=households.n,
                se_sampling=_error(households, both), missing="not applicable",
            )  # fmt: skip
    return table.rows


def _concepts() -> list[tuple[int, str]]:
    return [(WELFARE, "welfare"), *((i, f"{name} income") for i, name in enumerate(CONCEPTS))]


def _error(households: Households, u: Floats | None) -> float:
    if u is None or households.plan is None:
        return math.nan
    return standard_error(u, households.persons, households.plan)


def ladder_table(households: Households) -> list[Row]:
    """Return table D3: mean a person and share of each income concept by decile."""
    contents, r = households.contents, households.records
    table = TableRows("D3", contents.year)
    everyone = exact_sum(households.persons)
    n = np.bincount(households.deciles, minlength=10)
    for scenario, name in enumerate(contents.scenarios):
        concepts = r.concepts[scenario]
        ladder = income_ladder(households.deciles, 10, r.weight, households.size, concepts)
        for i, concept in enumerate(CONCEPTS):
            total = exact_dot(r.weight, np.ascontiguousarray(concepts[:, i]))
            row = f"{concept} income, mean a person"
            for d, column in enumerate(DECILES):
                value = float(ladder.mean[d, i])
                table.add(name, row, value, "LCU/month", column=column, n=int(n[d]))
            table.add(name, row, total / everyone, "LCU/month", column="all", n=households.n)
            row = f"{concept} income, share"
            for d, column in enumerate(DECILES):
                value = 100 * float(ladder.share[d, i])
                table.add(
                    name, row, value, "%", column=column, n=int(n[d]), missing="not applicable"
                )
    return table.rows
