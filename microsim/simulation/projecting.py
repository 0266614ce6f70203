"""The work unit of a projection: one shard's people live on, year by year, under every scenario's
law.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from microsim.dynamics.equal_weights import equalise
from microsim.dynamics.factors import neutral
from microsim.dynamics.lives import Lives
from microsim.dynamics.passage import Passage
from microsim.kernels.carrying import moved, stocks_and_flows
from microsim.language.evaluating import Evaluation
from microsim.language.people import People, World
from microsim.language.states import KNOWN, State, lagged, there_is
from microsim.population.columns import OLDEST, SEX
from microsim.population.store import PopulationSlice
from microsim.results.contents import POPULATION_FLOWS
from microsim.simulation.horizon import Horizon, LifeGroup
from microsim.simulation.keeping_years import PersonsOfYears, part_of, persons_kept
from microsim.simulation.market_sums import MarketSums
from microsim.simulation.people import people_of, weighting_of
from microsim.simulation.reference_income import first_income
from microsim.simulation.static_ageing import StaticLife
from microsim.simulation.unit import Arrays, household_facts, sums_of

Columns = Mapping[str, npt.NDArray[Any]]
Column = npt.NDArray[Any]
REFERENCE = "reference_income"  # column of persons, currency units per month


@dataclass
class Year:
    """What is known at the end of a year and needed in the next.

    Attributes
    ----------
    states
        By scenario: value of each state, then of each benefit, shape (n_persons,); a scenario that
        shares a value with the first holds the same array.
    lags
        By scenario: columns of states that are older than a year, by input name.
    sex
        Shape (n_persons,), codes.
    left_out
        Shape (2,), persons by sex whose household a rule could not be computed for.
    """

    states: list[list[Column]]
    lags: list[dict[str, Column]]
    sex: Column
    left_out: Column
    behaviour: dict[str, npt.NDArray[np.float64]] = field(default_factory=dict)


class ShardLife:
    """The people of some whole markets in one life group, under the law of each of its scenarios.

    Parameters
    ----------
    horizon, group
        Years, rates and laws; whose lives.
    part
        The markets, as the population file has them.
    n_regions
        Of the population.
    world
        Seed and replicate.
    record
        Whether events are kept, person by person.
    """

    def __init__(
        self,
        horizon: Horizon,
        group: LifeGroup,
        part: PopulationSlice,
        n_regions: int,
        world: World,
        *,
        record: bool = False,
    ) -> None:
        self.horizon, self.group, self.world = horizon, group, world
        self.n_regions = n_regions
        persons, households = equalise(
            part.persons, part.households, horizon.weight, seed=world.seed
        )
        self.lives = Lives(
            group.tables, persons, households, seed=world.seed, replicate=world.replicate,
            average_wage=horizon.average_wage, record=record,
        )  # fmt: skip
        self.k = -1
        self.before: Year | None = None
        self.last: Year | None = None
        self.passage: Passage | None = None
        self.people: People
        self.households: dict[str, Column] = {}
        self.states: list[dict[str, Column]] = []

    @property
    def persons(self) -> Columns:
        """Columns of persons."""
        return self.lives.persons

    def begin_year(self) -> Passage | None:
        """Let people live on to the next year; the first has nothing before it."""
        self.k += 1
        if self.last is not None:
            self.passage = self.lives.step(self.last.behaviour)
        welfare = self.lives.households["welfare"] * self.horizon.welfare[self.k]
        self.households = {**self.lives.households, "welfare": welfare}
        self.people = people_of(self.lives.persons, self.households, self._inputs())
        self.states = self._states()
        return self.passage

    def evaluate(self, threads: int) -> Evaluation:
        """Return what the year's laws give; what later years need of it is kept."""
        with_columns = self.horizon.years[self.k] in self.horizon.table_years
        evaluator = self.group.evaluator(self.k, with_columns=with_columns)
        weighting = weighting_of(self.lives.persons, self.households, self.n_regions)
        out = evaluator.run(self.people, weighting, self.world, threads, states=self.states)
        if self.k == 0 and self.group.model.wanted.household_columns:
            self._keep_reference(first_income(self, out, weighting, threads))
        self.before = self.last
        self.last = _year(self.group, self.lives, out, self.people, self.states)
        return out

    def flows(self) -> Arrays:
        """Return who came and went, who began and ceased to receive each benefit, and, where
        transitions are aligned, what that took (`Passage.moves`).
        """
        found = _flows(self.group, self.before, self.last, self.passage)
        if self.passage is not None and self.passage.moves is not None:
            found["moves"] = self.passage.moves.copy()
        return found

    def _keep_reference(self, income: Column) -> None:
        """Give each person a share of the household's income of the first year.

        It goes with the person as welfare does; what the household has later is held against it.
        """
        size = np.diff(self.people.start)
        self.lives.persons[REFERENCE] = np.repeat(income / size, size)

    def reference_income(self) -> Column:
        """Return what each household's disposable income would be if it had moved as welfare."""
        shares = np.add.reduceat(self.lives.persons[REFERENCE], self.people.start[:-1])
        found: Column = shares * self.horizon.welfare[self.k]
        return found

    def _inputs(self) -> list[str]:
        """Return the columns of the population that rules read; others are of earlier years."""
        return list(self.group.model.program.population_inputs)

    def _states(self) -> list[dict[str, Column]]:
        """Return what the rules of each scenario read of earlier years."""
        if self.last is None or self.passage is None:
            return [{} for _ in self.group.model.names]
        states = self.group.model.carried.states
        return carried(states, self.last, self.passage, len(self.group.model.names))


