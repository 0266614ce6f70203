"""The work unit: all scenarios on one shard of the population; pure, its result goes to a file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from microsim.language.evaluating import EXCLUDED, Evaluation, Evaluator
from microsim.language.people import World
from microsim.population.store import PopulationReader
from microsim.results.persons import PersonsFile
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
class Persons:
    """What is kept of each person of a shard: values by `scenario/variable`, and who it is."""

    columns: dict[str, npt.NDArray[Any]]
    ids: dict[str, npt.NDArray[np.int64]]


@dataclass(frozen=True)
class Unit:
    """One batch of scenarios in one world on one shard: whole markets, first <= m < last.

    Attributes
    ----------
    number
        In the run; it never changes.
    batch, draw, replicate
        Which scenarios, and in which world.
    first_market, last_market
        The shard.
    excluded
        `household_id` of those that another batch of scenarios could not compute: they are left
        out of the money of all scenarios alike.
    id
        Hash of all that can move the unit's result.
    """

    number: int
    batch: int
    draw: int
    replicate: int
    first_market: int
    last_market: int
    id: str
    excluded: tuple[int, ...] = ()


def world_id(
    batch_identity: str,
    settings: Sequence[str],
    replicate: int,
    cut_offs: Mapping[str, Sequence[float]],
    wages: Sequence[float] = (),
    weights: Mapping[str, str] | None = None,
    histories: Sequence[Sequence[float]] = (),
) -> str:
    """Return the hash of what all units of a batch in a world share.

    Parameters
    ----------
    batch_identity
        Hash of law, frame, population, seed and engine of the batch's scenarios.
    settings
        Of the parameter draw.
    cut_offs
        Of quotas, in that world.
    wages
        Factors of earnings, of a projection.
    weights
        Of static ageing: hash of what weights are made from, by scenario.
    histories
        How official totals of past contributions are met.
    """
    aligned: dict[str, object] = {"weights": dict(weights)} if weights else {}
    if wages:
        aligned["wages"] = [float(x).hex() for x in wages]
    if histories:
        aligned["histories"] = [[float(x).hex() for x in one] for one in histories]
    return hash_of(
        {
            **aligned,
            "batch": batch_identity,
            "settings": list(settings),
            "replicate": replicate,
            "cut_offs": {name: [float(x).hex() for x in of] for name, of in cut_offs.items()},
        }
    )


def unit_id(world: str, markets: tuple[int, int], excluded: Sequence[int] = ()) -> str:
    """Return the hash of a unit's own inputs: its world, its shard, whom it leaves out."""
    text = f"{world}|{markets[0]}|{markets[1]}|{','.join(map(str, excluded))}"
    return hashlib.sha256(text.encode()).hexdigest()


def cut_markets(population: PopulationReader, shard_persons: int) -> list[int]:
    """Return where shards of whole markets with about `shard_persons` persons begin and end."""
    starts = population.market_person_starts
    cut = [0]
    for market in range(1, population.n_markets + 1):
        full = starts[market] - starts[cut[-1]] >= shard_persons
        if full or market == population.n_markets:
            cut.append(market)
    return cut


def shard_columns(model: Model) -> list[str]:
    """Return the columns of the population that a shard needs."""
    inputs = [name for name in model.program.population_inputs if name not in COMPUTED]
    needed = dict.fromkeys([*STRUCTURE_PERSON, *STRUCTURE_HOUSEHOLD, "severe_disability", *inputs])
    return list(needed)


