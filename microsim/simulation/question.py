"""The question a run answers; from it, plain data, the model is made in any process."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from microsim import __version__
from microsim.dynamics.static_ageing import StaticAgeing, StaticWeights
from microsim.files import FileTree, SourceFile
from microsim.policy.system import System
from microsim.population.store import PopulationReader, open_population
from microsim.scenario.frame import Frame
from microsim.scenario.projection import Projection
from microsim.scenario.scenario import Scenario, load_scenario, with_frame
from microsim.simulation.frames import frame_of_population, merged_frame
from microsim.simulation.horizon import Horizon, plain
from microsim.simulation.lives_setup import LivesSetup, lives_setup
from microsim.simulation.model import Model, build, check_columns, with_regions
from microsim.simulation.people import COMPUTED
from microsim.simulation.sharing import life_groups
from microsim.simulation.unit import hash_of


@dataclass(frozen=True)
class Question:
    """What is asked, as plain data.

    Attributes
    ----------
    scenario
        Path of the scenario file.
    settings
        `name=value` texts of `--set`, then of calibration, in order.
    cut_offs
        The frame that quotas read: for each quota its cut-off by scenario, frozen in a phase
        before.
    persons, keep_years
        Variables of which a run keeps the value of each person; of a projection, in which years.
    population
        Path of the population file; `population_hash` is of its content.
    seed, replicate
        The random world.
    """

    scenario: str
    population: str
    population_hash: str
    seed: int
    replicate: int = 0
    settings: tuple[str, ...] = ()
    cut_offs: tuple[tuple[str, tuple[float, ...]], ...] = ()
    files: tuple[tuple[str, str], ...] = field(default=(), compare=False)
    persons: tuple[str, ...] = ()
    keep_years: tuple[int, ...] = ()

    def identity(self, model: Model, horizon: Horizon | None = None) -> str:
        """Return the hash of all that can move a number: law, frame, population, seed, engine; of
        a projection also the law of every year and the rates of lives.
        """
        ahead: dict[str, object] = {}
        if horizon is not None:
            ahead = {"horizon": horizon.content(), "lives": _lives_hash()}
        if self.keep_years:
            ahead["keep_years"] = list(self.keep_years)
        return hash_of(
            {
                **ahead,
                "version": __version__,
                "engine": _engine_hash(),
                "source": model.program.source,
                "laws": [plain(law) for law in model.laws],
                "wanted": repr(model.wanted),
                "population": self.population_hash,
                "seed": [self.seed, self.replicate],
                "persons": list(self.persons),
            }
        )


@cache
def _engine_hash() -> str:
    """Hash of the code that turns rules into numbers, so that no older shard is taken over."""
    return _code_hash("kernels", "language")


@cache
def _lives_hash() -> str:
    """Hash of the code that lets people live on."""
    return _code_hash("dynamics", "population")


def _code_hash(*folders: str) -> str:
    package = Path(__file__).resolve().parent.parent
    digest = hashlib.blake2b(digest_size=8)
    for folder in folders:
        for path in sorted((package / folder).glob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()


def question_of(
    path: str | Path, scenario: Scenario, population: str, population_hash: str, seed: int | None,
    settings: Sequence[str], persons: Sequence[str] = (), keep_years: Sequence[int] = (),
) -> Question:  # fmt: skip
    """Return the question a scenario file asks of a population."""
    place = os.path.abspath(population)  # noqa: PTH100 (resolve would follow links)
    return Question(
        str(path), place, population_hash, scenario.seed if seed is None else seed, 0,
        tuple(settings), files=tuple((file.path, file.sha256) for file in scenario.files),
        persons=tuple(persons), keep_years=tuple(keep_years),
    )  # fmt: skip


def model_of(
    question: Question,
    population: PopulationReader,
    scenario: Scenario | None = None,
    *,
    compiled: bool = True,
) -> Model:
    """Return the model of a question; without `compiled` its rules are read for the interpreter.

    Raises
    ------
    InputError
        Faults of the scenario, its rules or settings, or inputs that the population lacks.
    """
    scenario = scenario or load_scenario(question.scenario)
    systems = systems_of(question, population, scenario)
    names, laws = list(systems), list(systems.values())
    frame = frame_of(question, population, scenario, systems)
    frozen = dict(question.cut_offs)
    model = build(
        names, laws, frame, scenario.year, compiled=compiled, cut_offs=frozen,
        persons=question.persons,
    )  # fmt: skip
    known = {*population.person_columns, *population.household_columns, *COMPUTED}
    check_columns(model.engine[0].definitions, list(model.program.population_inputs), list(known))
    return model


def whole_model_of(
    question: Question,
    population: PopulationReader,
    scenario: Scenario,
    systems: Mapping[str, System],
) -> Model:
    """Return the model of several batches' systems together, without machine code."""
    frame = frame_of(question, population, scenario, systems)
    return build(
        list(systems),
        list(systems.values()),
        frame,
        scenario.year,
        compiled=False,
        persons=question.persons,
    )


