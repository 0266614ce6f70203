"""One run from question to answer: claim a directory, prepare, compute units, merge; or go on."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from microsim.errors import Fault, FaultList, InputError, RunFailedError
from microsim.execution.jobs import Payload
from microsim.execution.listener import Failure
from microsim.execution.place import Place, check_place
from microsim.files import FileTree
from microsim.results.atomic import copy_whole
from microsim.results.persons import PersonsError
from microsim.results.shards import ShardDamagedError
from microsim.scenario.draws import read_draws
from microsim.scenario.scenario import Scenario, load_scenario
from microsim.simulation.answer import Outcome, answer
from microsim.simulation.carrying import Watch, carry_out, never, raise_if_incomplete
from microsim.simulation.directory import RunDirectory
from microsim.simulation.initial_histories import initial_histories
from microsim.simulation.phases import (
    Prepared,
    calibrated,
    freeze_batches,
    load_reforms,
    open_prepared,
    question_in,
    scenarios_of,
)
from microsim.simulation.populations import content_hash, find_population
from microsim.simulation.question import (
    Question,
    kept_file,
    model_of,
    open_of,
    question_of,
    to_plain,
)
from microsim.simulation.unit import cut_markets, hash_of
from microsim.simulation.worlds import Settings, Step
from microsim.simulation.years_ahead import ahead, check_years

DEFAULT_SHARD_PERSONS = 200_000
DEFAULT_AHEAD = 40_000  # of a projection, whose units take many times longer
MOST_MERGES = 3
LONGEST_NAME = 100  # of the copy of a file
Say = Callable[[str], None]

__all__ = ["Options", "Outcome", "expand", "grow", "prepare", "resume", "run"]


@dataclass(frozen=True)
class Options:
    """What to run and how; only `seed`, `settings`, `population`, `country`, `households`, `draws`
    and `replicates` can move a number.

    Attributes
    ----------
    out
        Run directory.
    backend, workers
        serial (threads), processes, dask or mpi; `place` says more, and replaces both.
    shard_persons
        About how many persons a shard has; None: as the run was cut before, else 200,000, in a
        projection 40,000.
    settings
        `name=value` texts of `--set`.
    population
        A population file that replaces the scenario's, or "".
    country
        Country for scenarios that leave it open, or "".
    draws
        CSV file of parameter draws, or "".
    replicates
        How many seeds of chance.
    persons, keep_years
        Variables of which the value of each person is kept; of a projection, in which years.
    retry_failed
        Try units again that were given up.
    stopping
        Asked between units: whether to stop.
    """

    out: Path
    backend: str = "serial"
    workers: int = 1
    shard_persons: int | None = None
    seed: int | None = None
    settings: tuple[str, ...] = ()
    population: str = ""
    country: str = ""
    households: int | None = None
    draws: str = ""
    replicates: int = 1
    persons: tuple[str, ...] = ()
    keep_years: tuple[int, ...] = ()
    retry_failed: bool = False
    place: Place | None = None
    stopping: Callable[[], bool] = field(default=never, compare=False)

    @property
    def where(self) -> Place:
        """Where the units run."""
        return self.place or Place(self.backend, self.workers)


class Lines:
    """Shows a run as plain lines."""

    def __init__(self, say: Say) -> None:
        self.say, self.count, self.missing = say, 0, 0

    def began(self, n_missing: int, n_units: int, persons: int) -> None:  # noqa: ARG002
        """Say what is done already."""
        self.count, self.missing = 0, n_missing
        if n_missing < n_units:
            self.say(f"{n_units - n_missing} of {n_units} shards are done already")

    def done(self, receipt: Payload) -> None:
        """Say that a unit is done."""
        self.count += 1
        persons, seconds = receipt.get("persons", 0), receipt.get("seconds", 0.0)
        self.say(f"shard {self.count} of {self.missing}: {persons:,} persons in {seconds:.2f} s")

    def failed(self, failure: Failure) -> None:
        """Say that a unit was given up."""
        last = failure.text.strip().splitlines()[-1:] or ["no words"]
        self.say(f"unit {failure.unit['unit']} was given up ({failure.kind}): {last[0]}")

    def note(self, text: str) -> None:
        """Say what happened."""
        self.say(text)


def run(
    path: str | Path, options: Options, say: Say = lambda _: None, watch: Watch | None = None
) -> Outcome:
    """Run a scenario file and write its run directory; what is done already is kept.

    Parameters
    ----------
    path
        The scenario file.
    options
        How to run.
    say
        Receives a line at each step.
    watch
        Sees the units; plain lines to `say` if left out.

    Raises
    ------
    InputError
        Faults of the files, each with file and line; or a run directory of another question.
    RunFailedError
        Units failed, or an accounting identity does not hold.
    StoppedError
        Stopped before the end: the same command goes on.
    """
    began = time.perf_counter()
    prepared = prepare(path, options, say)
    return carry_on(prepared, options, watch or Lines(say), began)


def resume(
    out: Path, options: Options, say: Say = lambda _: None, watch: Watch | None = None,
    *, merge_only: bool = False,
) -> Outcome:  # fmt: skip
    """Go on with a run as its directory describes it, and write its results.

    Raises
    ------
    InputError
        Not a run directory, or its files are at fault.
    RunFailedError, StoppedError
        As `run`; with `merge_only` also when units are missing.
    """
    began = time.perf_counter()
    prepared = _reopened(out, options, say)
    if merge_only:
        raise_if_incomplete(prepared)
    return carry_on(prepared, options, watch or Lines(say), began)


def _reopened(out: Path, options: Options, say: Say) -> Prepared:
    """Return a run, prepared, as its directory describes it."""
    check_place(options.where)
    directory = RunDirectory(out)
    stored = directory.question()
    question = question_in(out, stored)
    scenario = load_scenario(question.scenario)
    _check_population(out, question)
    return _prepared(directory, question, scenario, options, say, stored)


def expand(
    out: Path, options: Options, reforms: Sequence[tuple[str, Sequence[str]]] = (),
    draws: str = "", replicates: int = 0, say: Say = lambda _: None, watch: Watch | None = None,
) -> Outcome:  # fmt: skip
    """Add reforms, draws or replicates to a run, and compute them; what is done stays as it is.

    Parameters and errors are those of `grow` and `resume`.
    """
    grow(out, options, reforms, draws, replicates, say)
    return resume(out, options, say, watch)


def grow(
    out: Path, options: Options, reforms: Sequence[tuple[str, Sequence[str]]] = (),
    draws: str = "", replicates: int = 0, say: Say = lambda _: None,
) -> Prepared:  # fmt: skip
    """Add reforms, draws or replicates to a run, and freeze what their units need; compute none.

    Parameters
    ----------
    reforms
        Name and files of each reform to add.
    draws
        CSV file of parameter draws to add, or "".
    replicates
        How many replicates to add.

    Raises
    ------
    InputError
        Nothing to add, a name that is taken, or faults of the files. The run is as it was then.
    """
    check_place(options.where)
    directory = RunDirectory(out)
    stored = directory.question()
    scenario = load_scenario(question_in(out, stored).scenario)
    there = {name for one in scenarios_of(directory, scenario) for name in one.reforms}
    faults = FaultList()
    if not reforms and not draws and not replicates:
        faults.add("expand", "nothing to add", "", "--reform, --draws or --replicates (1 or more)")
    if replicates < 0:
        faults.add("--replicates", "too few replicates to add", replicates, "1 or more")
    for name, _ in reforms:
        if name in there or name == "baseline":
            faults.add("--reform", f"the run has a scenario {name}", "", "another name")
    faults.raise_if_any()
    added = {
        name: load_reforms([Path(file) for file in files], scenario.system)
        for name, files in reforms
    }
    settings = read_draws(draws, _scalars(scenario)) if draws else ()
    _check_added(question_in(out, stored), replace(scenario, reforms=added), settings)
    directory.add_step(Step(_kept_reforms(directory, reforms), settings, replicates))
    say(f"{out}: added to the run")
    return _reopened(out, options, say)


def _check_added(question: Question, added: Scenario, draws: Sequence[Settings]) -> None:
    """Find what cannot be computed before it becomes part of the run for good."""
    with open_of(question) as population:
        if added.reforms:
            model_of(question, population, added, compiled=False)
        for draw in draws:
            added.systems((*question.settings, *draw))


def _kept_reforms(
    directory: RunDirectory, reforms: Sequence[tuple[str, Sequence[str]]]
) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Copy the files of added reforms into the run directory."""
    kept = []
    for name, files in reforms:
        copies = []
        for k, file in enumerate(files):
            relative = Path("question") / "added" / name / f"{k}-{Path(file).name[-LONGEST_NAME:]}"
            copy_whole(Path(file), directory.path / relative)
            copies.append(relative.as_posix())
        kept.append((name, tuple(copies)))
    return tuple(kept)


