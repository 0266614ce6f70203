"""One run from question to answer: population, units, exact merge, tables, identities, results."""

from __future__ import annotations

import datetime
import json
import os
import platform
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from microsim import __version__
from microsim.budget.identities import check_identities, raise_if_violated
from microsim.budget.tables import all_tables
from microsim.errors import Fault, InputError, RunFailedError
from microsim.execution.backend import check_backend, run_job
from microsim.execution.jobs import Job, Payload, Worker
from microsim.files import FileTree
from microsim.language.evaluating import Evaluator
from microsim.language.people import World
from microsim.population.store import PopulationReader
from microsim.results.contents import Contents, Identity, Row
from microsim.results.writer import write_results
from microsim.scenario.scenario import Scenario, load_scenario
from microsim.simulation.calibrate import Calibrated, calibrated_settings
from microsim.simulation.contents import Assembler
from microsim.simulation.merge import Merged, Poisoned, merge
from microsim.simulation.model import Model, unused_parameters
from microsim.simulation.populations import find_population
from microsim.simulation.question import (
    Question,
    from_plain,
    kept_file,
    model_of,
    open_of,
    question_of,
    systems_of,
    to_plain,
)
from microsim.simulation.quotas import Frozen, frozen_quotas
from microsim.simulation.trust import Comparison, trust_table
from microsim.simulation.unit import Unit, evaluate_shard, finished, plan_units, write_unit

RESULTS = "results.h5"
SHARDS = "shards"
DEFAULT_SHARD_PERSONS = 200_000
Say = Callable[[str], None]


@dataclass(frozen=True)
class Options:
    """How to run: nothing here can move a number, but `seed` and `settings`.

    Attributes
    ----------
    out
        Run directory.
    settings
        `name=value` texts of `--set`.
    population
        A population file that replaces the scenario's, or "".
    country
        Country for scenarios that leave it open, or "".
    """

    out: Path
    backend: str = "serial"
    workers: int = 1
    shard_persons: int = DEFAULT_SHARD_PERSONS
    seed: int | None = None
    settings: tuple[str, ...] = ()
    population: str = ""
    country: str = ""
    households: int | None = None


@dataclass(frozen=True)
class Outcome:
    """What a run ends with."""

    out: Path
    contents: Contents
    rows: list[Row]
    identities: list[Identity]
    trust: list[Comparison]
    calibrated: list[Calibrated]
    poisoned: tuple[Poisoned, ...]
    warnings: tuple[Fault, ...]
    digest: str


def run(path: str | Path, options: Options, say: Say = lambda _: None) -> Outcome:
    """Run a scenario file and write its run directory.

    Parameters
    ----------
    path
        The scenario file.
    options
        How to run.
    say
        Receives a line at each step.

    Raises
    ------
    InputError
        Faults of the files, each with file and line; or a run directory of another question.
    RunFailedError
        Units failed, or an accounting identity does not hold.
    """
    began = time.perf_counter()
    check_backend(options.backend, options.workers)
    if options.seed is not None and options.seed < 0:
        raise InputError(Fault("--seed", "not a seed", str(options.seed), "0 or more"))
    scenario = load_scenario(path)
    file, file_hash = find_population(scenario, options, say)
    question = question_of(path, scenario, file, file_hash, options.seed, options.settings)
    population = open_of(question)
    calibrated: list[Calibrated] = []
    model = model_of(question, population, scenario)
    if scenario.calibrate:
        found = calibrated_settings(question, population, scenario, model, say)
        question, calibrated = found
        model = model.with_law(list(systems_of(question, population, scenario).values()), {})
    quotas: list[Frozen] = []
    if model.quotas:
        question, model, quotas = frozen_quotas(question, population, scenario, model, say)
    identity = question.identity(model)
    _claim(options.out, question, identity, options.shard_persons)
    _keep_files(options.out, path, scenario)
    units = plan_units(population, options.shard_persons, identity)
    _MODELS[identity] = (model, population)
    _evaluate(question, identity, units, options, say)
    evaluator = model.evaluator()
    merged = merge(model, evaluator, population, options.out / SHARDS, units)
    if not len(merged.records.weight):
        raise RunFailedError(_nobody_left(merged))
    frozen = (calibrated, quotas)
    outcome = _finish(scenario, question, model, merged, population, options, frozen, began)
    population.close()
    return outcome


# -- work units ---------------------------------------------------------------------------------

# Models made in this process, so that the serial backend does not make one again; plain data else.
_MODELS: dict[str, tuple[Model, PopulationReader]] = {}


