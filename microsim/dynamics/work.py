"""What follows once everybody is in place: disability, statuses, retirement, earnings."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from microsim.dynamics import decisions
from microsim.dynamics.choosing import Chance
from microsim.dynamics.decisions import hashed
from microsim.dynamics.factors import EVERYBODY, NONE, Persons, factor_of, refuse
from microsim.dynamics.passage import EventLog, Passage
from microsim.dynamics.regrouping import Layout
from microsim.dynamics.stage import Newcomers
from microsim.errors import Fault, InputError
from microsim.kernels import lives_statuses
from microsim.population.columns import EMPLOYMENT_STATUS

if TYPE_CHECKING:
    from microsim.dynamics.lives import Lives

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Columns = dict[str, Array]

FORMAL = [
    EMPLOYMENT_STATUS.index(name)
    for name in ("formal public employee", "formal private employee", "formal own-account")
]
LONGEST = 120  # years in a status that an int8 column holds


def update(
    lives: Lives, chance: Chance, layout: Layout, step: int, behaviour: dict[str, Floats]
) -> None:
    """Bring disability, statuses and incomes of the persons of the new year up to date.

    Probabilities are those of the age at the end of the step.
    """
    persons, tables = lives.persons, lives.tables
    n_before = chance_size(behaviour)
    moved = {
        name: _moved(column, layout.source, np.nan if name == "retirement" else 1.0)
        for name, column in behaviour.items()
    } if n_before else {}  # fmt: skip
    chance = replace(chance, behaviour=moved)
    group = Persons(lives.market_starts, persons["sex"], persons["age"], persons["draw_key"])
    back = layout.source  # rows in the log: before the step, newcomers after them
    _disability(persons, chance, group, tables.disability_onset[step],
                tables.disability_recovery[step], back)  # fmt: skip
    changed = _statuses(lives, chance, group, step, back)
    _spells(persons, chance, changed)


def chance_size(behaviour: dict[str, Floats]) -> int:
    """Return the persons the behaviour columns are of; 0 where there are none."""
    return max((column.size for column in behaviour.values()), default=0)


def _moved(column: Floats, source: Array, neutral: float) -> Floats:
    """Return a column of the year before for the persons now; newcomers get the neutral value."""
    known = source < column.size
    moved = np.full(source.size, neutral)
    moved[known] = column[source[known]]
    return moved


def _disability(
    persons: Columns, chance: Chance, group: Persons, onset: Floats, recovery: Floats, back: Array
) -> None:
    disabled = persons["severe_disability"]
    struck = recovered = None
    if onset.any():
        struck = chance.choose(
            "disability", decisions.DISABILITY, decisions.DISABILITY_EVENT, group, onset,
            ~disabled, rows=back,
        )  # fmt: skip
    if recovery.any():
        silent = replace(chance, behaviour={})
        recovered = silent.choose(
            "recovery", decisions.RECOVERY, decisions.RECOVERY_EVENT, group, recovery,
            disabled.copy(), rows=back,
        )  # fmt: skip
    if struck is not None:
        disabled[struck] = True
        persons["became_disabled"][struck] = True
    if recovered is not None:
        disabled[recovered] = False


def _statuses(lives: Lives, chance: Chance, group: Persons, step: int, back: Array) -> Flags:
    """Move persons between employment statuses; return who changed."""
    persons, tables = lives.persons, lives.tables
    status, n = persons["employment_status"], group.sex.size
    share = np.ascontiguousarray(tables.status_share[step + 1])
    leave = np.empty_like(share)
    lives_statuses.leaving(share, tables.status_leave, leave)
    formal = np.ascontiguousarray(share[:, :, FORMAL].sum(axis=2))
    factor = factor_of("formal", chance.behaviour, group, EVERYBODY, formal)
    fixed, retirement = EVERYBODY, chance.behaviour.get("retirement", NONE)
    noted = np.full((2, n if chance.log is not None else 0), np.nan)
    changed = np.zeros(n, np.bool_)
    before = status.copy()
    if retirement.size:
        fixed = np.zeros(n, np.bool_)
        wrong = lives_statuses.retire_by_rule(
            group.sex, status, retirement, group.keys, chance.stream,
            hashed(decisions.RETIREMENT), chance.year, fixed, changed, noted[0], noted[1],
        )  # fmt: skip
        if wrong >= 0:
            raise refuse("retirement", chance.year, wrong, group, None, retirement)
    where = (
        fixed, retirement, factor, share, leave, np.ascontiguousarray(tables.status_affinity),
        group.keys, chance.stream, hashed(decisions.STATUS_LEFT), hashed(decisions.STATUS_TAKEN),
        chance.year, changed, noted[0], noted[1],
    )  # fmt: skip
    if chance.aligned("labour"):
        wrong = lives_statuses.align_statuses(
            group.starts, chance.markets, group.sex, group.age, status, *where
        )
        if wrong >= 0:
            raise _too_formal(chance.year, wrong, group, formal, factor)
    else:
        lives_statuses.draw_statuses(group.starts, group.sex, group.age, status, *where)
    retired = changed & (status == lives_statuses.RETIRED) & (before != status)
    persons["retired_this_year"][:] = retired
    if chance.log is not None:
        for mask, kind in (
            (changed & ~retired, decisions.STATUS_EVENT), (retired, decisions.RETIREMENT_EVENT),
        ):  # fmt: skip
            rows = np.flatnonzero(mask)
            months = chance.months(group.keys[rows], decisions.STATUS_EVENT)
            chance.log.note(back[rows], kind, months, noted[0, rows], noted[1, rows])
    return changed


def _too_formal(year: int, row: int, group: Persons, formal: Floats, factor: Floats) -> InputError:
    sex, age = int(group.sex[row]), int(group.age[row])
    found = f"{formal[sex, age]:.6g} x {factor[row]:.6g}"
    where = f"formal, year {year}, draw key {int(group.keys[row])}, age {age}"
    what = "the wanted share of formal work is outside 0 to 1"
    remedy = "Lower the factor on formal work, or the shares of the tables."
    return InputError(Fault(where, what, found, "0 to 1", remedy))


def _spells(persons: Columns, chance: Chance, changed: Flags) -> None:
    """Count the months and years in the present status."""
    years = persons["years_in_status"]
    np.minimum(years, LONGEST, out=years)
    years += 1
    months = persons["months_in_status"]
    months[:] = 12
    born = np.flatnonzero(persons["age"] == 0)
    months[born] = 13 - persons["birth_month"][born]
    rows = np.flatnonzero(changed)
    months[rows] = 13 - chance.months(persons["draw_key"][rows], decisions.STATUS_EVENT)
    years[rows] = 0
    years[born] = 0


def with_events(passage: Passage, log: EventLog, layout: Layout, joining: Newcomers) -> Passage:
    """Return the passage with the events of the step."""
    n = log.n_before
    nothing = np.full(joining.n, np.nan)
    arrived = np.flatnonzero(joining.donor >= 0)
    log.note(
        n + arrived, decisions.IMMIGRATION_EVENT, joining.month[arrived], nothing[arrived],
        nothing[arrived],
    )  # fmt: skip
    none = np.full(layout.placed.size, np.nan)
    log.note(layout.placed, decisions.PLACEMENT_EVENT, np.full(none.size, 12), none, none)
    return replace(passage, events=log.events(layout.new_row))
