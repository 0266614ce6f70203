"""Finds the household that `explain` is asked about: in the population of a run, or in a household
file.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from microsim.errors import Fault, FaultList, InputError
from microsim.files import did_you_mean
from microsim.language.interpreter import Interpreter
from microsim.language.people import World
from microsim.population.store import PopulationReader, PopulationSlice
from microsim.scenario.cases import load_cases
from microsim.simulation.directory import RunDirectory
from microsim.simulation.explain import Explainer, Step
from microsim.simulation.horizon import Horizon
from microsim.simulation.household import interpreter_of, people_of_case, region_labels, rules_of
from microsim.simulation.law import LawReader, common_periods, used_parameters
from microsim.simulation.model import Model
from microsim.simulation.past_contributions import origins
from microsim.simulation.people import COMPUTED, people_of
from microsim.simulation.phases import Prepared, open_prepared
from microsim.simulation.static_ageing import StaticLife
from microsim.simulation.unit import shard_columns
from microsim.simulation.worlds import WorldKey

DEFAULT = ("disposable_income",)


@dataclass(frozen=True)
class Explanation:
    """Steps of one household, and what its members are called."""

    title: str
    members: list[str]
    steps: list[Step]


def explain_case(path: Path, names: list[str]) -> Explanation:
    """Explain variables of the first household of a household or cases file.

    Raises
    ------
    InputError
        Faults of the file or its rules; unknown variables.
    """
    case = load_cases(path)[0]
    rules = rules_of(case.system, region_labels(case.system, (case.region,) if case.region else ()))
    people, _, _ = people_of_case(case, rules)
    wanted = names or [*dict.fromkeys(e.variable for e in case.expect), *DEFAULT]
    unknown = [name for name in wanted if name not in rules.ids]
    if unknown:
        known = list(rules.definitions.variables)
        raise InputError(
            [
                Fault(str(path), f"unknown variable '{n}'", "", "", did_you_mean(n, known))
                for n in unknown
            ]
        )
    interpreter = interpreter_of(case, rules, people, tuple(wanted))
    explainer = Explainer(interpreter, rules.definitions, rules.ids, (case.month or 1,))
    members = [member.name for member in case.members]
    title = f"{case.name}: {case.system.name}, {case.year}" + (
        f"-{case.month:02d}" if case.month else ""
    )
    return Explanation(
        title, members, explainer.explain(list(dict.fromkeys(wanted)), case.month or 12)
    )


def explain_run(
    run: Path, household: int, names: list[str], scenario: str = "baseline", month: int = 12,
    draw: int = 0, replicate: int = 0, year: int | None = None,
) -> Explanation:  # fmt: skip
    """Explain variables of one household of a run's population, under one of its scenarios.

    Parameters
    ----------
    run
        Run directory.
    household
        `household_id` in the population file.
    names
        Variables; none means disposable income.
    scenario
        Name of a scenario of the run.
    month
        Month at which monthly variables are shown, 1 to 12.
    draw, replicate
        Which world of the run.
    year
        Of a run with static ageing, whose households are there in every year; None: the first.

    Raises
    ------
    InputError
        No such run, household, scenario, variable or year.
    """
    if not 1 <= month <= 12:
        raise InputError(Fault("--month", "no such month", str(month), "1 to 12"))
    prepared = open_prepared(RunDirectory(run), compiled=False)
    with prepared.population as population:
        if scenario not in prepared.names:
            known = ", ".join(prepared.names)
            raise InputError(Fault(str(run), f"no scenario '{scenario}'", "", known))
        batch = next((b for b, one in enumerate(prepared.scenarios) if scenario in one.reforms), 0)
        where = world_of(prepared, draw, replicate)
        chance = World(prepared.question.seed, replicate)
        row = _row(population, household)
        notes: dict[str, str] = {}
        projection = prepared.scenario.projection
        if projection is not None and projection.is_static:
            horizon = prepared.horizon(batch, where)
            notes = origins(horizon, population)
            model, part = _of_static_year(horizon, population, row, scenario, chance, year)
        else:
            if year is not None:
                raise InputError(Fault("--year", "is for projections; this run has one year"))
            model = prepared.model(batch, where)
            columns = [c for c in shard_columns(model) if c not in COMPUTED]
            columns += _inputs(model, population)
            part = population.read(row, row + 1, list(dict.fromkeys(columns)))
        title = f"household {household} of {population.path.name}"
        title += f", scenario {scenario}, {model.year}"
        return _explained(model, part, title, names, scenario, month, chance, notes)


def _of_static_year(
    horizon: Horizon,
    population: PopulationReader,
    row: int,
    scenario: str,
    world: World,
    year: int | None,
) -> tuple[Model, PopulationSlice]:
    """Return the law of a year of static ageing, and a household with what it has in that year."""
    years = horizon.years
    if year is not None and year not in years:
        found = f"{years[0]} to {years[-1]}"
        raise InputError(Fault("--year", "not a year of the run", str(year), found))
    k = 0 if year is None else years.index(year)
    group = next(group for group in horizon.groups if scenario in group.model.names)
    market = int(np.searchsorted(population.market_starts, row, side="right")) - 1
    whole = population.read_markets(market, market + 1)
    life = StaticLife(horizon, group, whole, len(population.regions), world)
    for _ in range(k + 1):
        life.begin_year()
    at = row - whole.first_household
    first = int(life.people.start[at])
    members = slice(first, int(life.people.start[at + 1]))
    persons = {name: column[members] for name, column in life.persons.items()}
    household = {name: column[at : at + 1] for name, column in life.households.items()}
    part = PopulationSlice(persons, household, whole.first_person + first, row)
    return group.model_in(k, years), part


def world_of(prepared: Prepared, draw: int, replicate: int) -> WorldKey:
    """Return a world of the run, if it is one."""
    run, faults = str(prepared.directory.path), FaultList()
    for name, found, known in (
        ("draw", draw, len(prepared.numbering.draws)),
        ("replicate", replicate, prepared.numbering.n_replicates),
    ):
        if not 0 <= found < known:
            faults.add(run, f"no such {name}", str(found), f"0 to {known - 1}")
    faults.raise_if_any()
    return WorldKey(draw, replicate)


def _explained(
    model: Model,
    part: PopulationSlice,
    title: str,
    names: list[str],
    scenario: str,
    month: int,
    world: World,
    notes: dict[str, str],
) -> Explanation:
    index = model.names.index(scenario)
    definitions, ids = model.engine[index].definitions, model.ids[index]
    graph = model.graph
    monthly, yearly = used_parameters(graph, set(ids.values()) | set(graph.members[index]))
    periods = common_periods([definitions], model.year, [monthly])
    frozen = {n: float(v) for n, v in model.laws[index].yearly.items() if n.startswith("quota.")}
    reader = LawReader(definitions, model.frame, model.year, frozen)
    law = reader.law(periods, monthly, yearly)
    people = people_of(
        part.persons, part.households, _known_inputs(model, part.persons, part.households)
    )
    interpreter = Interpreter(graph, people, law, world)
    first = tuple(start for start, _ in periods)
    explainer = Explainer(interpreter, definitions, ids, first, notes)
    members = [
        f"person {i + 1} ({'male' if s == 0 else 'female'}, {a})"
        for i, (s, a) in enumerate(zip(part.persons["sex"], part.persons["age"], strict=True))
    ]
    return Explanation(title, members, explainer.explain(list(names or DEFAULT), month))


def _inputs(model: Model, population: PopulationReader) -> list[str]:
    there = {*population.person_columns, *population.household_columns}
    return [name for name in model.engine[0].definitions.inputs if name in there]


def _known_inputs(
    model: Model, persons: dict[str, np.ndarray], households: dict[str, np.ndarray]
) -> list[str]:
    names = set().union(*(one.definitions.inputs for one in model.engine))
    return [n for n in sorted(names) if n in COMPUTED or n in persons or n in households]


def _row(population: PopulationReader, household: int) -> int:
    ids = population.read(0, None, ["household_id"]).households["household_id"]
    rows = np.flatnonzero(ids == household)
    if not len(rows):
        raise InputError(
            Fault(
                str(population.path), f"no household {household}",
                "", f"a household_id such as {', '.join(str(i) for i in ids[:3])}",
            )
        )  # fmt: skip
    return int(rows[0])
