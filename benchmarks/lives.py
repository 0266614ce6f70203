"""Lives without law: a minimal demography as peers have it, and every process at once.

The minimal one has the transitions of bench/plain/dynamic_speed.py and of the models of neworder:
ageing, deaths, births, three labour states with a transition matrix. usage: lives.py N YEARS
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import replace
from typing import Any

import numpy as np

from microsim.dynamics.lives import Lives
from microsim.dynamics.tables import Earnings, LifeTables, PastWork
from microsim.population.markets import arrange

Columns = dict[str, Any]

AGES = np.arange(121)
STATES = (3, 7, 12)  # informal employee, unemployed, other: any three statuses do
TRANSITIONS = np.array([[0.90, 0.05, 0.05], [0.10, 0.80, 0.10], [0.20, 0.10, 0.70]])
ROUNDS = 5
INCOMES = ("sector", "earnings", "self_employment_income", "pension_income")


def minimal_tables(years: int) -> LifeTables:
    """Return the rates of the peers' models; households stay as they are."""
    hazard = np.stack([
        6e-5 * np.exp(0.09 * AGES) + 0.02 * np.exp(-AGES),
        4e-5 * np.exp(0.09 * AGES) + 0.018 * np.exp(-AGES),
    ])  # fmt: skip
    death = 1 - np.exp(-np.minimum(1.0, hazard))
    fertile = (AGES >= 15) & (AGES < 50)
    birth = 1 - np.exp(-np.where(fertile, 0.16 * np.exp(-(((AGES - 27) / 8.0) ** 2)), 0.0))
    none = np.zeros((years, 2, 121))
    share = np.zeros((years + 1, 2, 121, 13))
    share[..., STATES] = 1.0 / 3.0
    leave, affinity = np.zeros((2, 121, 13)), np.zeros((13, 13))
    for a, own in enumerate(STATES):
        leave[..., own] = 1.0 - TRANSITIONS[a, a]
        for b, other in enumerate(STATES):
            affinity[own, other] = TRANSITIONS[a, b] if a != b else 0.0
    affinity[0, STATES[0]] = 1.0  # where the newborn begin
    flat = Earnings(
        np.zeros((13, 2)), np.zeros((2, 121)), np.zeros(13), np.zeros(13), np.zeros(13),
        np.ones(years + 1),
    )  # fmt: skip
    return LifeTables(
        first_year=2025, n_steps=years, death=np.broadcast_to(death, none.shape).copy(),
        newborn_death=np.zeros((years, 2)), birth=np.broadcast_to(birth, (years, 121)).copy(),
        girls=np.full(years, 0.488), emigration=none, immigration=none, union=none,
        dissolution=np.zeros((years, 121)), age_gap_mean=3.0, age_gap_deviation=4.0, polygamy=0.0,
        leaving_home=np.zeros((2, 121)), elder_joins=np.zeros((2, 121)),
        parity_factor=np.ones(10), unpartnered_birth_factor=1.0, disability_onset=none,
        disability_recovery=none, status_share=share, status_leave=leave,
        status_affinity=affinity, earnings=flat, past_work=PastWork(18.0, np.zeros((2, 13)), 4.0),
    )  # fmt: skip


def full_tables(years: int, case: str) -> LifeTables:
    """Return rates of every process, of the size a young country has them.

    `case` is `draw`, where each event is drawn, or `sort`, where they are as many as expected.
    """
    method, of_statuses = {"draw": ("multiplicative", "none"), "sort": ("sbdl", "sbdl")}[case]
    shape = (years, 2, 121)
    adult = (AGES >= 18).astype(float)
    union = np.where(AGES >= 17, 0.12 * np.exp(-(((AGES - 26) / 8.0) ** 2)), 0.0)
    share = np.zeros((2, 121, 13))
    share[:, :15, 0] = 1.0
    share[:, 15:25] = np.array([0, 1, 4, 8, 1, 9, 5, 6, 30, 6, 0, 1, 9]) / 80.0
    share[:, 25:60] = np.array([0, 5, 14, 16, 4, 22, 9, 7, 0, 12, 2, 2, 7]) / 100.0
    share[:, 60:] = np.array([0, 1, 2, 4, 2, 16, 5, 0, 0, 15, 43, 5, 7]) / 100.0
    leave = np.full((2, 121, 13), 0.10)
    leave[:, :, 10] = 0.0
    leave[:, :15] = 0.0
    affinity = np.ones((13, 13)) - np.eye(13)
    minimal = minimal_tables(years)
    return replace(
        minimal,
        newborn_death=np.full((years, 2), 0.03),
        emigration=np.broadcast_to(np.where(AGES < 60, 0.002, 0.0), shape).copy(),
        immigration=np.broadcast_to(np.where(AGES < 60, 1e-5, 0.0), shape).copy(),
        union=np.broadcast_to(union, shape).copy(), dissolution=np.full((years, 121), 0.01),
        leaving_home=np.stack([0.04 * adult, 0.03 * adult]),
        elder_joins=np.where(AGES >= 60, 0.1, 0.0) * np.ones((2, 1)),
        parity_factor=np.linspace(1.3, 0.6, 10), unpartnered_birth_factor=0.3,
        disability_onset=np.full(shape, 0.002), disability_recovery=np.full(shape, 0.05),
        status_share=np.broadcast_to(share, (years + 1, 2, 121, 13)).copy(), status_leave=leave,
        status_affinity=affinity,
        earnings=Earnings(
            np.full((13, 2), -0.3), np.zeros((2, 121)), np.full(13, 0.5), np.full(13, 0.3),
            np.full(13, 0.9), np.power(1.02, np.arange(years + 1)).astype(np.float64),
        ),
        alignment=dict.fromkeys(
            ("mortality", "fertility", "emigration", "union", "dissolution", "leaving_home",
             "elders", "disability", "recovery"), method,
        ) | {"labour": of_statuses},
    )  # fmt: skip


