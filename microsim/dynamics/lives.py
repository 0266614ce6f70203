"""The lives of a population's persons, one step a year."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from microsim.dynamics import decisions, households, newcomers, work
from microsim.dynamics.choosing import Chance
from microsim.dynamics.factors import NONE, check_behaviour
from microsim.dynamics.memory import Memory
from microsim.dynamics.passage import FATHER, MOTHER, SPOUSE, EventLog, Losses, Passage
from microsim.dynamics.regrouping import (
    Layout,
    carry,
    household_columns,
    lay_out,
    renew_links,
)
from microsim.dynamics.stage import Newcomers, Stage, joined
from microsim.dynamics.starting import RESET, starting_columns
from microsim.dynamics.tables import LifeTables
from microsim.errors import Fault, InputError
from microsim.kernels.draws import stream_key
from microsim.kernels.lives_factors import birth_factors
from microsim.kernels.lives_grouping import fill_rows, grow_older
from microsim.kernels.lives_moves import DIED, EMIGRATED
from microsim.population.columns import LINKS

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Columns = dict[str, Array]

MALE, FEMALE = 0, 1
N_AGES = 121
RENEWED = ("months_in_status", "permanent_earnings")  # computed for everybody in every step
OF_AGE = 18  # from this age on the flag of an orphan is taken down


class Lives:
    """Persons and households of one year after another.

    A step is a pure function of each market's own rows, the tables, the stream of draws and the
    scenario's behaviour: markets may be computed together or apart, anywhere. In a step come, in
    this order: births (of all women at the start), deaths, emigration, the ends of unions, new
    unions, leaving home, elders joining kin, newborn and immigrants, children without an adult;
    then everybody is a year older, and disability, employment status and earnings follow.
    Probabilities of the first part are those of the age at the start; emigration is of those who
    do not die, and each person has at most one of the moves between households.

    Welfare: each person carries the household's welfare per head to wherever they go. Newborn and
    immigrants come with that of the household they come to or are a copy of; who dies or
    emigrates takes the share away. So the welfare per head of those who do not move changes by
    prices and incomes alone, which the simulation moves, not by births and deaths.

    Parameters
    ----------
    tables
        The rates.
    persons, person_households
        Columns as a population file has them, sorted by market, in the tables' first year, with
        equal weights inside each market (`equalise`). `start` counts from the first person.
    seed, replicate
        Which random world.
    average_wage
        Average wage of the first year, currency units per month. 0: incomes from work are carried
        along as they are.
    record
        Whether each `Passage` lists the events of the step.

    Attributes
    ----------
    year
        Year of the stock.
    persons
        Columns of shape (n_persons,): those given and `LIFE_INPUTS`.
    households
        Columns of shape (n_households,).
    household_starts
        Shape (n_markets + 1,), first household of each market.

    Raises
    ------
    InputError
        Weights differ inside a market, or households are not sorted by market.
    """

    def __init__(
        self,
        tables: LifeTables,
        persons: Mapping[str, Array],
        households: Mapping[str, Array],
        *,
        seed: int = 0,
        replicate: int = 0,
        average_wage: float = 0.0,
        record: bool = False,
    ) -> None:
        self.tables = tables
        self.year = tables.first_year
        self.record = record
        self.average_wage = average_wage
        self._memory = Memory()
        self._stream = np.uint64(stream_key(seed, replicate))
        self.households: Columns = {
            name: np.ascontiguousarray(column) for name, column in households.items()
        }
        market = self.households["market"]
        _check_markets(market, self.households["weight"])
        first = np.flatnonzero(np.diff(market, prepend=market[0] - 1))
        self._markets = market[first].astype(np.uint64)
        self.household_starts: Ints = np.append(first, market.size).astype(np.int64)
        size = self.households["size"].astype(np.int64)
        self._start: Ints = np.concatenate([[0], np.cumsum(size)]).astype(np.int64)
        self._links = np.stack([persons[link].astype(np.int16) for link in LINKS])
        self.persons: Columns = starting_columns(
            tables, dict(persons), self._links, self._start, self._stream, average_wage
        )
        self._reset = RESET if average_wage > 0.0 else (*RESET, "permanent_earnings")
        self._expose_links()

    @property
    def market_starts(self) -> Ints:
        """Return the first person of each market. Shape (n_markets + 1,)."""
        return self._start[self.household_starts]

    @property
    def household_of_person(self) -> Ints:
        """Return the household of each person. Shape (n_persons,)."""
        return np.repeat(np.arange(self._start.size - 1), np.diff(self._start))

    def step(self, behaviour: Mapping[str, Array] | None = None) -> Passage:
        """Lead the population to the next year.

        Parameters
        ----------
        behaviour
            Columns of shape (n_persons,) of the year before (see `dynamics.tables`).

        Raises
        ------
        InputError
            The tables end; a behaviour column is unknown or of a wrong length; a factor takes a
            probability outside 0 to 1.
        """
        step = self.year - self.tables.first_year
        if step >= self.tables.n_steps:
            found, last = f"a step to {self.year + 1}", f"at most {self.tables.last_year}"
            raise InputError(Fault("life tables", "the year is outside the tables", found, last))
        n = self.persons["age"].size
        columns = check_behaviour(behaviour or {}, n)
        log = EventLog(n) if self.record else None
        chance = Chance(self._stream, self.year + 1, self._markets, self.tables, columns, log)
        self._memory.turn()
        stage = self._stage(step)
        mothers = self._births(stage, chance)
        self._departures(stage, chance)
        who, lost, link = households.undo_links(stage)
        households.end_unions(stage, chance, self.tables)
        households.form_unions(stage, chance, self.tables)
        households.leave_home(stage, chance, self.tables)
        households.join_kin(stage, chance, self.tables)
        births = newcomers.bear(stage, chance, self.tables, mothers)
        arrived = newcomers.immigrants(stage, chance, self.tables, n + births.living.n)
        joining = joined([births.living, arrived])
        joining.share[:] = newcomers.share_of_welfare(stage, joining, self.households["welfare"])
        layout = lay_out(stage, joining, chance)
        self._regroup(stage, layout, joining, mothers)
        passage = _passage(stage, layout, births, arrived, (who, lost, link))
        self._mark(passage, layout)
        newborn = layout.new_row[n : n + births.living.n]
        workers = work.Workforce(self.persons, self.market_starts, layout.source, newborn)
        chance = replace(chance, behaviour=workers.moved(columns))
        work.update(workers, chance, self.tables, step, self.average_wage)
        if work.moves_are_aligned(self.tables):
            passage = replace(passage, moves=workers.tally)
        if log is not None:
            passage = _with_events(passage, log, layout, joining)
        layout.source[layout.new_row[n:]] = -1
        self.year += 1
        return passage

    def _stage(self, step: int) -> Stage:
        return Stage(
            self.year + 1, step, self.market_starts, self.household_starts, self._markets,
            self._start, self.persons["sex"], self.persons["age"], self.persons["draw_key"],
            self._links, self._market_numbers(), self.households["region"].astype(np.int16),
            self._memory,
        )  # fmt: skip

    def _market_numbers(self) -> Array:
        """Return the number, in this object, of each household's market."""
        counts = np.diff(self.household_starts)
        return np.repeat(np.arange(counts.size, dtype=np.int32), counts)

    def _births(self, stage: Stage, chance: Chance) -> Ints:
        """Return the rows of women who give birth."""
        tables = self.tables
        table = np.zeros((2, N_AGES))
        table[FEMALE] = tables.birth[stage.step]
        relative = NONE
        if (tables.parity_factor != 1.0).any() or tables.unpartnered_birth_factor != 1.0:
            relative = self._memory.array("birth factor", stage.n, np.float64)
            birth_factors(
                self.persons["children_born"], stage.links[1],
                np.ascontiguousarray(tables.parity_factor), tables.unpartnered_birth_factor,
                relative,
            )  # fmt: skip
        return chance.choose(
            "fertility", decisions.BIRTH, decisions.BIRTH_EVENT, stage.persons, table,
            relative=relative,
        )  # fmt: skip

    def _departures(self, stage: Stage, chance: Chance) -> None:
        """Decide who dies and who emigrates."""
        died = chance.choose(
            "mortality", decisions.DEATH, decisions.DEATH_EVENT, stage.persons,
            self.tables.death[stage.step],
        )  # fmt: skip
        stage.gone[died] = DIED
        table = self.tables.emigration[stage.step]
        away = died[:0]
        if table.any():
            away = chance.choose(
                "emigration", decisions.EMIGRATION, decisions.EMIGRATION_EVENT,
                replace(stage.persons, barred=stage.gone), table,
            )  # fmt: skip
            stage.gone[away] = EMIGRATED
        stage.left = np.sort(np.concatenate([died, away]))

    def _regroup(self, stage: Stage, layout: Layout, joining: Newcomers, mothers: Ints) -> None:
        """Take over the layout of the new year: columns, links, households."""
        before = self.persons
        n, memory = layout.source.size, self._memory
        names = [name for name in before if name not in (*self._reset, *LINKS, *RENEWED)]
        now = carry(before, names, layout.rows, memory, "person")
        for name in RENEWED:
            now[name] = memory.array(f"person {name}", n, before[name].dtype)
        rows, is_copy = layout.new_row[stage.n :], joining.donor >= 0
        born, copied = rows[~is_copy], rows[is_copy]
        for name in names:
            fill_rows(now[name], born, 0)
        grow_older(now["age"], n, N_AGES - 1)
        now["age"][rows], now["sex"][rows] = joining.age, joining.sex
        now["draw_key"][rows] = joining.keys
        now["in_base_population"][rows] = False
        for name in self._reset:
            now[name] = memory.filled(f"person {name}", n, before[name].dtype, 0)
        now["birth_month"][born] = joining.month[~is_copy]
        now["arrived"][copied] = True
        staying = layout.new_row[mothers]
        staying = staying[staying >= 0]
        now["gave_birth"][staying] = True
        now["children_born"][staying] += 1
        welfare_before = self.households["welfare"]
        self.households = household_columns(self.households, stage, layout, joining)
        self._links = renew_links(
            stage, layout, joining, now["age"], welfare_before, self.households["welfare"]
        )
        self.persons = now
        self.household_starts, self._start = layout.household_starts, layout.start
        self._expose_links()

    def _expose_links(self) -> None:
        for k, link in enumerate(LINKS):
            self.persons[link] = self._links[k]

    def _mark(self, passage: Passage, layout: Layout) -> None:
        """Mark the widowed, count who shares a late spouse, and keep the flag of orphans."""
        persons = self.persons
        losses = passage.losses
        is_spouse = losses.link == SPOUSE
        widowed = losses.row[is_spouse]
        persons["widowed"][widowed] = True
        late = losses.late[is_spouse]
        ordered = np.sort(late)
        shared = ordered.searchsorted(late, "right") - ordered.searchsorted(late, "left")
        persons["late_spouse_widows"][widowed] = shared
        persons["orphan"][losses.row[~is_spouse]] = True
        persons["orphan"][layout.new_row[layout.placed]] = True
        persons["orphan"] &= persons["age"] < OF_AGE


