"""The household records of a run as the distribution tables need them: weights, groups, ranks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from microsim.indicators.distribution import distribution, row_of_value
from microsim.indicators.incidence import Incidence, incidence, quantile_groups
from microsim.indicators.inequality import Inequality, inequality
from microsim.indicators.poverty import Poverty, poverty
from microsim.indicators.sampling import Design, design
from microsim.kernels.accumulate import exact_dot, exact_sums
from microsim.results.contents import (
    AGE_GROUP_STARTS,
    AGES,
    AREAS,
    CONCEPTS,
    SEXES,
    STATUSES,
    Contents,
    Records,
)

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Codes = npt.NDArray[np.integer[Any]]

FORMAL = tuple(i for i, name in enumerate(STATUSES) if name.startswith("formal"))
WORKING = range(1, 7)
DISPOSABLE = CONCEPTS.index("disposable")
WELFARE = -1  # in place of the index of an income concept
OLD_AGE = 65
OLDER = (f"under {OLD_AGE}", f"men {OLD_AGE}+", f"women {OLD_AGE}+")
LARGEST_SIZE = 7  # households of seven and more persons are one group

# Memory a household in bytes, as measured: what is kept while tables are made, and what one of them
# needs at its peak, without and with a sampling design.
KEPT_BYTES, TABLE_BYTES, DESIGN_BYTES = 64, 104, 320


@dataclass(frozen=True)
class Axis:
    """One way to group persons: by what their household is, or by what they are themselves.

    codes: shape (n_households,), group of all members, or None. counts: shape (n_groups,
    n_households), members in each group, where members of one household are in several. Both are
    kept as small integers: there are many households.
    """

    name: str
    labels: tuple[str, ...]
    weight: Floats
    size: Floats
    codes: Codes | None = None
    counts: npt.NDArray[np.int16] | None = None

    def persons(self, group: int) -> Floats:
        """Return the weighted persons of each household who are in a group, shape (n,)."""
        if self.codes is None:
            weighted: Floats = self.weight * self._counts[group]
            return weighted
        found: Floats = np.where(self.codes == group, self.weight * self.size, 0.0)
        return found

    def sums(self, values: Floats) -> Floats:
        """Return the exact sum of a value a person over each group, shape (n_groups,)."""
        if self.codes is None:
            found = [exact_dot(self.weight * counts, values) for counts in self._counts]
            return np.array(found)
        codes = self.codes.astype(np.int64, copy=False)
        return exact_sums(codes, self.weight * self.size * values, len(self.labels))

    @cached_property
    def households(self) -> Ints:
        """Source households with a member in each group, shape (n_groups,)."""
        counted = self.weight > 0
        if self.codes is not None:
            found = np.bincount(self.codes[counted], minlength=len(self.labels))
        else:
            found = np.array([np.count_nonzero(counts[counted]) for counts in self._counts])
        return found.astype(np.int64)

    @cached_property
    def totals(self) -> Floats:
        """Weighted persons of each group, shape (n_groups,)."""
        return self.sums(np.ones_like(self.weight))

    @property
    def _counts(self) -> npt.NDArray[np.int16]:
        return np.empty((0, 0), np.int16) if self.counts is None else self.counts


@dataclass(frozen=True)
class Burden:
    """Who receives or pays an instrument, by decile of baseline welfare.

    households: shape (10,), source households concerned. total: weighted sum, currency a month,
    below 0 where households pay. concentration: coefficient by baseline welfare.
    """

    by_decile: Incidence
    households: Ints
    total: float
    concentration: float


@dataclass(frozen=True)
class Measured:
    """What a resource per equivalent person shows; poverty by name of the line."""

    inequality: Inequality
    poverty: dict[str, Poverty]


@dataclass(frozen=True)
class Ranks:
    """The order of households by baseline welfare.

    row: shape (n,), position of each household's welfare among the distinct ones. middle: shape
    (n_distinct,), twice the mid-rank of each, persons. persons: of everybody.
    """

    row: Ints
    middle: Floats
    persons: float


@dataclass(frozen=True)
class Households:
    """Records of a run with what several tables share."""

    contents: Contents
    records: Records

    @cached_property
    def size(self) -> Floats:
        """Persons a household, shape (n,)."""
        return self.records.size.astype(np.float64)

    @cached_property
    def persons(self) -> Floats:
        """Weighted persons of each household, shape (n,)."""
        weighted: Floats = self.records.weight * self.size
        return weighted

    @cached_property
    def deciles(self) -> Ints:
        """Decile of baseline welfare, shape (n,), 0 the poorest; the same in all scenarios."""
        return quantile_groups(self.records.welfare[0], self.persons, 10)

    @cached_property
    def plan(self) -> Design | None:
        """The sampling design, or None where standard errors would mean nothing."""
        r = self.records
        return design(r.psu, r.stratum, r.size.size) if r.has_design else None

    @cached_property
    def n(self) -> int:
        """Source households with a weight."""
        return int(np.count_nonzero(self.records.weight > 0))

    def prepare(self) -> None:
        """Find what several tables need, before they are made at the same time."""
        _ = self.plan, self.n, self.size, self.persons, self.deciles, self.ranks, self.axes
        _ = self.unchanged, self._burdens, self._measured

    def measured(self, scenario: int, concept: int = WELFARE) -> Measured:
        """Return what welfare or an income concept per equivalent person shows.

        It is sorted once, and the sorted distribution, which is large, is not kept. What a reform
        leaves as it was is taken from the status quo.
        """
        key = (scenario, concept)
        if key not in self._measured:
            if scenario and self._is_as_before(scenario, concept):
                self._measured[key] = self.measured(0, concept)
            else:
                d = distribution(self.resource(scenario, concept), self.persons)
                lines = self.contents.poverty_lines.items()
                found = {name: poverty(d, amount) for name, amount in lines}
                self._measured[key] = Measured(inequality(d), found)
        return self._measured[key]

    def _is_as_before(self, scenario: int, concept: int) -> bool:
        r = self.records
        if concept == WELFARE:
            return np.array_equal(r.welfare[scenario], r.welfare[0])
        return np.array_equal(r.concepts[scenario, :, concept], r.concepts[0, :, concept])

    @cached_property
    def _measured(self) -> dict[tuple[int, int], Measured]:
        return {}

    def resource(self, scenario: int, concept: int = WELFARE) -> Floats:
        """Return welfare or an income concept per equivalent person, currency a month."""
        if concept == WELFARE:
            welfare: Floats = self.records.welfare[scenario]
            return welfare
        return self.concept(scenario, concept)

    @cached_property
    def ranks(self) -> Ranks:
        """The order of households by baseline welfare."""
        welfare = self.records.welfare[0]
        d = distribution(welfare, self.persons)
        row = row_of_value(d, welfare)
        np.minimum(row, d.values.size - 1, out=row)
        return Ranks(row, d.cumulative + d.below, d.persons)

    @cached_property
    def unchanged(self) -> npt.NDArray[np.bool_]:
        """Whether an instrument is as in the status quo, shape (n_scenarios, n_instruments)."""
        n = len(self.contents.scenarios), len(self.records.instrument_names)
        return np.array([[self._is_unchanged(s, i) for i in range(n[1])] for s in range(n[0])])

    def _is_unchanged(self, scenario: int, instrument: int) -> bool:
        r = self.records
        amounts, first = (r.instruments[s, :, instrument] for s in (scenario, 0))
        same = np.array_equal(amounts, first)
        if same and r.receives is not None:
            now, before = (r.receives[s, :, instrument] for s in (scenario, 0))
            same = np.array_equal(now, before)
        return same

    def burden(self, scenario: int, instrument: int) -> Burden:
        """Return who receives or pays an instrument; unchanged ones are those of the status quo."""
        key = (0 if self.unchanged[scenario, instrument] else scenario, instrument)
        if key not in self._burdens:
            self._burdens[key] = self._burden(*key)
        return self._burdens[key]

    def _burden(self, scenario: int, instrument: int) -> Burden:
        r, receives = self.records, self.receives(scenario, instrument)
        amount = np.ascontiguousarray(r.instruments[scenario, :, instrument])
        return Burden(
            by_decile=incidence(
                self.deciles, 10, r.weight, self.size, receives, np.abs(amount),
                np.ascontiguousarray(r.concepts[0, :, DISPOSABLE]),
            ),
            households=np.bincount(self.deciles[receives & (r.weight > 0)], minlength=10),
            total=exact_dot(r.weight, amount),
            concentration=self._concentration(amount / self.size),
        )  # fmt: skip

    def _concentration(self, per_person: Floats) -> float:
        """Do what `indicators.incidence.concentration` does, with the ranks found once."""
        ranks = self.ranks
        amounts = exact_sums(ranks.row, self.persons * per_person, ranks.middle.size)
        total = exact_dot(self.persons, per_person)
        if total == 0.0:
            return float("nan")
        return exact_dot(amounts, ranks.middle) / (ranks.persons * total) - 1.0

    @cached_property
    def _burdens(self) -> dict[tuple[int, int], Burden]:
        return {}

    def concept(self, scenario: int, index: int) -> Floats:
        """Return an income concept per equivalent person, shape (n,), currency a month."""
        r = self.records
        values: Floats = np.ascontiguousarray(r.concepts[scenario, :, index]) / r.equivalents
        return values

    def receives(self, scenario: int, instrument: int) -> npt.NDArray[np.bool_]:
        """Return whether each household receives or pays an instrument, shape (n,)."""
        r = self.records
        found: npt.NDArray[np.bool_]
        if r.receives is None:
            found = r.instruments[scenario, :, instrument] != 0.0
        else:
            found = np.ascontiguousarray(r.receives[scenario, :, instrument])
        return found

    @cached_property
    def axes(self) -> tuple[Axis, ...]:
        """The groupings of table D1 that are the same in all scenarios."""
        r = self.records
        formal, working = np.isin(r.head_status, FORMAL), np.isin(r.head_status, WORKING)
        work = np.where(formal, 0, np.where(working, 1, 2))
        sizes = (*map(str, range(1, LARGEST_SIZE)), f"{LARGEST_SIZE}+")
        disabled = (r.n_disabled > 0).astype(np.int64)
        older = (self._older(),) if self.contents.horizon is not None else ()
        return (
            self._by_member("sex", SEXES, r.members.sum(axis=2, dtype=np.int16)),
            self._by_member("age_group", AGES, r.members.sum(axis=1, dtype=np.int16)),
            self._by_code("region", self.contents.regions, r.region),
            self._by_code("area", AREAS, r.urban),
            self._by_code("head_sex", SEXES, r.head_sex),
            self._by_code("head_work", ("formal", "informal", "not working"), work),
            self._by_code("severe_disability_in_household", ("nobody", "somebody"), disabled),
            self._by_code("household_size", sizes, np.minimum(r.size, LARGEST_SIZE) - 1),
            *older,
        )

    def _older(self) -> Axis:
        """Return the grouping of projections by old age, men and women apart."""
        old = AGE_GROUP_STARTS.index(OLD_AGE)
        members = self.records.members
        below = members[:, :, :old].sum(axis=(1, 2), dtype=np.int16)
        above = members[:, :, old:].sum(axis=2, dtype=np.int16)
        return self._by_member("older", OLDER, np.column_stack([below, above]))

    def axis_of_beneficiaries(self, scenario: int) -> Axis:
        """Return the grouping by whether the household receives any benefit in a scenario."""
        r = self.records
        benefits = np.zeros(r.size.size, np.bool_)
        for instrument in range(len(r.instrument_names)):
            benefits |= r.instruments[scenario, :, instrument] > 0
        return self._by_code("benefits_in_household", ("none", "any"), benefits)

    def _by_member(
        self, name: str, labels: tuple[str, ...], counts: npt.NDArray[np.integer]
    ) -> Axis:
        across = np.ascontiguousarray(counts.T, dtype=np.int16)
        return Axis(name, labels, self.records.weight, self.size, counts=across)

    def _by_code(
        self, name: str, labels: tuple[str, ...], codes: npt.NDArray[np.integer | np.bool_]
    ) -> Axis:
        small = np.ascontiguousarray(codes, dtype=np.int16)
        return Axis(name, labels, self.records.weight, self.size, codes=small)
