"""What follows once everybody is in place: disability, statuses, retirement, incomes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from microsim.dynamics import decisions
from microsim.dynamics.choosing import Chance
from microsim.dynamics.decisions import hashed
from microsim.dynamics.factors import NONE, Persons, factor_of, neutral, refuse
from microsim.dynamics.starting import SCORE, SHOCK
from microsim.dynamics.stating import stated_by
from microsim.dynamics.tables import MULTIPLICATIVE, SORTING, LifeTables
from microsim.errors import Fault, InputError
from microsim.kernels import lives_earnings, lives_statuses, lives_transitions
from microsim.kernels.lives_sorting import DRAWN

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
Columns = dict[str, Array]

LONGEST = 120  # years in a status that an int8 column holds


@dataclass(frozen=True)
class Workforce:
    """The persons of the new year, whose disability, statuses and incomes are those before.

    Attributes
    ----------
    persons
        Columns, brought up to date in place.
    starts
        Shape (n_markets + 1,), first persons of the markets.
    source
        Shape (n_persons,), row before the step; newcomers count on after those before.
    newborn
        Rows of children born in the step.
    tally
        Shape (3,), filled in by aligned transitions: moves between statuses, those of them that
        the transitions exclude, places of the wanted numbers left empty.
    """

    persons: Columns
    starts: Ints
    source: Ints
    newborn: Array
    tally: Ints = field(default_factory=lambda: np.zeros(3, np.int64))

    @property
    def group(self) -> Persons:
        """Return the persons as processes take them."""
        columns = self.persons
        return Persons(self.starts, columns["sex"], columns["age"], columns["draw_key"])

    def moved(self, behaviour: dict[str, Floats]) -> dict[str, Floats]:
        """Return columns of the year before for the persons now; newcomers get neutral values."""
        moved = {}
        for name, column in behaviour.items():
            known = self.source < column.size
            moved[name] = np.full(self.source.size, neutral(name))
            moved[name][known] = column[self.source[known]]
        return moved


def update(
    workers: Workforce, chance: Chance, tables: LifeTables, step: int, average_wage: float
) -> None:
    """Bring disability, statuses and incomes of the persons of the new year up to date.

    Probabilities are those of the age at the end of the step.
    """
    before = workers.persons["employment_status"].copy()
    change_disability(workers, chance, tables, step)
    changed = change_statuses(workers, chance, tables, step)
    count_spells(workers, chance, changed)
    if average_wage > 0.0:
        change_incomes(workers, chance, tables, step, average_wage, before)


def change_disability(workers: Workforce, chance: Chance, tables: LifeTables, step: int) -> None:
    """Let persons become severely disabled, and recover."""
    persons, group, back = workers.persons, workers.group, workers.source
    disabled = persons["severe_disability"]
    ill = np.flatnonzero(disabled)
    struck = chance.choose(
        "disability", decisions.DISABILITY, decisions.DISABILITY_EVENT,
        replace(group, barred=disabled.view(np.int8)), tables.disability_onset[step], rows=back,
    )  # fmt: skip
    recovered = chance.choose(
        "recovery", decisions.RECOVERY, decisions.RECOVERY_EVENT, replace(group, among=ill),
        tables.disability_recovery[step], rows=back,
    )  # fmt: skip
    disabled[struck] = True
    disabled[recovered] = False
    persons["became_disabled"][struck] = True


def change_statuses(workers: Workforce, chance: Chance, tables: LifeTables, step: int) -> Ints:
    """Move persons between employment statuses; return the rows of those who changed."""
    persons, group = workers.persons, workers.group
    status, n = persons["employment_status"], group.sex.size
    share = np.ascontiguousarray(tables.status_share[step + 1])
    factor, formal = NONE, None
    if {"formal", "formal_relative"} & chance.behaviour.keys():
        formal = np.ascontiguousarray(share[:, :, lives_statuses.FORMAL_STATUSES].sum(axis=2))
        method = chance.method("labour")
        factor = factor_of("formal", chance.behaviour, group, formal, method=method)
    noted = np.full((2, n if chance.log is not None else 0), np.nan)
    changed = np.zeros(n, np.bool_)
    fixed, retirement = _retire(workers, chance, changed, noted)
    codes: Array = status.view(np.uint8)
    settled = (codes, fixed, retirement, factor)
    move = _move_by_shares if tables.transition is None else _move_by_transitions
    wrong = move(group, settled, chance, tables, step, (changed, noted[0], noted[1], workers.tally))
    if wrong >= 0 and formal is not None:
        raise _too_formal(chance.year, wrong, group, formal, factor)
    moved = np.flatnonzero(changed)
    retired = status[moved] == lives_statuses.RETIRED
    persons["retired_this_year"][moved[retired]] = True
    if chance.log is not None:
        for rows, kind in (
            (moved[~retired], decisions.STATUS_EVENT), (moved[retired], decisions.RETIREMENT_EVENT),
        ):  # fmt: skip
            months = chance.months(group.keys[rows], decisions.STATUS_EVENT)
            chance.log.note(workers.source[rows], kind, months, noted[0, rows], noted[1, rows])
    return moved


Settled = tuple[Array, Flags, Floats, Floats]  # statuses, whose is settled, retirement, factor
Noted = tuple[Flags, Floats, Floats, Ints]  # who changed, probability, draw; `Workforce.tally`


def _move_by_shares(
    group: Persons, settled: Settled, chance: Chance, tables: LifeTables, step: int, noted: Noted
) -> int:
    """Let persons leave their status for others of the wanted shares; return a row at fault."""
    share = np.ascontiguousarray(tables.status_share[step + 1])
    leave = np.empty_like(share)
    lives_statuses.leaving(share, tables.status_leave, leave)
    sex, age = group.codes
    where = (
        *settled, share, leave, np.ascontiguousarray(tables.status_affinity), group.keys,
        chance.stream, hashed(decisions.STATUS_LEFT), hashed(decisions.STATUS_TAKEN), chance.year,
        *noted[:3],
    )  # fmt: skip
    method = chance.sorting("labour")
    if method != DRAWN:
        return int(
            lives_statuses.align_statuses(group.starts, chance.markets, sex, age, *where, method)
        )
    lives_statuses.draw_statuses(group.starts, sex, age, *where)
    return -1


def moves_are_aligned(tables: LifeTables) -> bool:
    """Tell whether transitions are brought to wanted numbers of statuses."""
    sorted_by = SORTING.get(tables.alignment.get("labour", MULTIPLICATIVE), DRAWN)
    return tables.transition is not None and sorted_by != DRAWN


def _move_by_transitions(
    group: Persons, settled: Settled, chance: Chance, tables: LifeTables, step: int, noted: Noted
) -> int:
    """Move persons by their row of the transition matrix; return a row at fault."""
    assert tables.transition is not None  # noqa: S101 (the caller has looked)
    matrix = np.ascontiguousarray(tables.transition[step])
    sex, age = group.codes
    who = (group.starts, sex, age, *settled)
    rows = (matrix, *stated_by(tables.formulas, group, settled[0], chance))
    draws = (group.keys, chance.stream, hashed(decisions.TRANSITION), chance.year)
    if not moves_are_aligned(tables):
        where = (*who, *rows, *draws, *noted[:3])
        return int(lives_transitions.draw_transitions(*where))
    share = np.ascontiguousarray(tables.status_share[step + 1])
    market = (group.starts, chance.markets, sex, age, *settled, share, *rows, *draws, *noted)
    return int(lives_transitions.align_transitions(*market))


def _retire(
    workers: Workforce, chance: Chance, changed: Flags, noted: Floats
) -> tuple[Flags, Floats]:
    """Retire those whose rule says so; return whose status is settled, and the rule's column."""
    retirement = chance.behaviour.get("retirement", NONE)
    if not retirement.size:
        return np.zeros(0, np.bool_), NONE
    group = workers.group
    fixed = np.zeros(retirement.size, np.bool_)
    wrong = lives_statuses.retire_by_rule(
        group.sex, workers.persons["employment_status"], retirement, group.keys, chance.stream,
        hashed(decisions.RETIREMENT), chance.year, fixed, changed, noted[0], noted[1],
    )  # fmt: skip
    if wrong >= 0:
        raise refuse("retirement", chance.year, wrong, group, None, retirement)
    return fixed, retirement