def start_worker(setup: Payload) -> Worker:
    """Return the worker of a run, made from plain data: it evaluates a unit and writes its file."""
    question = from_plain(setup["question"])
    if setup["identity"] not in _MODELS:
        population = open_of(question)
        _MODELS[setup["identity"]] = (model_of(question, population), population)
    model, population = _MODELS[setup["identity"]]
    if question.identity(model) != setup["identity"]:
        raise RunFailedError(
            "a worker read other inputs than the coordinator; nothing was written."
        )
    evaluator: Evaluator = model.evaluator()
    world = World(question.seed, question.replicate)
    folder = Path(setup["folder"])

    def work(data: Payload) -> Payload:
        unit = Unit(**data)
        began = time.perf_counter()
        arrays = evaluate_shard(model, evaluator, population, unit, world, setup["threads"])
        write_unit(folder, unit, arrays)
        persons = int(arrays["size"].sum())
        return {"index": unit.index, "persons": persons, "seconds": time.perf_counter() - began}

    return work


def _evaluate(
    question: Question, identity: str, units: Sequence[Unit], options: Options, say: Say
) -> None:
    folder = options.out / SHARDS
    folder.mkdir(parents=True, exist_ok=True)
    missing = [unit for unit in units if not finished(folder, unit)]
    if len(missing) < len(units):
        say(f"{len(units) - len(missing)} of {len(units)} shards are done already")
    threads = 1
    if options.backend == "serial":
        threads = options.workers
    setup = {
        "question": to_plain(question),
        "identity": identity,
        "folder": str(folder),
        "threads": threads,
    }
    job = Job("microsim.simulation.run:start_worker", setup, [asdict(unit) for unit in missing])
    done = [0]

    def report(receipt: Payload) -> None:
        done[0] += 1
        say(
            f"shard {done[0]} of {len(missing)}: "
            f"{receipt['persons']:,} persons in {receipt['seconds']:.2f} s"
        )

    run_job(job, options.backend, options.workers, report)


def _claim(out: Path, question: Question, identity: str, shard_persons: int) -> None:
    """Make the run directory this question's; refuse one that holds another."""
    path = out / "question.json"
    text = {"identity": identity, "shard_persons": shard_persons, **to_plain(question)}
    if path.exists():
        there = json.loads(path.read_text())
        if there.get("identity") != identity:
            different = [
                key for key in ("scenario", "population_hash", "seed", "settings", "files")
                if json.dumps(there.get(key)) != json.dumps(text[key])
            ]  # fmt: skip
            raise InputError(
                Fault(
                    str(out),
                    "this run directory holds the answer to another question",
                    "a difference in " + (", ".join(different) or "the rules' code or version"),
                    "the same question, or a new directory",
                    "Choose another --out, or remove the directory.",
                )
            )
        return
    out.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(text, indent=1))
    temporary.replace(path)


def _keep_files(out: Path, path: str | Path, scenario: Scenario) -> None:
    """Copy every file of the question into the run directory: it explains itself anywhere."""
    root = FileTree(path).root
    for file in scenario.files:
        source = Path(os.path.abspath(file.path))  # noqa: PTH100 (resolve would follow links)
        target = kept_file(out, source.relative_to(root))
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)


def _nobody_left(merged: Merged) -> str:
    lines = [
        f"{one.where}: {one.what} in {one.variable} (`{one.formula}`): {one.households} households"
        for one in merged.poisoned
    ]
    return "\n".join(["no household could be computed, so there is no result.", *lines])


# -- results ------------------------------------------------------------------------------------


def _finish(
    scenario: Scenario,
    question: Question,
    model: Model,
    merged: Merged,
    population: PopulationReader,
    options: Options,
    frozen: tuple[list[Calibrated], list[Frozen]],
    began: float,
) -> Outcome:
    calibrated, _ = frozen
    labels = ("Status quo", *(r[-1].label or r[-1].name for r in scenario.reforms.values()))
    contents = Assembler(model, population).contents(merged, tuple(labels))
    rows = all_tables(contents)
    trust = trust_table(scenario.totals, model.year, contents)
    rows += [row for comparison in trust for row in comparison.rows()]
    identities = check_identities(contents, rows)
    provenance = _provenance(question, scenario, options, frozen, merged, began)
    found = write_results(options.out / RESULTS, contents, rows, identities, provenance)
    raise_if_violated(identities)
    return Outcome(
        options.out, contents, rows, identities, trust, calibrated, merged.poisoned,
        (*scenario.system.warnings, *unused_parameters(model)), found,
    )  # fmt: skip


def _provenance(
    question: Question,
    scenario: Scenario,
    options: Options,
    frozen: tuple[list[Calibrated], list[Frozen]],
    merged: Merged,
    began: float,
) -> dict[str, Any]:
    calibrated, quotas = frozen
    inputs = [{"name": file.path, "sha256": file.sha256} for file in scenario.files]
    inputs.append({"name": question.population, "sha256": question.population_hash})
    return {
        "software": {"name": "microsim", "version": __version__},
        "inputs": inputs,
        "seed": question.seed,
        "settings": {
            "set": list(question.settings),
            "calibrated": [asdict(one) for one in calibrated],
            "quotas": [asdict(one) for one in quotas],
            "poisoned": [asdict(one) for one in merged.poisoned],
        },
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "environment": {"python": platform.python_version(), "machine": platform.machine()},
        "execution": {
            "backend": options.backend,
            "workers": options.workers,
            "wall_seconds": time.perf_counter() - began,
        },
    }
