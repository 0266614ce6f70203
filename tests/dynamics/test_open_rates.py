"""Rates from open data: they give back the published deaths, births, migration and population."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from small_lives import still_tables

from microsim.dynamics import fertility, migration, mortality, open_rates
from microsim.dynamics.projection import expected, gap_table
from microsim.dynamics.tables import N_AGES, LifeTables
from microsim.errors import InputError
from microsim.population import opendata

Floats = npt.NDArray[np.float64]
COUNTRIES = ("KEN", "IND", "BRA", "DEU", "NGA", "JPN")
YEARS = range(2025, 2061)


def groups(persons: Floats) -> Floats:
    """Return persons by sex and 5-year group, the last 100 and over."""
    return migration.group_sums(persons)


def tables_with(rates: open_rates.VitalRates) -> LifeTables:
    return still_tables(
        len(rates.death), YEARS[0], death=rates.death, newborn_death=rates.newborn_death,
        birth=rates.birth, girls=rates.girls, emigration=rates.emigration,
        immigration=rates.immigration,
    )  # fmt: skip


@pytest.mark.parametrize("code", COUNTRIES)
def test_balance__leads_to_the_published_population_of_each_decade(code: str) -> None:
    country = opendata.country(code)
    rates = open_rates.vital_rates(country, YEARS)
    for year in (2030, 2040, 2050, 2060):
        published = open_rates.target_population(country, range(year, year + 1))[0]
        reached = rates.population[year - YEARS[0]]
        assert groups(reached) == pytest.approx(groups(published), rel=1e-9)


@pytest.mark.parametrize("code", COUNTRIES)
def test_balance__keeps_the_published_total_of_every_year(code: str) -> None:
    country = opendata.country(code)
    rates = open_rates.vital_rates(country, YEARS)
    published = open_rates.target_population(country, YEARS)
    for k in range(len(YEARS)):
        assert rates.population[k].sum() == pytest.approx(published[k].sum(), rel=1e-3)


@pytest.mark.parametrize("code", COUNTRIES)
def test_births__are_the_published_ones_by_rates_near_the_published(code: str) -> None:
    country = opendata.country(code)
    assert country.vital is not None
    rates = open_rates.vital_rates(country, YEARS)
    published = country.vital.annual["births"][25:61]
    flows = expected(tables_with(rates), rates.population[0])
    assert flows.births.sum(axis=1) == pytest.approx((published[:-1] + published[1:]) / 2.0)
    assert abs(rates.birth_scale - 1.0).max() < 0.015


@pytest.mark.parametrize("code", COUNTRIES)
def test_deaths__give_the_published_life_expectancy_and_nearly_the_published_deaths(
    code: str,
) -> None:
    country = opendata.country(code)
    assert country.vital is not None
    rates = open_rates.vital_rates(country, YEARS)
    assert abs(rates.expectancy_miss).max() < 0.05  # years; met to rounding
    flows = expected(tables_with(rates), rates.population[0])
    published = country.vital.annual["deaths"][25:61]
    steps = (published[:-1] + published[1:]) / 2.0
    assert flows.deaths.sum(axis=1) == pytest.approx(steps, rel=0.025)


def test_expected__is_what_the_rates_were_made_from() -> None:
    rates = open_rates.vital_rates(opendata.country("KEN"), YEARS)
    tables = tables_with(rates)
    tables.check()
    flows = expected(tables, rates.population[0])
    assert flows.population == pytest.approx(rates.population, rel=1e-12)
    change = flows.births - flows.deaths + flows.immigrants - flows.emigrants
    stocks = flows.population.sum(axis=2)
    assert stocks[1:] - stocks[:-1] == pytest.approx(change, rel=1e-6, abs=1e-3)


def test_open_data__brings_the_published_net_migration_and_a_gap_that_is_told() -> None:
    country = opendata.country("DEU")
    assert country.vital is not None
    rates = open_rates.vital_rates(country, YEARS, open_rates.OPEN_DATA)
    flows = expected(tables_with(rates), rates.population[0])
    net = country.vital.annual["net_migration"][25:61]
    found = (flows.immigrants - flows.emigrants).sum(axis=1)
    assert found == pytest.approx((net[:-1] + net[1:]) / 2.0)
    gaps = gap_table(country, flows.population, YEARS[0])
    assert {gap.year for gap in gaps} == {2030, 2040, 2050, 2060}
    last = {gap.ages: gap.relative for gap in gaps if gap.year == 2060}
    assert abs(last["all"]) < 0.01
    assert 0.01 < max(map(abs, last.values())) < 0.10
    assert set(last) == {"0-4", "5-14", "15-24", "25-59", "60-64", "65-79", "80+", "all"}


def test_none__lets_nobody_move() -> None:
    rates = open_rates.vital_rates(opendata.country("KEN"), YEARS, open_rates.NONE)
    assert not rates.emigration.any()
    assert not rates.immigration.any()


def test_given__rates_replace_the_published_ones() -> None:
    country = opendata.country("KEN")
    death = np.full((35, 2, N_AGES), 0.01)
    given = open_rates.Given(death=death, newborn_death=np.zeros((35, 2)))
    rates = open_rates.vital_rates(country, YEARS, open_rates.BALANCE, given)
    assert (rates.death == 0.01).all()
    published = open_rates.target_population(country, range(2060, 2061))[0]
    assert groups(rates.population[35])[:, :18] == pytest.approx(groups(published)[:, :18])


def test_given__everything_needs_no_open_data() -> None:
    shape = (2, 2, N_AGES)
    given = open_rates.Given(
        np.full(shape, 0.02), np.full((2, 2), 0.01), np.full((2, N_AGES), 0.02),
        np.full(2, 0.5), np.full(shape, 0.01), np.zeros(shape),
    )  # fmt: skip
    start = np.full((2, N_AGES), 100.0)
    years = range(2025, 2028)
    rates = open_rates.vital_rates(None, years, open_rates.GIVEN, given, start)
    stays = start.sum() * 0.98 * 0.99
    births = start[1].sum() * 0.02
    assert rates.population[1].sum() == pytest.approx(stays + births * 0.99 * (1 - 0.98 * 0.01))


def test_missing_series__are_all_named() -> None:
    country = opendata.country("KEN")
    assert country.vital is not None
    annual = dict(country.vital.annual)
    annual["tfr"] = np.where(np.arange(101) == 30, np.nan, annual["tfr"])
    annual["net_migration"] = np.full(101, np.nan)
    short = replace(country, population=None, vital=replace(country.vital, annual=annual))
    with pytest.raises(InputError, match=r"population is missing") as caught:
        open_rates.vital_rates(short, YEARS)
    text = str(caught.value)
    assert "the series tfr (total fertility) is missing; found no value for 1 years" in text
    assert "the series net_migration (net migration) is missing" in text
    with pytest.raises(InputError, match="series of births and deaths are missing"):
        open_rates.vital_rates(replace(country, vital=None), YEARS)
    with pytest.raises(InputError, match=r"no open data of the country.*death rates by age"):
        open_rates.vital_rates(None, YEARS)


def test_years__outside_the_open_data_are_refused() -> None:
    expected_text = r"years outside the open data; found 2090 to 2101; expected 2000 to 2100"
    with pytest.raises(InputError, match=expected_text):
        open_rates.vital_rates(opendata.country("KEN"), range(2090, 2102))


def test_users_own_population__of_one_year_cannot_be_balanced() -> None:
    country = replace(opendata.country("KEN"), population_year=2025)
    with pytest.raises(InputError, match="no population for each decade"):
        open_rates.vital_rates(country, YEARS)


@pytest.mark.parametrize("code", COUNTRIES)
def test_single_ages__keep_the_rate_of_every_group(code: str) -> None:
    vital = opendata.country(code).vital
    assert vital is not None
    rates = mortality.single_age_rates(vital.mortality)
    years = mortality.stationary(rates)
    starts = list(opendata.MORTALITY_AGES)
    deaths = np.add.reduceat(years * rates[..., :101], starts, axis=-1)
    reached = deaths / np.add.reduceat(years, starts, axis=-1)
    assert reached == pytest.approx(vital.mortality, rel=1e-3)
    assert (np.diff(rates[..., 40:100], axis=-1) > 0.0).mean() > 0.99, "mortality rises with age"


def test_monotone_cubic__runs_through_its_points_without_overshooting() -> None:
    x, y = np.array([0.0, 2.0, 3.0, 7.0]), np.array([0.0, 4.0, 4.0, 5.0])
    at = np.linspace(0.0, 7.0, 141)
    found = mortality.monotone_cubic(x, y, at)
    assert found[[0, 40, 60, 140]] == pytest.approx(y)
    assert (np.diff(found) >= -1e-12).all()
    assert mortality.monotone_cubic(x, y, np.array([-1.0]))[0] == pytest.approx(-2.0)


def test_stationary__has_the_closed_form_of_a_constant_rate() -> None:
    # Constant force 0.02: person-years at age x and over are exp(-0.02 x) / 0.02, but for the
    # mean time lived by infants who die.
    years = mortality.stationary(np.full((2, N_AGES), 0.02))
    assert years[0, 1:].sum() / years[0, 1] == pytest.approx(1.0 / (1.0 - np.exp(-0.02)))


def test_step_probabilities__are_those_of_the_stationary_population() -> None:
    rates = np.full((1, 2, N_AGES), 0.05)
    death, newborn = mortality.step_probabilities(rates)
    assert death[0, :, 1:] == pytest.approx(1.0 - np.exp(-0.05))
    years = mortality.stationary(rates)
    assert newborn == pytest.approx(1.0 - years[..., 0])
    assert death[..., 0] == pytest.approx(1.0 - years[..., 1] / years[..., 0])


def test_birth_rates__keep_groups_and_follow_total_fertility_after_2075() -> None:
    vital = opendata.country("KEN").vital
    assert vital is not None
    found = fertility.birth_rates(vital, range(2030, 2101))
    by_group = found[0, 10:55].reshape(9, 5).sum(axis=1)
    assert by_group == pytest.approx(5.0 * vital.fertility[30])
    assert (found >= 0.0).all()
    assert not found[:, :10].any()
    assert not found[:, 55:].any()
    total = vital.annual["tfr"]
    assert found.sum(axis=1)[-1] / found.sum(axis=1)[45] == pytest.approx(total[100] / total[75])


def test_schedule__peaks_among_young_adults_and_adds_up() -> None:
    shares = migration.schedule()
    assert shares.sum() == pytest.approx(1.0)
    assert 18 <= int(shares[10:].argmax()) + 10 <= 28
    assert shares[0] > shares[10]


@pytest.mark.parametrize("net", [-500.0, 0.0, 500.0])
def test_by_schedule__moves_the_total(net: float) -> None:
    persons = np.full((2, N_AGES), 100.0)
    children = np.full(N_AGES, 0.1)
    flows = migration.by_schedule(persons, children, net, migration.schedule())
    leaving = persons * flows.emigration
    moved = flows.immigrants.sum() - leaving.sum() - (leaving[1] * children).sum()
    assert moved == pytest.approx(net)


def test_net_rates__refuse_what_no_migration_can_do() -> None:
    persons = np.full((2, N_AGES), 100.0)
    target = persons.copy()
    target[0, 0] = 0.0
    target[0, 1:5] = 0.0
    with pytest.raises(InputError, match=r"migration cannot lead.*2030 \(male, 0 to 4\)"):
        migration.net_rates(persons, target, 3, 2030)


def test_aged__keeps_everybody() -> None:
    persons = np.arange(2.0 * N_AGES).reshape(2, N_AGES)
    older = migration.aged(persons)
    assert older.sum() == persons.sum()
    assert older[1, 31] == persons[1, 30]
    assert older[0, 120] == persons[0, 119] + persons[0, 120]
    assert not older[:, 0].any()
