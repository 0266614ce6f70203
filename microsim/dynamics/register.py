"""What a register of assumptions holds of each driver of a projection."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Assumption:
    """One driver of a projection (table A5): its value, how low and high it may be, and why.

    `low` and `high` are NaN where nobody states them; `basis` is data or assumption.
    """

    driver: str
    baseline: float
    low: float
    high: float
    unit: str
    source: str
    basis: str
