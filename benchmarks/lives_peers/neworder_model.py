"""The minimal demography as a model of neworder: its own hazards, transitions and data frames."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import neworder
import numpy as np
import pandas as pd

FEMALE, OLDEST = 1, 120

warnings.filterwarnings("ignore")  # of neworder's own use of pandas
neworder.verbose(False)


class Demography(neworder.Model):
    """Persons of an age, a sex and a labour state, a year at a time."""

    def __init__(self, people: Any, years: int) -> None:  # noqa: ANN401 - an open npz file
        super().__init__(
            neworder.LinearTimeline(0, years, years),
            neworder.MonteCarlo.deterministic_independent_stream,
        )
        self.death, self.birth = people["death"], people["birth"]
        self.girls, self.moves = float(people["girls"]), people["transitions"]
        self.states = np.arange(len(self.moves))
        index = neworder.df.unique_index(people["age"].size)
        columns = {name: people[name].astype(np.int64) for name in ("age", "sex", "state")}
        self.people = pd.DataFrame(columns, index=index)
        self.person_years = self.births = self.deaths = 0

    def step(self) -> None:
        """Live one year: deaths, births, changes of state, a birthday."""
        people = self.people
        age, sex = people["age"].to_numpy(), people["sex"].to_numpy()
        self.person_years += age.size
        dies = self.mc.hazard(self.death[sex, age]).astype(bool)
        bears = self.mc.hazard(np.where(sex == FEMALE, self.birth[age], 0.0))
        neworder.df.transition(self, self.states, self.moves, people, "state")
        n = int(bears.sum())
        born = pd.DataFrame(
            {
                "age": np.zeros(n, np.int64),
                "sex": self.mc.hazard(self.girls, n).astype(np.int64),
                "state": np.zeros(n, np.int64),
            },
            index=neworder.df.unique_index(n),
        )
        alive = people[~dies].copy()
        alive["age"] = np.minimum(alive["age"] + 1, OLDEST)
        self.people = pd.concat([alive, born])
        self.births += n
        self.deaths += int(dies.sum())

    def finalise(self) -> None:
        """Nothing is left to do."""


def ready(_case: str, people: Path, years: int) -> Demography:
    """Return people about to live."""
    with np.load(people) as file:
        return Demography(file, years)


def live(lives: Demography, _years: int) -> None:
    """Live all years."""
    neworder.run(lives)


def happened(lives: Demography, _years: int) -> dict[str, float]:
    """Return person-years, births, deaths and the persons of each state at the end."""
    states = np.bincount(lives.people["state"], minlength=len(lives.states))
    return {
        "person_years": lives.person_years, "births": lives.births, "deaths": lives.deaths,
        **{f"in state {k}": int(n) for k, n in enumerate(states)},
    }  # fmt: skip
