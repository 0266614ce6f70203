"""The countries we ship: worked cases hold, runs are reproducible, every parameter moves something."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from microsim.language.people import People, World
from microsim.policy.changes import set_parameter
from microsim.population.columns import EMPLOYMENT_STATUS
from microsim.scenario.scenario import load_scenario
from microsim.shipped import folder
from microsim.simulation.checking import check_path, kind_of
from microsim.simulation.model import unused_parameters
from microsim.simulation.people import people_of, weighting_of
from microsim.simulation.question import model_of, open_of, question_of, systems_of
from microsim.simulation.run import Options, run
from microsim.simulation.unit import shard_columns

SCENARIOS = folder("scenarios")
HOUSEHOLDS = 1200
CASE_FILES = sorted(
    str(path.relative_to(str(SCENARIOS)))
    for path in Path(str(SCENARIOS)).rglob("*.yaml")
    if path.parent.name == "cases"
)


# -- worked cases ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CASE_FILES)
def test_worked_cases__hold(name):
    report = check_path(Path(str(SCENARIOS)) / name)
    assert report.faults == []
    assert len(report.checks) > 0
    wrong = [f"{c.where}: {c.variable} {c.member}: {c.found}" for c in report.checks if not c.holds]
    assert wrong == []


def test_case_files__are_all_found():
    assert len(CASE_FILES) >= 4
    assert all(kind_of(Path(str(SCENARIOS)) / name) == "cases" for name in CASE_FILES)


@pytest.mark.parametrize("country", ["kenya", "any_country", "training", "united_states"])
def test_every_file_of_a_country__passes_the_check(country):
    report = check_path(Path(str(SCENARIOS)) / country)
    assert report.faults == []
    assert all(check.holds for check in report.checks)


# -- runs --------------------------------------------------------------------------------------


def chosen(tmp_path, country: str, name: str = "run", **more) -> Options:
    where = {"country": "GHA"} if country == "any_country" else {}
    return Options(**{"out": tmp_path / name, "households": HOUSEHOLDS, **where, **more})


@pytest.mark.parametrize("country", ["kenya", "any_country"])
def test_runs__give_one_answer_on_any_backend_and_shard_size(rules_cache, tmp_path, country):
    scenario = Path(str(SCENARIOS)) / country / "floor.yaml"
    whole = run(scenario, chosen(tmp_path, country, "serial"))
    cut = run(
        scenario,
        chosen(tmp_path, country, "cut", backend="processes", workers=2, shard_persons=1),
    )
    assert cut.digest == whole.digest
    assert whole.poisoned == ()
    assert all(identity.holds for identity in whole.identities)
    assert len(whole.identities) > 100


def texts_of(rows: np.ndarray, parameter, definitions) -> str:
    """Return rows of a schedule or table as `--set` reads them."""
    texts = []
    for row in rows.tolist():
        cells = [repr(x) for x in row]
        for k, (key, unit) in enumerate(parameter.keys):
            if unit == "category":
                cells[k] = definitions.inputs[key].labels[int(row[k])]
        texts.append("[" + ", ".join(cells) + "]")
    return "[" + ", ".join(texts) + "]"


def other_values(parameter, definitions) -> list[str]:
    """Return other values of a parameter, as `--set` reads them."""
    value = parameter.values[-1].value
    if parameter.unit == "category":
        return [label for k, label in enumerate(parameter.labels) if k != value]
    if parameter.unit == "boolean":
        return ["false" if value else "true"]
    if parameter.kind == "scalar":
        others = [value * 0.8, value * 2, 0.0, value + 3, 0.5, 5000.0]
        limit = 1.0 if parameter.unit == "share" else np.inf
        return [repr(float(x)) for x in others if x != value and x <= limit]
    rows = np.array(value, float)
    column = 1 if parameter.kind == "schedule" else -1
    rows[:, column] = rows[:, column] * 0.9 + (5.0 if parameter.unit != "share" else 0.01)
    return [texts_of(rows, parameter, definitions)]


def mixed_up(people: People, seed: int = 1) -> People:
    """Return people with the same families and random facts, so that every branch of a law has somebody."""
    rng, inputs = np.random.default_rng(seed), dict(people.inputs)
    for name, column in inputs.items():
        if column.dtype == bool and name not in ("is_head", "mother_of_infant"):
            inputs[name] = rng.random(len(column)) < 0.3
    n = people.n_persons
    for name, median in (
        ("earnings", 40_000),
        ("self_employment_income", 9_000),
        ("pension_income", 20_000),
    ):
        if name in inputs:
            inputs[name] = np.where(rng.random(n) < 0.4, rng.lognormal(np.log(median), 1.3, n), 0.0)
    if "employment_status" in inputs:
        inputs["employment_status"] = rng.integers(0, len(EMPLOYMENT_STATUS), n).astype(np.int8)
    return replace(people, inputs=inputs)


class Bench:
    """A scenario's compiled rules on a few people, to be evaluated under changed values in some year."""

    def __init__(self, country: str, tmp_path: Path) -> None:
        path = Path(str(SCENARIOS)) / country / "floor.yaml"
        self.outcome = run(path, chosen(tmp_path, country))
        kept = json.loads((tmp_path / "run" / "question.json").read_text())
        self.scenario = replace(load_scenario(path), calibrate=())
        file = kept["population"]
        self.question = question_of(path, self.scenario, file, kept["population_hash"], None, ())
        self.population = open_of(self.question)
        self.model = model_of(self.question, self.population, self.scenario)
        columns = shard_columns(self.model)
        part = self.population.read(0, None, columns)
        people = people_of(part.persons, part.households, self.model.program.layout.inputs)
        self.people = mixed_up(people)
        self.weights = weighting_of(part.persons, part.households, len(self.population.regions))
        self.baselines: dict[int, list[bytes]] = {}

    def evaluated(self, settings: tuple[str, ...], year: int = 0) -> list[bytes]:
        """Return the bits of everything that comes out under some settings."""
        scenario = replace(self.scenario, year=year or self.scenario.year)
        asked = replace(self.question, settings=settings)
        systems = list(systems_of(asked, self.population, scenario).values())
        evaluator = replace(self.model, year=scenario.year).with_law(systems, {}).evaluator()
        out = evaluator.run(self.people, self.weights, World(1))
        shared = (out.sums_shared, out.households_shared)
        arrays = (out.hi, out.low, out.count, out.smallest, out.largest, out.households, out.poison)
        return [array.tobytes() for array in (*arrays, *shared)]

    def moves(self, name: str, values: list[str], year: int) -> bool:
        """Whether one of some values of a parameter moves anything in a year."""
        if year not in self.baselines:
            self.baselines[year] = self.evaluated((), year)
        return any(
            self.evaluated((f"{name}={value}",), year) != self.baselines[year] for value in values
        )


