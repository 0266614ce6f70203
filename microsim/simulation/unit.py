"""The work unit: all scenarios on one shard of the population; pure, its result goes to a file."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from microsim.language.evaluating import Evaluator
from microsim.language.people import World
from microsim.population.store import PopulationReader
from microsim.results.shards import ShardDamagedError, read_shard, write_shard
from microsim.simulation.model import Model
from microsim.simulation.people import (
    COMPUTED,
    STRUCTURE_HOUSEHOLD,
    STRUCTURE_PERSON,
    age_group,
    people_of,
    weighting_of,
)

Arrays = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class Unit:
    """One shard: whole markets `first_market <= m < last_market`; `id` is the hash of all that can
    move its result.
    """

    index: int
    first_market: int
    last_market: int
    id: str

    @property
    def file_name(self) -> str:
        """Name of the shard file."""
        return f"shard-{self.index:05d}-{self.id[:16]}.bin"


def plan_units(population: PopulationReader, shard_persons: int, question_hash: str) -> list[Unit]:
    """Cut a population into shards of whole markets with about `shard_persons` persons each."""
    starts = population.market_person_starts
    units: list[Unit] = []
    first = 0
    for market in range(1, population.n_markets + 1):
        full = starts[market] - starts[first] >= shard_persons
        if full or market == population.n_markets:
            text = f"{question_hash}|{first}|{market}"
            units.append(Unit(len(units), first, market, hashlib.sha256(text.encode()).hexdigest()))
            first = market
    return units


def shard_columns(model: Model) -> list[str]:
    """Return the columns of the population that a shard needs."""
    inputs = [name for name in model.program.layout.inputs if name not in COMPUTED]
    needed = dict.fromkeys([*STRUCTURE_PERSON, *STRUCTURE_HOUSEHOLD, "severe_disability", *inputs])
    return list(needed)


def evaluate_shard(
    model: Model,
    evaluator: Evaluator,
    population: PopulationReader,
    unit: Unit,
    world: World,
    threads: int,
) -> Arrays:
    """Return the exact sums and household records of one shard, as packed arrays."""
    part = population.read_markets(unit.first_market, unit.last_market, shard_columns(model))
    people = people_of(part.persons, part.households, model.program.layout.inputs)
    weighting = weighting_of(part.persons, part.households, len(population.regions))
    out = evaluator.run(people, weighting, world, threads)
    kept = ~out.households_shared
    arrays: Arrays = {
        "hi": out.hi, "low": out.low, "count": out.count,
        "place_hi": out.place_hi, "place_low": out.place_low, "place_count": out.place_count,
        "smallest": out.smallest, "largest": out.largest,
        "poison": out.poison, "columns": out.households[kept],
    }  # fmt: skip
    arrays.update(_household_facts(part.persons, part.households, people.start))
    return arrays


def _household_facts(
    persons: dict[str, npt.NDArray[Any]],
    households: dict[str, npt.NDArray[Any]],
    start: npt.NDArray[np.int64],
) -> Arrays:
    household = np.repeat(np.arange(len(start) - 1), np.diff(start))
    members = np.zeros((len(start) - 1, 2, 7), np.int16)
    np.add.at(members, (household, persons["sex"].astype(int), age_group(persons["age"])), 1)
    head = start[:-1] + persons["head"].astype(np.int64)[start[:-1]]
    disabled = np.zeros(len(start) - 1, np.int64)
    np.add.at(disabled, household, persons["severe_disability"].astype(np.int64))
    return {
        "household_id": households["household_id"].astype(np.int64),
        "weight": households["weight"].astype(np.float64),
        "size": households["size"].astype(np.int64),
        "welfare": households["welfare"].astype(np.float64),
        "region": households["region"].astype(np.int64),
        "urban": households["urban"].astype(np.int8),
        "psu": households["psu"].astype(np.int64),
        "stratum": households["stratum"].astype(np.int64),
        "members": members,
        "children_under_14": _children(persons["age"], household, len(start) - 1),
        "head_sex": persons["sex"].astype(np.int64)[head],
        "head_status": persons["employment_status"].astype(np.int64)[head],
        "n_disabled": disabled,
    }


def _children(
    age: npt.NDArray[Any], household: npt.NDArray[np.int64], n: int
) -> npt.NDArray[np.int64]:
    """Persons under 14, who count 0.3 in the modified OECD scale."""
    children = np.zeros(n, np.int64)
    np.add.at(children, household, (age < 14).astype(np.int64))
    return children


def finished(folder: Path, unit: Unit) -> bool:
    """Tell whether the unit's file is there and whole; a damaged one is taken away to be done
    again.
    """
    path = folder / unit.file_name
    if not path.exists():
        return False
    try:
        header, _ = read_shard(path)
    except ShardDamagedError:
        path.unlink()
        return False
    return bool(header["id"] == unit.id)


def write_unit(folder: Path, unit: Unit, arrays: Arrays) -> None:
    """Write the unit's file, whole or not at all."""
    write_shard(folder / unit.file_name, asdict(unit), arrays)


def hash_of(question: dict[str, Any]) -> str:
    """Return the hash of everything that can move results."""
    return hashlib.sha256(json.dumps(question, sort_keys=True).encode()).hexdigest()
