"""Makes table D1: poverty under every line, by income concept and group of persons."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from microsim.budget.consolidation import frame_value
from microsim.budget.households import Axis, Floats, Households, Ints
from microsim.budget.rows import MILLION, TableRows, difference_name, ratio
from microsim.indicators.influence_on_poverty import of_poverty
from microsim.indicators.poverty import GroupPoverty, Poverty, poverty, poverty_by_group
from microsim.indicators.sampling import estimate, standard_error
from microsim.results.contents import CONCEPTS, Row

HEADCOUNT, GAP, SEVERITY = "FGT0 Headcount", "FGT1 Gap", "FGT2 Severity"
FGT = (HEADCOUNT, GAP, SEVERITY)
POOR = "Poor"


@dataclass(frozen=True)
class Figure:
    """An FGT index of one group in one scenario, share, and its linearised values."""

    value: float
    influence: Floats | None


Known = dict[tuple[int, str, str, int], Figure]  # scenario, line, group, alpha


def poverty_of_scenario(households: Households, scenario: int) -> tuple[list[Row], Known]:
    """Return table D1 of one scenario, and its FGT indices for `poverty_differences`.

    FGT in per cent of persons (headcount) or of the line, aggregate gap in LCU million a year,
    standard errors only where the sample has a design.
    """
    contents = households.contents
    name, lines = contents.scenarios[scenario], contents.poverty_lines
    table = TableRows("D1", contents.year)
    known: Known = {}
    for line, amount in lines.items():
        _national(table, households, scenario, name, line, amount, known)
    for axis in households.axes(scenario):
        sizes = np.count_nonzero(axis.counts * households.records.weight[:, None], axis=0)
        for of_line in lines.items():
            _by_group(table, households, scenario, (axis, sizes), of_line, known)
    for of_line in lines.items():
        _by_concept(table, households, scenario, of_line)
    return table.rows, known


def poverty_differences(households: Households, known: Known) -> list[Row]:
    """Return table D1 of each reform minus the status quo, percentage points.

    Standard errors are those of the same households seen twice.
    """
    table = TableRows("D1", households.contents.year)
    for scenario in range(1, len(households.contents.scenarios)):
        _differences(table, households, scenario, known)
    return table.rows


def _national(
    table: TableRows,
    households: Households,
    scenario: int,
    name: str,
    line: str,
    amount: float,
    known: Known,
) -> None:
    welfare = households.records.welfare[scenario]
    found = poverty(households.ranked(scenario), amount)
    n = households.n
    for alpha, value in enumerate((found.headcount, found.gap, found.severity)):
        u = _influence(households, welfare, households.persons, amount, alpha)
        known[scenario, line, "", alpha] = Figure(value, u)
        table.add(
            name, FGT[alpha], 100 * value, "%", column=line, n=n,
            se_sampling=_error(households, u, households.persons),
        )  # fmt: skip
        if u is not None and households.plan is not None:
            interval = estimate(value, u, households.persons, households.plan)
            for end, bound in (("low", interval.low), ("high", interval.high)):
                row = f"95% interval of {FGT[alpha]}, {end}"
                table.add(name, row, 100 * bound, "%", column=line, n=n)
    _further(table, households, name, line, found)


def _further(
    table: TableRows, households: Households, name: str, line: str, found: Poverty
) -> None:
    n, gdp = households.n, frame_value(households.contents, "gdp")
    table.add(name, "Watts index", found.watts, "index", column=line, n=n)
    table.add(name, "Sen-Shorrocks-Thon index", found.sst, "index", column=line, n=n)
    table.add(name, POOR, found.poor, "persons", column=line, n=n)
    table.add(name, "Persons", found.persons, "persons", column=line, n=n)
    table.add(name, "Persons with negative welfare", found.negatives, "persons", column=line, n=n)
    if households.contents.equivalence == "per capita":
        gap = 12 * found.aggregate_gap
        table.add(name, "Aggregate gap", gap / MILLION, "LCU million", column=line, n=n)
        share = 100 * ratio(gap, gdp)
        table.add(name, "Aggregate gap, % GDP", share, "% GDP", column=line, n=n)


def _by_group(
    table: TableRows,
    households: Households,
    scenario: int,
    of_axis: tuple[Axis, Ints],
    of_line: tuple[str, float],
    known: Known,
) -> None:
    line, amount = of_line
    axis, sizes = of_axis
    r, name = households.records, households.contents.scenarios[scenario]
    found = poverty_by_group(r.welfare[scenario], r.weight, axis.counts, amount)
    for g, label in enumerate(axis.labels):
        n = int(sizes[g])
        if n:
            group = f"{axis.name}={label}"
            _of_group(table, households, (scenario, name), of_line, (axis, g, n), known, found)
            for row, persons in ((POOR, found.poor[g]), ("Persons", found.persons[g])):
                table.add(name, row, persons, "persons", n=n, column=line, group=group)


def _of_group(
    table: TableRows,
    households: Households,
    of_scenario: tuple[int, str],
    of_line: tuple[str, float],
    of_group: tuple[Axis, int, int],
    known: Known,
    found: GroupPoverty,
) -> None:
    (scenario, name), (line, amount), (axis, g, n) = of_scenario, of_line, of_group
    group, r = f"{axis.name}={axis.labels[g]}", households.records
    persons: Floats = r.weight * axis.counts[:, g]
    for alpha, values in enumerate((found.headcount, found.gap, found.severity)):
        u = _influence(households, r.welfare[scenario], persons, amount, alpha)
        if axis.name != "benefits_in_household":  # other persons in another scenario
            known[scenario, line, group, alpha] = Figure(values[g], u)
        table.add(
            name, FGT[alpha], 100 * values[g], "%", column=line, group=group,
            n=n, se_sampling=_error(households, u, persons),
        )  # fmt: skip


def _influence(
    households: Households, welfare: Floats, persons: Floats, line: float, alpha: int
) -> Floats | None:
    if households.plan is None:
        return None
    return of_poverty(welfare, persons, line, alpha)


def _error(households: Households, u: Floats | None, persons: Floats) -> float:
    """Return the standard error in per cent; NaN without a design."""
    if u is None or households.plan is None:
        return math.nan
    return 100 * standard_error(u, persons, households.plan)


def _by_concept(
    table: TableRows, households: Households, scenario: int, of_line: tuple[str, float]
) -> None:
    line, amount = of_line
    name = households.contents.scenarios[scenario]
    for index, concept in enumerate(CONCEPTS):
        found = poverty(households.ranked(scenario, index), amount)
        for row, value in zip(FGT, (found.headcount, found.gap, found.severity), strict=True):
            column = f"{line}, {concept} income"
            table.add(name, row, 100 * value, "%", column=column, n=households.n)


def _differences(table: TableRows, households: Households, scenario: int, known: Known) -> None:
    contents = households.contents
    name = difference_name(contents.scenarios[scenario], contents.scenarios[0])
    weights = {"": households.persons}
    sizes = {"": households.n}
    for axis in households.axes(scenario):
        for g, label in enumerate(axis.labels):
            if households.plan is not None:
                weights[f"{axis.name}={label}"] = households.records.weight * axis.counts[:, g]
            counted = np.count_nonzero(axis.counts[:, g] * households.records.weight)
            sizes[f"{axis.name}={label}"] = int(counted)
    for (of, line, group, alpha), after in known.items():
        if of != scenario:
            continue
        before = known[0, line, group, alpha]
        u = None
        if after.influence is not None and before.influence is not None:
            u = after.influence - before.influence
        error = _error(households, u, weights.get(group, households.persons))
        table.add(
            name, FGT[alpha], 100 * after.value - 100 * before.value, "percentage points",
            column=line, group=group, n=sizes[group], se_sampling=error,
        )  # fmt: skip
