"""Adds the shards of a run up, exactly, into cells and household records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from microsim.errors import RunFailedError
from microsim.kernels.accumulate import merge_into, to_floats
from microsim.language.evaluating import Evaluator
from microsim.population.store import PopulationReader
from microsim.results.contents import Cells, Measure, Records
from microsim.results.scratch import ScratchColumns
from microsim.results.shards import ShardDamagedError, read_shard
from microsim.simulation.in_turn import in_turn
from microsim.simulation.merging_records import (
    Faulty,
    Gathering,
    check_same_households,
    records_of,
    reported,
)
from microsim.simulation.model import Model
from microsim.simulation.people import N_AGE_GROUPS, N_STATUSES

Arrays = dict[str, npt.NDArray[Any]]
SUMS = (("hi", "low", "count"), ("place_hi", "place_low", "place_count"))
SUM_NAMES = tuple(name for group in SUMS for name in group)
EXTREMES = ("smallest", "largest")
AHEAD = 2  # shard files read before they are needed


@dataclass(frozen=True)
class Part:
    """One batch of scenarios in one world.

    Attributes
    ----------
    model
        Its scenarios; `model.names[0]` is the baseline.
    files
        The shard file of each unit, in the order of the population.
    section
        What names of the arrays begin with: of files that hold several years.
    evaluator
        Says what scenarios share; the model's own if left out.
    """

    model: Model
    files: Sequence[Path]
    section: str = ""
    evaluator: Evaluator | None = None


@dataclass(frozen=True)
class Poisoned:
    """Households that a rule could not be computed for: how many, which first, at what place in the
    rules.
    """

    variable: str
    what: str
    where: str
    formula: str
    households: int
    first_ids: tuple[int, ...]


@dataclass(frozen=True)
class Merged:
    """Everything the shards of a run add up to."""

    cells: Cells
    records: Records | None
    poisoned: tuple[Poisoned, ...]
    residuals: tuple[float, ...]


@dataclass(frozen=True)
class Sums:
    """The sums of one part, as shards hold them, and which of them are the baseline's."""

    model: Model
    arrays: Arrays
    shared: npt.NDArray[np.bool_]
    extremes_shared: npt.NDArray[np.bool_]

    def source(self, scenario: int, measure: int) -> int:
        """Return the scenario whose row holds a sum."""
        return 0 if self.shared[scenario, measure] else scenario


def merge(
    parts: Sequence[Part],
    full: Model,
    population: PopulationReader,
    scratch: Path,
    n_households: int | None = None,
    *,
    with_records: bool = True,
) -> Merged:
    """Return the sum of all shards of a run, read once, in the order of the population.

    Parameters
    ----------
    parts
        Batches of scenarios, each of which evaluated the baseline too.
    full
        Model of all scenarios together: the baseline, then the reforms of each part.
    population
        That was evaluated.
    scratch
        A folder for household columns, which are too large for memory; it is empty when this
        returns, or gone.
    n_households
        That the files hold, if not those of the population.
    with_records
        Whether the files hold household columns: of a projection not in every year.

    Raises
    ------
    ShardDamagedError
        A shard is missing or damaged.
    RunFailedError
        Parts contradict each other, or the disk is full.
    """
    expected = population.n_households if n_households is None else n_households
    with ScratchColumns(scratch, expected) as columns:
        sums: list[Sums] = []
        gathered: list[Gathering] = []
        for k, part in enumerate(parts):
            first = k == 0
            evaluator = part.evaluator or part.model.evaluator()
            gathering = Gathering(
                part.model, evaluator, columns, with_facts=first, with_baseline=first,
                with_columns=with_records,
            )  # fmt: skip
            arrays = _add_up(part, gathering)
            if with_records:
                _check_complete(gathering, expected)
            shared, extremes = evaluator.sums_shared, evaluator.extremes_shared
            sums.append(Sums(part.model, arrays, shared, extremes))
            gathered.append(gathering)
        check_same_households(gathered, lived=n_households is not None)
        for k, of in enumerate(sums[1:], 1):
            _check_same_baseline(sums[0], of, k)
        records = records_of(gathered, full, population) if with_records else None
    residuals = [r for k, one in enumerate(gathered) for r in one.residuals[1 if k else 0 :]]
    return Merged(
        _cells(sums, full, population),
        records,
        _poisoned([part.model for part in parts], [reported(one.faulty) for one in gathered]),
        tuple(residuals),
    )


def _add_up(part: Part, gathering: Gathering) -> Arrays:
    """Return the exact sums of all files, and hand on their households."""
    total: Arrays = {}
    read = partial(_read, section=part.section)
    for arrays in in_turn(read, part.files, AHEAD, AHEAD):
        if total:
            _add(total, arrays)
        else:
            total = {name: arrays[name] for name in (*SUM_NAMES, *EXTREMES)}
        gathering.add(arrays)
    if not total:
        raise RunFailedError("there are no shards to merge.")
    gathering.flush()
    return total


def _read(path: Path, section: str) -> Arrays:
    try:
        return read_shard(path, section)[1]
    except OSError as error:
        found = f"shard file cannot be read; found: {error.strerror}"
        raise ShardDamagedError(path, found, "the result of a work unit") from error


def _add(total: Arrays, arrays: Arrays) -> None:
    for hi, low, count in SUMS:
        merge_into(
            total[hi].reshape(-1),
            total[low].reshape(-1),
            arrays[hi].reshape(-1),
            arrays[low].reshape(-1),
        )
        total[count] += arrays[count]
    np.minimum(total["smallest"], arrays["smallest"], out=total["smallest"])
    np.maximum(total["largest"], arrays["largest"], out=total["largest"])