def evaluate_shard(
    model: Model,
    evaluator: Evaluator,
    population: PopulationReader,
    unit: Unit,
    world: World,
    threads: int,
) -> tuple[Arrays, Persons | None]:
    """Return the exact sums and household records of one shard, as packed arrays, and what is
    kept of each person, if anything is.
    """
    part = population.read_markets(unit.first_market, unit.last_market, shard_columns(model))
    people = people_of(part.persons, part.households, model.program.layout.inputs)
    weighting = weighting_of(part.persons, part.households, len(population.regions))
    excluded = np.isin(part.households["household_id"], unit.excluded) if unit.excluded else None
    out = evaluator.run(people, weighting, world, threads, excluded=excluded)
    arrays = sums_of(out)
    arrays |= {"poison": out.poison, "columns": out.households[~out.households_shared]}
    arrays |= household_facts(part.persons, part.households)
    if not model.persons:
        return arrays, None
    ids = {
        "person": part.first_person + np.arange(part.n_persons),
        "household_id": np.repeat(arrays["household_id"], arrays["size"]),
    }
    return arrays, Persons(kept_columns(model, out, people.household_of()), ids)


def sums_of(out: Evaluation) -> Arrays:
    """Return the exact sums of an evaluation, as a shard file holds them."""
    return {
        "hi": out.hi, "low": out.low, "count": out.count,
        "place_hi": out.place_hi, "place_low": out.place_low, "place_count": out.place_count,
        "smallest": out.smallest, "largest": out.largest,
    }  # fmt: skip


def kept_columns(
    model: Model, out: Evaluation, household_of: npt.NDArray[np.int64]
) -> dict[str, npt.NDArray[np.float64]]:
    """Return the values kept, by `scenario/variable`; NaN where a household is set aside."""
    aside = (out.poison != 0)[household_of]
    first = len(model.wanted.person_columns) - len(model.persons)  # after what lives carry on
    found = {}
    for s, scenario in enumerate(model.names):
        for c, name in enumerate(model.persons, first):
            if model.wanted.person_columns[c][s] is not None:
                source = 0 if out.persons_shared[s, c] else s
                found[f"{scenario}/{name}"] = np.where(aside, np.nan, out.persons[source, c])
    return found


def household_facts(
    persons: Mapping[str, npt.NDArray[Any]], households: Mapping[str, npt.NDArray[Any]]
) -> Arrays:
    """Return what records need to know of each household, from the population's columns."""
    start = np.concatenate([[0], np.cumsum(households["size"].astype(np.int64))])
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


def finished(path: Path, unit_id: str) -> bool:
    """Tell whether a unit's file is there and whole; a damaged or foreign one is taken away to be
    done again.
    """
    if not path.exists():
        return False
    try:
        header, _ = read_shard(path)
    except ShardDamagedError:
        path.unlink(missing_ok=True)
        return False
    if header.get("id") != unit_id:
        path.unlink(missing_ok=True)
        return False
    return True


def write_unit(
    path: Path,
    unit: Unit,
    arrays: Arrays,
    persons: PersonsFile | None = None,
    households: Mapping[str, int] | None = None,
    of_years: Mapping[str, PersonsFile] | None = None,
) -> None:
    """Write the unit's file, whole or not at all; its header names the households at fault, and
    what tells that the unit's file of persons, written before, is as it was.

    Of a projection the header holds the number of `households` of each life group and year; those
    at fault are other people in every year, and stand in the arrays alone. `of_years` are its
    files of persons, by year and life group.
    """
    header: dict[str, Any] = {**asdict(unit), "faulty": []}
    if households is not None:
        header["households"] = dict(households)
    else:
        faulty = (arrays["poison"] != 0) & (arrays["poison"] != EXCLUDED)
        header["faulty"] = [int(i) for i in arrays["household_id"][faulty]]
    if persons is not None:
        header["persons_file"] = {"persons": persons.persons, "sha256": persons.sha256}
    if of_years:
        header["persons_files"] = {
            part: {"persons": one.persons, "sha256": one.sha256} for part, one in of_years.items()
        }
    write_shard(path, header, arrays)


def hash_of(question: dict[str, Any]) -> str:
    """Return the hash of everything that can move results."""
    return hashlib.sha256(json.dumps(question, sort_keys=True).encode()).hexdigest()
