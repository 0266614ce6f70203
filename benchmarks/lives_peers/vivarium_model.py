"""Ageing and deaths as vivarium's own example has them: `BasePopulation` with its mortality."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from loguru import logger
from vivarium import InteractiveContext
from vivarium.examples.disease_model import BasePopulation

DAYS = 365.25  # vivarium's year, which its rates are of

logger.remove()


@dataclass
class Simulation:
    """A simulation that is set up, and how many it began with."""

    context: Any
    n: int

    def alive(self) -> int:
        """Return how many are alive."""
        return int(self.context.get_population("is_alive").to_numpy().sum())


def ready(_case: str, people: Path, years: int) -> Simulation:
    """Return a population of the same size and rate of death, of ages from 0 to 90."""
    with np.load(people) as file:
        n, rate = int(file["age"].size), float(file["rate_for_all"])
    first = 2025
    configuration = {
        "time": {
            "start": {"year": first, "month": 1, "day": 1},
            "end": {"year": first + years + 1, "month": 1, "day": 1}, "step_size": DAYS,
        },
        "population": {"population_size": n, "age_start": 0, "age_end": 90},
        "mortality": {"data_sources": {"mortality_rate": rate}},
        "randomness": {"key_columns": ["entrance_time", "age"]},
    }  # fmt: skip
    context = InteractiveContext(
        components=[BasePopulation()], configuration=configuration, logging_verbosity=0
    )
    return Simulation(context, n)


def live(lives: Simulation, years: int) -> None:
    """Live all years."""
    lives.context.take_steps(years)


def happened(lives: Simulation, years: int) -> dict[str, float]:
    """Return person-years and deaths. The dead count on: its components go on to draw for them."""
    return {"person_years": lives.n * years, "deaths": lives.n - lives.alive()}
