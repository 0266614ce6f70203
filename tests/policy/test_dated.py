"""The law at a date: values, indexation, and where the year is cut."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_system import write_system

from microsim.errors import InputError
from microsim.files import month_index
from microsim.policy.dated import dated_value_at, given_value, periods_of_year, value_at
from microsim.policy.loading import load_system
from microsim.scenario.frame import load_frame

CORESIA = Path(__file__).parent.parent / "data" / "coresia"


@pytest.fixture(scope="module")
def coresia():
    return load_system(CORESIA / "baseline.yaml")


@pytest.fixture(scope="module")
def frame():
    return load_frame(CORESIA / "frame.yaml")


def test_value_at__is_the_law_of_the_first_day_of_the_month(coresia):
    rate = coresia.definitions.parameters["fund.employee_rate"]
    assert value_at(rate, month_index(2024, 3)) == 0.05
    assert value_at(rate, month_index(2024, 4)) == 0.06


def test_value_at__reads_a_yearly_formula_at_its_day(tmp_path):
    old = "0.06}}"
    system = load_system(write_system(tmp_path, old, "0.06, 2024-12-15: 0.07}}"))
    rate = system.definitions.parameters["pension.rate"]
    assert value_at(rate, month_index(2024, 12)) == 0.06
    assert value_at(rate, month_index(2024, 1), yearly=True) == 0.07
    system = load_system(write_system(tmp_path, old, "0.06}, at: 01-01}"))
    rate = system.definitions.parameters["pension.rate"]
    assert value_at(rate, month_index(2024, 6), yearly=True) == 0.05


def test_value_at__heeds_suspension_and_first_payroll(coresia):
    levy = coresia.definitions.parameters["housing_levy.rate"]
    months = [value_at(levy, month_index(2024, month)) for month in range(1, 5)]
    assert months == [0.015, 0.0, 0.015, 0.015]


def test_value_at__names_parameter_place_and_date_without_a_value(coresia):
    age = coresia.definitions.parameters["transfers.older_persons_age"]
    with pytest.raises(InputError, match=r"older_persons_age has no value at 2019-06.*2019-07-01"):
        value_at(age, month_index(2019, 6))
    with pytest.raises(InputError, match=r"transfers\.yaml:\d+: .* has no value at 2018-12-31"):
        value_at(age, month_index(2018, 1), yearly=True)


def test_value_at__follows_the_index_after_the_last_value(coresia, frame):
    limit = coresia.definitions.parameters["fund.upper_limit"]
    assert value_at(limit, month_index(2024, 6), frame=frame) == 2000
    assert value_at(limit, month_index(2025, 1), frame=frame) == 2000
    assert value_at(limit, month_index(2025, 12), frame=frame) == 2400
    assert value_at(limit, month_index(2026, 1), frame=frame) == 2400 * (330 / 315)


def test_value_at__does_not_guess_an_index(coresia, frame):
    limit = coresia.definitions.parameters["fund.upper_limit"]
    with pytest.raises(InputError, match="follows the series 'average_wage' after 2025; found no"):
        value_at(limit, month_index(2026, 1))
    with pytest.raises(InputError, match="series 'average_wage' has no value for 2030"):
        value_at(limit, month_index(2030, 1), frame=frame)


def test_value_at__moves_thresholds_but_not_rates(tmp_path, frame):
    old = "values: {2020-01-01: [["
    new = "after_last: {index: average_wage}\n      values: {2023-01-01: [["
    system = load_system(write_system(tmp_path, old, new))
    bands = system.definitions.parameters["tax.bands"]
    moved = value_at(bands, month_index(2024, 1), frame=frame)
    np.testing.assert_array_equal(moved, [[0, 0.1], [100 * (300 / 280), 0.2]])


def test_given_value__needs_the_year_or_an_index(coresia, frame):
    benefits, income = coresia.schemes["provident_fund"].given[:2]
    assert given_value(benefits, 2024) == 1.1e6
    assert given_value(benefits, 2025, frame) == 1.1e6 * (10.8e9 / 10.0e9)
    assert given_value(income, 2025) == 2.2e6
    with pytest.raises(InputError, match=r"'investment income' has no value for 2026; found 2024,"):
        given_value(income, 2026, frame)
    with pytest.raises(InputError, match="has no value for 2020"):
        given_value(benefits, 2020, frame)


def test_periods_of_year__are_cut_where_a_used_parameter_changes(coresia):
    found = coresia.definitions
    assert periods_of_year(found, 2024, ["fund.employee_rate"]) == [(1, 3), (4, 9)]
    assert periods_of_year(found, 2024, ["housing_levy.rate"]) == [(1, 1), (2, 1), (3, 10)]
    assert periods_of_year(found, 2024, ["pension.age"]) == [(1, 12)]
    assert periods_of_year(found, 2024, []) == [(1, 12)]
    assert periods_of_year(found, 2024, ["housing_levy.rate", "fund.employee_rate"]) == [
        (1, 1),
        (2, 1),
        (3, 1),
        (4, 9),
    ]


def test_periods_of_year__ignore_a_value_that_stays_the_same(tmp_path):
    system = load_system(write_system(tmp_path, "2024-03-15: 0.06", "2024-03-15: 0.05"))
    assert periods_of_year(system.definitions, 2024, ["pension.rate"]) == [(1, 12)]


@given(st.data())
def test_periods_of_year__hold_one_value_each_and_fill_the_year(coresia, data):
    names = data.draw(st.sets(st.sampled_from(sorted(coresia.definitions.parameters))))
    year = data.draw(st.integers(2020, 2026))
    periods = periods_of_year(coresia.definitions, year, names)
    assert sum(n for _, n in periods) == 12
    assert [first for first, _ in periods] == [
        1 + sum(n for _, n in periods[:i]) for i in range(len(periods))
    ]
    for first, n in periods:
        for name in names:
            parameter = coresia.definitions.parameters[name]
            values = [
                dated_value_at(parameter, month_index(year, month)).value
                for month in range(first, first + n)
            ]
            assert all(np.array_equal(values[0], value) for value in values)
