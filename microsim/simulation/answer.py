"""From finished units to results: exact merge, tables, identities, results file."""

from __future__ import annotations

import datetime
import os
import platform
import shutil
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from microsim import __version__
from microsim.budget.identities import check_identities, raise_if_violated
from microsim.budget.replicates import means_over_replicates
from microsim.budget.tables import all_tables
from microsim.errors import Fault, RunFailedError, StoppedError
from microsim.results.contents import Contents, Identity, Row
from microsim.results.shards import ShardDamagedError
from microsim.results.writer import write_results
from microsim.scenario.economy import PARAMETERS as ECONOMY
from microsim.simulation.answering_years import answer_years
from microsim.simulation.calibrate import Calibrated
from microsim.simulation.carrying import final_units
from microsim.simulation.contents import Assembler
from microsim.simulation.keeping import join_all_persons
from microsim.simulation.merge import Merged, Part, Poisoned, merge
from microsim.simulation.model import Model, unused_parameters
from microsim.simulation.phases import Prepared
from microsim.simulation.trust import Comparison, trust_table
from microsim.simulation.worlds import WorldKey

BASE = WorldKey()


@dataclass(frozen=True)
class Outcome:
    """What a run ends with; contents are those of draw 0 and replicate 0, rows of all worlds."""

    out: Path
    contents: Contents
    rows: list[Row]
    identities: list[Identity]
    trust: list[Comparison]
    calibrated: list[Calibrated]
    poisoned: tuple[Poisoned, ...]
    warnings: tuple[Fault, ...]
    digest: str
    n_worlds: int = 1


@dataclass
class _World:
    """What one world yields; contents are the first year's, `later` those of years after it."""

    contents: Contents
    rows: list[Row]
    identities: list[Identity]
    trust: list[Comparison]
    poisoned: tuple[Poisoned, ...]
    later: tuple[Contents, ...] = ()
    warnings: tuple[Fault, ...] = ()


def answer(prepared: Prepared, backend: str, workers: int, began: float) -> Outcome:
    """Merge the finished units of a run and write its results.

    Raises
    ------
    ShardDamagedError
        A shard file is damaged; it was taken away, and its unit must be computed again.
    StoppedError
        The run was expanded meanwhile.
    RunFailedError
        No household could be computed, or an accounting identity does not hold.
    """
    files = _files(prepared)
    scratch = prepared.directory.path / f".merge-{platform.node()}-{os.getpid()}"
    try:
        worlds = [
            _one_world(prepared, world, files[world], scratch)
            for world in prepared.numbering.worlds
        ]
    except ShardDamagedError as error:
        error.path.unlink(missing_ok=True)
        raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    base = worlds[0]
    _check_not_grown(prepared)
    rows = [row for one in worlds for row in one.rows]
    rows += means_over_replicates(rows)
    identities = [identity for one in worlds for identity in one.identities]
    poisoned = tuple(dict.fromkeys(p for one in worlds for p in one.poisoned))
    provenance = _provenance(prepared, poisoned, (backend, workers), began)
    join_all_persons(prepared)
    digest = write_results(
        prepared.directory.results, base.contents, rows, identities, provenance, base.later
    )
    raise_if_violated(identities)
    model = prepared.whole_model(BASE)
    calibrated = [Calibrated(**one) for one in prepared.frozen.calibrated]
    return Outcome(
        prepared.directory.path, base.contents, rows, identities, base.trust, calibrated, poisoned,
        (*prepared.scenario.system.warnings, *_unused(prepared, model), *prepared.notes(),
         *base.warnings),
        digest, len(worlds),
    )  # fmt: skip


def _unused(prepared: Prepared, model: Model) -> tuple[Fault, ...]:
    """Return warnings of parameters that nothing reads."""
    projection = prepared.scenario.projection
    if projection is None:
        return unused_parameters(model)
    batches = range(len(prepared.scenarios))
    groups = (group for batch in batches for group in prepared.horizon(batch, BASE).groups)
    # A lives file is mostly that of all countries: what one of them leaves aside is no mistake.
    of_lives = (*ECONOMY, *projection.lives.parameters)
    if projection.is_static:  # a lives file is for other runs too
        of_lives = (*ECONOMY, *projection.lives.parameters)
    return unused_parameters(model, [group.model for group in groups], of_lives)


