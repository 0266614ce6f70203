"""Finds the household that `explain` is asked about: in the population of a run, or in a household
file.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from microsim.errors import Fault, InputError
from microsim.files import did_you_mean
from microsim.language.interpreter import Interpreter
from microsim.language.people import World
from microsim.population.store import PopulationReader
from microsim.scenario.cases import load_cases
from microsim.scenario.scenario import load_scenario
from microsim.simulation.explain import Explainer, Step
from microsim.simulation.household import interpreter_of, people_of_case, region_labels, rules_of
from microsim.simulation.law import LawReader, common_periods, used_parameters
from microsim.simulation.model import Model
from microsim.simulation.people import COMPUTED, people_of
from microsim.simulation.question import from_plain, model_of, open_of, scenario_of
from microsim.simulation.unit import shard_columns

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
    run: Path, household: int, names: list[str], scenario: str = "baseline", month: int = 12
) -> Explanation:
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

    Raises
    ------
    InputError
        No such run, household, scenario or variable.
    """
    if not 1 <= month <= 12:
        raise InputError(Fault("--month", "no such month", str(month), "1 to 12"))
    path = run / "question.json"
    if not path.is_file():
        raise InputError(
            Fault(str(run), "not a run directory", "no question.json", "the --out of a run")
        )
    stored = json.loads(path.read_text())
    question = from_plain(
        {k: v for k, v in stored.items() if k not in ("identity", "shard_persons")}
    )
    with open_of(question) as population:
        model = model_of(
            question, population, load_scenario(scenario_of(run, question)), compiled=False
        )
        if scenario not in model.names:
            known = ", ".join(model.names)
            raise InputError(Fault(str(run), f"no scenario '{scenario}'", "", known))
        world = World(question.seed, question.replicate)
        return _explained(model, population, household, names, scenario, month, world)


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
