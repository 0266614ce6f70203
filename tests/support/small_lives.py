"""Small populations and plain rates to test lives with."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from microsim.dynamics.tables import METHODS_OF, Earnings, LifeTables, PastWork
from microsim.population.markets import arrange

Array = npt.NDArray[Any]
Columns = dict[str, Array]

AGES = np.arange(121)


def still_tables(n_steps: int = 3, first_year: int = 2025, **changes: Any) -> LifeTables:
    """Return tables in which nothing happens but ageing; `changes` replaces tables."""
    by_sex_age = np.zeros((n_steps, 2, 121))
    share = np.zeros((n_steps + 1, 2, 121, 13))
    share[:, :, :15, 0] = 1.0
    share[:, :, 15:, 12] = 1.0
    affinity = np.ones((13, 13)) - np.eye(13)
    plain = LifeTables(
        first_year=first_year,
        n_steps=n_steps,
        death=by_sex_age,
        newborn_death=np.zeros((n_steps, 2)),
        birth=np.zeros((n_steps, 121)),
        girls=np.full(n_steps, 100.0 / 205.0),
        emigration=by_sex_age.copy(),
        immigration=by_sex_age.copy(),
        union=by_sex_age.copy(),
        dissolution=np.zeros((n_steps, 121)),
        age_gap_mean=3.0,
        age_gap_deviation=4.0,
        polygamy=0.0,
        leaving_home=np.zeros((2, 121)),
        elder_joins=np.zeros((2, 121)),
        parity_factor=np.ones(10),
        unpartnered_birth_factor=1.0,
        disability_onset=by_sex_age.copy(),
        disability_recovery=by_sex_age.copy(),
        status_share=share,
        status_leave=np.zeros((2, 121, 13)),
        status_affinity=affinity,
        earnings=Earnings(
            np.zeros((13, 2)), np.zeros((2, 121)), np.full(13, 0.4), np.full(13, 0.3),
            np.full(13, 0.8), np.ones(n_steps + 1),
        ),
        past_work=PastWork(18.0, np.full((2, 13), 0.3), 4.0),
    )  # fmt: skip
    return replace(plain, **changes)


def eventful_tables(
    n_steps: int = 15, method: str = "multiplicative", **changes: Any
) -> LifeTables:
    """Return tables in which everything happens, often enough for small populations."""
    death = np.minimum(1.0, 0.0005 * np.exp(0.075 * AGES) + 0.03 * np.exp(-AGES))
    birth = np.where((AGES >= 15) & (AGES < 50), 0.2 * np.exp(-(((AGES - 27) / 8.0) ** 2)), 0.0)
    union = np.where(AGES >= 17, 0.25 * np.exp(-(((AGES - 26) / 9.0) ** 2)), 0.0)
    moves = np.where((AGES > 10) & (AGES < 60), 0.012, 0.004)
    arrivals = np.where(AGES < 50, 0.0001, 0.00002)
    adult = (AGES >= 18).astype(float)
    share = np.zeros((2, 121, 13))
    share[:, :15, 0] = 1.0
    young = np.array([0, 1, 4, 8, 1, 9, 5, 6, 30, 6, 0, 1, 9]) / 80.0
    grown = np.array([0, 5, 14, 16, 4, 22, 9, 7, 0, 12, 2, 2, 7]) / 100.0
    old = np.array([0, 1, 2, 4, 2, 16, 5, 0, 0, 15, 43, 5, 7]) / 100.0
    share[:, 15:25], share[:, 25:60], share[:, 60:] = young, grown, old
    leave = np.full((2, 121, 13), 0.12)
    leave[:, :, 10] = 0.0
    leave[:, :15] = 0.0
    affinity = 0.5 + np.abs(np.subtract.outer(np.arange(13), np.arange(13))) % 4
    np.fill_diagonal(affinity, 0.0)
    others = {
        choice: method if method in methods else "none" for choice, methods in METHODS_OF.items()
    }
    values: dict[str, Any] = {
        "death": np.broadcast_to(death, (n_steps, 2, 121)).copy(),
        "newborn_death": np.full((n_steps, 2), 0.04),
        "birth": np.broadcast_to(birth, (n_steps, 121)).copy(),
        "emigration": np.broadcast_to(moves, (n_steps, 2, 121)).copy(),
        "immigration": np.broadcast_to(arrivals, (n_steps, 2, 121)).copy(),
        "union": np.broadcast_to(union, (n_steps, 2, 121)).copy(),
        "dissolution": np.full((n_steps, 121), 0.03),
        "polygamy": 0.1,
        "leaving_home": np.stack([0.08 * adult, 0.05 * adult]),
        "elder_joins": np.where(AGES >= 60, 0.3, 0.0) * np.ones((2, 1)),
        "parity_factor": np.array([1.4, 1.2, 1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3]),
        "unpartnered_birth_factor": 0.4,
        "disability_onset": np.full((n_steps, 2, 121), 0.01),
        "disability_recovery": np.full((n_steps, 2, 121), 0.05),
        "status_share": np.broadcast_to(share, (n_steps + 1, 2, 121, 13)).copy(),
        "status_leave": leave,
        "status_affinity": affinity,
        "alignment": dict.fromkeys(
            ("mortality", "fertility", "emigration", "dissolution", "leaving_home", "elders",
             "disability", "recovery"), method,
        ) | others,
    }  # fmt: skip
    return still_tables(n_steps, **(values | changes))


def some_transitions(n_steps: int = 15, seed: int = 7) -> Array:
    """Return transitions of every step, sex and age that differ; half stay, some moves never are.

    Nobody under working age or from 15 on in it; shape (n_steps, 2, 121, 13, 13).
    """
    chance = np.random.default_rng(seed)
    weight = chance.random((n_steps, 2, 121, 13, 13)) * (chance.random((13, 13)) < 0.6)
    weight[..., 0] = 0.0
    weight[..., 10:11] += 1e-3
    found = 0.5 * weight / weight.sum(axis=-1, keepdims=True)
    found += 0.5 * np.eye(13)
    found[:, :, 15:, 0] = weight[:, :, 15:, 0] / weight[:, :, 15:, 0].sum(axis=-1, keepdims=True)
    found[:, :, :15] = np.eye(13)
    return found


def lone_persons(n: int, age: int, sex: int, status: int = 12, market: int = 20_000) -> Any:
    """Return n persons of one age, sex and status, each in a household of their own."""
    persons: Columns = {
        "age": np.full(n, age, np.int8), "sex": np.full(n, sex, np.int8),
        "employment_status": np.full(n, status, np.int8), "sector": np.zeros(n, np.int8),
        "earnings": np.zeros(n), "self_employment_income": np.zeros(n),
        "pension_income": np.zeros(n), "severe_disability": np.zeros(n, np.bool_),
        "orphan": np.zeros(n, np.bool_), "head": np.zeros(n, np.int16),
        **{link: np.full(n, -1, np.int16) for link in ("spouse", "mother", "father")},
    }  # fmt: skip
    households: Columns = {
        "household_id": np.arange(1, n + 1), "size": np.ones(n, np.int16),
        "weight": np.full(n, 10.0), "stratum": np.zeros(n, np.int32), "psu": np.zeros(n, np.int32),
        "region": np.zeros(n, np.int16), "urban": np.zeros(n, np.bool_), "welfare": np.ones(n),
    }  # fmt: skip
    return arrange(persons, households, 3, market)


def small_population(
    n_households: int = 80, seed: int = 5, persons_per_market: int = 20_000, n_regions: int = 3
) -> tuple[Columns, Columns]:
    """Return persons and households: couples, lone parents, lone persons, three generations."""
    chance = np.random.default_rng(seed)
    rows: list[tuple[int, int, int, int, int, int]] = []  # age, sex, head, spouse, mother, father
    sizes = []
    for _ in range(n_households):
        begin = len(rows)
        age = int(chance.integers(22, 80))
        kind = int(chance.integers(0, 4))
        rows.append((age, 0, 0, -1, -1, -1) if kind != 1 else (age, 1, 0, -1, -1, -1))
        if kind in (0, 3):
            wife = max(18, age - int(chance.integers(0, 8)))
            rows[-1] = (age, 0, 0, 1, -1, -1)
            rows.append((wife, 1, 0, 0, -1, -1))
        mother = len(rows) - 1 - begin if rows[-1][1] == 1 else -1
        father = 0 if rows[begin][1] == 0 else -1
        if kind != 2:
            youngest = min(r[0] for r in rows[begin:])
            for _ in range(int(chance.integers(0, 5))):
                child = int(chance.integers(max(0, youngest - 40), max(1, youngest - 17)))
                rows.append((child, int(chance.integers(0, 2)), 0, -1, mother, father))
        sizes.append(len(rows) - begin)
    table = np.array(rows)
    n = len(rows)
    status = np.where(table[:, 0] < 15, 0, chance.integers(1, 13, n))
    employee = (status >= 1) & (status <= 3)
    own = (status == 4) | (status == 5)
    wage = np.exp(chance.normal(7.0, 0.5, n))
    persons: Columns = {
        "age": table[:, 0].astype(np.int8), "sex": table[:, 1].astype(np.int8),
        "employment_status": status.astype(np.int8),
        "sector": (chance.integers(1, 4, n) * ((status >= 1) & (status <= 6))).astype(np.int8),
        "earnings": np.where(employee, wage, 0.0),
        "self_employment_income": np.where(own, wage, 0.0),
        "pension_income": np.where(status == 10, 300.0, 0.0),
        "severe_disability": chance.random(n) < 0.03, "orphan": np.zeros(n, np.bool_),
        "head": table[:, 2].astype(np.int16), "spouse": table[:, 3].astype(np.int16),
        "mother": table[:, 4].astype(np.int16), "father": table[:, 5].astype(np.int16),
    }  # fmt: skip
    h = len(sizes)
    households: Columns = {
        "household_id": np.arange(1, h + 1), "size": np.array(sizes, np.int16),
        "weight": np.full(h, 50.0), "stratum": np.zeros(h, np.int32), "psu": np.zeros(h, np.int32),
        "region": chance.integers(0, n_regions, h).astype(np.int16),
        "urban": chance.random(h) < 0.4, "welfare": chance.uniform(500.0, 5000.0, h),
    }  # fmt: skip
    return arrange(persons, households, seed, persons_per_market)
