"""The persons before they live anywhere: sex, age, and the draws every later step uses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from microsim.kernels.draws import decision_hash, uniforms
from microsim.population.markets import mix
from microsim.population.synthesis.demography import OPEN_AGE, whole_persons

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
OLDEST_SPREAD = 10  # ages 100 to 109; the open group falls by 0.6 a year of age


@dataclass(frozen=True)
class Draws:
    """Uniform numbers by decision's name, a pure function of (seed, row, name).

    Attributes
    ----------
    keys
        Shape (n,), draw key of each row.
    seed
        Seed of the synthesis.
    """

    keys: npt.NDArray[np.uint64]
    seed: int

    @classmethod
    def of_rows(cls, n: int, seed: int, table: str) -> Draws:
        """Return the draws of `n` rows of a table."""
        salt = np.uint64(decision_hash(table)) << np.uint64(32)
        return cls(mix(np.arange(n, dtype=np.uint64) + salt), seed)

    def uniform(self, decision: str, rows: npt.NDArray[np.integer] | None = None) -> Floats:
        """Return one number in [0, 1) for each row (or each of `rows`)."""
        keys = self.keys if rows is None else self.keys[rows]
        return uniforms(keys, self.seed, 0, decision_hash(f"synthesis {decision}"), 0, 0)

    def bell(self, decision: str, rows: npt.NDArray[np.integer] | None = None) -> Floats:
        """Return near-normal numbers, mean 0, deviation 1: sums of three uniforms (Irwin-Hall)."""
        first, second, third = (self.uniform(f"{decision} {i}", rows) for i in range(3))
        return (first + second + third - 1.5) * 2.0


def make_persons(by_age: Floats, n_persons: int) -> tuple[npt.NDArray[np.int8], Ints]:
    """Return sex and age of `n_persons` persons that follow the population by sex and age.

    Numbers by sex and 5-year age are rounded first, single ages within them after.

    Parameters
    ----------
    by_age
        Shape (2, 101), persons by sex and completed age; the last is 100 and over.

    Returns
    -------
    sex
        Shape (n_persons,), 0 male, 1 female.
    age
        Shape (n_persons,), completed years.
    """
    groups = five_year_groups(by_age)
    counts = whole_persons(groups, n_persons)
    sexes, ages = [], []
    spread = np.array([0.6**year for year in range(OLDEST_SPREAD)])
    for sex in (0, 1):
        for group in range(groups.shape[1]):
            first = 5 * group
            shares = by_age[sex, first : first + 5] if first < OPEN_AGE else spread
            if counts[sex, group]:
                single = whole_persons(shares, int(counts[sex, group]))
                ages.append(np.repeat(first + np.arange(single.size), single))
                sexes.append(np.full(int(counts[sex, group]), sex, dtype=np.int8))
    return np.concatenate(sexes), np.concatenate(ages)


def five_year_groups(by_age: Floats) -> Floats:
    """Add up single ages, shape (2, 101), to 5-year groups, shape (2, 21)."""
    closed = by_age[:, :OPEN_AGE].reshape(2, -1, 5)
    groups = closed[:, :, 0].copy()
    for year in range(1, 5):
        groups += closed[:, :, year]
    return np.concatenate([groups, by_age[:, OPEN_AGE:]], axis=1)


def choose(score: Floats, count: int) -> Bools:
    """Return which `count` rows have the smallest scores; ties go to the earlier row."""
    chosen = np.zeros(score.size, dtype=np.bool_)
    chosen[np.argsort(score, kind="stable")[: max(0, min(count, score.size))]] = True
    return chosen