def frame_of(
    question: Question,
    population: PopulationReader,
    scenario: Scenario,
    systems: Mapping[str, System],
) -> Frame:
    """Return the macro series of a question: of a projection, in every year."""
    if scenario.projection is not None:
        return _lives(question, population, scenario, scenario.projection, systems).frame
    return merged_frame(scenario.frame, frame_of_population(population))


def _lives(
    question: Question,
    population: PopulationReader,
    scenario: Scenario,
    projection: Projection,
    systems: Mapping[str, System],
) -> LivesSetup:
    """Return what lives start from; it depends on population, files and settings."""
    files = sorted((Path(file.path).name, file.sha256) for file in scenario.files)
    asked = (question.population_hash, question.settings, files, projection.years, list(systems))
    return lives_setup(repr(asked), population, scenario, projection, systems)


def setup_of(question: Question, population: PopulationReader, scenario: Scenario) -> LivesSetup:
    """Return what the lives of a projection start from.

    Raises
    ------
    InputError
        Faults of rates or series.
    """
    projection = scenario.projection
    assert projection is not None  # noqa: S101 - asked of projections only
    systems = systems_of(question, population, scenario)
    return _lives(question, population, scenario, projection, systems)


def horizon_of(
    question: Question,
    population: PopulationReader,
    scenario: Scenario,
    weights: Mapping[str, StaticWeights] | None = None,
    *,
    compiled: bool = True,
) -> Horizon:
    """Return the years of a projection: rates, laws and life groups.

    Parameters
    ----------
    weights
        Of static ageing, by scenario: under it nothing that lives read is read.

    Raises
    ------
    InputError
        Faults of rules, rates or series in any year.
    """
    projection = scenario.projection
    assert projection is not None  # noqa: S101 - asked of projections only
    systems = systems_of(question, population, scenario)
    setup = _lives(question, population, scenario, projection, systems)
    groups = life_groups(
        list(systems), list(systems.values()), setup.frame, projection.years,
        {} if weights else projection.lives.behaviour, setup.tables, compiled=compiled,
        persons=question.persons,
    )  # fmt: skip
    return Horizon(
        projection.years, projection.table_years, setup.weight, setup.average_wage,
        setup.welfare, setup.population, setup.assumptions, groups,
        StaticAgeing(weights, setup.levels) if weights else None,
    )  # fmt: skip


def moved_lives(
    question: Question, population: PopulationReader, scenario: Scenario
) -> frozenset[str]:
    """Return the scenarios that move what lives read, whether or not anybody lives on."""
    projection = scenario.projection
    assert projection is not None  # noqa: S101 - asked of projections only
    systems = systems_of(question, population, scenario)
    setup = _lives(question, population, scenario, projection, systems)
    groups = life_groups(
        list(systems), list(systems.values()), setup.frame, projection.years,
        projection.lives.behaviour, {"baseline": setup.tables["baseline"]}, compiled=False,
    )  # fmt: skip
    return frozenset(name for group in groups[1:] for name in group.model.names)


def systems_of(
    question: Question, population: PopulationReader, scenario: Scenario
) -> dict[str, System]:
    """Return the law of each scenario under a question's settings, the baseline first."""
    frame = merged_frame(scenario.frame, frame_of_population(population))
    system = with_frame(with_regions(scenario.system, population.regions), frame)
    return replace(scenario, system=system).systems(question.settings)


def kept_file(run: Path, relative: Path) -> Path:
    """Return where a run directory keeps a copy of a file of its question.

    `relative` is to the root of the files' tree; the copies lie in a folder that is such a root.
    """
    return run / "question" / "scenarios" / relative


def scenario_of(run: Path, question: Question) -> str:
    """Return the scenario file of a run: its own copy, wherever the run directory lies now."""
    root = FileTree(question.scenario).root
    absolute = Path(os.path.abspath(question.scenario))  # noqa: PTH100 (resolve would follow links)
    copies = [kept_file(run, absolute.relative_to(root))]
    copies += sorted((run / "question" / "scenarios").rglob(absolute.name))
    return next((str(copy) for copy in copies if copy.is_file()), question.scenario)


def to_plain(question: Question) -> dict[str, Any]:
    """Return a question as plain data."""
    return asdict(question)


def from_plain(data: dict[str, Any]) -> Question:
    """Return the question of plain data."""
    files = tuple((path, digest) for path, digest in data["files"])
    cut_offs = tuple((name, tuple(values)) for name, values in data.get("cut_offs", ()))
    settings = tuple(data["settings"])
    persons = tuple(data.get("persons", ()))
    changed = {
        "settings": settings, "files": files, "cut_offs": cut_offs, "persons": persons,
        "keep_years": tuple(data.get("keep_years", ())),
    }  # fmt: skip
    return Question(**{**data, **changed})


def open_of(question: Question) -> PopulationReader:
    """Open the population of a question."""
    return open_population(question.population)


__all__ = ["Question", "SourceFile", "from_plain", "model_of", "open_of", "question_of", "to_plain"]
