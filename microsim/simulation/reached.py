"""Holds what lives reached in a year against what they were made to reach (table T2)."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

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
Floats = npt.NDArray[np.float64]


def alignment_of(horizon: Horizon, k: int, cells: Cells, frame: Frame) -> tuple[Alignment, ...]:
    """Return targets and what the baseline reached in the k-th year.

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
    """
    persons = cells.persons[0, cells.measures.index(PERSONS)]
    wanted = horizon.population[k]
    shares = horizon.groups[0].tables.status_share[k]
    return (
        *_ages(wanted, persons),
        *_statuses(wanted[..., None] * shares, persons),
        *_wages(horizon, k, cells, persons, frame),
    )


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
