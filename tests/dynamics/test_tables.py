"""Life tables: a valid set passes; each fault is named with table, year, sex, age and cell."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from small_lives import still_tables

from microsim.dynamics.tables import N_AGES, N_STATUSES, TABLES, LifeTables, Origin, table_of
from microsim.errors import InputError


def plain_tables(n_steps: int = 2, **changes: Any) -> LifeTables:
    return still_tables(n_steps, **changes)


def faults_of(tables: LifeTables) -> list[str]:
    with pytest.raises(InputError, match=r"\w") as caught:
        tables.check()
    return [str(fault) for fault in caught.value.faults]


def test_check__takes_valid_tables() -> None:
    plain_tables().check()
    assert plain_tables().last_year == 2027


def test_tables__list_every_array_of_the_class() -> None:
    tables = plain_tables()
    arrays = {name for name in vars(tables) if isinstance(getattr(tables, name), np.ndarray)}
    for group in ("earnings", "past_work"):
        inner = vars(getattr(tables, group))
        arrays |= {f"{group}.{name}" for name, one in inner.items() if isinstance(one, np.ndarray)}
    assert {name for name, _, _ in TABLES} == arrays | {"transition"}


def test_check__names_year_sex_and_age_of_a_probability_outside_0_to_1() -> None:
    death = np.zeros((2, 2, N_AGES))
    death[1, 1, 67] = 1.2
    assert faults_of(plain_tables(death=death)) == [
        "table death: death: outside 0 to 1 (year 2027, female, age 67); found 1.2; "
        "expected 0 to 1."
    ]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_check__names_what_is_not_finite(value: float) -> None:
    union = np.zeros((2, 2, N_AGES))
    union[0, 0, 20] = value
    (fault,) = faults_of(plain_tables(union=union))
    assert "not a finite number (year 2026, male, age 20)" in fault


def test_check__names_the_cell_of_the_file_a_table_came_from() -> None:
    birth = np.zeros((2, N_AGES))
    birth[0, 30] = -0.1
    lines = np.zeros(birth.shape, dtype=np.int64)
    lines[0, 30] = 12
    origins = {"birth": Origin("scenarios/x/births.csv", 3, lines)}
    (fault,) = faults_of(plain_tables(birth=birth, origins=origins))
    assert fault.startswith(
        "scenarios/x/births.csv:12:3: birth: outside 0 to 1 (year 2026, age 30)"
    )


def test_check__names_rows_of_shares_that_do_not_add_up() -> None:
    shares = plain_tables().status_share.copy()
    shares[1, 0, 40, 12] = 0.9
    (fault,) = faults_of(plain_tables(status_share=shares))
    assert "do not add up to 1 (year 2026, male, age 40); found 0.9" in fault


def test_check__names_a_wrong_shape_with_the_axes() -> None:
    (fault,) = faults_of(plain_tables(girls=np.full(3, 0.5)))
    assert fault == "table girls: wrong shape; found (3,); expected (2,) (step)."


def test_check__tells_the_first_cells_and_counts_the_rest() -> None:
    found = faults_of(plain_tables(leaving_home=np.full((2, N_AGES), 2.0)))
    assert len(found) == 6
    assert found[-1].startswith("table leaving_home: outside 0 to 1 in 237 more cells")


def test_check__finds_all_faults_at_once() -> None:
    affinity = np.ones((N_STATUSES, N_STATUSES))
    affinity[1, 2] = -1.0
    found = faults_of(
        plain_tables(
            status_affinity=affinity, polygamy=1.5, age_gap_deviation=np.nan,
            girls=np.array([0.5, 2.0]), alignment={"mortality": "guess"},
        )
    )  # fmt: skip
    text = "\n".join(found)
    for part in ("formal public employee, formal private employee", "polygamy", "age_gap_deviation",
                 "girls: outside 0 to 1 (year 2027)", "unknown method; found guess"):  # fmt: skip
        assert part in text


def test_check__needs_a_step() -> None:
    assert any("no step" in fault for fault in faults_of(plain_tables(n_steps=0)))


def test_table_of__reaches_into_groups() -> None:
    tables = plain_tables()
    assert table_of(tables, "earnings.rho") is tables.earnings.rho
    assert table_of(tables, "girls") is tables.girls
