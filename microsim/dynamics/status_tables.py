"""Makes the shares of employment statuses in each year, and who moves between them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict

import numpy as np
import numpy.typing as npt

from microsim.dynamics import labour_paths, transitions
from microsim.dynamics.base_year import BaseYear
from microsim.dynamics.earnings_profiles import Reader
from microsim.dynamics.lives_file import LivesSpec
from microsim.dynamics.tables import N_AGES, N_STATUSES, NONE
from microsim.dynamics.transition_formulas import Formulas
from microsim.errors import Fault, InputError
from microsim.population.columns import EMPLOYMENT_STATUS

Floats = npt.NDArray[np.float64]


class _Moves(TypedDict):
    """Tables of moves between statuses, by their name in `LifeTables`."""

    status_leave: Floats
    status_affinity: Floats


class Statuses(_Moves):
    """What tells the statuses of each year, by their name in `LifeTables`."""

    status_share: Floats
    transition: Floats | None
    formulas: Formulas | None


def statuses(
    spec: LivesSpec,
    span: range,
    given: dict[str, Floats],
    base: BaseYear,
    population: Floats,
    readers: tuple[Reader, Reader],
) -> Statuses:
    """Return the shares of the statuses in each year, and who moves.

    Where transitions are given and nothing brings the statuses to totals, the shares are those
    that the transitions lead to.
    """
    shares, moves = _shares(spec, span, given, base, population, readers), _moves(spec)
    process = spec.processes.get("transitions")
    if process is None:
        return {"status_share": shares, "transition": None, "formulas": None, **moves}
    implied = transitions.implied_by(shares[1:], moves["status_leave"], moves["status_affinity"])
    formulas = transitions.formulas_of(process, spec.variables)
    if formulas is not None:  # what they lead to, only those who live it can tell
        return {"status_share": shares, "transition": implied, "formulas": formulas, **moves}
    made = transitions.matrices(process, given, implied, readers[0], span[1:])
    if spec.alignment["labour"] == NONE:
        shares = transitions.led_to(shares[0], made)
    ages = transitions.ages_of(process)
    stay = np.diagonal(made[0], axis1=-2, axis2=-1)
    moves["status_leave"][:, ages.start : ages.stop, 1:] = (1.0 - stay)[
        :, ages.start : ages.stop, 1:
    ]
    return {"status_share": shares, "transition": made, "formulas": None, **moves}


def _moves(spec: LivesSpec) -> _Moves:
    """Return who leaves which status for which."""
    moves = spec.processes["moves"]
    leave = np.zeros(N_STATUSES)
    leave[0] = 1.0  # under working age: left when the age is reached, whatever is written
    stated, weights = moves.entries["leave"], moves.entries["affinity"]
    assert isinstance(stated, Mapping)  # noqa: S101 (its kind says so)
    assert isinstance(weights, Mapping)  # noqa: S101
    for label, share in stated.items():
        leave[EMPLOYMENT_STATUS.index(label)] = share
    affinity = np.ones((N_STATUSES, N_STATUSES))
    np.fill_diagonal(affinity, 0.0)
    affinity[:, 0] = 0.0
    for move, weight in weights.items():
        start, _, end = move.partition(" > ")
        affinity[EMPLOYMENT_STATUS.index(start), EMPLOYMENT_STATUS.index(end)] = weight
    by_age = np.broadcast_to(leave, (2, N_AGES, N_STATUSES)).copy()
    by_age[:, : labour_paths.WORKING_AGE - 1, 0] = 0.0
    return {"status_leave": by_age, "status_affinity": affinity}


def _shares(
    spec: LivesSpec,
    span: range,
    given: dict[str, Floats],
    base: BaseYear,
    population: Floats,
    readers: tuple[Reader, Reader],
) -> Floats:
    """Return the shares of the statuses in each year that the block of labour tells."""
    read, before = readers
    if "status_share" in given:
        return given["status_share"]
    labour = spec.processes["labour"]

    def summed(key: str) -> Floats:
        """Return what a parameter adds up to since the first year."""
        name = labour.text(key)
        steps = [0.0] + [read(name, year) if name else 0.0 for year in span[1:]]
        return np.cumsum(np.array(steps))

    age = labour.text("retirement_age")
    ages = [before(age, span[0]), *(read(age, year) for year in span[1:])] if age else None
    jobs = labour.text("formal_jobs")
    grown = np.array([1.0] + [1.0 + read(jobs, year) for year in span[1:]]) if jobs else None
    changes = labour_paths.Changes(
        participation=np.stack([summed("participation_men"), summed("participation_women")]),
        unemployment=summed("unemployment"),
        formal_share=summed("formal_share") if labour.text("formal_share") else None,
        formal_jobs=None if grown is None else np.multiply.accumulate(grown),
        retirement_age=None if ages is None else np.array(ages),
    )
    first = labour_paths.first_shares(base.persons)
    try:
        return labour_paths.paths(first, population, changes, span[0])
    except InputError as error:
        raise InputError([
            Fault(str(labour.where), one.what, one.found, one.expected) for one in error.faults
        ]) from error  # fmt: skip
