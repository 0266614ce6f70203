"""Draws densities of contribution before the first year, and calibrates them to official totals."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from microsim.dynamics import decisions
from microsim.dynamics.decisions import hashed
from microsim.dynamics.mortality import exps
from microsim.dynamics.past_totals import PastTotal, PastTotals, Solved
from microsim.dynamics.past_totals_file import note_deviation
from microsim.errors import FaultList
from microsim.kernels.lives_densities import (
    MONTHS,
    add_up,
    credit_years,
    draw_densities,
    draw_insured,
    months_at,
)

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]
Columns = Mapping[str, Array]

EVERYBODY = 2.0  # a cut-off above every draw
WIDEST = 30.0  # of the logarithm of the factor on odds
HALVINGS = 70
ROUNDING = 1e-9  # of a total, relative: what the sums of two programs may differ by


@dataclass(frozen=True)
class Contributors:
    """Persons of a population that official totals speak of: those with months possible.

    Attributes
    ----------
    cell
        Shape (n,), row of the totals.
    key
        Shape (n,), draw keys.
    weight
        Shape (n,), persons each stands for.
    possible
        Shape (n,), months since the entry age.
    """

    cell: npt.NDArray[np.int16]
    key: npt.NDArray[np.uint64]
    weight: Floats
    possible: Floats

    @classmethod
    def of(
        cls, totals: PastTotals, entry_age: float, persons: Columns, weight: Floats
    ) -> Contributors:
        """Return those of some persons. `weight` has shape (n_persons,)."""
        cell = cells_of(totals, persons)
        possible = possible_months(persons, entry_age)
        chosen = (cell >= 0) & (possible > 0.0)
        keys = np.ascontiguousarray(persons["draw_key"], np.uint64)
        return cls(cell[chosen], keys[chosen], weight[chosen], possible[chosen])

    @classmethod
    def joined(cls, parts: Sequence[Contributors]) -> Contributors:
        """Return the contributors of several parts of a population together."""
        return cls(
            np.concatenate([one.cell for one in parts]),
            np.concatenate([one.key for one in parts]),
            np.concatenate([one.weight for one in parts]),
            np.concatenate([one.possible for one in parts]),
        )

    def chosen(self, rows: npt.NDArray[np.int64]) -> Contributors:
        """Return some of them."""
        return Contributors(self.cell[rows], self.key[rows], self.weight[rows], self.possible[rows])


def cells_of(totals: PastTotals, persons: Columns) -> npt.NDArray[np.int16]:
    """Return the row of the totals that each person belongs to, -1 without. Shape (n_persons,)."""
    found: npt.NDArray[np.int16] = totals.cell[
        persons["sex"].astype(np.int64),
        persons["age"].astype(np.int64),
        persons["employment_status"].astype(np.int64),
    ]
    return found


def possible_months(persons: Columns, entry_age: float) -> Floats:
    """Return the months that each person could have, 0 up to the entry age. Shape (n_persons,)."""
    found: Floats = MONTHS * np.maximum(persons["age"].astype(np.float64) - entry_age, 0.0)
    return found


def credit(
    totals: PastTotals, solved: Sequence[Solved], entry_age: float, persons: Columns,
    stream: np.uint64, years: Floats,
) -> None:  # fmt: skip
    """Replace the years of formal work of persons whom the totals speak of.

    Parameters
    ----------
    totals, solved
        Official totals, and how each is met.
    entry_age
        Age from which months are possible.
    persons
        Columns with sex, age, employment status and draw key.
    stream
        Of the seed and replicate.
    years
        Shape (n_persons,), changed.
    """
    cell, keys = cells_of(totals, persons), persons["draw_key"]
    decision = hashed(decisions.PAST_WORK)
    density = draw_densities(
        cell, keys, stream, decision,
        np.array([one.mean for one in solved]), np.array([one.concentration for one in solved]),
    )  # fmt: skip
    credit_years(
        cell, density, draw_insured(keys, stream, decision),
        np.array([one.cut_off for one in solved]), np.array([one.odds for one in solved]),
        possible_months(persons, entry_age), years,
    )  # fmt: skip


def solve(
    totals: PastTotals, stated: float, people: Contributors, stream: np.uint64
) -> tuple[Solved, ...]:
    """Return how each official total is met by a population.

    Who was insured is drawn: of each group those with the lowest draws, until the number counted is
    reached. The density of each is drawn from a Beta distribution, and the odds of all of a group
    are multiplied by one factor, so that the weighted months are those counted.

    Parameters
    ----------
    totals
        What is counted.
    stated
        Concentration of the distribution where a line states no deviation.
    people
        All persons of the population that the totals speak of.
    stream
        Of the seed and replicate.

    Raises
    ------
    InputError
        More insured persons than there are; more months than these can have, or months where nobody
        is drawn; a deviation that no distribution with the mean has. Each with file, line and
        column.
    """
    faults, found = FaultList(), []
    order = np.argsort(people.cell, kind="stable")
    ends = np.searchsorted(people.cell[order], np.arange(len(totals.rows) + 1))
    for c, total in enumerate(totals.rows):
        group = people.chosen(order[ends[c] : ends[c + 1]])
        before = len(faults.faults)
        cut_off, insured = _insured(total, group, stream, faults)
        if len(faults.faults) == before:
            solved = _solved(total, stated, group, insured, cut_off, stream, faults)
            if solved is not None:
                found.append(solved)
    faults.raise_if_any()
    return tuple(found)


def _insured(
    total: PastTotal, group: Contributors, stream: np.uint64, faults: FaultList
) -> tuple[float, Contributors]:
    """Return the cut-off under which as many are insured as are counted, and who they are."""
    if math.isnan(total.insured):
        return EVERYBODY, group
    there = add_up(group.weight)
    half = 0.5 * float(group.weight.max(initial=0.0))
    if total.insured > there + half:
        what = f"insured persons of {total.group}"
        expected = f"at most {there:,.0f}: so many there are of that group past the entry age"
        remedy = "Check the group, or calibrate the population to the labour force first."
        faults.add(total.where("insured"), what, f"{total.insured:,.0f}", expected, remedy)
        return EVERYBODY, group
    draw = draw_insured(group.key, stream, hashed(decisions.PAST_WORK))
    order = np.argsort(draw, kind="stable")
    reached = np.concatenate([[0.0], np.cumsum(group.weight[order])])
    n = int(np.argmin(np.abs(reached - total.insured)))
    cut_off = float(draw[order[n]]) if n < order.size else EVERYBODY
    return cut_off, group.chosen(np.sort(order[:n]))


def _solved(
    total: PastTotal, stated: float, group: Contributors, insured: Contributors, cut_off: float,
    stream: np.uint64, faults: FaultList,
) -> Solved | None:  # fmt: skip
    """Return how the months of a group's insured persons are met, or None with a fault."""
    possible = add_up(insured.weight * insured.possible)
    wanted = total.target(possible)
    if wanted > 0.0 and not insured.cell.size:
        _note_nobody(total, group, wanted, faults)
        return None
    if wanted > possible * (1.0 + ROUNDING):
        what = f"months credited to {total.group}"
        expected = f"at most {possible:,.0f}: from the entry age on, that is every month"
        faults.add(total.where("months"), what, f"{wanted:,.0f}", expected)
        return None
    wanted = min(wanted, possible)  # within rounding
    share = wanted / possible if possible > 0.0 else 0.0
    mean = share if math.isnan(total.mean) else total.mean
    before = len(faults.faults)
    note_deviation(total, mean, stated, faults)
    if len(faults.faults) > before:
        return None
    concentration = total.concentration(mean, stated)
    density = draw_densities(
        np.zeros(insured.cell.size, np.int16), insured.key, stream, hashed(decisions.PAST_WORK),
        np.array([mean]), np.array([concentration]),
    )  # fmt: skip
    odds = _odds(total, insured, density, wanted, possible, faults)
    if odds is None:
        return None
    persons = add_up(insured.weight)
    return Solved(
        cut_off, mean, concentration, odds, persons, possible,
        months_at(insured.weight, insured.possible, density, 1.0),
        months_at(insured.weight, insured.possible, density, odds),
        _deviation(insured.weight, density, odds),
    )  # fmt: skip


