"""Follows one person of a projection through life: events with probability and draw, history,
rights, awards and payments; or explains one year of that life formula by formula.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from microsim.dynamics.decisions import EVENTS
from microsim.dynamics.passage import Passage
from microsim.errors import Fault, FaultList, InputError
from microsim.files import did_you_mean
from microsim.language.interpreter import Interpreter
from microsim.language.people import People, World
from microsim.language.states import inputs_of, is_boolean, is_state
from microsim.population.columns import EMPLOYMENT_STATUS, SEX
from microsim.simulation.directory import RunDirectory
from microsim.simulation.explain import Explainer, Step
from microsim.simulation.explaining import world_of
from microsim.simulation.horizon import Horizon, LifeGroup
from microsim.simulation.law import LawReader, common_periods, used_parameters
from microsim.simulation.past_contributions import origins
from microsim.simulation.people import COMPUTED, people_of
from microsim.simulation.phases import Prepared, open_prepared
from microsim.simulation.projecting import ShardLife
from microsim.simulation.worlds import WorldKey


@dataclass(frozen=True)
class LifeEvent:
    """Something that happened in a year: what, in which month, how probable it was and what was
    drawn (NaN where nothing was).
    """

    kind: str
    month: int
    probability: float
    draw: float


@dataclass(frozen=True)
class LifeYear:
    """One year of a person's life: who it is, what happened, and the values asked for."""

    year: int
    age: int
    status: str
    household: int
    household_size: int
    earnings: float
    events: tuple[LifeEvent, ...]
    values: dict[str, Any]


@dataclass(frozen=True)
class LifeStory:
    """A life under one scenario, year by year; `end` says why it is not followed further."""

    title: str
    years: tuple[LifeYear, ...]
    end: str
    steps: tuple[Step, ...] = ()
    members: tuple[str, ...] = ()
    labels: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Asked:
    """Whose life is asked for, and what of it.

    Attributes
    ----------
    household, member
        `household_id` in the population and number of the member, from 1.
    scenario
        Of the run.
    names
        Variables shown in each year; none: histories and benefits of the person.
    year, month
        Year and month that are explained formula by formula; 0: none.
    """

    household: int
    member: int
    scenario: str
    names: tuple[str, ...] = ()
    year: int = 0
    month: int = 12


def is_projection(run: Path) -> bool:
    """Tell whether people live on in a run: it looks ahead, and not by static ageing."""
    projection = open_prepared(RunDirectory(run), compiled=False).scenario.projection
    return projection is not None and not projection.is_static


def explain_life(run: Path, asked: Asked, draw: int = 0, replicate: int = 0) -> LifeStory:
    """Return the life of one person of a run, lived again in one of its worlds.

    Raises
    ------
    InputError
        As `follow`; no such run, draw or replicate.
    """
    if not 1 <= asked.month <= 12:
        raise InputError(Fault("--month", "no such month", str(asked.month), "1 to 12"))
    prepared = open_prepared(RunDirectory(run))
    with prepared.population:
        return follow(prepared, asked, world_of(prepared, draw, replicate))


def follow(prepared: Prepared, asked: Asked, world: WorldKey) -> LifeStory:
    """Return the life of one person of a projection's base population.

    Raises
    ------
    InputError
        No such household, member, scenario, variable or year.
    """
    batch = next(
        (b for b, one in enumerate(prepared.scenarios) if asked.scenario in one.reforms), 0
    )
    horizon = prepared.horizon(batch, world)
    if horizon.static is not None:
        what = "with static ageing nobody lives on: each year has the people of the file"
        raise InputError(Fault(str(prepared.directory.path), what, remedy="Use `lives` alone."))
    group = next((g for g in horizon.groups if asked.scenario in g.model.names), None)
    if group is None:
        known = ", ".join(prepared.names)
        run = str(prepared.directory.path)
        raise InputError(Fault(run, f"no scenario '{asked.scenario}'", "", known))
    if asked.year and asked.year not in horizon.years:
        found = f"{horizon.years[0]} to {horizon.years[-1]}"
        raise InputError(Fault("--year", "not a year of the run", str(asked.year), found))
    return _Follower(prepared, horizon, group, asked, world).story()


