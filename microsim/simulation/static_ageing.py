"""The second way a projection goes on: people stay as the population file has them, and the weights
of their households and their incomes follow the years.

The weights are found in a phase before the units, over the whole population, and frozen as one
multiplier for each margin and year (`dynamics.static_ageing`). From them and the file any process
makes the weights of any part of the population. Each year is a cross-section: nobody has a year
before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from microsim.dynamics.starting import starting_columns
from microsim.dynamics.static_ageing import (
    StaticAgeing,
    StaticWeights,
    static_weights,
    static_weights_from,
    wanted_of,
)
from microsim.errors import Fault
from microsim.files import listed
from microsim.kernels.draws import stream_key
from microsim.language.evaluating import Evaluation
from microsim.language.people import People, World
from microsim.population.columns import LINKS
from microsim.population.store import PopulationReader, PopulationSlice
from microsim.results.contents import Alignment
from microsim.simulation.directory import RunDirectory
from microsim.simulation.horizon import Horizon, LifeGroup
from microsim.simulation.ledger import Ledger, draw_of
from microsim.simulation.lives_setup import LivesSetup
from microsim.simulation.people import people_of, weighting_of
from microsim.simulation.reference_income import first_income
from microsim.simulation.worlds import WorldKey

Column = npt.NDArray[Any]
Columns = dict[str, Column]
Say = Callable[[str], None]
NOBODY = float("nan")


class StaticLife:
    """The people of some whole markets, year after year the same, with the weights of each year.

    Parameters
    ----------
    horizon, group
        Years and laws; for which scenarios.
    part
        The markets, as the population file has them.
    n_regions
        Of the population.
    world
        Seed and replicate.
    """

    def __init__(
        self,
        horizon: Horizon,
        group: LifeGroup,
        part: PopulationSlice,
        n_regions: int,
        world: World,
    ) -> None:
        assert horizon.static is not None  # noqa: S101 - asked of such projections only
        self.horizon, self.group, self.world = horizon, group, world
        self.n_regions = n_regions
        self.levels = horizon.static.levels
        self.weights = horizon.static.weights_of(group.model.names[0])
        self._entries = self.weights.cells.entries(part)
        self._first_households = part.households
        self._first_persons = _with_inputs_of_lives(horizon, group, part, world)
        self.k = -1
        self.persons: Columns = {}
        self.households: Columns = {}
        self.people: People
        self._income: npt.NDArray[np.float64]

    def begin_year(self) -> None:
        """Take the weights and incomes of the next year."""
        self.k += 1
        self.persons = self._uprated(self._first_persons)
        self.households = self._uprated(self._first_households)
        self.households["weight"] = self.weights.weights(self._entries, self.k)
        welfare = self._first_households["welfare"] * self.horizon.welfare[self.k]
        self.households["welfare"] = welfare
        inputs = self.group.model.program.population_inputs
        self.people = people_of(self.persons, self.households, inputs)

    def evaluate(self, threads: int) -> Evaluation:
        """Return what the year's laws give; nothing is known of a year before."""
        with_columns = self.horizon.years[self.k] in self.horizon.table_years
        evaluator = self.group.evaluator(self.k, with_columns=with_columns)
        weighting = weighting_of(self.persons, self.households, self.n_regions)
        out = evaluator.run(self.people, weighting, self.world, threads)
        if self.k == 0:
            self._income = first_income(self, out, weighting, threads)
        return out

    def flows(self) -> Columns:
        """Return nothing: who came, went, or began to receive a benefit is not known."""
        return {}

    def reference_income(self) -> Column:
        """Return what each household's disposable income would be if it had moved as welfare."""
        found: Column = self._income * self.horizon.welfare[self.k]
        return found

    def _uprated(self, columns: Columns) -> Columns:
        """Return columns with amounts of money at the level of the year."""
        moved = {
            name: columns[name] * level[self.k]
            for name, level in self.levels.items()
            if name in columns
        }
        return {**columns, **moved}


def _with_inputs_of_lives(
    horizon: Horizon, group: LifeGroup, part: PopulationSlice, world: World
) -> Columns:
    """Return the columns of persons with what lives would know of them in the first year."""
    size = part.households["size"].astype(np.int64)
    start = np.concatenate([[0], np.cumsum(size)])
    links = np.stack([part.persons[link].astype(np.int16) for link in LINKS])
    stream = np.uint64(stream_key(world.seed, world.replicate))
    return starting_columns(
        group.tables, dict(part.persons), links, start, stream, horizon.average_wage
    )