def _check_complete(gathering: Gathering, expected: int) -> None:
    if gathering.n_seen != expected:
        raise RunFailedError(
            f"shards do not make up the population; found {gathering.n_seen:,} households in "
            f"them; expected {expected:,}. Run the same command again."
        )


def _check_same_baseline(first: Sums, other: Sums, batch: int) -> None:
    """Check that a batch of scenarios found the same baseline as the first one, to the bit."""
    where = {measure: m for m, measure in enumerate(first.model.measures)}
    different = []
    for m, measure in enumerate(other.model.measures):
        mine = where.get(measure)
        for name in SUM_NAMES:
            found = other.arrays[name][0, m]
            expected = np.zeros_like(found) if mine is None else first.arrays[name][0, mine]
            if not np.array_equal(found, expected):
                different.append(_name_of(measure))
                break
    known = {key: k for k, key in enumerate(first.model.stocks)}
    for k, key in enumerate(other.model.stocks):
        if key in known and any(
            other.arrays[name][0, k] != first.arrays[name][0, known[key]] for name in EXTREMES
        ):
            different.append(f"smallest or largest {' '.join(key)}")
    if different:
        raise RunFailedError(
            f"the baseline of batch {batch} is not that of batch 0; found other sums of "
            f"{', '.join(different[:5])} ({len(different)} in all); expected the same bits. "
            "Run the question anew in a new directory, and report it: results do not depend on "
            "what else is evaluated."
        )


def _name_of(measure: Measure) -> str:
    parts = (measure.kind, measure.scheme, measure.item, measure.statistic)
    return " ".join(part for part in parts if part)


def _cells(sums: Sequence[Sums], full: Model, population: PopulationReader) -> Cells:
    n_scenarios, n_measures = len(full.names), len(full.measures)
    n_cells, n_places = (sums[0].arrays[name].shape[2] for name in ("hi", "place_hi"))
    people = np.zeros((n_scenarios, n_measures, n_cells))
    places = np.zeros((n_scenarios, n_measures, n_places))
    counts, place_counts = np.zeros(people.shape, np.int64), np.zeros(places.shape, np.int64)
    row_of = {measure: m for m, measure in enumerate(full.measures)}
    for scenario, (of, s) in enumerate(_scenarios(sums)):
        a = of.arrays
        for m, (measure, wanted) in enumerate(
            zip(of.model.measures, of.model.wanted.sums, strict=True)
        ):
            at, source = (scenario, row_of[measure]), of.source(s, m)
            people[at] = to_floats(a["hi"][source, m], a["low"][source, m], wanted.scale)
            places[at] = to_floats(
                a["place_hi"][source, m], a["place_low"][source, m], wanted.scale
            )
            counts[at], place_counts[at] = a["count"][source, m], a["place_count"][source, m]
    shape = (n_scenarios, n_measures, 2, N_AGE_GROUPS, N_STATUSES)
    by_place = (n_scenarios, n_measures, len(population.regions), 2)
    return Cells(
        full.measures,
        people.reshape(shape),
        counts.reshape(shape),
        places.reshape(by_place),
        _extremes(sums, full),
        place_counts.reshape(by_place),
    )


def _scenarios(sums: Sequence[Sums]) -> Iterator[tuple[Sums, int]]:
    """Yield each scenario as its part and its number there: one baseline, then all reforms."""
    for k, of in enumerate(sums):
        for s in range(1 if k else 0, len(of.model.names)):
            yield of, s


def _extremes(sums: Sequence[Sums], full: Model) -> dict[tuple[str, str, str], tuple[float, float]]:
    found = {}
    for key in full.stocks:
        for name, (of, s) in zip(full.names, _scenarios(sums), strict=True):
            if key not in of.model.stocks:
                continue
            k = of.model.stocks.index(key)
            source = 0 if of.extremes_shared[s, k] else s
            low, high = of.arrays["smallest"][source, k], of.arrays["largest"][source, k]
            if np.isfinite(low):
                found[name, *key] = (float(low), float(high))
    return found


def _poisoned(models: Sequence[Model], faulty: Sequence[Faulty]) -> tuple[Poisoned, ...]:
    """Return what households could not be computed for; the same place in several parts is one."""
    found: dict[tuple[str, str, str, str], tuple[npt.NDArray[np.int64], ...]] = {}
    for model, of in zip(models, faulty, strict=True):
        for number in np.unique(of.fault):
            rows = of.fault == number
            key, mine = _described(model, int(number)), (of.row[rows], of.household_id[rows])
            if key in found:
                row, first = np.unique(np.append(found[key][0], mine[0]), return_index=True)
                mine = row, np.append(found[key][1], mine[1])[first]
            found[key] = mine
    return tuple(
        Poisoned(*key, len(row), tuple(int(i) for i in ids[:5]))
        for key, (row, ids) in found.items()
    )


def _described(model: Model, number: int) -> tuple[str, str, str, str]:
    """Return variable, what is wrong, where and formula of a fault."""
    n_sites = len(model.program.sites.sites)
    if number > n_sites:
        measure = model.measures[number - n_sites - 1]
        return _name_of(measure), "amount not finite or out of range", "", ""
    site = model.program.sites[number]
    formula = site.formula
    name = formula.name.removeprefix("part of ")
    return name, site.what, str(formula.where), formula.text