def _check_markets(market: Array, weight: Array) -> None:
    if (np.diff(market) < 0).any():
        raise InputError(Fault("household column market", "is not sorted"))
    differs = (np.diff(weight) != 0.0) & (np.diff(market) == 0)
    if differs.any():
        h = int(np.flatnonzero(differs)[0])
        raise InputError(
            Fault(
                f"household rows {h} and {h + 1}", "have different weights in one market",
                f"{weight[h]:g} and {weight[h + 1]:g}", "equal weights",
                "Make the weights equal with microsim.dynamics.equal_weights.equalise.",
            )
        )  # fmt: skip


def _passage(
    stage: Stage, layout: Layout, births: newcomers.Births, arrived: Newcomers,
    losses: tuple[Array, Array, Array],
) -> Passage:  # fmt: skip
    """Return what the step did, in rows of both years."""
    parents = stage.n + np.arange(births.living.n)
    who = np.concatenate([losses[0], parents, parents])
    lost = np.concatenate([losses[1], births.late_mother, births.late_father])
    link = np.concatenate([
        losses[2].astype(np.int64), np.full(parents.size, MOTHER), np.full(parents.size, FATHER),
    ])  # fmt: skip
    known = lost >= 0
    row = layout.new_row[who[known]].astype(np.int64)
    left = stage.left
    cause = stage.gone[left]
    household_source = layout.order
    household_source[household_source >= stage.n_households] = -1
    by_sex = newcomers.by_sex
    return Passage(
        source=layout.source,
        household_source=household_source,
        losses=Losses(row, lost[known], link[known]),
        left=left,
        left_cause=cause - np.int8(1),
        births=births.born,
        deaths=by_sex(stage.sex[left[cause == DIED]]) + births.dead,
        immigrants=by_sex(arrived.sex),
        emigrants=by_sex(stage.sex[left[cause == EMIGRATED]]) + births.away,
    )


def _with_events(passage: Passage, log: EventLog, layout: Layout, joining: Newcomers) -> Passage:
    """Return the passage with the events of the step; what follows from others has no draw."""
    arrived = np.flatnonzero(joining.donor >= 0)
    for rows, kind, month in (
        (log.n_before + arrived, decisions.IMMIGRATION_EVENT, joining.month[arrived]),
        (layout.placed, decisions.PLACEMENT_EVENT, np.full(layout.placed.size, 12)),
    ):
        nothing = np.full(rows.size, np.nan)
        log.note(rows, kind, month, nothing, nothing)
    return replace(passage, events=log.events(layout.new_row))