@pytest.mark.parametrize(
    ("country", "years"), [("kenya", (2025, 2024, 2023)), ("any_country", (2025,))]
)
def test_every_parameter__can_move_a_result_or_is_warned_of(rules_cache, tmp_path, country, years):
    bench = Bench(country, tmp_path)
    parameters = {}
    for system in systems_of(bench.question, bench.population, bench.scenario).values():
        definitions = system.definitions
        parameters |= {name: (one, definitions) for name, one in definitions.parameters.items()}
    still = set(parameters)
    for year in years:  # a relief that has ended can move the year in which it was law
        still -= {n for n in still if bench.moves(n, other_values(*parameters[n]), year)}
    warned = {str(fault.what).split()[1] for fault in unused_parameters(bench.model)}
    quiet = set()
    for name in sorted(still - warned):  # what acts on tables only: administration, minima, lines
        setting = f"{name}={other_values(*parameters[name])[0]}"
        outcome = run(
            Path(str(SCENARIOS)) / country / "floor.yaml",
            chosen(tmp_path, country, name, settings=(setting,)),
        )
        if outcome.digest == bench.outcome.digest:
            quiet.add(name)
    assert sorted(quiet) == []
    assert warned <= still
    assert len(parameters) > 10


@pytest.mark.parametrize("country", ["kenya", "any_country"])
def test_setting_a_parameter_to_what_it_is__moves_no_bit(rules_cache, tmp_path, country):
    bench = Bench(country, tmp_path)
    system = bench.scenario.system
    scalars = [
        p for p in system.definitions.parameters.values()
        if p.kind == "scalar" and p.unit not in ("category", "boolean") and len(p.values) == 1 and not p.index
    ]  # fmt: skip
    assert len(scalars) > 5
    settings = tuple(f"{p.name}={p.values[0].value!r}" for p in scalars)
    for setting in settings:
        set_parameter(system, setting, bench.scenario.year)
    assert bench.evaluated(settings) == bench.evaluated(())
