"""Moves stated probabilities (take-up, compliance) until the baseline meets official totals; before and after are kept."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from microsim.errors import Fault, InputError
from microsim.files import month_index
from microsim.kernels.accumulate import to_floats
from microsim.language.people import World
from microsim.policy.dated import value_at
from microsim.population.store import PopulationReader
from microsim.results.contents import Cells, Contents
from microsim.scenario.scenario import Calibration, Scenario
from microsim.scenario.totals import Total
from microsim.simulation.contents import Assembler
from microsim.simulation.model import Model
from microsim.simulation.people import N_AGE_GROUPS, N_STATUSES
from microsim.simulation.question import Question, model_of
from microsim.simulation.trust import simulate
from microsim.simulation.unit import evaluate_shard, plan_units

ROUNDS = 4
CLOSE = 0.002


@dataclass(frozen=True)
class Calibrated:
    """One probability moved: its value before and after, the figure before and after, and the official total.

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


def calibrated_settings(
    question: Question, population: PopulationReader, scenario: Scenario, say: Callable[[str], None]
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
    alone = replace(scenario, reforms={})
    model = model_of(question, population, alone)
    values = [_value(model, one.parameter) for one in wanted]
    before, first = _simulated(model, population, question, targets), list(values)
    now = list(before)
    for _ in range(ROUNDS):
        if all(
            abs(n / t.value - 1) < CLOSE or v >= 1
            for n, t, v in zip(now, targets, values, strict=True)
        ):
            break
        for i, target in enumerate(targets):
            if now[i] > 0:
                values[i] = min(1.0, values[i] * target.value / now[i])
        moved = replace(question, settings=(*question.settings, *_settings(wanted, values)))
        now = _simulated(model_of(moved, population, alone), population, moved, targets)
    say(f"calibrated {len(wanted)} probabilities to official totals")
    done = [
        Calibrated(
            one.parameter, one.scheme, one.item, first[i], values[i], before[i], now[i],
            targets[i].value, abs(now[i] / targets[i].value - 1) < 0.05,
        )
        for i, one in enumerate(wanted)
    ]  # fmt: skip
    return replace(question, settings=(*question.settings, *_settings(wanted, values))), done


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
    return float(value_at(parameter, month, yearly=True, frame=model.frame))  # type: ignore[arg-type]


def _simulated(
    model: Model, population: PopulationReader, question: Question, targets: list[Total]
) -> list[float]:
    """Return the baseline's figure for each target."""
    evaluator, world = model.evaluator(), World(question.seed, question.replicate)
    n_measures = len(model.measures)
    people = np.zeros((n_measures, 2 * N_AGE_GROUPS * N_STATUSES))
    for unit in plan_units(population, 1_000_000, ""):
        arrays = evaluate_shard(model, evaluator, population, unit, world, 1)
        for m, wanted in enumerate(model.wanted.sums):
            people[m] += to_floats(arrays["hi"][0, m], arrays["low"][0, m], wanted.scale)
    contents = _bare_contents(model, population, people)
    found = [simulate(target, contents)[0] for target in targets]
    return [0.0 if math.isnan(value) else value for value in found]


def _bare_contents(model: Model, population: PopulationReader, people: np.ndarray) -> Contents:
    """Return contents with cells and the baseline's schemes only: all that a total is compared with."""
    shape = (1, len(model.measures), 2, N_AGE_GROUPS, N_STATUSES)
    cells = Cells(
        model.measures,
        people.reshape(shape),
        np.zeros(shape, np.int64),
        np.zeros((*shape[:2], 1, 2)),
    )
    return Assembler.bare(model, population, cells)
