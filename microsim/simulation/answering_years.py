"""From the finished units of a projection to its tables: merge year by year, accounts that run on,
identities of each year.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from microsim.budget.projection import projection_identities, projection_tables
from microsim.errors import Fault, RunFailedError
from microsim.population.columns import SEX
from microsim.results.contents import (
    BENEFIT_FLOWS,
    POPULATION_FLOWS,
    Contents,
    Identity,
    Row,
)
from microsim.simulation.contents import Assembler
from microsim.simulation.excluded_moves import excluded_moves, moves_reached
from microsim.simulation.horizon import Horizon
from microsim.simulation.memo import memo_of
from microsim.simulation.merge import Poisoned
from microsim.simulation.merging_years import (
    GroupYear,
    joined_cells,
    joined_poisoned,
    lived_groups,
    merge_group,
)
from microsim.simulation.model import Model
from microsim.simulation.past_contributions import histories_reached
from microsim.simulation.reached import alignment_of
from microsim.simulation.static_ageing import weights_reached
from microsim.simulation.worlds import WorldKey

if TYPE_CHECKING:
    from microsim.simulation.phases import Prepared


@dataclass(frozen=True)
class Years:
    """What one world of a projection yields."""

    contents: tuple[Contents, ...]
    rows: list[Row]
    identities: list[Identity]
    poisoned: tuple[Poisoned, ...]
    warnings: tuple[Fault, ...]


def answer_years(
    prepared: Prepared,
    world: WorldKey,
    files: Sequence[Sequence[Path]],
    labels: tuple[str, ...],
    scratch: Path,
) -> Years:
    """Return the tables of every year of a world.

    Raises
    ------
    ShardDamagedError
        A shard is damaged.
    RunFailedError
        No household could be computed in a year; batches contradict each other.
    """
    horizons = [prepared.horizon(batch, world) for batch in range(len(files))]
    whole = prepared.whole_model(world)
    lived = lived_groups(horizons, files)
    horizon = horizons[0]
    contents: list[Contents] = []
    groups: list[list[GroupYear]] = []
    try:
        for k in range(len(horizon.years)):
            merged = [
                merge_group(one, horizon, k, whole, prepared.population, scratch) for one in lived
            ]
            groups.append(merged)
            contents.append(_contents(prepared, horizon, k, whole, merged, labels))
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    rows = projection_tables(contents)
    identities = projection_identities(contents, rows)
    warnings = excluded_moves(horizon.years, groups, _transitions(prepared))
    return Years(tuple(contents), rows, identities, joined_poisoned(groups), warnings)


def _transitions(prepared: Prepared) -> str:
    """Return file and line of the transitions of a projection, or nothing."""
    projection = prepared.scenario.projection
    block = projection.lives.processes.get("transitions") if projection is not None else None
    return str(block.where) if block is not None else ""


def _contents(
    prepared: Prepared,
    horizon: Horizon,
    k: int,
    whole: Model,
    groups: Sequence[GroupYear],
    labels: tuple[str, ...],
) -> Contents:
    """Return what the tables of a year are made from."""
    year = horizon.years[k]
    model = replace(whole, year=year)
    assembler = Assembler(model, prepared.population, horizon.years[0])
    first = groups[0].merged
    cells = joined_cells(groups, whole.names)
    merged = replace(first, cells=cells, residuals=_residuals(groups, whole.names))
    found = assembler.contents(merged, labels)
    if not cells.persons.any():
        raise RunFailedError(f"no household could be computed in {year}.")
    number = {name: g for g, group in enumerate(groups) for name in group.names}
    known = bool(k) and horizon.static is None
    past = horizon.groups[0].tables.past_work
    found = replace(
        found,
        horizon=(horizon.years[0], horizon.years[-1]),
        lives_of=tuple(number[name] for name in whole.names),
        flows=_flows(groups, horizon.weight) if known else {},
        left_out=_left_out(groups, horizon.weight) if horizon.static is None else {},
        benefit_flows=_benefit_flows(groups, horizon.weight) if known else {},
        assumptions=horizon.assumptions,
        memo=memo_of(groups, horizon, k) if horizon.static is None else (),
        alignment=(
            *alignment_of(horizon, k, cells, model.frame, prepared.population.country),
            *(() if k or past.totals is None else histories_reached(past.totals, past.solved)),
            *(weights_reached(horizon.static, k) if horizon.static else ()),
            *moves_reached(groups[0], horizon.weight),
        ),
    )
    if horizon.static is not None:
        # Nobody's balance grows where each year is a cross-section: a reserve that runs on would
        # be held against it.
        found = replace(found, schemes=tuple(replace(one, fund=None) for one in found.schemes))
    if year not in horizon.table_years:
        return found
    return replace(found, groups=tuple(_own(found, group, whole.names) for group in groups))


def _own(contents: Contents, group: GroupYear, names: Sequence[str]) -> Contents:
    """Return the contents of one life group: its scenarios and their households."""
    places = [list(names).index(name) for name in group.names]
    return replace(
        contents,
        scenarios=tuple(group.names),
        labels=tuple(contents.labels[i] for i in places),
        records=group.merged.records,
        cells=group.merged.cells,
        household_residuals=group.merged.residuals,
    )


def _residuals(groups: Sequence[GroupYear], names: Sequence[str]) -> tuple[float, ...]:
    if any(group.merged.records is None for group in groups):
        return ()
    of = {n: r for g in groups for n, r in zip(g.names, g.merged.residuals, strict=True)}
    return tuple(of[name] for name in names)


def _flows(groups: Sequence[GroupYear], weight: float) -> dict[tuple[str, str], dict[str, float]]:
    """Return births, deaths, immigrants and emigrants by scenario and sex, persons."""
    return {
        (name, sex): {
            flow: weight * float(group.flows[f, i]) for f, flow in enumerate(POPULATION_FLOWS)
        }
        for group in groups
        for name in group.names
        for i, sex in enumerate(SEX)
    }


def _left_out(groups: Sequence[GroupYear], weight: float) -> dict[tuple[str, str], float]:
    """Return the persons by scenario and sex who are in no table; nothing if nobody is."""
    return {
        (name, sex): weight * float(group.left_out[i])
        for group in groups
        if group.left_out.any()
        for name in group.names
        for i, sex in enumerate(SEX)
    }


def _benefit_flows(
    groups: Sequence[GroupYear], weight: float
) -> dict[tuple[str, str, str, str], dict[str, float]]:
    """Return who began and ceased to receive each benefit, by scenario and sex, persons."""
    return {
        (*key, sex): {flow: weight * float(of[i, f]) for f, flow in enumerate(BENEFIT_FLOWS)}
        for group in groups
        for key, of in group.benefit_flows.items()
        for i, sex in enumerate(SEX)
    }
