"""Arrays that steps use again: fresh memory for every step costs as much as the step."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

TURNS = 2
SLACK = 16  # one part in so many is kept free for growth


class Memory:
    """Named arrays of two turns, so that the columns of a year and of the one before both stay.

    An array handed out is overwritten by the step after the next.
    """

    def __init__(self) -> None:
        self._turn = 0
        self._arrays: dict[tuple[str, int], Array] = {}

    def turn(self) -> None:
        """Begin the next turn."""
        self._turn = (self._turn + 1) % TURNS

    def array(self, name: str, n: int, dtype: npt.DTypeLike) -> Array:
        """Return an array of n numbers; what is in it is left over."""
        kept = self._arrays.get((name, self._turn))
        if kept is None or kept.size < n or kept.dtype != dtype:
            kept = np.empty(n + n // SLACK + 1, dtype)
            self._arrays[name, self._turn] = kept
        return kept[:n]

    def filled(self, name: str, n: int, dtype: npt.DTypeLike, value: int) -> Array:
        """Return an array of n times the same value."""
        array = self.array(name, n, dtype)
        array.fill(value)
        return array

    def extended(self, name: str, first: Array, then: Array) -> Array:
        """Return an array of this turn with more numbers after it, in place if there is room."""
        kept = self._arrays[name, self._turn]
        n = first.size + then.size
        if kept.size < n:
            return self.joined(f"{name} extended", first, then)
        kept[first.size : n] = then
        return kept[:n]

    def joined(self, name: str, first: Array, then: Array) -> Array:
        """Return two arrays one after the other, in the type of the first."""
        array = self.array(name, first.size + then.size, first.dtype)
        array[: first.size] = first
        array[first.size :] = then
        return array