# -- the phases -----------------------------------------------------------------------------------


def prepare(path: str | Path, options: Options, say: Say = lambda _: None) -> Prepared:
    """Claim the run directory and go through the phases before the units.

    Raises
    ------
    InputError
        As `run`.
    """
    check_options(options)
    scenario = load_scenario(path)
    draws = read_draws(options.draws, _scalars(scenario)) if options.draws else ()
    file, file_hash = find_population(scenario, options, say)
    question = question_of(
        path, scenario, file, file_hash, options.seed, options.settings, options.persons,
        options.keep_years,
    )  # fmt: skip
    directory = RunDirectory(options.out)
    return _prepared(directory, question, scenario, options, say, None, draws)


def check_options(options: Options) -> None:
    """Refuse options that cannot be meant, before any work is done.

    Raises
    ------
    InputError
        Every such option.
    """
    check_place(options.where)
    faults = FaultList()
    if options.seed is not None and options.seed < 0:
        faults.add("--seed", "not a seed", options.seed, "0 or more")
    if options.replicates < 1:
        faults.add("--replicates", "too few replicates", options.replicates, "1 or more")
    if options.shard_persons is not None and options.shard_persons < 1:
        faults.add("--shard-persons", "too few persons", options.shard_persons, "1 or more")
    _check_out(options.out, faults)
    faults.raise_if_any()


