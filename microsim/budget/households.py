"""The household records of a run as the distribution tables need them: weights, groups, ranks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from microsim.indicators.distribution import Distribution, distribution, row_of_value
from microsim.indicators.incidence import quantile_groups
from microsim.indicators.sampling import Design, design
from microsim.kernels.accumulate import exact_dot, exact_sums
from microsim.results.contents import AGES, AREAS, SEXES, STATUSES, Contents, Records

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

FORMAL = tuple(i for i, name in enumerate(STATUSES) if name.startswith("formal"))
WORKING = range(1, 7)
WELFARE = -1  # in place of the index of an income concept
LARGEST_SIZE = 7  # households of seven and more persons are one group


@dataclass(frozen=True)
class Axis:
    """One way to group persons: labels, and how many members of each household are in each.

    counts: shape (n_households, n_groups), persons.
    """

    name: str
    labels: tuple[str, ...]
    counts: Floats


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
        _ = self.plan, self.n, self.deciles, self.rank_in_baseline

    @cached_property
    def _ranked(self) -> dict[tuple[int, int], Distribution]:
        return {}

    def ranked(self, scenario: int, concept: int = WELFARE) -> Distribution:
        """Return welfare or an income concept per equivalent person, sorted once.

        What a reform leaves as it was is taken from the status quo.
        """
        key = (scenario, concept)
        if key not in self._ranked:
            values = self.resource(scenario, concept)
            if scenario and np.array_equal(values, self.resource(0, concept)):
                self._ranked[key] = self.ranked(0, concept)
            else:
                self._ranked[key] = distribution(values, self.persons)
        return self._ranked[key]

    def resource(self, scenario: int, concept: int = WELFARE) -> Floats:
        """Return welfare or an income concept per equivalent person, currency a month."""
        if concept == WELFARE:
            welfare: Floats = self.records.welfare[scenario]
            return welfare
        return self.concept(scenario, concept)

    @cached_property
    def rank_in_baseline(self) -> Ints:
        """Position of each household in the distribution of baseline welfare, shape (n,)."""
        d = self.ranked(0)
        found: Ints = np.minimum(row_of_value(d, self.records.welfare[0]), d.values.size - 1)
        return found

    def concentration(self, per_person: Floats) -> float:
        """Return the concentration coefficient of an amount a person by baseline welfare.

        The same as `indicators.incidence.concentration`, with the ranks found once.
        """
        d = self.ranked(0)
        amounts = exact_sums(self.rank_in_baseline, self.persons * per_person, d.values.size)
        total = exact_dot(self.persons, per_person)
        if total == 0.0:
            return float("nan")
        return exact_dot(amounts, d.cumulative + d.below) / (d.persons * total) - 1.0

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

    def axes(self, scenario: int) -> Iterator[Axis]:
        """Yield the groupings of table D1 one after the other (each may be large)."""
        r = self.records
        yield Axis("sex", SEXES, r.members.sum(axis=2).astype(np.float64))
        yield Axis("age_group", AGES, r.members.sum(axis=1).astype(np.float64))
        yield self._by_code("region", self.contents.regions, r.region)
        yield self._by_code("area", AREAS, r.urban.astype(np.int64))
        yield self._by_code("head_sex", SEXES, r.head_sex)
        formal, working = np.isin(r.head_status, FORMAL), np.isin(r.head_status, WORKING)
        work = np.where(formal, 0, np.where(working, 1, 2))
        yield self._by_code("head_work", ("formal", "informal", "not working"), work)
        disabled = (r.n_disabled > 0).astype(np.int64)
        labels = ("nobody", "somebody")
        yield self._by_code("severe_disability_in_household", labels, disabled)
        sizes = (*map(str, range(1, LARGEST_SIZE)), f"{LARGEST_SIZE}+")
        yield self._by_code("household_size", sizes, np.minimum(r.size, LARGEST_SIZE) - 1)
        benefits = (r.instruments[scenario] > 0).any(axis=1).astype(np.int64)
        yield self._by_code("benefits_in_household", ("none", "any"), benefits)

    def _by_code(self, name: str, labels: tuple[str, ...], codes: Ints) -> Axis:
        counts = np.zeros((codes.size, len(labels)))
        counts[np.arange(codes.size), codes] = self.size
        return Axis(name, labels, counts)
