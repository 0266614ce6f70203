"""Population by age: totals are kept, nothing is negative, published years come out unchanged."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from microsim.errors import InputError
from microsim.population import opendata
from microsim.population.synthesis import demography, people

GROUPS = hnp.arrays(np.float64, (2, 21), elements=st.floats(0.0, 1e7))


@given(GROUPS)
def test_single_ages__keep_each_group_and_are_not_negative(groups: np.ndarray) -> None:
    ages = demography.single_ages(groups)
    assert (ages >= 0.0).all()
    np.testing.assert_allclose(people.five_year_groups(ages), groups, rtol=1e-9, atol=1e-3)


def test_single_ages__of_a_straight_line_are_straight() -> None:
    by_age = np.arange(200.0, 100.0, -1.0)
    groups = np.r_[by_age.reshape(20, 5).sum(axis=1), 0.0]
    np.testing.assert_allclose(demography.single_ages(groups)[5:95], by_age[5:95], rtol=2e-3)


@given(hnp.arrays(np.float64, (3, 7), elements=st.floats(0.0, 1e6)), st.integers(0, 5000))
def test_whole_persons__add_up_and_are_near(shares: np.ndarray, n: int) -> None:
    shares[0, 0] += 1.0
    whole = demography.whole_persons(shares, n)
    assert whole.sum() == n
    exact = shares / shares.sum() * n
    assert np.abs(whole - exact).max() < 1.0 + 1e-6


@pytest.mark.parametrize("code", ["KEN", "DEU", "JPN", "BRA"])
def test_population__of_a_published_year_is_as_published(code: str) -> None:
    country = opendata.country(code)
    assert country.population is not None
    for year in (2020, 2030):
        by_age, method = demography.population_in(country, year)
        published = country.population[(year - 2000) // 10]
        np.testing.assert_allclose(people.five_year_groups(by_age), published, rtol=1e-9)
        assert "cohorts" not in method


@pytest.mark.parametrize("code", ["KEN", "DEU", "JPN", "BRA"])
def test_population__between_decades_meets_the_published_total(code: str) -> None:
    country = opendata.country(code)
    by_age, method = demography.population_in(country, 2025)
    # WPP 2024: births of 2025 over the crude birth rate of 2025.
    total = country.births[25] / country.birth_rate[25]
    assert by_age.sum() == pytest.approx(total, rel=1e-12)
    assert "cohorts" in method
    before, _ = demography.population_in(country, 2020)
    after, _ = demography.population_in(country, 2030)
    for first in (0, 15, 65, 80):
        low, high = sorted((before[:, first:].sum(), after[:, first:].sum()))
        assert 0.97 * low < by_age[:, first:].sum() < 1.03 * high
    assert by_age[:, 0].sum() == pytest.approx(country.births[25], rel=0.06)


def test_population__out_of_range_or_missing_is_an_error() -> None:
    kenya = opendata.country("KEN")
    with pytest.raises(
        InputError, match="no population for the year; found 1999; expected 2000 to 2100"
    ):
        demography.population_in(kenya, 1999)
    with pytest.raises(InputError, match="the series population is missing"):
        demography.population_in(replace(kenya, population=None), 2020)


def test_persons__follow_the_population_by_sex_and_age() -> None:
    by_age, _ = demography.population_in(opendata.country("KEN"), 2025)
    sex, age = people.make_persons(by_age, 100_000)
    assert sex.size == age.size == 100_000
    counts = np.array([np.bincount(np.minimum(age[sex == s], 100), minlength=101) for s in (0, 1)])
    assert np.abs(counts - by_age / by_age.sum() * 100_000).max() < 2.0


def test_draws__depend_on_seed_row_and_name_alone() -> None:
    draws = people.Draws.of_rows(1000, 1, "persons")
    first = draws.uniform("one")
    np.testing.assert_array_equal(draws.uniform("one", np.array([5, 3])), first[[5, 3]])
    assert not np.any(first == draws.uniform("two"))
    assert not np.any(first == people.Draws.of_rows(1000, 2, "persons").uniform("one"))
    bell = draws.bell("three")
    # Means of 1,000 draws: five standard errors, false alarm below 1e-6.
    assert abs(bell.mean()) < 5 / np.sqrt(1000)
    assert abs(bell.std() - 1.0) < 0.15
