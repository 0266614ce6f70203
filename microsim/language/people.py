"""What a rule is evaluated on: people in households, the law of the periods of a year, the random
world.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]  # float64 or bool in rules; codes and keys beside them
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class People:
    """Persons in households, rows sorted by household.

    Attributes
    ----------
    start
        Shape (n_households + 1,), first person row of each household, int64.
    links
        `head`, `spouse`, `mother`, `father`: shape (n_persons,), int16, position of the linked
        person within the household, -1 for none.
    inputs
        Columns by name, shape (n_persons,) or (n_households,) by what they describe.
    person_key, household_key
        Draw keys, uint64, shapes (n_persons,) and (n_households,).
    """

    start: npt.NDArray[np.int64]
    links: dict[str, npt.NDArray[np.int16]]
    inputs: dict[str, Array]
    person_key: npt.NDArray[np.uint64]
    household_key: npt.NDArray[np.uint64]

    @property
    def n_households(self) -> int:
        """Number of households."""
        return len(self.start) - 1

    @property
    def n_persons(self) -> int:
        """Number of persons."""
        return int(self.start[-1])

    def household_of(self) -> npt.NDArray[np.int64]:
        """Household row of each person. Shape (n_persons,)."""
        return np.repeat(np.arange(self.n_households), np.diff(self.start))


@dataclass(frozen=True)
class Law:
    """Values of all parameters a program reads, for one scenario and one year.

    Attributes
    ----------
    year
        Calendar year; also the period of yearly draws.
    months
        Lengths in months of the periods the year is cut into; they sum to 12 (or to 1 for a single
        month).
    monthly
        Parameter name -> one value a period: a float, or a packed schedule or table.
    yearly
        Parameter name -> value for yearly formulas.
    """

    year: int
    months: tuple[int, ...]
    monthly: dict[str, tuple[float | Floats, ...]]
    yearly: dict[str, float | Floats]


@dataclass(frozen=True)
class World:
    """The random world: seed and replicate; `fixed` answers named draws of hypothetical households.

    `certain` makes every draw 0, so that anything with a positive probability happens (hypothetical
    households).
    """

    seed: int
    replicate: int = 0
    certain: bool = False
    fixed: dict[str, float] = field(default_factory=dict)
