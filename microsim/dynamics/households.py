"""Households of a step: unions and their ends, leaving home, elders, newcomers, children alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from microsim.dynamics import decisions
from microsim.dynamics.choosing import Chance
from microsim.dynamics.decisions import hashed
from microsim.dynamics.factors import factor_of, refuse
from microsim.dynamics.stage import Stage
from microsim.dynamics.tables import LifeTables
from microsim.kernels import lives_moves
from microsim.kernels.lives_unions import match_couples

Array = npt.NDArray[Any]
Ints = npt.NDArray[np.int64]

FEMALE = 1
YOUNGEST_CHILD, OLDEST_CHILD = 15, 45  # years an elder's child is younger


def undo_links(stage: Stage) -> tuple[Ints, Ints, Array]:
    """Undo links to those gone; return who lost whom (rows before), and as what.

    The third array holds 1 for a spouse, 2 for a mother, 3 for a father; deaths only.
    """
    leavers = stage.left
    home = stage.household_of[leavers]
    most = 3 * int((stage.start[home + 1] - stage.start[home]).sum())
    who, lost, link = np.empty(most, np.int64), np.empty(most, np.int64), np.empty(most, np.int8)
    n = lives_moves.bereave(
        leavers, stage.gone, stage.household_of, stage.start, stage.links, stage.spouse_row,
        stage.touched, who, lost, link,
    )  # fmt: skip
    return who[:n], lost[:n], link[:n]


def end_unions(stage: Stage, chance: Chance, tables: LifeTables) -> None:
    """Dissolve unions: the husband leaves (`lives_moves.dissolve`)."""
    table = np.zeros((2, tables.dissolution.shape[1]))
    table[FEMALE] = tables.dissolution[stage.step]
    if not table.any():
        return
    rows = np.empty(stage.n, np.int64)
    n = lives_moves.wives(stage.sex, stage.gone, stage.spouse_row, rows)
    chosen = chance.choose(
        "dissolution", decisions.DISSOLUTION, decisions.DISSOLUTION_EVENT,
        replace(stage.persons, among=rows[:n]), table,
    )  # fmt: skip
    lives_moves.dissolve(chosen, *_movers(stage))


def form_unions(stage: Stage, chance: Chance, tables: LifeTables) -> None:
    """Match couples inside the markets and give them a household.

    Those widowed or divorced in the step wait for the next one.
    """
    table = tables.union[stage.step]
    if not table.any():
        return
    here, had_spouse = stage.gone == 0, stage.links[1] >= 0
    single = here & (stage.spouse_row < 0) & ~had_spouse
    husband = here & (stage.spouse_row >= 0) & (stage.sex != FEMALE)
    factor = factor_of(
        "union", chance.behaviour, replace(stage.persons, among=np.flatnonzero(single)), table,
        method=chance.method("union"),
    )  # fmt: skip
    noted = np.full((2, stage.n if chance.log is not None else 0), np.nan)
    men, women = np.empty(stage.n, np.int64), np.empty(stage.n, np.int64)
    n, wrong = match_couples(
        stage.starts, stage.markets, *stage.persons.codes, single, husband,
        np.ascontiguousarray(table), factor, stage.keys, chance.stream, hashed(decisions.UNION),
        hashed(decisions.SECOND_WIFE), hashed(decisions.AGE_GAP), stage.year,
        chance.sorting("union"), tables.polygamy, tables.age_gap_mean, tables.age_gap_deviation,
        stage.household_of, stage.region, int(stage.region.max()) + 1, men, women,
        noted[0], noted[1],
    )  # fmt: skip
    if wrong >= 0:
        raise refuse("union", stage.year, wrong, stage.persons, table, factor)
    men, women = men[:n], women[:n]
    if chance.log is not None:
        for people in (men, women):
            months = chance.months(stage.keys[women], decisions.UNION_EVENT)
            chance.log.note(
                people, decisions.UNION_EVENT, months, noted[0, people], noted[1, people]
            )
    lives_moves.unite(men, women, *_movers(stage))


def leave_home(stage: Stage, chance: Chance, tables: LifeTables) -> None:
    """Let grown children found households."""
    if not tables.leaving_home.any():
        return
    able = np.empty(stage.n, np.int64)
    n = lives_moves.live_with_parents(
        stage.gone, stage.household_of, stage.start, stage.links, stage.spouse_row, stage.place,
        stage.age, able,
    )  # fmt: skip
    chosen = chance.choose(
        "leaving_home", decisions.LEAVING_HOME, decisions.LEAVING_EVENT,
        replace(stage.persons, among=able[:n]), tables.leaving_home,
    )  # fmt: skip
    lives_moves.leave_home(chosen, *_movers(stage))


def join_kin(stage: Stage, chance: Chance, tables: LifeTables) -> None:
    """Let elders who live alone join the household of somebody of a child's age."""
    if not tables.elder_joins.any():
        return
    able = np.empty(stage.n_households, np.int64)
    n = lives_moves.live_alone(stage.gone, stage.start, stage.spouse_row, stage.place, able)
    chosen = chance.choose(
        "elders", decisions.ELDER_JOINS, decisions.ELDER_EVENT,
        replace(stage.persons, among=able[:n]), tables.elder_joins,
    )  # fmt: skip
    lives_moves.join_kin(
        chosen, stage.market_of, stage.household_starts, stage.region, stage.keys,
        chance.stream, hashed(decisions.HOST), stage.year, YOUNGEST_CHILD, OLDEST_CHILD, stage.age,
        stage.gone, stage.household_of, stage.start, stage.links, stage.place, stage.touched,
    )  # fmt: skip


def _movers(stage: Stage) -> tuple[Array, ...]:
    return (
        stage.age, stage.gone, stage.household_of, stage.start, stage.links, stage.spouse_row,
        stage.place, stage.touched, stage.founder, stage.template, stage.count,
    )  # fmt: skip
