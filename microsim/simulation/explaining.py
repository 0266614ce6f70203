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
from microsim.population.store import PopulationReader
from microsim.scenario.cases import load_cases
from microsim.simulation.directory import RunDirectory
from microsim.simulation.explain import Explainer, Step
from microsim.simulation.household import interpreter_of, people_of_case, region_labels, rules_of
from microsim.simulation.law import LawReader, common_periods, used_parameters
from microsim.simulation.model import Model
from microsim.simulation.people import COMPUTED, people_of
from microsim.simulation.phases import Prepared, open_prepared
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
    draw: int = 0, replicate: int = 0,
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

    Raises
    ------
    InputError
        No such run, household, scenario or variable.
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
        model = prepared.model(batch, where)
        chance = World(prepared.question.seed, replicate)
        return _explained(model, population, household, names, scenario, month, chance)


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
    population: PopulationReader,
    household: int,
    names: list[str],
    scenario: str,
    month: int,
    world: World,
) -> Explanation:
    index = model.names.index(scenario)
    definitions, ids = model.engine[index].definitions, model.ids[index]
    graph = model.graph
    monthly, yearly = used_parameters(graph, set(ids.values()) | set(graph.members[index]))
    periods = common_periods([definitions], model.year, [monthly])
    frozen = {n: float(v) for n, v in model.laws[index].yearly.items() if n.startswith("quota.")}
    reader = LawReader(definitions, model.frame, model.year, frozen)
    law = reader.law(periods, monthly, yearly)
    row = _row(population, household)
    columns = [c for c in shard_columns(model) if c not in COMPUTED]
    part = population.read(
        row, row + 1, list(dict.fromkeys([*columns, *_inputs(model, population)]))
    )
    people = people_of(
        part.persons, part.households, _known_inputs(model, part.persons, part.households)
    )
    interpreter = Interpreter(graph, people, law, world)
    first = tuple(start for start, _ in periods)
    explainer = Explainer(interpreter, definitions, ids, first)
    members = [
        f"person {i + 1} ({'male' if s == 0 else 'female'}, {a})"
        for i, (s, a) in enumerate(zip(part.persons["sex"], part.persons["age"], strict=True))
    ]
    title = f"household {household} of {population.path.name}, scenario {scenario}, {model.year}"
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
