"""Runs one process of a step: factor, probabilities, draws, and who it happens to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from microsim.dynamics.decisions import MONTH, hashed
from microsim.dynamics.factors import EVERYBODY, NONE, Persons, factor_of, refuse
from microsim.dynamics.passage import EventLog
from microsim.dynamics.tables import LifeTables
from microsim.kernels.lives_choice import choose_by_table
from microsim.kernels.lives_newcomers import draw_keys

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


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

    def aligned(self, process: str) -> bool:
        """Tell whether a process happens to as many as expected, rather than drawn one by one."""
        return self.tables.alignment.get(process, "draw") == "sort"

    def months(self, keys: Array, kind: int) -> Array:
        """Return the month, 1 to 12, of an event of each person."""
        u = draw_keys(keys, self.stream, hashed(MONTH), self.year, kind)
        return (1.0 + np.floor(12.0 * u)).astype(np.int8)

    def choose(
        self, process: str, decision: str, kind: int, persons: Persons, table: Floats,
        eligible: Flags = EVERYBODY, relative: Floats = NONE, rows: Array | None = None,
    ) -> Flags:  # fmt: skip
        """Return whom an event happens to. Shape (n_persons,).

        Parameters
        ----------
        table
            Shape (2, 121), probability by sex and age.
        rows
            Rows of the persons in the log of events, where they are not those before the step.

        Raises
        ------
        InputError
            A factor takes a probability outside 0 to 1.
        """
        n = persons.sex.size
        chosen = np.zeros(n, np.bool_)
        if not table.any():
            return chosen
        factor = factor_of(process, self.behaviour, persons, eligible, table, relative)
        noted = np.full((2, n if self.log is not None else 0), np.nan)
        wrong = choose_by_table(
            persons.starts, self.markets, persons.sex, persons.age, eligible,
            np.ascontiguousarray(table), factor, persons.keys, self.stream, hashed(decision),
            self.year, self.aligned(process), chosen, noted[0], noted[1],
        )  # fmt: skip
        if wrong >= 0:
            raise refuse(process, self.year, wrong, persons, table, factor)
        if self.log is not None:
            found = np.flatnonzero(chosen)
            months = self.months(persons.keys[found], kind)
            logged = found if rows is None else rows[found]
            self.log.note(logged, kind, months, noted[0, found], noted[1, found])
        return chosen