def _note_nobody(total: PastTotal, group: Contributors, wanted: float, faults: FaultList) -> None:
    """Note months of a group of which nobody is there, or nobody is drawn as insured."""
    months = f"{wanted:,.0f} months"
    if not group.cell.size:
        what = f"months of {total.group}, of whom the population has nobody past the entry age"
        remedy = "Check the group, or take more households or a broader group."
        faults.add(total.where("months"), what, months, "0", remedy)
        return
    one = float(group.weight.max())
    faults.add(
        total.where("insured"),
        f"insured persons of {total.group}, of whom nobody is drawn to have the {months}",
        f"{total.insured:,.0f}",
        f"more than {0.5 * one:,.0f}: one person of the sample stands for {one:,.0f}",
        "Take more households or a broader group.",
    )


def _odds(
    total: PastTotal, insured: Contributors, density: Floats, wanted: float, possible: float,
    faults: FaultList,
) -> float | None:  # fmt: skip
    """Return the factor on the odds of densities that gives the months wanted, by halving."""
    weight, months = insured.weight, insured.possible
    low, high = -WIDEST, WIDEST
    least, most = (months_at(weight, months, density, _exp(end)) for end in (low, high))
    if abs(months_at(weight, months, density, 1.0) - wanted) <= ROUNDING * ROUNDING * possible:
        return 1.0
    if not least <= wanted <= most:
        what = f"months credited to {total.group}"
        column = "mean" if math.isnan(total.months) else "months"
        expected = f"between {least:,.0f} and {most:,.0f}: what the densities drawn allow"
        remedy = "State the mean and the months of the same persons, or leave one out."
        faults.add(total.where(column), what, f"{wanted:,.0f}", expected, remedy)
        return None
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        if months_at(weight, months, density, _exp(middle)) < wanted:
            low = middle
        else:
            high = middle
    return _exp(0.5 * (low + high))


def _exp(x: float) -> float:
    return float(exps(np.array([x]))[0])


def _deviation(weight: Floats, density: Floats, odds: float) -> float:
    """Return the weighted standard deviation of calibrated densities, 0 of nobody."""
    persons = add_up(weight)
    if persons == 0.0:
        return 0.0
    up = density * odds
    calibrated = up / (1.0 - density + up)
    mean = add_up(weight * calibrated) / persons
    return math.sqrt(add_up(weight * (calibrated - mean) ** 2) / persons)
