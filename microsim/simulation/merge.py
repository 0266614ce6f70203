"""Adds the shards of a run up, exactly, into cells and household records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from microsim.indicators.equivalence import equivalents
from microsim.kernels.accumulate import merge_into, to_floats
from microsim.language.evaluating import Evaluator
from microsim.population.store import PopulationReader
from microsim.results.contents import CONCEPTS, Cells, Measure, Records
from microsim.results.shards import read_shard
from microsim.simulation.model import Model
from microsim.simulation.people import N_AGE_GROUPS, N_STATUSES
from microsim.simulation.unit import Arrays, Unit

SUMS = (("hi", "low", "count"), ("place_hi", "place_low", "place_count"))
FACTS = (
    "household_id", "weight", "size", "welfare", "region", "urban", "psu", "stratum", "members",
    "children_under_14", "head_sex", "head_status", "n_disabled",
)  # fmt: skip


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
    records: Records
    poisoned: tuple[Poisoned, ...]
    residuals: tuple[float, ...]


def merge(
    model: Model,
    evaluator: Evaluator,
    population: PopulationReader,
    folder: Path,
    units: Sequence[Unit],
) -> Merged:
    """Return the sum of all shards of a run, read in the order of the population."""
    total: Arrays | None = None
    parts: list[Arrays] = []
    for unit in units:
        _, arrays = read_shard(folder / unit.file_name)
        if total is None:
            total = {name: arrays[name].copy() for group in SUMS for name in group}
            total |= {name: arrays[name].copy() for name in ("smallest", "largest")}
        else:
            _add(total, arrays)
        parts.append({name: arrays[name] for name in (*FACTS, "columns", "poison")})
    assert total is not None  # noqa: S101 - a population has at least one market
    poison = np.concatenate([part["poison"] for part in parts])
    records, residuals = _records(model, evaluator, population, parts, poison)
    ids = np.concatenate([part["household_id"] for part in parts])
    return Merged(
        _cells(model, evaluator, population, total),
        records,
        _poisoned(model, poison, ids),
        residuals,
    )


def _add(total: Arrays, arrays: Arrays) -> None:
    for hi, low, count in SUMS:
        merge_into(
            total[hi].reshape(-1),
            total[low].reshape(-1),
            arrays[hi].reshape(-1),
            arrays[low].reshape(-1),
        )
        total[count] += arrays[count]
    total["smallest"] = np.minimum(total["smallest"], arrays["smallest"])
    total["largest"] = np.maximum(total["largest"], arrays["largest"])


def _cells(
    model: Model, evaluator: Evaluator, population: PopulationReader, total: Arrays
) -> Cells:
    n_scenarios, n_measures = len(model.names), len(model.measures)
    shared = evaluator.sums_shared
    people = np.zeros((n_scenarios, n_measures, total["hi"].shape[2]))
    places = np.zeros((n_scenarios, n_measures, total["place_hi"].shape[2]))
    for m, wanted in enumerate(model.wanted.sums):
        for s in range(n_scenarios):
            source = 0 if shared[s, m] else s
            people[s, m] = to_floats(total["hi"][source, m], total["low"][source, m], wanted.scale)
            places[s, m] = to_floats(
                total["place_hi"][source, m], total["place_low"][source, m], wanted.scale
            )
    source_of = np.where(shared, 0, np.arange(n_scenarios)[:, None])
    columns = np.arange(n_measures)[None, :]
    shape = (n_scenarios, n_measures, 2, N_AGE_GROUPS, N_STATUSES)
    return Cells(
        model.measures,
        people.reshape(shape),
        total["count"][source_of, columns].reshape(shape),
        places.reshape(n_scenarios, n_measures, len(population.regions), 2),
        _extremes(model, evaluator, total),
        total["place_count"][source_of, columns].reshape(
            n_scenarios, n_measures, len(population.regions), 2
        ),
    )


def _extremes(
    model: Model, evaluator: Evaluator, total: Arrays
) -> dict[tuple[str, str, str], tuple[float, float]]:
    found = {}
    for k, key in enumerate(model.stocks):
        for s, name in enumerate(model.names):
            source = 0 if evaluator.extremes_shared[s, k] else s
            low, high = total["smallest"][source, k], total["largest"][source, k]
            if np.isfinite(low):
                found[name, *key] = (float(low), float(high))
    return found


def _whole(evaluator: Evaluator, parts: Sequence[Arrays], months: float) -> npt.NDArray[np.float64]:
    """Return columns (n_scenarios, n_columns, n_households) in amounts a month; what a scenario
    shares is the baseline's.
    """
    kept = ~evaluator.households_shared
    n = sum(part["columns"].shape[1] for part in parts)
    whole = np.empty((*kept.shape, n))
    row = 0
    for s in range(kept.shape[0]):
        for c in range(kept.shape[1]):
            if kept[s, c]:
                np.concatenate([part["columns"][row] for part in parts], out=whole[s, c])
                whole[s, c] /= months
                row += 1
            else:
                whole[s, c] = whole[0, c]
    return whole


def _records(
    model: Model,
    evaluator: Evaluator,
    population: PopulationReader,
    parts: Sequence[Arrays],
    poison: npt.NDArray[np.int32],
) -> tuple[Records, tuple[float, ...]]:
    good = poison == 0
    facts: dict[str, Any] = {n: np.concatenate([p[n] for p in parts]) for n in FACTS}
    if not good.all():
        facts = {name: column[good] for name, column in facts.items()}
    monthly = _whole(evaluator, parts, float(sum(model.laws[0].months)))
    if not good.all():
        monthly = monthly[:, :, good]
    n_concepts = len(CONCEPTS)
    for k, key in enumerate(model.instruments):
        if model.sign(key) < 0:
            np.negative(monthly[:, n_concepts + 1 + k], out=monthly[:, n_concepts + 1 + k])
    # Seen as (scenario, household, column); a column lies together in memory, as it is read.
    concepts = np.moveaxis(monthly[:, :n_concepts], 1, 2)
    instruments = np.moveaxis(monthly[:, n_concepts + 1 :], 1, 2)
    system = model.systems[0]
    children = facts["children_under_14"].astype(np.float64)
    scale = equivalents(system.equivalence, facts["size"].astype(np.float64) - children, children)
    disposable = concepts[:, :, CONCEPTS.index("disposable")]
    change = disposable - disposable[0]
    welfare = (facts["welfare"] + system.marginal_propensity * change) / scale
    names = ("household_id", "weight", "size", "members", "region", "head_sex", "head_status")
    records = Records(
        **{name: facts[name] for name in names},
        equivalents=scale,
        urban=facts["urban"].astype(np.bool_),
        n_disabled=facts["n_disabled"],
        psu=facts["psu"],
        stratum=facts["stratum"],
        has_design=population.has_design,
        welfare=welfare,
        concepts=concepts,
        instruments=instruments,
        instrument_names=model.instruments,
    )
    return records, _residuals(concepts, monthly[:, n_concepts], instruments)


def _residuals(
    concepts: npt.NDArray[np.float64],
    pensions: npt.NDArray[np.float64],
    instruments: npt.NDArray[np.float64],
) -> tuple[float, ...]:
    """Return for each scenario the largest |disposable - its parts| of any household, relative to
    its largest amount.
    """
    found = []
    for s in range(len(concepts)):
        parts = concepts[s, :, CONCEPTS.index("market")] + pensions[s]
        for k in range(instruments.shape[2]):
            parts += instruments[s, :, k]
        gap = np.abs(concepts[s, :, CONCEPTS.index("disposable")] - parts)
        size = np.ones(len(gap))
        for c in range(len(CONCEPTS)):
            size = np.maximum(size, np.abs(concepts[s, :, c]))
        found.append(float((gap / size).max(initial=0.0)))
    return tuple(found)


def _poisoned(
    model: Model, poison: npt.NDArray[np.int32], ids: npt.NDArray[np.int64]
) -> tuple[Poisoned, ...]:
    found = []
    n_sites = len(model.program.sites.sites)
    for number in np.unique(poison[poison != 0]):
        rows = poison == number
        first = tuple(int(i) for i in ids[rows][:5])
        if number <= n_sites:
            site = model.program.sites[int(number)]
            formula = site.formula
            name = formula.name.removeprefix("part of ")
            found.append(
                Poisoned(name, site.what, str(formula.where), formula.text, int(rows.sum()), first)
            )
        else:
            measure: Measure = model.measures[int(number) - n_sites - 1]
            name = " ".join(p for p in (measure.scheme, measure.item, measure.statistic) if p)
            what = "amount not finite or out of range"
            found.append(Poisoned(name, what, "", "", int(rows.sum()), first))
    return tuple(found)