def _check_out(out: Path, faults: FaultList) -> None:
    """Note a run directory that cannot be made, before anything is computed for it."""
    there = next((p for p in (out, *out.absolute().parents) if p.exists()), Path("/"))
    if not there.is_dir():
        faults.add("--out", "cannot be made", f"{there} is a file", "a folder, new or of a run")
    elif not os.access(there, os.W_OK | os.X_OK):
        found = f"{there} may not be written to"
        faults.add("--out", "cannot be made", found, "a folder, new or of a run")


def words_of(path: Path, options: Options) -> tuple[str, ...]:
    """Return the words that ask on a command line what options ask, but for `--out` and the place;
    files by their full names.
    """

    def full(name: str) -> str:
        return os.path.abspath(name) if name else ""  # noqa: PTH100 (resolve would follow links)

    given = {
        "--shard-persons": options.shard_persons,
        "--seed": options.seed,
        "--population": full(options.population),
        "--country": options.country,
        "--households": options.households,
        "--replicates": options.replicates if options.replicates != 1 else None,
        "--draws": full(options.draws),
        "--keep-persons": ",".join(options.persons),
        "--keep-years": ",".join(map(str, options.keep_years)),
    }
    words = [f"{name}={value}" for name, value in given.items() if value not in (None, "")]
    words += [f"--set={setting}" for setting in options.settings]
    return (full(str(path)), *words)


def _scalars(scenario: Scenario) -> set[str]:
    """Return the parameters that hold a single number, in any scenario."""
    systems = scenario.systems().values()
    return {
        p.name for s in systems for p in s.definitions.parameters.values() if p.kind == "scalar"
    }


