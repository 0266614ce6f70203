"""Holds what lives reached in a year against what they were made to reach (table T2)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from microsim.dynamics.open_rates import target_population
from microsim.population import opendata
from microsim.population.columns import (
    AGE_GROUP_STARTS,
    AGE_GROUPS,
    EMPLOYMENT_STATUS,
    OLDEST,
    SEX,
)
from microsim.results.contents import Alignment, Cells, Measure
from microsim.scenario.frame import Frame
from microsim.simulation.horizon import Horizon

PERSONS = Measure("population", "", "", "persons")
EARNINGS = Measure("income", "", "earnings", "amount")
GROUPS = {
    "formal employees": (1, 2),
    "informal employees": (3,),
    "own-account workers": (4, 5),
    "contributing family workers": (6,),
    "unemployed": (7,),
}
# Broad age groups as they are published: label, and which of `AGE_GROUPS` they hold.
BROAD = (("0-14", slice(0, 2)), ("15-64", slice(2, 5)), ("65+", slice(5, 7)), ("", slice(0, 7)))
Floats = npt.NDArray[np.float64]


def alignment_of(
    horizon: Horizon, k: int, cells: Cells, frame: Frame, country: str
) -> tuple[Alignment, ...]:
    """Return targets and what the baseline reached in the k-th year.

    Beside what its own rates lead to stands, in years that have one, the population published by
    the United Nations.

    Parameters
    ----------
    horizon
        With the population and the shares of statuses that its rates lead to.
    k
        Which year.
    cells
        Of the year, the baseline first.
    frame
        With the average wage of every year.
    country
        Of the population, three letters, or "".
    """
    persons = cells.persons[0, cells.measures.index(PERSONS)]
    wanted = horizon.population[k]
    shares = horizon.groups[0].tables.status_share[k]
    counted = (
        *_ages(wanted, persons),
        *_published(wanted, persons, country, horizon.years[k]),
        *_statuses(wanted[..., None] * shares, persons),
    )
    return (
        *(counted if horizon.static else [_with_chance(one, horizon.weight) for one in counted]),
        *_wages(horizon, k, cells, persons, frame),
    )


def _with_chance(one: Alignment, weight: float) -> Alignment:
    """Return persons with the standard error of as many drawn one by one, each of a weight."""
    return replace(one, chance=math.sqrt(max(one.target, 0.0) * weight))


def _total(values: Floats) -> float:
    return math.fsum(values.ravel())


def _ages(wanted: Floats, persons: Floats) -> Iterator[Alignment]:
    ends = (*AGE_GROUP_STARTS[1:], OLDEST + 1)
    for s, sex in enumerate(SEX):
        for a, (first, end, label) in enumerate(
            zip(AGE_GROUP_STARTS, ends, AGE_GROUPS, strict=True)
        ):
            target, reached = _total(wanted[s, first:end]), _total(persons[s, a])
            yield Alignment(f"population, {sex} {label}", target, reached)


def _published(wanted: Floats, persons: Floats, country: str, year: int) -> Iterator[Alignment]:
    """Yield the published population of broad age groups, in years that have one by age."""
    if year not in opendata.DECADES or country not in opendata.countries():
        return
    known = target_population(opendata.country(country), range(year, year + 1))[0]
    of_age = [np.add.reduceat(one, AGE_GROUP_STARTS, axis=-1) for one in (known, wanted)]
    for label, groups in BROAD:
        name = f"published population{', ' if label else ''}{label}"
        target, expected = (_total(one[:, groups]) for one in of_age)
        yield Alignment(name, target, _total(persons[:, groups]), expected=expected)


def _statuses(wanted: Floats, persons: Floats) -> Iterator[Alignment]:
    for label, codes in GROUPS.items():
        chosen = list(codes)
        yield Alignment(label, _total(wanted[..., chosen]), _total(persons[..., chosen]))
    working = [EMPLOYMENT_STATUS.index(name) for name in EMPLOYMENT_STATUS[1:7]]
    yield Alignment("employed", _total(wanted[..., working]), _total(persons[..., working]))


def _wages(
    horizon: Horizon, k: int, cells: Cells, persons: Floats, frame: Frame
) -> Iterator[Alignment]:
    """Yield the average wage and the wage bill of formal employees, where incomes are measured."""
    if EARNINGS not in cells.measures:
        return
    chosen = list(GROUPS["formal employees"])
    earned = _total(cells.persons[0, cells.measures.index(EARNINGS)][..., chosen])
    jobs = _total(persons[..., chosen])
    wage = frame.value("average_wage", horizon.years[k])
    if jobs > 0.0:
        average = "average earnings of formal employees"
        yield Alignment(average, wage, earned / jobs / 12.0, "currency/month")
    yield Alignment("wage bill of formal employees", 12.0 * wage * jobs, earned, "currency/year")
