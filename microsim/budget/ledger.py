"""Finds figures in finished tables by their key, for the checks."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from microsim.budget.accounts import Account
from microsim.budget.sums import Sums
from microsim.results.contents import Contents, Row


@dataclass(frozen=True)
class Side:
    """Two sides of an identity: `left` equals `right`, or is `at_most` it, or equals it exactly.

    `scale` is the size the tolerance is relative to; 0 means the larger side.
    """

    id: str
    scenario: str
    what: str
    left: float
    right: float
    scale: float = 0.0
    at_most: bool = False
    exact: bool = False


@dataclass
class Ledger:
    """The tables of a run beside the cells and accounts they were made from."""

    contents: Contents
    rows: Sequence[Row]
    sums: Sums
    accounts: list[list[Account]]
    _by_table: dict[tuple[str, str], list[Row]] = field(default_factory=dict)
    _by_row: dict[tuple[str, str, str], list[Row]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for row in self.rows:
            self._by_table.setdefault((row.scenario, row.table), []).append(row)
            self._by_row.setdefault((row.scenario, row.table, row.row), []).append(row)

    def find(
        self,
        scenario: str,
        table: str,
        *,
        row: str | None = None,
        column: str | None = None,
        scheme: str | None = None,
        function: str | None = None,
        group: str | None = None,
    ) -> Iterator[Row]:
        """Yield the rows of a table that match every key given."""
        if row is None:
            near = self._by_table.get((scenario, table), [])
        else:
            near = self._by_row.get((scenario, table, row), [])
        for found in near:
            if (
                (column is None or found.column == column)
                and (scheme is None or found.scheme == scheme)
                and (function is None or found.function == function)
                and (group is None or found.group == group)
            ):
                yield found

    def value(self, scenario: str, table: str, **key: str) -> float:
        """Return the one figure with this key; NaN if the table has none."""
        return next((r.value for r in self.find(scenario, table, **key)), math.nan)

    def total(self, scenario: str, table: str, **key: str) -> float:
        """Return the sum of the figures that match."""
        return math.fsum(r.value for r in self.find(scenario, table, **key))
