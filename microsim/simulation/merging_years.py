"""Adds the shards of a projection up, year by year, and brings the life groups together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from microsim.dynamics.tables import LifeTables
from microsim.population.store import PopulationReader
from microsim.results.contents import Cells
from microsim.results.shards import read_header, read_shard
from microsim.simulation.horizon import Horizon, LifeGroup
from microsim.simulation.merge import Merged, Part, Poisoned, merge
from microsim.simulation.model import Model

Ints = npt.NDArray[np.int64]
FLOW_NAMES = ("flows", "benefit_flows", "ages", "left_out", "moves")


@dataclass(frozen=True)
class Lived:
    """A life group of a run: the batches of scenarios that share it, with their files.

    Attributes
    ----------
    names
        Its scenarios, each once.
    groups
        The group in each batch; only the baseline's group has several.
    files
        Shard files of each batch.
    """

    names: tuple[str, ...]
    groups: tuple[LifeGroup, ...]
    files: tuple[Sequence[Path], ...]


@dataclass(frozen=True)
class GroupYear:
    """What one life group adds up to in one year.

    Attributes
    ----------
    merged
        Cells and records of its scenarios.
    flows
        Shape (4, 2): births, deaths, immigrants, emigrants by sex, of people in the files.
    benefit_flows
        By scenario and benefit, shape (2, 6), see `stocks_and_flows`.
    ages
        Shape (2, 121), people by sex and age.
    left_out
        Shape (2,), people by sex whose household a rule could not be computed for.
    moves
        Shape (3,), see `Passage.moves`; None where no transitions are aligned.
    tables
        Rates of its lives.
    """

    names: tuple[str, ...]
    tables: LifeTables
    merged: Merged
    flows: Ints
    benefit_flows: dict[tuple[str, str, str], Ints]
    ages: Ints
    left_out: Ints
    moves: Ints | None


def lived_groups(horizons: Sequence[Horizon], files: Sequence[Sequence[Path]]) -> tuple[Lived, ...]:
    """Return the life groups of a run: the baseline's over all batches, then each batch's own."""
    first = [horizon.groups[0] for horizon in horizons]
    names = first[0].model.names + tuple(n for group in first[1:] for n in group.model.names[1:])
    found = [Lived(names, tuple(first), tuple(files))]
    found += [
        Lived(group.model.names, (group,), (of,))
        for horizon, of in zip(horizons, files, strict=True)
        for group in horizon.groups[1:]
    ]
    return tuple(found)


def merge_group(
    lived: Lived, horizon: Horizon, k: int, whole: Model, population: PopulationReader,
    scratch: Path,
) -> GroupYear:  # fmt: skip
    """Return the sum of all shards of a life group in the k-th year.

    Raises
    ------
    ShardDamagedError
        A shard is missing or damaged.
    RunFailedError
        Batches contradict each other, or the disk is full.
    """
    year = horizon.years[k]
    with_records = year in horizon.table_years
    section = f"{lived.groups[0].number}/{year}/"
    parts = [
        Part(
            group.model_in(k, horizon.years), files, f"{group.number}/{year}/",
            group.evaluator(k, with_columns=with_records),
        )
        for group, files in zip(lived.groups, lived.files, strict=True)
    ]  # fmt: skip
    numbers = [whole.names.index(name) for name in lived.names]
    full = replace(
        whole, names=lived.names, year=year,
        systems=tuple(whole.systems[i] for i in numbers),
    )  # fmt: skip
    n = sum(read_header(path)["households"][section] for path in lived.files[0])
    merged = merge(parts, full, population, scratch, n, with_records=with_records)
    counts = _counts(lived, horizon.years[k])
    return GroupYear(lived.names, lived.groups[0].tables, merged, *counts)


Counts = tuple[Ints, dict[tuple[str, str, str], Ints], Ints, Ints, Ints | None]


def _counts(lived: Lived, year: int) -> Counts:
    """Return the counts of persons of a group, summed over its shards, as `GroupYear` has them."""
    people, ages = np.zeros((4, 2), np.int64), np.zeros((2, 121), np.int64)
    left_out = np.zeros(2, np.int64)
    moves: Ints | None = None
    benefits: dict[tuple[str, str, str], Ints] = {}
    for k, (group, files) in enumerate(zip(lived.groups, lived.files, strict=True)):
        total: Ints | None = None
        for path in files:
            _, arrays = read_shard(path, f"{group.number}/{year}/", FLOW_NAMES)
            if k == 0:
                ages += arrays["ages"]
                if "moves" in arrays:
                    moves = arrays["moves"] if moves is None else moves + arrays["moves"]
            if "flows" not in arrays:
                continue  # static ageing: nobody comes or goes
            if k == 0:
                people += arrays["flows"]
                left_out += arrays["left_out"]
            found = arrays["benefit_flows"]
            total = found if total is None else total + found
        for s, name in enumerate(group.model.names):
            if k and not s:
                continue  # the baseline again
            for b, (scheme, benefit) in enumerate(group.model.carried.benefits):
                if total is not None:
                    benefits[name, scheme, benefit] = total[s, b]
    return people, benefits, ages, left_out, moves


def joined_cells(groups: Sequence[GroupYear], names: Sequence[str]) -> Cells:
    """Return the cells of all scenarios of a run, in its order."""
    if len(groups) == 1 and tuple(groups[0].names) == tuple(names):
        return groups[0].merged.cells
    where = {name: (group, i) for group in groups for i, name in enumerate(group.names)}
    places = [where[name] for name in names]

    def joined(array: str) -> npt.NDArray[Any]:
        return np.stack([getattr(g.merged.cells, array)[i] for g, i in places])

    first = groups[0].merged.cells
    extremes = {key: of for group in groups for key, of in group.merged.cells.extremes.items()}
    return Cells(
        first.measures, joined("persons"), joined("persons_n"), joined("places"), extremes,
        joined("places_n"),
    )  # fmt: skip


def joined_poisoned(years: Sequence[Sequence[GroupYear]]) -> tuple[Poisoned, ...]:
    """Return what households could not be computed for, over all years: the most in any year."""
    found: dict[tuple[str, str, str, str], Poisoned] = {}
    for one in (p for groups in years for group in groups for p in group.merged.poisoned):
        key = (one.variable, one.what, one.where, one.formula)
        if key not in found or found[key].households < one.households:
            found[key] = one
    return tuple(found.values())
