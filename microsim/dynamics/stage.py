"""A step in the making: who is gone, who lives where, which households were founded."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from microsim.dynamics.factors import Persons
from microsim.dynamics.memory import Memory
from microsim.kernels.lives_grouping import unfold

Array = npt.NDArray[Any]
Ints = npt.NDArray[np.int64]


@dataclass
class Newcomers:
    """Persons who join in the step, in order of rows after those before it.

    Attributes
    ----------
    sex, age, keys, month
        Shape (n,): code, age at the end of the step, draw key, month of birth or arrival.
    donor
        Shape (n,): row before of the person an immigrant copies, -1 of the newborn.
    mother, father
        Shape (n,): row of the parent, before or among newcomers, -1 if none.
    place
        Shape (n,): household.
    share
        Shape (n,): welfare they bring, currency units per month.
    """

    sex: Array
    age: Array
    keys: Array
    month: Array
    donor: Ints
    mother: Ints
    father: Ints
    place: Array
    share: Array

    @property
    def n(self) -> int:
        """Number of newcomers."""
        return int(self.sex.size)


def joined(parts: list[Newcomers]) -> Newcomers:
    """Return newcomers of several kinds as one."""
    names = Newcomers.__dataclass_fields__
    return Newcomers(**{
        name: np.concatenate([getattr(part, name) for part in parts]) for name in names
    })  # fmt: skip


@dataclass
class Stage:
    """What the processes of one step work on; rows are those before the step.

    Attributes
    ----------
    year
        The year the step leads to.
    step
        Number of the step in the tables.
    starts, household_starts
        Shape (n_markets + 1,), first persons and first households of the markets.
    markets
        Shape (n_markets,), numbers of the markets, which key their draws.
    start
        Shape (n_households + 1,), first persons of the households.
    sex, age, keys
        Shape (n,), code, completed years at the start of the step, draw key.
    links
        Shape (4, n), positions of head, spouse, mother, father in the household.
    household_of, place, spouse_row
        Shape (n,): household at the start and now, row of the spouse now (-1 if none).
    gone
        Shape (n,): 0 stays, 1 died, 2 emigrated.
    left
        Shape (n_left,): rows of those gone, in order.
    touched
        Shape (n_households + n,): households whose links must be renewed.
    founder, template, count
        Households founded: row of the founder, old household whose place they take, how many.
    memory
        Where work arrays come from.
    """

    year: int
    step: int
    starts: Ints
    household_starts: Ints
    markets: Array
    start: Ints
    sex: Array
    age: Array
    keys: Array
    links: Array
    market_of: Array
    region: Array
    memory: Memory
    household_of: Array = field(init=False)
    place: Array = field(init=False)
    spouse_row: Array = field(init=False)
    gone: Array = field(init=False)
    left: Ints = field(init=False)
    touched: Array = field(init=False)
    founder: Ints = field(init=False)
    template: Ints = field(init=False)
    count: Ints = field(init=False)

    def __post_init__(self) -> None:
        """Lay out the work arrays."""
        n, memory = self.sex.size, self.memory
        self.household_of = memory.array("household of", n, np.int32)
        self.place = memory.array("place", n, np.int32)
        self.spouse_row = memory.array("spouse row", n, np.int32)
        unfold(self.start, self.links[1], self.household_of, self.place, self.spouse_row)
        self.gone = memory.filled("gone", n, np.int8, 0)
        self.touched = memory.filled("touched", self.start.size - 1 + 2 * n, np.bool_, 0)
        self.founder = np.empty(2 * n, np.int64)
        self.template = np.empty(2 * n, np.int64)
        self.count = np.zeros(1, np.int64)

    @property
    def n(self) -> int:
        """Persons at the start of the step."""
        return int(self.sex.size)

    @property
    def n_households(self) -> int:
        """Households at the start of the step."""
        return int(self.start.size) - 1

    @property
    def persons(self) -> Persons:
        """Return the persons as processes take them."""
        return Persons(self.starts, self.sex, self.age, self.keys)
