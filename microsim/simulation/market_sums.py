"""Adds the markets of a projection's shard up, year by year, in one copy."""

from __future__ import annotations

from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt

from microsim.kernels.accumulate import merge_into
from microsim.simulation.unit import Arrays

Column = npt.NDArray[Any]
# Arrays of markets that are added up: counts; low words of exact sums, with the high ones' names.
LOW = {"low": "hi", "place_low": "place_hi"}
SMALLEST, LARGEST = "smallest", "largest"
SUMMED = {
    *LOW, *LOW.values(), SMALLEST, LARGEST,
    "count", "place_count", "flows", "benefit_flows", "ages", "left_out", "moves",
}  # fmt: skip
COLUMNS = "/columns"


class MarketSums:
    """What the markets of a shard add up to; sums are exact, so that no order can move them.

    Names of arrays begin with the life group's number and the year: `0/2030/hi`.
    """

    def __init__(self) -> None:
        self.households: dict[str, int] = {}
        self._sums: Arrays = {}
        self._records: dict[str, dict[int, Column]] = {}
        self._adding = Lock()

    def add(self, section: str, market: int, arrays: Arrays, households: int) -> None:
        """Add one year of a market, from any thread."""
        with self._adding:
            self.households[section] = self.households.get(section, 0) + households
            for name, array in arrays.items():
                if name in SUMMED:
                    self._add(section, name, arrays)
                else:
                    self._records.setdefault(section + name, {})[market] = array

    def _add(self, section: str, name: str, arrays: Arrays) -> None:
        total = self._sums.get(section + name)
        if total is None:
            self._sums[section + name] = arrays[name]
        elif name == SMALLEST:
            np.minimum(total, arrays[name], out=total)
        elif name == LARGEST:
            np.maximum(total, arrays[name], out=total)
        elif name in LOW:  # with the high words, which come before
            merge_into(
                self._sums[section + LOW[name]].reshape(-1), total.reshape(-1),
                arrays[LOW[name]].reshape(-1), arrays[name].reshape(-1),
            )  # fmt: skip
        elif name not in LOW.values():
            total += arrays[name]

    def arrays(self) -> Arrays:
        """Return the arrays of the shard, records in the order of the population."""
        joined = {
            key: np.concatenate(
                [parts[market] for market in sorted(parts)], axis=1 if key.endswith(COLUMNS) else 0
            )
            for key, parts in self._records.items()
        }
        order = sorted(self._sums | joined, key=_place_of)
        return {key: (self._sums | joined)[key] for key in order}


def _place_of(key: str) -> tuple[int, int, str]:
    """Return where an array stands: by life group and year, whatever thread was first."""
    group, year, name = key.split("/")
    return int(group), int(year), name
