"""Moves stated probabilities (take-up, compliance) until the baseline meets official totals."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from microsim.errors import Fault, InputError
from microsim.files import month_index
from microsim.kernels.accumulate import merge_into, to_floats
from microsim.language.evaluating import Evaluator, Sum, Wanted, Weighting
from microsim.language.people import People, World
from microsim.policy.dated import value_at
from microsim.population.store import PopulationReader, PopulationSlice
from microsim.results.contents import Cells
from microsim.scenario.scenario import Calibration, Scenario
from microsim.scenario.totals import Total
from microsim.simulation.contents import Assembler
from microsim.simulation.law import LawReader, common_periods, used_parameters
from microsim.simulation.model import Model
from microsim.simulation.people import N_AGE_GROUPS, N_STATUSES, people_of, weighting_of
from microsim.simulation.question import Question, systems_of
from microsim.simulation.trust import simulate
from microsim.simulation.unit import shard_columns

ROUNDS = 4
CLOSE = 0.002
Columns = dict[str, npt.NDArray[Any]]
SLICE_MARKETS = 20  # read at a time, so that memory stays bounded


@dataclass(frozen=True)
class Calibrated:
    """One probability moved: it and the figure before and after, and the official total.

    `reached` is false where the total is out of reach (the probability would pass 1).
    """

    parameter: str
    scheme: str
    item: str
    value_before: float
    value_after: float
    simulated_before: float
    simulated_after: float
    official: float
    reached: bool


class Calibrator:
    """Evaluates the baseline of a model again and again, with other values of some parameters.

    Only the sums that the targets compare with are made; the compiled rules are those of the run.
    `first_year` gives the columns of persons and households that some markets begin with, where
    these are not those of the file.
    """

    def __init__(
        self, question: Question, population: PopulationReader, scenario: Scenario, model: Model,
        first_year: Callable[[PopulationSlice], tuple[Columns, Columns]] | None = None,
    ) -> None:  # fmt: skip
        self.first_year = first_year
        self.question, self.population, self.scenario, self.model = (
            question,
            population,
            scenario,
            model,
        )
        self.world = World(question.seed, question.replicate)
        self.wanted = Wanted(
            tuple(
                Sum((one.formulas[0],), one.whether, True, False, one.scale)
                for one in model.wanted.sums
            )
        )
        self._slice: tuple[People, Weighting] | None = None

    def simulated(self, question: Question, targets: list[Total]) -> list[float]:
        """Return the baseline's figure for each target, under the settings of a question."""
        evaluator = self._evaluator(question)
        shape = (len(self.model.measures), 2 * N_AGE_GROUPS * N_STATUSES)
        hi, low = np.zeros(shape, np.int64), np.zeros(shape, np.uint64)
        for first in range(0, self.population.n_markets, SLICE_MARKETS):
            people, weighting = self._read(first)
            out = evaluator.run(people, weighting, self.world, threads=min(4, os.cpu_count() or 1))
            merge_into(
                hi.reshape(-1), low.reshape(-1), out.hi[0].reshape(-1), out.low[0].reshape(-1)
            )
        contents = Assembler.bare(self.model, self.population, self._cells(hi, low))
        found = [simulate(target, contents)[0] for target in targets]
        return [0.0 if math.isnan(value) else value for value in found]

    def _evaluator(self, question: Question) -> Evaluator:
        systems = systems_of(question, self.population, self.scenario)
        definitions = replace(
            self.model.engine[0].definitions,
            parameters=next(iter(systems.values())).definitions.parameters,
        )
        program = self.model.program
        monthly, yearly = used_parameters(program.graph, program.graph.members[0])
        periods = common_periods([definitions], self.model.year, [monthly])
        reader = LawReader(definitions, self.model.frame, self.model.year)
        law = reader.law(periods, monthly, yearly)
        return Evaluator(program, [law], [0], self._kept())

    def _kept(self) -> Wanted:
        """Sums that the baseline has."""
        return replace(self.wanted, sums=tuple(s for s in self.wanted.sums if s.formulas[0]))

    def _cells(self, hi: npt.NDArray[np.int64], low: npt.NDArray[np.uint64]) -> Cells:
        shape = (1, len(self.model.measures), 2, N_AGE_GROUPS, N_STATUSES)
        people = np.zeros((shape[1], hi.shape[1]))
        row = 0
        for m, wanted in enumerate(self.wanted.sums):
            if wanted.formulas[0] is not None:
                people[m] = to_floats(hi[row], low[row], wanted.scale)
                row += 1
        nothing = np.zeros((*shape[:2], 1, 2))
        return Cells(self.model.measures, people.reshape(shape), np.zeros(shape, np.int64), nothing)

    def _read(self, first: int) -> tuple[People, Weighting]:
        """Return some markets; a population of one slice is read once only."""
        if self._slice is not None:
            return self._slice
        last = min(first + SLICE_MARKETS, self.population.n_markets)
        if self.first_year is None:
            part = self.population.read_markets(first, last, shard_columns(self.model))
            persons, households = part.persons, part.households
        else:
            persons, households = self.first_year(self.population.read_markets(first, last))
        inputs = self.model.program.layout.inputs
        read = (
            people_of(persons, households, inputs),
            weighting_of(persons, households, len(self.population.regions)),
        )
        if self.population.n_markets <= SLICE_MARKETS:
            self._slice = read
        return read


