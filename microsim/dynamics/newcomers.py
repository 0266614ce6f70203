"""The newborn and the immigrants of a step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from microsim.dynamics import decisions
from microsim.dynamics.choosing import Chance
from microsim.dynamics.decisions import hashed
from microsim.dynamics.factors import Persons
from microsim.dynamics.stage import Newcomers, Stage
from microsim.dynamics.tables import LifeTables
from microsim.kernels.lives_moves import DIED, EMIGRATED
from microsim.kernels.lives_newcomers import ADULT, CHILD, admit, descend

Array = npt.NDArray[Any]
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

FEMALE = 1
N_AGES = 121


@dataclass(frozen=True)
class Births:
    """The births of a step.

    Attributes
    ----------
    born, dead, away
        Shape (2,), children by sex: all, those who died within the step, those who emigrated
        with their mother.
    living
        The others, without place yet.
    late_mother, late_father
        Shape (n_living,), row before of a parent who died in the step, else -1.
    """

    born: Ints
    dead: Ints
    away: Ints
    living: Newcomers
    late_mother: Ints
    late_father: Ints


def bear(stage: Stage, chance: Chance, tables: LifeTables, mothers: Ints) -> Births:
    """Return the children of the mothers given (rows, in order).

    Women who die within the step are at risk too: a birth comes before the death. The child of a
    mother who emigrates goes with her. The father is the mother's husband at the start. Where
    births are aligned, girls are as many of the market's children as their share says.
    """
    keys = descend(stage.keys[mothers], stage.year, CHILD)
    starts = np.searchsorted(mothers, stage.starts).astype(np.int64)
    none = np.zeros(keys.size, np.int8)
    silent = Chance(chance.stream, chance.year, chance.markets, tables, {}, None)
    sex = none.copy()
    sex[silent.choose(
        "fertility", decisions.SEX_OF_CHILD, decisions.BIRTH_EVENT,
        Persons(starts, none, none, keys), _of_newborn(tables.girls[stage.step]),
    )] = FEMALE  # fmt: skip
    dead = np.zeros(sex.size, np.bool_)
    dead[silent.choose(
        "mortality", decisions.DEATH, decisions.DEATH_EVENT, Persons(starts, sex, none, keys),
        _of_newborn(tables.newborn_death[stage.step]),
    )] = True  # fmt: skip
    away = ~dead & (stage.gone[mothers] == EMIGRATED)
    stays = np.flatnonzero(~dead & ~away)
    mother = mothers[stays]
    position = stage.links[1, mother].astype(np.int64)
    father = np.where(position >= 0, stage.start[stage.household_of[mother]] + position, -1)
    n = stays.size
    living = Newcomers(
        sex[stays], np.zeros(n, np.int8), keys[stays],
        chance.months(keys[stays], decisions.BIRTH_EVENT), np.full(n, -1, np.int64), mother, father,
        stage.place[mother], np.zeros(n),
    )  # fmt: skip
    stage.touched[stage.place[mother]] = True
    died = stage.gone == DIED
    late_mother = np.where(died[mother], mother, -1)
    late_father = np.where((father >= 0) & died[father], father, -1)
    return Births(
        by_sex(sex), by_sex(sex[dead]), by_sex(sex[away]), living, late_mother, late_father
    )


def _of_newborn(probability: float | Floats) -> Floats:
    """Return a table that holds a probability, one or by sex, at age 0. Shape (2, 121)."""
    table = np.zeros((2, N_AGES))
    table[:, 0] = probability
    return table


def by_sex(sex: Array) -> Ints:
    """Return persons by sex. Shape (2,)."""
    return np.bincount(sex, minlength=2).astype(np.int64)


def immigrants(stage: Stage, chance: Chance, tables: LifeTables, first_row: int) -> Newcomers:
    """Return the immigrants of the step, each a copy of a resident of the market.

    Adults (18 and over) found households of their own; children come with one of the adults who
    could be their parent, or, where there is none, live with the person they copy.

    Parameters
    ----------
    first_row
        Row of the first immigrant, after those before the step and the newborn.
    """
    rate = tables.immigration[stage.step]
    markets = stage.markets if rate.any() else stage.markets[:0]
    donor, sex, age, keys, host = admit(
        stage.starts, markets, np.ascontiguousarray(rate), stage.sex, stage.age, stage.gone,
        stage.keys, chance.stream, hashed(decisions.IMMIGRATION), hashed(decisions.DONOR),
        stage.year,
    )  # fmt: skip
    adult, brought = np.flatnonzero(age >= ADULT), np.flatnonzero(host >= 0)
    place = stage.place[donor]
    done = int(stage.count[0])
    founded = slice(done, done + adult.size)
    stage.founder[founded] = first_row + adult
    stage.template[founded] = stage.household_of[donor[adult]]
    stage.count[0] += adult.size
    place[adult] = stage.n_households + np.arange(done, done + adult.size)
    place[brought] = place[host[brought]]
    stage.touched[place] = True
    parents = np.full((2, donor.size), -1, np.int64)
    is_mother = sex[host[brought]] == FEMALE
    parents[np.where(is_mother, 0, 1), brought] = first_row + host[brought]
    month = chance.months(keys, decisions.IMMIGRATION_EVENT)
    return Newcomers(
        sex, age, keys, month, donor, parents[0], parents[1], place, np.zeros(donor.size)
    )


def share_of_welfare(stage: Stage, newcomers: Newcomers, welfare: Array) -> Floats:
    """Return what newcomers add to the welfare of their household: its amount per head before.

    Of the mother's household for the newborn, of the donor's for immigrants; so that births and
    arrivals change the welfare per head of nobody else.
    """
    model = np.where(newcomers.donor >= 0, newcomers.donor, newcomers.mother)
    home = stage.household_of[model]
    share: Floats = welfare[home] / (stage.start[home + 1] - stage.start[home])
    return share
