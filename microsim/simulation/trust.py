"""The trust table: what the model simulates beside what official statistics count, line by line."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from microsim.population.columns import EMPLOYMENT_STATUS
from microsim.results.contents import Contents, Measure, Row, Scheme
from microsim.scenario.totals import BALANCES, Total

CODE = "T1"
LABOUR_MARKET = "labour market"
FORMAL = ("formal public employee", "formal private employee")
FLAGGED = 0.05
PAYER_ITEMS = {
    "contributions employees": ("employees",),
    "contributions employers": ("employers",),
    "contributions self-employed": ("self-employed",),
    "contributions": (
        "employees", "employers", "self-employed", "other protected persons", "government",
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Comparison:
    """One official total and what the baseline simulates.

    simulated is NaN where the model has no such figure. eligible: simulated persons entitled, where
    the law has such a rule; an official enrolment above it is reported, never clipped.
    """

    scheme: str
    item: str
    year: int
    unit: str
    official: float
    simulated: float
    source: str
    eligible: float = math.nan

    @property
    def ratio(self) -> float:
        """Simulated over official."""
        return self.simulated / self.official if self.official else math.nan

    @property
    def flagged(self) -> bool:
        """Whether the two differ by more than 5 per cent."""
        return not abs(self.ratio - 1.0) <= FLAGGED

    @property
    def above_eligible(self) -> bool:
        """Whether official enrolment is above the simulated number of persons entitled."""
        return self.item == "recipients" and self.official > self.eligible

    def rows(self) -> list[Row]:
        """Return the comparison as table rows."""
        made = []
        for column, unit, value in (
            ("simulated", self.unit, self.simulated),
            ("official", self.unit, self.official),
            ("simulated / official", "ratio", self.ratio),
        ):
            status = "not applicable" if math.isnan(value) else "ok"
            made.append(
                Row(
                    "baseline",
                    self.year,
                    CODE,
                    self.item,
                    column,
                    unit,
                    value,
                    self.scheme,
                    status=status,
                )
            )
        return made


def trust_table(totals: Sequence[Total], year: int, contents: Contents) -> list[Comparison]:
    """Return the comparison of every official total of a year with the baseline of a run."""
    found = []
    for total in totals:
        if total.year == year:
            unit = (
                "persons" if total.item in ("contributors", "recipients", "formal jobs") else "LCU"
            )
            simulated, eligible = simulate(total, contents)
            found.append(
                Comparison(
                    total.scheme,
                    total.item,
                    year,
                    unit,
                    total.value,
                    simulated,
                    total.source,
                    eligible,
                )
            )
    return found


def simulate(total: Total, contents: Contents) -> tuple[float, float]:
    """Return what the baseline simulates for an official total, and the persons entitled (NaN where
    not known).
    """
    cells = contents.cells
    position = {measure: i for i, measure in enumerate(cells.measures)}

    def add_up(kind: str, scheme: str, item: str, statistic: str) -> float:
        measure = Measure(kind, scheme, item, statistic)
        if measure not in position:
            return math.nan
        return math.fsum(cells.persons[0, position[measure]].ravel())

    if total.scheme == LABOUR_MARKET:
        return _labour_market(total.item, contents, position), math.nan
    if total.item == "amount":
        return add_up("tax", "", total.scheme, "amount"), math.nan
    scheme = next((s for s in contents.schemes if s.id == total.scheme), None)
    if scheme is None or "baseline" not in scheme.scenarios:
        return math.nan, math.nan
    if total.item == "contributors":
        return add_up("scheme", scheme.id, "", "contributor_months") / 12, math.nan
    if total.item == BALANCES:
        return add_up("fund", scheme.id, "", "balances"), math.nan
    if total.item in PAYER_ITEMS:
        payers = PAYER_ITEMS[total.item]
        lines = [c.id for c in scheme.contributions if c.payer in payers]
        amounts = [add_up("contribution", scheme.id, line, "amount") for line in lines]
        return math.fsum(amounts) if amounts else math.nan, math.nan
    return _benefits(total.item, scheme, add_up)


def _benefits(item: str, scheme: Scheme, add_up: object) -> tuple[float, float]:
    total = add_up  # a function of kind, scheme, item, statistic
    assert callable(total)  # noqa: S101 - for the type checker
    if item == "recipients":
        people = [total("benefit", scheme.id, b.id, "months") / 12 for b in scheme.benefits]
        entitled = [
            total("benefit", scheme.id, b.id, "eligible_months") / 12
            for b in scheme.benefits
            if b.has_eligible
        ]
        eligible = math.fsum(entitled) if len(entitled) == len(people) else math.nan
        return (math.fsum(people) if people else math.nan), eligible
    amounts = [total("benefit", scheme.id, b.id, "amount") for b in scheme.benefits]
    amounts += [line.value for line in scheme.given if line.line == "benefits"]
    return (math.fsum(amounts) if amounts else math.nan), math.nan


def _labour_market(item: str, contents: Contents, position: dict[Measure, int]) -> float:
    measure = (
        Measure("population", "", "", "persons")
        if item == "formal jobs"
        else Measure("income", "", "earnings", "amount")
    )
    if measure not in position:
        return math.nan
    cells = contents.cells.persons[0, position[measure]]
    codes = [EMPLOYMENT_STATUS.index(status) for status in FORMAL]
    return math.fsum(np.take(cells, codes, axis=-1).ravel())