def calibrated_settings(
    question: Question,
    population: PopulationReader,
    scenario: Scenario,
    model: Model,
    say: Callable[[str], None],
) -> tuple[Question, list[Calibrated]]:
    """Return the question with the calibrated values as settings, and what was moved.

    Only the baseline is evaluated. A parameter set on the command line is left as the user set it.

    Raises
    ------
    InputError
        A calibration names a total that is not there for the year.
    """
    chosen = {setting.partition("=")[0].strip() for setting in question.settings}
    wanted = [c for c in scenario.calibrate if c.parameter not in chosen]
    targets = [_target(scenario, one) for one in wanted]
    values = [_value(model, one.parameter) for one in wanted]
    calibrator = Calibrator(question, population, scenario, model)
    before, first = calibrator.simulated(question, targets), list(values)
    now = list(before)
    for _ in range(ROUNDS):
        if all(_close(*one) for one in zip(now, targets, values, strict=True)):
            break
        for i, target in enumerate(targets):
            if now[i] > 0:
                values[i] = min(1.0, values[i] * target.value / now[i])
        moved = replace(question, settings=(*question.settings, *_settings(wanted, values)))
        now = calibrator.simulated(moved, targets)
    say(f"calibrated {len(wanted)} probabilities to official totals")
    done = [
        Calibrated(
            one.parameter, one.scheme, one.item, first[i], values[i], before[i], now[i],
            targets[i].value, abs(now[i] / targets[i].value - 1) < 0.05,
        )
        for i, one in enumerate(wanted)
    ]  # fmt: skip
    return replace(question, settings=(*question.settings, *_settings(wanted, values))), done


def _close(now: float, target: Total, value: float) -> bool:
    return abs(now / target.value - 1) < CLOSE or value >= 1


def _settings(wanted: list[Calibration], values: list[float]) -> list[str]:
    return [f"{one.parameter}={value!r}" for one, value in zip(wanted, values, strict=True)]


def _target(scenario: Scenario, one: Calibration) -> Total:
    for total in scenario.totals:
        if (total.scheme, total.item, total.year) == (one.scheme, one.item, scenario.year):
            return total
    raise InputError(
        Fault(
            str(one.where), f"no official total of {one.scheme}, {one.item} for {scenario.year}",
            "", "a line in the totals file", "Add it, or leave the calibration out.",
        )
    )  # fmt: skip


def _value(model: Model, name: str) -> float:
    parameter = model.systems[0].definitions.parameters[name]
    month = month_index(model.year, 12)
    return float(value_at(parameter, month, yearly=True, frame=model.frame))
