"""Household amounts by scenario, read like one array; what scenarios share is there once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, SupportsIndex

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]


class ScenarioColumns:
    """Amounts of shape (n_scenarios, n_households, n_columns), each column an array of its own.

    Parameters
    ----------
    columns
        By scenario and column, arrays of shape (n_households,); the same array may stand in
        several places.
    """

    def __init__(self, columns: Sequence[Sequence[Floats]], n_households: int) -> None:
        self.columns = tuple(tuple(of_scenario) for of_scenario in columns)
        self.shape = (len(self.columns), n_households, len(self.columns[0]))
        self.ndim = 3
        self.dtype = np.dtype(np.float64)

    def __len__(self) -> int:
        """Return the number of scenarios."""
        return len(self.columns)

    def __getitem__(self, key: Any) -> Any:  # noqa: ANN401 - as an array takes it
        """Return what the array would; `[scenario, rows, column]` without copying columns."""
        if isinstance(key, tuple) and len(key) == 3:
            scenario, rows, column = key
            if isinstance(scenario, SupportsIndex) and isinstance(column, SupportsIndex):
                return self.columns[scenario][column][rows]
        first, *rest = key if isinstance(key, tuple) else (key,)
        if isinstance(first, SupportsIndex):
            dense = np.empty((self.shape[2], self.shape[1]))
            for into, column in zip(dense, self.columns[first], strict=True):
                into[...] = column
            return dense.T[tuple(rest)]
        return np.asarray(self)[key]

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> Array:
        """Return everything in memory."""
        if copy is False:
            raise ValueError("the columns do not lie together in memory")
        dense = np.stack([self[s] for s in range(len(self))])
        return dense if dtype is None else dense.astype(dtype)


class ScenarioRows:
    """Amounts of shape (n_scenarios, n_households), each scenario's an array of its own."""

    def __init__(self, rows: Sequence[Floats]) -> None:
        self.rows = tuple(rows)
        self.shape = (len(self.rows), len(self.rows[0]))
        self.ndim = 2
        self.dtype = np.dtype(np.float64)

    def __len__(self) -> int:
        """Return the number of scenarios."""
        return len(self.rows)

    def __getitem__(self, key: Any) -> Any:  # noqa: ANN401 - as an array takes it
        """Return what the array would; `[scenario]` without copying."""
        first, *rest = key if isinstance(key, tuple) else (key,)
        if isinstance(first, SupportsIndex):
            return self.rows[first][tuple(rest)] if rest else self.rows[first]
        return np.asarray(self)[key]

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> Array:
        """Return everything in memory."""
        if copy is False:
            raise ValueError("the rows do not lie together in memory")
        dense = np.stack(self.rows)
        return dense if dtype is None else dense.astype(dtype)
