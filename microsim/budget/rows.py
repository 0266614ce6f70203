"""Builds the rows of the tables: units, status, suppression of what few households stand for."""

from __future__ import annotations

import math

from microsim.budget.sums import SMALLEST_N
from microsim.results.contents import Row

MILLION = 1e6


def ratio(numerator: float, denominator: float) -> float:
    """Return the quotient, or NaN where either is missing or the denominator is 0."""
    if math.isnan(numerator) or math.isnan(denominator) or denominator == 0.0:
        return math.nan
    return numerator / denominator


def difference_name(reform: str, baseline: str) -> str:
    """Return the derived scenario id of a comparison, such as `R1-SQ`."""
    return f"{reform}-{baseline}"


class TableRows:
    """Collects rows of one table for one year.

    Parameters
    ----------
    table
        Code of the table, such as C7.
    year
        Year of the run.
    """

    def __init__(self, table: str, year: int) -> None:
        self.table = table
        self.year = year
        self.rows: list[Row] = []

    def add(
        self,
        scenario: str,
        row: str,
        value: float,
        unit: str,
        *,
        column: str = "amount",
        scheme: str = "ALL",
        function: str = "",
        group: str = "",
        price_basis: str = "current",
        n: int = -1,
        se_sampling: float = math.nan,
        missing: str = "not available",
    ) -> None:
        """Add one figure; NaN becomes an absent figure whose status is `missing`.

        A figure that rests on 1 to 24 source households is suppressed.
        """
        value, status = float(value), "ok"
        if math.isnan(value):
            status = missing
        elif 0 < n < SMALLEST_N:
            value, se_sampling, status = math.nan, math.nan, "suppressed"
        self.rows.append(
            Row(
                scenario=scenario, year=self.year, table=self.table, row=row, column=column,
                unit=unit, value=value, scheme=scheme, function=function, group=group,
                price_basis=price_basis, se_sampling=se_sampling, n=n, status=status,
            )
        )  # fmt: skip

    def money(self, scenario: str, row: str, amount: float, **key: str) -> None:
        """Add an amount of currency a year as LCU million."""
        self.add(
            scenario,
            row,
            amount / MILLION,
            "LCU million",
            column=key.pop("column", "amount"),
            scheme=key.pop("scheme", "ALL"),
            function=key.pop("function", ""),
            group=key.pop("group", ""),
            price_basis=key.pop("price_basis", "current"),
            missing=key.pop("missing", "not available"),
        )
