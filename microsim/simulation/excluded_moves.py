"""Says where numbers of employment statuses are met only by moves that the transitions exclude."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from microsim.errors import Fault
from microsim.files import listed
from microsim.results.contents import Alignment
from microsim.simulation.merging_years import GroupYear

EXCLUDED = "moves that transitions exclude"
EMPTY = "places of statuses that transitions leave empty"


def moves_reached(group: GroupYear, weight: float) -> tuple[Alignment, ...]:
    """Return rows of table T2 on aligned transitions of a year; nothing where there are none.

    Parameters
    ----------
    group
        What the lives of the baseline add up to in the year.
    weight
        Of every person of the sample.
    """
    if group.moves is None:
        return ()
    _, excluded, empty = (weight * float(n) for n in group.moves)
    return (Alignment(EXCLUDED, 0.0, excluded), Alignment(EMPTY, 0.0, empty))


def excluded_moves(
    years: Sequence[int], groups: Sequence[Sequence[GroupYear]], where: str
) -> tuple[Fault, ...]:
    """Return a warning for each life group whose totals its transitions cannot meet.

    Parameters
    ----------
    years, groups
        Years, and the life groups in each.
    where
        File and line of the transitions.
    """
    found = []
    for of_years in zip(*groups, strict=True):
        told = [one.moves if one.moves is not None else np.zeros(3, np.int64) for one in of_years]
        warning = _warning(years, np.array(told), of_years[0].names, where)
        if warning is not None:
            found.append(warning)
    return tuple(found)


def _warning(
    years: Sequence[int], moves: npt.NDArray[np.int64], names: Sequence[str], where: str
) -> Fault | None:
    """Return the warning of one life group, from counts of shape (n_years, 3)."""
    n, excluded, empty = (int(x) for x in moves.sum(axis=0))
    if not excluded and not empty:
        return None
    worst = int(np.argmax(moves[:, 1:].sum(axis=1)))
    of, out, left = (int(x) for x in moves[worst])
    found = (
        f"{excluded:,} of {n:,} moves of the sample that the transitions exclude "
        f"(probability 0), and {empty:,} places left empty; most in {years[worst]}: "
        f"{out:,} of {of:,} moves, {left:,} places"
    )
    remedy = (
        "Give every status that `labour` wants a way in and out (probabilities above 0), or let "
        "the transitions say how many are in each status (`labour` with `align: none`). Table T2 "
        "holds each year."
    )
    what = f"transitions do not reach the numbers that `labour` asks for ({listed(names)})"
    return Fault(where, what, found, "none", remedy)
