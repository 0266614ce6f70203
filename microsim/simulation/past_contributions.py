"""Meets official totals of contributions before the first year, in a phase before the units.

The whole population is looked at, as it is when lives begin; what is found is frozen as a few
numbers for each total, from which any process makes the history of any person.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

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
from microsim.simulation.trust import FLAGGED

SLICE_MARKETS = 20  # read at a time, so that memory stays bounded
MOST_LINES = 20  # groups shown before a run; all are in table T2
MOST_NAMED = 5  # groups named in a remark
ROUNDED = 0.5  # months are shown whole
WORDS = "past contributions"
OWN = "past_formal_years"

BROADER = "take more households or broader groups"
NOBODY_DRAWN = (
    "nobody is drawn although persons are insured, and nobody gets their months: they are fewer "
    f"than half of those one person of the sample stands for; {BROADER}"
)
FEW_INSURED = (
    "insured persons drawn differ by more than 5 % from those counted: one person of the sample "
    f"stands for too many; {BROADER}"
)
NOBODY_THERE = (
    "nobody of the sample is in the group past the entry age, so that its mean holds for nobody; "
    f"check the group, or {BROADER}"
)
NOT_TOGETHER = (
    "months drawn differ by more than 5 % from those counted: mean and months do not belong "
    "together, the group is another than the register's, or few of the sample are in it"
)
BY_CHANCE = (
    "months drawn differ by chance by more than 5 % from those wanted: few of the sample are in "
    f"the group; {BROADER}"
)
REMARKS = (NOBODY_DRAWN, NOBODY_THERE, FEW_INSURED, NOT_TOGETHER, BY_CHANCE)


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


def origins(horizon: Horizon, population: PopulationReader) -> dict[str, str]:
    """Return in words where the past contributions come from that lives begin with, by input."""
    past = horizon.groups[0].tables.past_work
    if OWN in population.person_columns:
        return {OWN: "of the population file"}
    others = (
        "drawn from the densities of the lives file"
        if past.concentration > 0.0
        else "walked back through the shares and moves of the lives file"
    )
    if past.totals is None:
        return {OWN: others}
    file = Path(past.totals.rows[0].file).name
    return {OWN: f"in the groups of {file} drawn and calibrated to it, else {others}"}


def comparison(totals: PastTotals, solved: Sequence[Solved]) -> list[str]:
    """Return lines that hold what is counted against what is drawn and what is calibrated.

    Groups of which something differs by more than 5 per cent (marked with `*`) come first, then
    those that calibration moves most; what the marks mean is said below.
    """
    pairs = list(zip(totals.rows, solved, strict=True))
    wanted = math.fsum(total.target(one.possible) for total, one in pairs)
    drawn, credited = (
        math.fsum(x) for x in ([o.drawn for o in solved], [o.credited for o in solved])
    )
    origins = dict.fromkeys(sorted((_origin(total) for total in totals.rows), reverse=True))
    lines = [f"{WORDS}, all groups: {_months(wanted, drawn, credited, ' and '.join(origins))}"]
    remarks = [_remarks(total, one) for total, one in pairs]
    order = sorted(
        range(len(pairs)),
        key=lambda k: (
            not remarks[k],
            -abs(pairs[k][1].drawn - pairs[k][0].target(pairs[k][1].possible)),
        ),
    )
    for total, one in (pairs[k] for k in order[:MOST_LINES]):
        text = _months(total.target(one.possible), one.drawn, one.credited, _origin(total))
        if not math.isnan(total.insured):
            mark = _mark(total.insured, one.insured)
            text += f"; {total.insured:,.0f} insured official, {one.insured:,.0f} drawn{mark}"
        lines.append(f"{WORDS}, {total.group}: {text}")
    if len(pairs) > MOST_LINES:
        lines.append(f"{WORDS}: {len(pairs) - MOST_LINES} more groups in table T2")
    for remark in REMARKS:
        groups = [pairs[k][0].group for k in order if remark in remarks[k]]
        if groups:
            named = "; ".join(groups[:MOST_NAMED])
            more = len(groups) - MOST_NAMED
            named += f"; {more} more groups" if more > 0 else ""
            lines.append(f"{WORDS}: * {remark} ({named})")
    return lines


def _months(wanted: float, drawn: float, credited: float, origin: str) -> str:
    ratio = f"{drawn / wanted:.3f}" if wanted else "n/a"
    miss = credited - wanted
    shown = f"{miss:+,.3g}" if abs(miss) >= ROUNDED else "0"
    return (
        f"{wanted:,.0f} months {origin}, {drawn:,.0f} drawn "
        f"(ratio {ratio}{_mark(wanted, drawn)}), {credited:,.0f} calibrated (miss {shown})"
    )


def _origin(total: PastTotal) -> str:
    """Return where the months wanted of a group come from."""
    return "from the mean" if math.isnan(total.months) else "official"


def _mark(official: float, found: float) -> str:
    """Return `*` where a figure differs by more than 5 per cent, as in the trust table."""
    return "*" if abs(found - official) > FLAGGED * official else ""


def _remarks(total: PastTotal, one: Solved) -> list[str]:
    """Return what is to be said of a group whose figures are not met, of `REMARKS`."""
    found = []
    if _mark(total.insured, one.insured):
        found.append(FEW_INSURED if one.insured else NOBODY_DRAWN)
    if math.isnan(total.insured) and one.possible == 0.0 and total.mean > 0.0:
        found.append(NOBODY_THERE)
    if _mark(total.target(one.possible), one.drawn):
        stated = not math.isnan(total.mean) and not math.isnan(total.months)
        found.append(NOT_TOGETHER if stated else BY_CHANCE)
    return found


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
