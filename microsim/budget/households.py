"""The household records of a run as the distribution tables need them: weights, groups, ranks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from microsim.indicators.incidence import quantile_groups
from microsim.indicators.sampling import Design, design
from microsim.results.contents import AGES, AREAS, SEXES, STATUSES, Contents, Records

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

FORMAL = tuple(i for i, name in enumerate(STATUSES) if name.startswith("formal"))
WORKING = range(1, 7)
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