def _check_not_grown(prepared: Prepared) -> None:
    """Refuse to write results of less than the run asks for by now."""
    asked = prepared.directory.steps()
    if asked != prepared.numbering.steps:
        raise StoppedError(
            f"{prepared.directory.path}: the run was expanded while it was computed; what is done "
            f"stays. `microsim resume {prepared.directory.path}` computes what was added."
        )


def _files(prepared: Prepared) -> dict[WorldKey, list[list[Path]]]:
    """Return the files of each world, by batch and shard."""
    numbering = prepared.numbering
    found = {
        w: [[Path()] * numbering.n_shards for _ in prepared.scenarios] for w in numbering.worlds
    }
    for unit in final_units(prepared):
        shard = numbering.place(unit.number).shard
        found[WorldKey(unit.draw, unit.replicate)][unit.batch][shard] = prepared.file(unit)
    return found


def _one_world(
    prepared: Prepared, world: WorldKey, files: Sequence[Sequence[Path]], scratch: Path
) -> _World:
    if prepared.scenario.projection is not None:
        return _several_years(prepared, world, files, scratch)
    whole = prepared.whole_model(world)
    # Models of a world are kept one at a time, so each part takes its own now.
    parts = [Part(prepared.model(batch, world), of) for batch, of in enumerate(files)]
    merged = merge(parts, whole, prepared.population, scratch)
    try:
        if merged.records is None or not len(merged.records.weight):
            raise RunFailedError(_nobody_left(merged))
        contents = Assembler(whole, prepared.population).contents(merged, _labels(prepared))
        rows = all_tables(contents)
        trust = trust_table(prepared.scenario.totals, whole.year, contents)
        rows += [row for comparison in trust for row in comparison.rows()]
        identities = check_identities(contents, rows)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return _of_world(world, _World(contents, rows, identities, trust, merged.poisoned))


def _several_years(
    prepared: Prepared, world: WorldKey, files: Sequence[Sequence[Path]], scratch: Path
) -> _World:
    """Return what a world of a projection yields; its contents are those of the first year."""
    years = answer_years(prepared, world, files, _labels(prepared), scratch)
    first = years.contents[0]
    trust = trust_table(prepared.scenario.totals, first.year, first)
    rows = years.rows + [row for comparison in trust for row in comparison.rows()]
    contents = replace(first, records=None, groups=())
    later = tuple(replace(one, records=None, groups=()) for one in years.contents[1:])
    found = _World(contents, rows, years.identities, trust, years.poisoned, later, years.warnings)
    return _of_world(world, found)


def _of_world(world: WorldKey, found: _World) -> _World:
    """Return what a world yields, each figure marked with its draw and replicate."""
    if world == BASE:
        return found
    key = {"draw": world.draw, "replicate": world.replicate}
    return replace(
        found,
        contents=replace(found.contents, records=None),
        later=(),
        rows=[row._replace(draw=world.draw, replicate=world.replicate) for row in found.rows],
        identities=[replace(one, **key) for one in found.identities],  # type: ignore[arg-type]
    )


def _labels(prepared: Prepared) -> tuple[str, ...]:
    reforms = (group[-1] for one in prepared.scenarios for group in one.reforms.values())
    return ("Status quo", *(reform.label or reform.name for reform in reforms))


def _nobody_left(merged: Merged) -> str:
    lines = [
        f"{one.where}: {one.what} in {one.variable} (`{one.formula}`): {one.households} households"
        for one in merged.poisoned
    ]
    return "\n".join(["no household could be computed, so there is no result.", *lines])


def _provenance(
    prepared: Prepared, poisoned: Sequence[Poisoned], execution: tuple[str, int], began: float
) -> dict[str, Any]:
    question, numbering = prepared.question, prepared.numbering
    inputs = [{"name": name, "sha256": digest} for name, digest in question.files]
    inputs.append({"name": question.population, "sha256": question.population_hash})
    return {
        "software": {"name": "microsim", "version": __version__},
        "inputs": inputs,
        "seed": question.seed,
        "settings": {
            "set": list(question.settings),
            "calibrated": list(prepared.frozen.calibrated),
            "quotas": list(prepared.frozen.quotas),
            "poisoned": [asdict(one) for one in poisoned],
            "draws": [list(draw) for draw in numbering.draws[1:]],
            "replicates": numbering.n_replicates,
        },
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "environment": {"python": platform.python_version(), "machine": platform.machine()},
        "execution": {
            "backend": execution[0],
            "workers": execution[1],
            "units": numbering.n_units,
            "wall_seconds": time.perf_counter() - began,
        },
    }