def project_market(
    horizon: Horizon,
    group: LifeGroup,
    part: PopulationSlice,
    n_regions: int,
    world: World,
    sums: MarketSums,
    market: int,
    most_years: int | None = None,
    keeping: PersonsOfYears | None = None,
) -> None:
    """Add every year of a market's lives in one life group to the sums of its shard, and to
    `keeping` what is kept of each person.
    """
    kind = ShardLife if horizon.static is None else StaticLife
    life = kind(horizon, group, part, n_regions, world)
    for year in horizon.years[:most_years]:
        life.begin_year()
        out = life.evaluate(1)
        if keeping is not None and year in keeping.years:
            kept = persons_kept(group, life.people, life.persons, life.households, out)
            keeping.add(part_of(year, group), market, kept)
        found = sums_of(out)
        with_records = year in horizon.table_years
        found |= _households(life.persons, life.households, out, with_records=with_records)
        if with_records:
            found[REFERENCE] = life.reference_income()
        found |= life.flows()
        found["ages"] = _ages(life.persons)
        sums.add(f"{group.number}/{year}/", market, found, life.people.n_households)


def carried(
    states: Sequence[tuple[State, int]], last: Year, passage: Passage, n_scenarios: int
) -> list[dict[str, Column]]:
    """Return the state columns of each scenario, moved along with the persons.

    A column that a scenario shares with the first one is moved once.
    """
    late = {"late_spouse": passage.late_spouse, "late_mother": passage.late_mother,
            "late_father": passage.late_father}  # fmt: skip
    common: dict[str, Column] = {KNOWN: passage.source >= 0}
    common |= {there_is(link): row >= 0 for link, row in late.items()}
    found: list[dict[str, Column]] = []
    done: dict[tuple[int, str], Column] = {}

    def move(values: Column, rows: npt.NDArray[np.int64], how: str, boolean: bool) -> Column:
        key = (id(values), how)
        if key not in done:
            column = moved(np.ascontiguousarray(values, np.float64), rows)
            done[key] = column != 0.0 if boolean else column
        return done[key]

    for s in range(n_scenarios):
        mine = dict(common)
        for i, (state, _) in enumerate(states):
            values = last.states[s][i]
            mine[lagged(state.name, 1)] = move(values, passage.source, "own", state.boolean)
            for lag in range(2, state.lags + 1):
                older = last.lags[s].get(lagged(state.name, lag - 1))
                if older is not None:
                    mine[lagged(state.name, lag)] = move(
                        older, passage.source, "own", state.boolean
                    )
            for link in state.late:
                mine[lagged(state.name, 1, link)] = move(values, late[link], link, state.boolean)
        found.append(mine)
    return found


