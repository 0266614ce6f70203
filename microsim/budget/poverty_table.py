"""Makes table D1: poverty under every line, by income concept and group of persons."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from microsim.budget.consolidation import frame_value
from microsim.budget.households import Axis, Floats, Households
from microsim.budget.rows import MILLION, TableRows, difference_name, ratio
from microsim.indicators.estimates import estimated, poverty_linearised
from microsim.indicators.influence_on_poverty import gap_powers, of_poverty
from microsim.indicators.poverty import Poverty, aggregate_gap_of_households
from microsim.indicators.sampling import estimate, standard_error
from microsim.results.contents import CONCEPTS, Row

HEADCOUNT, GAP, SEVERITY = "FGT0 Headcount", "FGT1 Gap", "FGT2 Severity"
FGT = (HEADCOUNT, GAP, SEVERITY)
POOR = "Poor"
BENEFICIARIES = "benefits_in_household"  # grouping that is another one in each scenario
UNPAIRED = ", difference of levels (other people, no paired error)"


# FGT indices as shares, by scenario, line, group and alpha
Known = dict[tuple[int, str, str, int], float]


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
    axes = (*households.axes, households.axis_of_beneficiaries(scenario))
    for of_line in lines.items():
        welfare = households.records.welfare[scenario]
        powers = [gap_powers(welfare, of_line[1], alpha) for alpha in range(3)]
        for axis in axes:
            _by_group(table, households, scenario, axis, of_line, powers, known)
    for line in lines:
        _by_concept(table, households, scenario, line)
    return table.rows, known


def poverty_differences(households: Households, known: Known) -> list[Row]:
    """Return table D1 of each reform minus the status quo, percentage points.

    Standard errors are those of the same households seen twice.
    """
    table = TableRows("D1", households.contents.year)
    for scenario in range(1, len(households.contents.scenarios)):
        _differences(table, households, scenario, known)
    return table.rows


def unpaired_differences(rows: Sequence[Row], levels: Sequence[Row], baseline: str) -> list[Row]:
    """Return D1 of scenarios with lives of their own minus the status quo, percentage points.

    The people are others, so the difference of the levels has no paired error; its row says so.

    Parameters
    ----------
    rows
        Tables with those of the status quo.
    levels
        Tables of the scenarios.
    baseline
        The status quo.
    """
    before = {
        (r.row, r.column, r.group): r
        for r in rows
        if r.table == "D1" and r.scenario == baseline and r.row in FGT
    }
    found = []
    for after in levels:
        old = before.get((after.row, after.column, after.group))
        if after.table != "D1" or old is None or after.column.endswith(" income"):
            continue
        if after.group.startswith(f"{BENEFICIARIES}="):
            continue
        known = after.status == old.status == "ok"
        status = "ok" if known else "suppressed"
        found.append(
            after._replace(
                scenario=difference_name(after.scenario, baseline),
                row=after.row + UNPAIRED,
                value=after.value - old.value if known else math.nan,
                unit="percentage points",
                se_sampling=math.nan,
                n=min(after.n, old.n),
                status=status,
            )
        )
    return found


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
    found = households.measured(scenario).poverty[line]
    n = households.n
    for alpha, value in enumerate((found.headcount, found.gap, found.severity)):
        u = _influence(households, welfare, households.persons, amount, alpha)
        known[scenario, line, "", alpha] = value
        table.add(
            name, FGT[alpha], 100 * value, "%", column=line, n=n,
            se_sampling=_error(households, u, households.persons),
        )  # fmt: skip
        if u is not None and households.plan is not None:
            interval = estimate(value, u, households.persons, households.plan)
            for end, bound in (("low", interval.low), ("high", interval.high)):
                row = f"95% interval of {FGT[alpha]}, {end}"
                table.add(name, row, 100 * bound, "%", column=line, n=n)
    _further(table, households, scenario, (line, amount), found)


def _further(
    table: TableRows,
    households: Households,
    scenario: int,
    of_line: tuple[str, float],
    found: Poverty,
) -> None:
    (line, amount), r = of_line, households.records
    name, n = households.contents.scenarios[scenario], households.n
    gdp, errors = frame_value(households.contents, "gdp"), dict[str, float]()
    welfare = r.welfare[scenario]
    missing: Floats = np.maximum(0.0, amount - np.maximum(welfare, 0.0)) * r.equivalents
    gap = 12 * aggregate_gap_of_households(r.weight, r.equivalents, welfare, amount)
    if households.plan is not None:
        linearised = poverty_linearised(welfare, households.persons, amount)
        errors = {k: e.se for k, e in estimated(linearised, households.plan).items()}
        errors["gap"] = 12 * standard_error(missing, r.weight, households.plan)
    nan = math.nan
    for row, value, unit, error in (
        ("Watts index", found.watts, "index", errors.get("watts", nan)),
        ("Sen-Shorrocks-Thon index", found.sst, "index", errors.get("sst", nan)),
        (POOR, found.poor, "persons", errors.get("poor", nan)),
        ("Persons", found.persons, "persons", nan),
        ("Persons with negative welfare", found.negatives, "persons", nan),
        ("Aggregate gap", gap / MILLION, "LCU million", errors.get("gap", nan) / MILLION),
        ("Aggregate gap, % GDP", 100 * ratio(gap, gdp), "% GDP",
         100 * ratio(errors.get("gap", nan), gdp)),
    ):  # fmt: skip
        table.add(name, row, value, unit, column=line, n=n, se_sampling=error)


def _by_group(
    table: TableRows,
    households: Households,
    scenario: int,
    axis: Axis,
    of_line: tuple[str, float],
    powers: Sequence[Floats],
    known: Known,
) -> None:
    line, amount = of_line
    name = households.contents.scenarios[scenario]
    sums = [axis.sums(power) for power in powers]
    for g, label in enumerate(axis.labels):
        n, persons, group = int(axis.households[g]), float(axis.totals[g]), f"{axis.name}={label}"
        if not n:
            continue
        for alpha in range(3):
            value, error = float(sums[alpha][g]) / persons, math.nan
            if households.plan is not None:
                weights, welfare = axis.persons(g), households.records.welfare[scenario]
                u = _influence(households, welfare, weights, amount, alpha)
                error = _error(households, u, weights)
            if axis.name != BENEFICIARIES:  # other persons in another scenario
                known[scenario, line, group, alpha] = value
            table.add(
                name, FGT[alpha], 100 * value, "%", column=line, group=group, n=n,
                se_sampling=error,
            )  # fmt: skip
        for row, count in ((POOR, float(sums[0][g])), ("Persons", persons)):
            table.add(name, row, count, "persons", n=n, column=line, group=group)


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


def _by_concept(table: TableRows, households: Households, scenario: int, line: str) -> None:
    name = households.contents.scenarios[scenario]
    for index, concept in enumerate(CONCEPTS):
        found = households.measured(scenario, index).poverty[line]
        for row, value in zip(FGT, (found.headcount, found.gap, found.severity), strict=True):
            column = f"{line}, {concept} income"
            table.add(name, row, 100 * value, "%", column=column, n=households.n)


def _differences(table: TableRows, households: Households, scenario: int, known: Known) -> None:
    contents = households.contents
    name = difference_name(contents.scenarios[scenario], contents.scenarios[0])
    groups: dict[str, tuple[int, Callable[[], Floats]]] = {}
    groups[""] = households.n, lambda: households.persons
    for axis in households.axes:
        for g, label in enumerate(axis.labels):
            groups[f"{axis.name}={label}"] = int(axis.households[g]), partial(axis.persons, g)
    of_group, weights = "", households.persons
    for (of, line, group, alpha), after in known.items():
        if of != scenario:
            continue
        n, persons = groups[group]
        error = math.nan
        if households.plan is not None:
            if group != of_group:
                of_group, weights = group, persons()
            error = _error(households, _change(households, scenario, weights, line, alpha), weights)
        before = known[0, line, group, alpha]
        table.add(
            name, FGT[alpha], 100 * after - 100 * before, "percentage points", column=line,
            group=group, n=n, se_sampling=error,
        )  # fmt: skip


def _change(
    households: Households, scenario: int, persons: Floats, line: str, alpha: int
) -> Floats | None:
    """Return how much each household moves the change of an FGT index; None without a design."""
    amount, welfare = households.contents.poverty_lines[line], households.records.welfare
    after, before = (
        _influence(households, welfare[s], persons, amount, alpha) for s in (scenario, 0)
    )
    return None if after is None or before is None else after - before