class _Follower:
    """Lives a market again and keeps what belongs to one person."""

    def __init__(
        self, prepared: Prepared, horizon: Horizon, group: LifeGroup, asked: Asked, world: WorldKey
    ) -> None:
        self.prepared, self.horizon, self.group, self.asked = prepared, horizon, group, asked
        self.scenario = group.model.names.index(asked.scenario)
        self.chance = World(prepared.question.seed, world.replicate)
        self.names = self._names()

    def _names(self) -> tuple[str, ...]:
        """Return the variables shown, each of persons."""
        model, s = self.group.model, self.scenario
        variables = model.engine[s].definitions.variables
        if not self.asked.names:
            states = [state.name for state, column in model.carried.states if column >= 0]
            paid = [
                b.paid or b.variable
                for scheme in model.systems[s].schemes.values()
                for b in scheme.benefits
                if (scheme.id, b.id) in model.carried.benefits
            ]
            return tuple(n for n in dict.fromkeys((*states, *paid)) if n in model.ids[s])
        faults = FaultList()
        for name in self.asked.names:
            if name not in model.ids[s]:
                remedy = did_you_mean(name, variables)
                faults.add("--variable", f"unknown variable '{name}'", "", "", remedy)
        faults.raise_if_any()
        return self.asked.names

    def story(self) -> LifeStory:
        """Live the market again, year by year."""
        shard, row = self._begin()
        years: list[LifeYear] = []
        explained: tuple[list[Step], list[str]] = ([], [])
        end = ""
        for year in self.horizon.years:
            passage = shard.begin_year()
            if passage is not None:
                before = row
                row, end = _row_after(passage, before)
                if end:
                    years.append(_last_year(passage, before, year, years[-1]))
                    break
            years.append(self._year(shard, year, row, passage))
            if year == self.asked.year:
                explained = self._explained(shard, year, row)
            shard.evaluate(1)
        title = (
            f"member {self.asked.member} of household {self.asked.household}, scenario "
            f"{self.asked.scenario}, {years[0].year} to {years[-1].year}"
        )
        if self.asked.year and not explained[0]:
            what = f"member {self.asked.member} {end} in {years[-1].year}"
            expected = f"a year before {years[-1].year}"
            raise InputError(Fault("--year", what, str(self.asked.year), expected))
        steps, members = explained
        end = end or f"alive in {years[-1].year}, the last year of the run"
        variables = self.group.model.engine[self.scenario].definitions.variables
        labels = {
            name: f"{variables[name].label or name}, {variables[name].unit}" for name in self.names
        }
        return LifeStory(title, tuple(years), end, tuple(steps), tuple(members), labels)

    def _begin(self) -> tuple[ShardLife, int]:
        """Return the market of the household, and the row of the person in it."""
        population, asked = self.prepared.population, self.asked
        ids = population.read(0, None, ("household_id",)).households["household_id"]
        found = np.flatnonzero(ids == asked.household)
        if not found.size:
            what = f"no household {asked.household}"
            expected = f"a household_id such as {', '.join(str(i) for i in ids[:3])}"
            raise InputError(Fault(str(population.path), what, "", expected))
        market = int(np.searchsorted(population.market_starts, found[0], side="right")) - 1
        part = population.read_markets(market, market + 1)
        regions = len(population.regions)
        shard = ShardLife(self.horizon, self.group, part, regions, self.chance, record=True)
        there = np.flatnonzero(shard.lives.households["household_id"] == asked.household)
        if not there.size:
            what = f"household {asked.household} does not live on"
            found_text = "its weight is below that of the households of the projection"
            remedy = "Households are made of equal weight by chance; follow another one."
            raise InputError(Fault(str(population.path), what, found_text, "", remedy))
        size = int(shard.lives.households["size"][there[0]])
        if not 1 <= asked.member <= size:
            raise InputError(Fault("--member", "no such member", str(asked.member), f"1 to {size}"))
        return shard, int(shard.lives.households["start"][there[0]]) + asked.member - 1

    def _year(self, shard: ShardLife, year: int, row: int, passage: Passage | None) -> LifeYear:
        """Return a year of the person, with the values asked for."""
        people, persons = shard.people, shard.lives.persons
        home = int(np.searchsorted(people.start, row, side="right")) - 1
        first, last = int(people.start[home]), int(people.start[home + 1])
        interpreter, _ = self._interpreter(shard, year, home)
        values = {}
        for name in self.names:
            key = self.group.model.ids[self.scenario][name]
            formula = self.group.model.graph.formulas[key]
            period = len(interpreter.law.months) - 1 if formula.period == "month" else -1
            value = interpreter.value(key, period)
            at = 0 if formula.of == "household" else row - first
            values[name] = _plain(value[at], formula.type.labels)
        return LifeYear(
            year, int(persons["age"][row]),
            EMPLOYMENT_STATUS[int(persons["employment_status"][row])],
            int(shard.households["household_id"][home]), last - first,
            float(persons["earnings"][row]), _events(passage, "row_now", row), values,
        )  # fmt: skip

    def _explained(self, shard: ShardLife, year: int, row: int) -> tuple[list[Step], list[str]]:
        """Return the formulas of the person's household in a year, and its members."""
        people, persons = shard.people, shard.lives.persons
        home = int(np.searchsorted(people.start, row, side="right")) - 1
        interpreter, first = self._interpreter(shard, year, home)
        model = self.group.model
        definitions, ids = model.engine[self.scenario].definitions, model.ids[self.scenario]
        rows = slice(int(people.start[home]), int(people.start[home + 1]))
        members = [
            f"person {i + 1} ({SEX[int(s)]}, {int(a)})"
            for i, (s, a) in enumerate(zip(persons["sex"][rows], persons["age"][rows], strict=True))
        ]
        notes = origins(self.horizon, self.prepared.population)
        explainer = Explainer(interpreter, definitions, ids, first, notes)
        return explainer.explain(list(self.names), self.asked.month), members

    def _interpreter(
        self, shard: ShardLife, year: int, home: int
    ) -> tuple[Interpreter, tuple[int, ...]]:
        """Return an interpreter of one household's rules in a year, and the first month of each
        period of its law.
        """
        model = self.group.model
        definitions, ids = model.engine[self.scenario].definitions, model.ids[self.scenario]
        graph = model.graph
        formulas = set(ids.values()) | set(graph.members[self.scenario])
        monthly, yearly = used_parameters(graph, formulas)
        periods = common_periods([definitions], year, [monthly])
        law = LawReader(definitions, model.frame, year).law(periods, monthly, yearly)
        people = _one_household(shard, definitions.inputs, home)
        states = graph.states
        n = people.n_persons
        rows = slice(int(shard.people.start[home]), int(shard.people.start[home + 1]))
        known = shard.states[self.scenario]
        read = (one.name for f in graph.formulas.values() for one in inputs_of(f.root))
        for name in sorted({name for name in read if is_state(name)}):
            column = known.get(name)
            kind = np.bool_ if is_boolean(name, states) else np.float64
            people.inputs[name] = np.zeros(n, kind) if column is None else column[rows].astype(kind)
        return Interpreter(graph, people, law, self.chance), tuple(start for start, _ in periods)


