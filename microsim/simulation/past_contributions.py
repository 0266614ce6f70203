"""Meets official totals of contributions before the first year, in a phase before the units.

The whole population is looked at, as it is when lives begin; what is found is frozen as a few
numbers for each total, from which any process makes the history of any person.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from microsim.dynamics.equal_weights import equalise
from microsim.dynamics.past_densities import Contributors, solve
from microsim.dynamics.past_totals import PastTotal, PastTotals, Solved
from microsim.errors import Fault, InputError
from microsim.kernels.draws import stream_key
from microsim.language.people import World
from microsim.population.store import PopulationReader, PopulationSlice
from microsim.results.contents import Alignment
from microsim.simulation.horizon import Horizon

SLICE_MARKETS = 20  # read at a time, so that memory stays bounded
MOST_LINES = 20  # groups shown before a run; all are in table T2
OWN = "past_formal_years"


def solved_histories(
    horizon: Horizon, population: PopulationReader, world: World
) -> tuple[Solved, ...]:
    """Return how each official total of past contributions is met.

    Parameters
    ----------
    horizon
        Of the baseline, with the totals.
    population, world
        Who lives, under which chance.

    Raises
    ------
    InputError
        Totals that cannot be met, with file, line and column; a population that has histories.
    """
    past = horizon.groups[0].tables.past_work
    assert past.totals is not None  # noqa: S101 - asked where there are totals only
    if OWN in population.person_columns:
        where, what = past.totals.rows[0].file, "totals of past contributions, which nothing needs"
        found = f"the population has the column {OWN}"
        remedy = "Leave the totals out of the lives file, or the column out of the population."
        raise InputError(Fault(where, what, found, "a population without histories", remedy))
    parts = []
    for first in range(0, population.n_markets, SLICE_MARKETS):
        last = min(first + SLICE_MARKETS, population.n_markets)
        part = population.read_markets(first, last)
        parts.append(_contributors(horizon, past.totals, past.entry_age, part, world))
    stream = np.uint64(stream_key(world.seed, world.replicate))
    return solve(past.totals, past.concentration, Contributors.joined(parts), stream)


def _contributors(
    horizon: Horizon, totals: PastTotals, entry_age: float, part: PopulationSlice, world: World
) -> Contributors:
    """Return those of some markets, with the weights of the first year."""
    if horizon.static is None:
        persons, households = equalise(
            part.persons, part.households, horizon.weight, seed=world.seed
        )
        weight = households["weight"]
    else:
        persons, households = part.persons, part.households
        weights = horizon.static.weights_of(horizon.groups[0].model.names[0])
        weight = weights.weights(weights.cells.entries(part), 0)
    of_person = np.repeat(weight.astype(np.float64), households["size"].astype(np.int64))
    return Contributors.of(totals, entry_age, persons, of_person)


def comparison(totals: PastTotals, solved: Sequence[Solved]) -> list[str]:
    """Return lines that hold what is counted against what is drawn and what is calibrated, the
    groups that calibration moves most first.
    """
    pairs = list(zip(totals.rows, solved, strict=True))
    wanted = math.fsum(total.target(one.possible) for total, one in pairs)
    drawn, credited = (
        math.fsum(x) for x in ([o.drawn for o in solved], [o.credited for o in solved])
    )
    lines = [f"past contributions, all groups: {_months(wanted, drawn, credited)}"]
    pairs.sort(key=lambda pair: -abs(pair[1].drawn - pair[0].target(pair[1].possible)))
    for total, one in pairs[:MOST_LINES]:
        text = _months(total.target(one.possible), one.drawn, one.credited)
        if not math.isnan(total.insured):
            text += f"; {total.insured:,.0f} insured official, {one.insured:,.0f} drawn"
        lines.append(f"past contributions, {total.group}: {text}")
    if len(pairs) > MOST_LINES:
        lines.append(f"past contributions: {len(pairs) - MOST_LINES} more groups in table T2")
    return lines


def _months(wanted: float, drawn: float, credited: float) -> str:
    ratio = f"{drawn / wanted:.3f}" if wanted else "n/a"
    return (
        f"{wanted:,.0f} months official, {drawn:,.0f} drawn (ratio {ratio}), "
        f"{credited:,.0f} calibrated (miss {credited - wanted:+,.3g})"
    )


def histories_reached(totals: PastTotals, solved: Sequence[Solved]) -> tuple[Alignment, ...]:
    """Return what past contributions were made to reach, for table T2 of the first year."""
    return tuple(
        row for total, one in zip(totals.rows, solved, strict=True) for row in _reached(total, one)
    )


def _reached(total: PastTotal, one: Solved) -> list[Alignment]:
    wanted = total.target(one.possible)
    months = f"months credited before the first year, {total.group}"
    rows = [
        Alignment(months, wanted, one.credited, "months"),
        Alignment(f"{months}, as drawn", wanted, one.drawn, "months"),
    ]
    if not math.isnan(total.insured):
        words = f"insured before the first year, {total.group}"
        rows.append(Alignment(words, total.insured, one.insured))
    if not math.isnan(total.deviation):
        words = f"deviation of past densities, {total.group}"
        rows.append(Alignment(words, total.deviation, one.deviation, "share"))
    return rows