def people(n: int, states: tuple[int, ...]) -> tuple[Columns, Columns]:
    """Return about n persons in households of a couple and two children, or of one person."""
    chance = np.random.default_rng(1)
    n_families, n_single = n // 5, n // 5
    size = np.concatenate([np.full(n_families, 4), np.full(n_single, 1)]).astype(np.int16)
    size = chance.permutation(size)
    start = np.cumsum(size.astype(np.int64)) - size
    position = np.arange(size.sum()) - np.repeat(start, size)
    family = np.repeat(size == 4, size)
    adult = chance.integers(18, 90, size.size)
    age = np.where(position < 2, np.repeat(adult, size) - 2 * position, 0)
    child = family & (position >= 2)
    age[child] = chance.integers(0, 20, int(child.sum()))
    sex = np.where(family & (position < 2), position, chance.integers(0, 2, position.size))
    total = position.size
    status = np.array(states)[chance.integers(0, len(states), total)]
    status = np.where(age < 15, 0, status) if len(states) > 3 else status
    wage = np.exp(chance.normal(7.0, 0.5, total))
    none = np.full(total, -1)
    persons: Columns = {
        "age": age.astype(np.int8), "sex": sex.astype(np.int8),
        "employment_status": status.astype(np.int8),
        "sector": np.where((status >= 1) & (status <= 6), 3, 0).astype(np.int8),
        "earnings": np.where((status >= 1) & (status <= 3), wage, 0.0),
        "self_employment_income": np.where((status == 4) | (status == 5), wage, 0.0),
        "pension_income": np.zeros(total), "severe_disability": np.zeros(total, np.bool_),
        "orphan": np.zeros(total, np.bool_), "head": np.zeros(total, np.int16),
        "spouse": np.where(family & (position < 2), 1 - position, none).astype(np.int16),
        "mother": np.where(child, 1, none).astype(np.int16),
        "father": np.where(child, 0, none).astype(np.int16),
    }  # fmt: skip
    h = size.size
    households: Columns = {
        "household_id": np.arange(1, h + 1), "size": size, "weight": np.full(h, 50.0),
        "stratum": np.zeros(h, np.int32), "psu": np.zeros(h, np.int32),
        "region": chance.integers(0, 8, h).astype(np.int16), "urban": chance.random(h) < 0.4,
        "welfare": chance.uniform(500.0, 5000.0, h),
    }  # fmt: skip
    return arrange(persons, households, 1)


def measure(tables: LifeTables, n: int, states: tuple[int, ...], wage: float) -> dict[str, Any]:
    """Return the median speed of several rounds of all steps, on one core.

    Without wages the persons have no incomes and sectors, as those of the peers.
    """
    seconds, cpu = [], []
    persons, households = people(n, states)
    if wage == 0.0:
        persons = {name: column for name, column in persons.items() if name not in INCOMES}
    person_years = end = 0
    for _ in range(ROUNDS + 1):
        lives = Lives(tables, persons, households, average_wage=wage)
        person_years = 0
        t, c = time.perf_counter(), time.process_time()
        for _ in range(tables.n_steps):
            person_years += lives.persons["age"].size
            lives.step()
        seconds.append(time.perf_counter() - t)
        cpu.append(time.process_time() - c)
        end = lives.persons["age"].size
    median, median_cpu = float(np.median(seconds[1:])), float(np.median(cpu[1:]))
    return {
        "n": n, "years": tables.n_steps, "person_years": person_years, "end": end,
        "seconds": round(median, 4), "person_years_per_s": round(person_years / median),
        "per_cpu_s": round(person_years / median_cpu),
    }  # fmt: skip


def main() -> None:
    """Measure and print one line of JSON for each case."""
    n, years = int(sys.argv[1]), int(sys.argv[2])
    cases = (
        ("minimal demography", minimal_tables(years), STATES, 0.0),
        ("every process, drawn", full_tables(years, "draw"), tuple(range(1, 13)), 1000.0),
        ("every process, aligned", full_tables(years, "sort"), tuple(range(1, 13)), 1000.0),
    )
    for what, tables, states, wage in cases:
        print("RESULT " + json.dumps({"what": what, **measure(tables, n, states, wage)}))


if __name__ == "__main__":
    main()