def _one_household(shard: ShardLife, names: Iterable[str], home: int) -> People:
    """Return the people of one household, with every input that a population has."""
    start = shard.people.start
    rows, n = slice(int(start[home]), int(start[home + 1])), len(start) - 1
    persons = {k: v[rows] for k, v in shard.lives.persons.items()}
    households = {k: v[home : home + 1] for k, v in shard.households.items() if len(v) == n}
    wanted = [n for n in names if n in COMPUTED or n in persons or n in households]
    return people_of(persons, households, wanted)


def _row_after(passage: Passage, row: int) -> tuple[int, str]:
    """Return the person's row after a step, or why there is none."""
    found = np.flatnonzero(passage.source == row)
    if found.size:
        return int(found[0]), ""
    cause = passage.left_cause[np.flatnonzero(passage.left == row)[0]]
    return -1, ("died", "left the country")[int(cause)]


def _events(passage: Passage | None, rows: str, row: int) -> tuple[LifeEvent, ...]:
    """Return what happened to a person in a step."""
    if passage is None or passage.events is None:
        return ()
    events = passage.events
    return tuple(
        LifeEvent(
            EVENTS[int(events.kind[k])], int(events.month[k]), float(events.probability[k]),
            float(events.draw[k]),
        )
        for k in np.flatnonzero(getattr(events, rows) == row)
    )  # fmt: skip


def _last_year(passage: Passage, row: int, year: int, before: LifeYear) -> LifeYear:
    """Return the year in which a life is not followed further, with what happened last."""
    events = _events(passage, "row_before", row)
    return replace(before, year=year, events=events, values={}, earnings=0.0)


def _plain(value: Any, labels: Sequence[str]) -> Any:  # noqa: ANN401 - number, truth or label
    if labels:
        return labels[int(value)]
    return bool(value) if isinstance(value, np.bool_) else float(value)