def _year(
    group: LifeGroup,
    lives: Lives,
    out: Evaluation,
    people: People,
    states: Sequence[Mapping[str, Column]],
) -> Year:
    """Return what the next year needs to know of this one.

    A household that a rule could not be computed for lives on with neutral behaviour, and counts
    as receiving nothing.
    """
    aside = (out.poison != 0)[people.household_of()]
    values: list[list[Column]] = []
    for s in range(len(group.model.names)):
        mine: list[Column] = []
        for column, name in group.model.carried.kept:
            if column < 0:
                mine.append(values[0][len(mine)] if s else _input(lives, name))
            elif s and out.persons_shared[s, column]:
                mine.append(values[0][len(mine)])
            else:
                mine.append(out.persons[s, column])
        values.append(mine)
    if aside.any():
        _set_aside(values, len(group.model.carried.states), aside)
    behaviour = {
        key: np.where(aside, neutral(key), out.persons[0, column])
        for key, column in group.model.carried.behaviours.items()
    }
    if "retirement" in behaviour:  # who may not retire by rule retires as the tables ask
        by_rule = behaviour["retirement"]
        behaviour["retirement"] = np.where(by_rule == 0.0, np.nan, by_rule)
    sex = lives.persons["sex"]
    left_out = np.bincount(sex[aside], minlength=len(SEX))
    return Year(values, [dict(of) for of in states], sex, left_out, behaviour)


def _set_aside(values: list[list[Column]], first: int, aside: Column) -> None:
    """Let households that could not be computed receive no benefit, in all scenarios alike."""
    done: dict[int, Column] = {}
    for mine in values:
        for k in range(first, len(mine)):
            key = id(mine[k])
            if key not in done:
                done[key] = np.where(aside, 0.0, mine[k])
            mine[k] = done[key]


def _input(lives: Lives, name: str) -> Column:
    column: Column = lives.persons[name].astype(np.float64)
    return column


def _flows(
    group: LifeGroup, last: Year | None, now: Year | None, passage: Passage | None
) -> Arrays:
    """Return who was born, died, came and went, and who began and ceased to receive each benefit.

    Shapes: people (4, 2): births, deaths, immigrants, emigrants by sex; benefits (n_scenarios,
    n_benefits, 2, 6), see `stocks_and_flows`; left out (2,), by sex. In the first year only the
    closing stock is known.
    """
    n_states, n_benefits = len(group.model.carried.states), len(group.model.carried.benefits)
    people = np.zeros((len(POPULATION_FLOWS), 2), np.int64)
    found = np.zeros((len(group.model.names), n_benefits, 2, 6), np.int64)
    if passage is not None:
        people[:] = (passage.births, passage.deaths, passage.immigrants, passage.emigrants)
    assert now is not None  # noqa: S101 - the year was evaluated
    nothing = np.zeros(0)
    none, cause = np.zeros(0, np.int64), np.zeros(0, np.int8)
    for s in range(len(group.model.names)):
        for b in range(n_benefits):
            amount = now.states[s][n_states + b]
            if (
                s
                and amount is now.states[0][n_states + b]
                and (last is None or last.states[s][n_states + b] is last.states[0][n_states + b])
            ):
                found[s, b] = found[0, b]
            elif passage is None or last is None:
                source = np.full(amount.size, -1, np.int64)
                found[s, b] = stocks_and_flows(
                    nothing, amount, source, none, cause, now.sex[:0], now.sex
                )
                found[s, b, :, 1] = 0
            else:
                found[s, b] = stocks_and_flows(
                    last.states[s][n_states + b], amount, passage.source, passage.left,
                    passage.left_cause, last.sex, now.sex,
                )  # fmt: skip
    return {"flows": people, "benefit_flows": found, "left_out": now.left_out.copy()}


def _ages(persons: Columns) -> npt.NDArray[np.int64]:
    """Return persons by sex and completed age, shape (2, 121)."""
    cell = persons["sex"].astype(np.int64) * (OLDEST + 1) + persons["age"].astype(np.int64)
    return np.bincount(cell, minlength=2 * (OLDEST + 1)).reshape(2, OLDEST + 1)


def _households(
    persons: Columns, households: Columns, out: Evaluation, *, with_records: bool
) -> Arrays:
    """Return what is known of each household, or only of those that could not be computed."""
    if with_records:
        facts = household_facts(persons, households)
        return {"poison": out.poison, "columns": out.households[~out.households_shared], **facts}
    bad = out.poison != 0
    ids = households["household_id"].astype(np.int64)
    return {"poison": out.poison[bad], "household_id": ids[bad]}