def _prepared(
    directory: RunDirectory, question: Question, scenario: Scenario, options: Options, say: Say,
    stored: dict[str, object] | None, draws: tuple[Settings, ...] = (),
) -> Prepared:  # fmt: skip
    population = open_of(question)
    model = model_of(question, population, scenario)
    calibration = _calibration(scenario)
    asked = hash_of({
        "model": question.identity(model), "calibration": calibration, **ahead(scenario),
    })  # fmt: skip
    if stored is None:
        text = {"identity": asked, "calibration": calibration, **to_plain(question)}
        text["files"] = [[file.name, file.sha256] for file in scenario.files]
        directory.claim(text, Step(draws=draws, replicates=options.replicates))
        _keep_files(directory.path, question.scenario, scenario)
    elif stored["identity"] != asked:
        what = "the run was begun by another version of the program, or its files were altered"
        remedy = "Use the version it was begun with, or start the run in a new directory."
        raise InputError(Fault(str(directory.path), what, remedy=remedy))
    found = calibrated(directory, asked, question, scenario, population, model, say)
    begins = scenario.projection is not None and directory.frozen() is None
    prepared = Prepared(
        directory, directory.numbering(), found[1], (), found[0], population,
        scenarios_of(directory, scenario), models={0: found[2]},
    )  # fmt: skip
    check_years(prepared)
    _cut(prepared, options.shard_persons, say)
    freeze_batches(prepared, say)
    for line in initial_histories(prepared) if begins else ():
        say(line)
    return prepared


def _calibration(scenario: Scenario) -> list[list[object]]:
    """Return what is calibrated to what: it moves results as the law does."""
    totals = {(t.scheme, t.item): t.value for t in scenario.totals if t.year == scenario.year}
    return [
        [one.parameter, one.scheme, one.item, totals.get((one.scheme, one.item))]
        for one in scenario.calibrate
    ]


def _cut(prepared: Prepared, shard_persons: int | None, say: Say) -> None:
    """Cut the population into shards: as before, unless another size is asked for."""
    directory, population = prepared.directory, prepared.population
    market = population.n_persons // population.n_markets
    if shard_persons is not None and shard_persons < market:
        say(f"a shard has whole markets, of about {market:,} persons here: the smallest it can be")
    there = directory.cut()
    usual = DEFAULT_AHEAD if prepared.scenario.projection else DEFAULT_SHARD_PERSONS
    wanted = tuple(cut_markets(population, shard_persons or usual))
    if not there or (shard_persons is not None and there != wanted):
        starts = population.market_person_starts
        persons = [int(starts[b] - starts[a]) for a, b in itertools.pairwise(wanted)]
        if there:
            say(f"cut anew into {len(persons)} shards; files of the {len(there) - 1} before are "
                f"left, `microsim gc {directory.path}` removes them")  # fmt: skip
        directory.keep_cut(wanted, persons)
        there = wanted
    prepared.cut = there
    prepared.numbering = replace(prepared.numbering, n_shards=len(there) - 1)


def _check_population(out: Path, question: Question) -> None:
    path = Path(question.population)
    if not path.is_file():
        what, remedy = "the population of the run is gone", "Put it back, or start a new run."
        raise InputError(Fault(str(out), what, "no such file", str(path), remedy))
    if content_hash(path) != question.population_hash:
        what, remedy = "the population has changed since", "Start the run in a new directory."
        raise InputError(Fault(str(path), what, expected="the file of the run", remedy=remedy))


def _keep_files(out: Path, path: str | Path, scenario: Scenario) -> None:
    """Copy every file of the question into the run directory: it explains itself anywhere."""
    root = FileTree(path).root
    for file in scenario.files:
        source = Path(os.path.abspath(file.path))  # noqa: PTH100 (resolve would follow links)
        if not source.is_relative_to(root):
            continue  # ships with the program, as the generic lives
        target = kept_file(out, source.relative_to(root))
        if not target.exists():
            copy_whole(source, target)


# -- units and merge ------------------------------------------------------------------------------


def carry_on(prepared: Prepared, options: Options, watch: Watch, began: float) -> Outcome:
    """Compute what is missing, then merge; a file that the merge finds damaged is made again."""
    place, retry = options.where, options.retry_failed
    for turn in range(MOST_MERGES):
        carry_out(prepared, place, watch, stopping=options.stopping, retry_failed=retry)
        try:
            outcome = answer(prepared, place.backend, place.workers, began)
        except (ShardDamagedError, PersonsError) as error:
            retry = False
            watch.note(f"{error} It is computed again.")
            if turn == MOST_MERGES - 1:
                raise RunFailedError(
                    f"{error} That happened {MOST_MERGES} times: is the disk sound?"
                ) from error
        else:
            prepared.population.close()
            return outcome
    raise AssertionError  # pragma: no cover - the loop returns or raises


def open_run(out: Path) -> Prepared:
    """Return a prepared run as its directory describes it."""
    return open_prepared(RunDirectory(out))
