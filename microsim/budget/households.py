"""The household records of a run as the distribution tables need them: weights, groups, ranks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from microsim.indicators.distribution import Distribution, distribution, row_of_value
from microsim.indicators.incidence import Incidence, incidence, quantile_groups
from microsim.indicators.sampling import Design, design
from microsim.kernels.accumulate import exact_dot, exact_sums
from microsim.results.contents import AGES, AREAS, CONCEPTS, SEXES, STATUSES, Contents, Records

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

FORMAL = tuple(i for i, name in enumerate(STATUSES) if name.startswith("formal"))
WORKING = range(1, 7)
DISPOSABLE = CONCEPTS.index("disposable")
WELFARE = -1  # in place of the index of an income concept
LARGEST_SIZE = 7  # households of seven and more persons are one group


@dataclass(frozen=True)
class Axis:
    """One way to group persons: by what their household is, or by what they are themselves.

    codes: shape (n_households,), group of all members, or None. counts: shape (n_groups,
    n_households), members in each group, where members of one household are in several.
    """

    name: str
    labels: tuple[str, ...]
    weight: Floats
    size: Floats
    codes: Ints | None = None
    counts: Floats | None = None

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
        return exact_sums(self.codes, self.weight * self.size * values, len(self.labels))

    @cached_property
    def households(self) -> Ints:
        """Source households with a member in each group, shape (n_groups,)."""
        counted = self.weight > 0
        if self.codes is not None:
            found = np.bincount(self.codes[counted], minlength=len(self.labels))
        else:
            found = np.count_nonzero(self._counts[:, counted], axis=1)
        return found.astype(np.int64)

    @cached_property
    def totals(self) -> Floats:
        """Weighted persons of each group, shape (n_groups,)."""
        return self.sums(np.ones_like(self.weight))

    @property
    def _counts(self) -> Floats:
        nobody: Floats = np.empty((0, 0))
        return nobody if self.counts is None else self.counts


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
        _ = self.plan, self.n, self.deciles, self.rank_in_baseline, self.axes
        _ = self.unchanged

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

    @cached_property
    def unchanged(self) -> npt.NDArray[np.bool_]:
        """Whether an instrument is as in the status quo, shape (n_scenarios, n_instruments)."""
        r = self.records
        same = [(amounts == r.instruments[0]).all(axis=0) for amounts in r.instruments]
        if r.receives is not None:
            first = r.receives[0]
            same = [s & (of == first).all(axis=0) for s, of in zip(same, r.receives, strict=True)]
        return np.array(same)

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
        d = self.ranked(0)
        amounts = exact_sums(self.rank_in_baseline, self.persons * per_person, d.values.size)
        total = exact_dot(self.persons, per_person)
        if total == 0.0:
            return float("nan")
        return exact_dot(amounts, d.cumulative + d.below) / (d.persons * total) - 1.0

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
        return (
            self._by_member("sex", SEXES, r.members.sum(axis=2)),
            self._by_member("age_group", AGES, r.members.sum(axis=1)),
            self._by_code("region", self.contents.regions, r.region),
            self._by_code("area", AREAS, r.urban),
            self._by_code("head_sex", SEXES, r.head_sex),
            self._by_code("head_work", ("formal", "informal", "not working"), work),
            self._by_code("severe_disability_in_household", ("nobody", "somebody"), disabled),
            self._by_code("household_size", sizes, np.minimum(r.size, LARGEST_SIZE) - 1),
        )

    def axis_of_beneficiaries(self, scenario: int) -> Axis:
        """Return the grouping by whether the household receives any benefit in a scenario."""
        benefits = (self.records.instruments[scenario] > 0).any(axis=1)
        return self._by_code("benefits_in_household", ("none", "any"), benefits)

    def _by_member(
        self, name: str, labels: tuple[str, ...], counts: npt.NDArray[np.integer]
    ) -> Axis:
        across = np.ascontiguousarray(counts.T, dtype=np.float64)
        return Axis(name, labels, self.records.weight, self.size, counts=across)

    def _by_code(
        self, name: str, labels: tuple[str, ...], codes: npt.NDArray[np.integer | np.bool_]
    ) -> Axis:
        plain = np.ascontiguousarray(codes, dtype=np.int64)
        return Axis(name, labels, self.records.weight, self.size, codes=plain)