# -- the phase ------------------------------------------------------------------------------------

Found = dict[str, dict[str, str]]  # `batch-draw` -> scenario -> hash of the file of weights


def freeze_weights(
    ledger: Ledger,
    population: PopulationReader,
    years: Sequence[int],
    setup_of: Callable[[int, WorldKey], LivesSetup],
    say: Say,
) -> Found:
    """Return the files of weights of every batch and draw; those there already are kept.

    Parameters
    ----------
    ledger
        Of the run: what is frozen so far, its batches and draws, its directory.
    population, years
        Whose weights, in which years.
    setup_of
        Gives what the lives of a batch in a world would start from: the population and the
        statuses of each year.
    say
        Receives a line for each year.

    Raises
    ------
    InputError
        Margins of a year that no weights can meet, named with year and cell.
    """
    found = {where: dict(of) for where, of in ledger.frozen.weights.items()}
    digests = {digest for of in found.values() for digest in of.values()}
    known = {ledger.directory.weights(digest)["wanted"]: digest for digest in sorted(digests)}
    for draw in range(len(ledger.numbering.draws)):
        for batch in range(ledger.numbering.n_batches):
            world = WorldKey(draw)
            where = draw_of(batch, world)
            if where in found:
                continue
            setup, found[where] = setup_of(batch, world), {}
            for scenario, tables in setup.tables.items():
                wanted = wanted_of(setup.persons, setup.population, tables.status_share, years)
                key = wanted.identity()
                if key not in known:
                    told = say if not draw else _silent
                    told(f"weights of {scenario}: to the population and statuses of each year")
                    weights = static_weights(population, wanted, told)
                    known[key] = ledger.directory.keep_weights({"wanted": key, **weights.plain()})
                found[where][scenario] = known[key]
    return found


def _silent(_: str) -> None:
    """Say nothing."""


def read_weights(directory: RunDirectory, found: Mapping[str, str]) -> dict[str, StaticWeights]:
    """Return the weights of each scenario from the files of a run.

    Raises
    ------
    InputError
        A file is not as it was written.
    """
    return {
        scenario: static_weights_from(directory.weights(digest))
        for scenario, digest in found.items()
    }


def weights_reached(static: StaticAgeing, k: int) -> tuple[Alignment, ...]:
    """Return what the weights of a year were made to reach, and what that cost (table T2)."""
    rows: list[Alignment] = []
    for scenario, weights in static.weights.items():
        one, first = weights.years[k], not rows
        of = "" if first else f", {scenario}"
        for name, target, achieved in zip(
            weights.cells.names, one.targets, one.achieved, strict=True
        ):
            rows.append(Alignment(f"{name}{of}", float(target), float(achieved)))
        for name, value in (
            ("largest miss of a total, relative to it", one.residual),
            ("design effect of weights", one.deff_after),
            ("design effect of weights, population file", one.deff_before),
            ("smallest weight over that of the file", one.g_min),
            ("largest weight over that of the file", one.g_max),
        ):
            rows.append(Alignment(f"{name}{of}", NOBODY, value, "number"))
    return tuple(rows)


def left_out(
    where: str, states: Sequence[str], moved: Sequence[str], formulas: str = ""
) -> list[Fault]:
    """Return notes on what static ageing leaves out.

    Parameters
    ----------
    where
        File and line of the scenario.
    states
        Variables of which the law reads the year before.
    moved
        Scenarios that move what lives read.
    formulas
        File and line of transitions between statuses by formulas, if there are any.
    """
    notes = []
    if formulas:
        what = "static ageing: formulas of transitions move nobody, as nobody has a year before"
        remedy = "The shares of `labour` say how many are in each status."
        notes.append(Fault(formulas, what, "", "", remedy))
    if states:
        what = "static ageing: nobody has a year before, so `previous` gives its initial value"
        remedy = "For rights and balances that grow, let people live on (`ageing: dynamic`)."
        notes.append(Fault(where, what, f"rules that read {listed(states)}", "", remedy))
    for scenario in moved:
        what = f"static ageing: scenario {scenario} moves what lives read, and nobody lives on"
        notes.append(Fault(where, what, "", "", "That part of it changes nobody."))
    return notes
