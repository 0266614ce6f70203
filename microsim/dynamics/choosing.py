"""Runs one process of a step: factor, probabilities, draws, and who it happens to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from microsim.dynamics.decisions import MONTH, hashed
from microsim.dynamics.factors import NONE, Persons, factor_of, refuse
from microsim.dynamics.passage import EventLog
from microsim.dynamics.tables import MULTIPLICATIVE, SORTING, LifeTables
from microsim.kernels.lives_choice import choose_by_table
from microsim.kernels.lives_newcomers import draw_keys
from microsim.kernels.lives_sorting import DRAWN

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Chance:
    """The chance of a step: stream of draws, year, the markets' numbers, methods, behaviour.

    Attributes
    ----------
    stream
        `stream_key` of seed and replicate.
    year
        The year the step leads to.
    markets
        Shape (n_markets,), numbers of the markets.
    tables
        Gives the method of each process.
    behaviour
        Columns of the scenario, shape (n_persons,).
    log
        Events, if they are recorded.
    """

    stream: np.uint64
    year: int
    markets: Array
    tables: LifeTables
    behaviour: Mapping[str, Floats]
    log: EventLog | None

    def method(self, process: str) -> str:
        """Return the method of alignment of a process, one of `METHODS`."""
        return self.tables.alignment.get(process, MULTIPLICATIVE)

    def sorting(self, process: str) -> int:
        """Return the sorting method of a process, or DRAWN."""
        return SORTING.get(self.method(process), DRAWN)

    def months(self, keys: Array, kind: int) -> Array:
        """Return the month, 1 to 12, of an event of each person."""
        u = draw_keys(keys, self.stream, hashed(MONTH), self.year, kind)
        return (1.0 + np.floor(12.0 * u)).astype(np.int8)

    def choose(
        self, process: str, decision: str, kind: int, persons: Persons, table: Floats,
        relative: Floats = NONE, rows: Array | None = None,
    ) -> Ints:  # fmt: skip
        """Return the rows of those an event happens to, in order.

        Parameters
        ----------
        table
            Shape (2, 121), probability by sex and age.
        rows
            Rows of the persons in the log of events, where they are not those before the step.

        Raises
        ------
        InputError
            A factor takes a probability outside 0 to 1; relative factors leave too few persons
            to carry the expected number.
        """
        if not table.any():
            return np.zeros(0, np.int64)
        factor = factor_of(process, self.behaviour, persons, table, relative, self.method(process))
        n = persons.sex.size
        chosen = np.empty(n + 1, np.int64)
        noted = np.full((2, n if self.log is not None else 0), np.nan)
        sex, age = persons.codes
        count = choose_by_table(
            persons.starts, self.markets, sex, age, *persons.choice,
            np.ascontiguousarray(table), factor, persons.keys, self.stream, hashed(decision),
            self.year, self.sorting(process), chosen, noted[0], noted[1],
        )  # fmt: skip
        if count < 0:
            raise refuse(process, self.year, -1 - count, persons, table, factor)
        found: Ints = chosen[:count].copy()
        if self.log is not None:
            months = self.months(persons.keys[found], kind)
            logged = found if rows is None else rows[found]
            self.log.note(logged, kind, months, noted[0, found], noted[1, found])
        return found