def _too_formal(year: int, row: int, group: Persons, formal: Floats, factor: Floats) -> InputError:
    sex, age = int(group.sex[row]), int(group.age[row])
    found = f"{formal[sex, age]:.6g} x {factor[row]:.6g}"
    where = f"formal, year {year}, draw key {int(group.keys[row])}, age {age}"
    what = "the wanted share of formal work is outside 0 to 1"
    remedy = "Lower the factor on formal work, or the shares of the tables."
    return InputError(Fault(where, what, found, "0 to 1", remedy))


def count_spells(workers: Workforce, chance: Chance, changed: Ints) -> None:
    """Count the months of the year and the completed years in the present status."""
    persons, newborn = workers.persons, workers.newborn
    years, months = persons["years_in_status"], persons["months_in_status"]
    lives_statuses.grow_spells(years, months, LONGEST)
    lives_statuses.begin_spells(
        changed, persons["draw_key"], chance.stream, hashed(decisions.MONTH), chance.year,
        decisions.STATUS_EVENT, years, months,
    )  # fmt: skip
    months[newborn] = 13 - persons["birth_month"][newborn]
    years[newborn] = 0


def change_incomes(
    workers: Workforce, chance: Chance, tables: LifeTables, step: int, average_wage: float,
    before: Array,
) -> None:  # fmt: skip
    """Bring sectors and incomes from work to the new year."""
    persons, newborn, level = workers.persons, workers.newborn, tables.earnings
    keys, status = persons["draw_key"], persons["employment_status"]
    persons[SCORE][newborn] = lives_earnings.lasting_scores(
        keys[newborn], chance.stream, hashed(decisions.PERMANENT_EARNINGS)
    )
    lives_earnings.take_sectors(
        workers.starts, status.view(np.uint8), before.view(np.uint8), keys, chance.stream,
        hashed(decisions.SECTOR_TAKEN), chance.year, persons["sector"].view(np.uint8),
    )  # fmt: skip
    wage = level.wage_level
    sex, age = workers.group.codes
    lives_earnings.pass_on(
        status.view(np.uint8), before.view(np.uint8), sex, age, keys, chance.stream,
        hashed(decisions.TRANSITORY_EARNINGS), chance.year, np.ascontiguousarray(level.log_level),
        np.ascontiguousarray(level.age_profile), level.sigma_permanent, level.sigma_transitory,
        level.rho, average_wage * wage[step + 1], wage[step + 1] / wage[step], persons[SCORE],
        persons[SHOCK], persons["earnings"], persons["self_employment_income"],
        persons["permanent_earnings"],
    )  # fmt: skip
