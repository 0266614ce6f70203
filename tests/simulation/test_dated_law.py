"""Dated law through whole runs: which month has which law, added up over the year, against sums by
hand.
"""

from __future__ import annotations

import numpy as np
import pytest
from coresia import change

from microsim.population import store
from microsim.scenario.scenario import load_scenario
from microsim.simulation.question import model_of, open_of, question_of

STATUS_FORMAL = (1, 2)


@pytest.fixture(scope="module")
def population(coresia):
    return store.read(coresia.population)


def per_household(population, persons):
    """Add an amount of persons up by household, in row order."""
    size = population.households["size"].astype(int)
    household = np.repeat(np.arange(len(size)), size)
    total = np.zeros(len(size))
    np.add.at(total, household, persons)
    return total


def paid(outcome, instrument: str, scenario: str = "baseline"):
    """Return what each household pays or receives in the year; payments are negative."""
    records = outcome.contents.records
    s = list(outcome.contents.scenarios).index(scenario)
    return 12 * records.instruments[s, :, records.instrument_names.index(instrument)]


def formal(population):
    return np.isin(population.persons["employment_status"], STATUS_FORMAL)


def in_year(coresia, year: int):
    change(coresia.country, "scenario.yaml", "year: 2025", f"year: {year}")
    return coresia.run(f"run-{year}")


def test_a_month_has_the_law_of_its_first_day(my_coresia, population):
    """2024: limits change on 1 February, the rate on 15 March, which is the law of April."""
    outcome = in_year(my_coresia, 2024)
    earnings, is_formal = population.persons["earnings"], formal(population)
    total = np.zeros(len(earnings))
    for month in range(1, 13):
        low, high = (100, 1000) if month < 2 else (120, 2000)
        rate = 0.05 if month < 4 else 0.06
        total += np.where(is_formal, rate * np.clip(earnings, low, high), 0)
    found = paid(outcome, "provident_fund.employee")
    np.testing.assert_allclose(found, -per_household(population, total), rtol=1e-12, atol=1e-9)


def test_suspended_and_first_payroll__count_whole_months(my_coresia, population):
    """2024: the levy is suspended on 26 January, so from February, and is back from March's
    payroll.
    """
    outcome = in_year(my_coresia, 2024)
    earnings = np.where(formal(population), population.persons["earnings"], 0)
    expected = per_household(population, 11 * 0.015 * earnings)
    np.testing.assert_allclose(
        paid(outcome, "tax.housing_levy_employee"), -expected, rtol=1e-12, atol=1e-9
    )


def test_indexed_parameters__follow_the_frame_after_their_last_value(my_coresia, population):
    """2026: the upper limit of 2025 follows average wages, the lower limit stays."""
    for name in ("scenario.yaml",):
        change(my_coresia.country, name, "totals: totals.csv\n", "")
    for old, new in (("{2024: 2.0e6, 2025: 2.2e6}", "{2024: 2.0e6, 2026: 2.2e6}"), ("{2024: 50.0e6, 2025: 55.0e6}", "{2024: 50.0e6, 2026: 55.0e6}")):  # fmt: skip
        change(my_coresia.country, "law/pensions.yaml", old, new)
    text = (my_coresia.country / "law/pensions.yaml").read_text()
    text = text.replace("values: {2024: 0.1e6, 2025: 0.1e6}", "values: {2024: 0.1e6, 2026: 0.1e6}")
    (my_coresia.country / "law/pensions.yaml").write_text(text)
    outcome = in_year(my_coresia, 2026)
    earnings, is_formal = population.persons["earnings"], formal(population)
    high = 2400 * (330 / 315)
    total = np.where(is_formal, 12 * 0.06 * np.clip(earnings, 120, high), 0)
    assert (earnings > high).any()
    found = paid(outcome, "provident_fund.employee")
    np.testing.assert_allclose(found, -per_household(population, total), rtol=1e-12, atol=1e-9)


def test_reforms__hold_from_their_date(reference, population):
    """2025: 8 per cent from July; everybody's premium suspended until the payroll of June."""
    earnings, is_formal = population.persons["earnings"], formal(population)
    total = np.zeros(len(earnings))
    for month in range(1, 13):
        high = 2000 if month < 2 else 2400
        rate = 0.06 if month < 7 else 0.08
        total += np.where(is_formal, rate * np.clip(earnings, 120, high), 0)
    for scenario in ("higher_contributions", "both"):
        found = paid(reference, "provident_fund.employee", scenario)
        np.testing.assert_allclose(found, -per_household(population, total), rtol=1e-12, atol=1e-9)
    premium = np.where(is_formal, np.where(earnings < 100, 3.0, 6.0) * 7, 0)
    found = paid(reference, "health_insurance.member", "higher_contributions")
    np.testing.assert_allclose(found, -per_household(population, premium), rtol=1e-12, atol=1e-9)


def test_yearly_formulas__read_at_the_day_the_parameter_says(my_coresia, population):
    """The lump sum reads the months of earnings at 31 December, or at the day it says."""
    change(
        my_coresia.country,
        "law/pensions.yaml",
        "values: {2020-01-01: 12}}",
        "values: {2020-01-01: 12, 2025-12-31: 18}}",
    )
    last = my_coresia.run("december")
    change(
        my_coresia.country, "law/pensions.yaml", "2025-12-31: 18}}", "2025-12-31: 18}, at: 12-30}"
    )
    before = my_coresia.run("before")
    lump = "provident_fund.age_lump_sum"
    assert paid(before, lump).sum() > 0
    np.testing.assert_allclose(paid(last, lump), 1.5 * paid(before, lump), rtol=1e-15)


def test_sums_over_the_year__do_not_depend_on_how_it_is_cut(my_coresia, reference):
    """Twelve law changes a year in one reform leave every bit of the other scenarios as it was."""
    dates = ", ".join(f"2025-{m:02d}-01: {2000 + m}" for m in range(2, 13))
    change(
        my_coresia.country,
        "reforms/higher_contributions.yaml",
        "replace:\n",
        f"replace:\n  fund.upper_limit: {{{dates}}}\n",
    )
    cut = my_coresia.run("cut")
    for s in (0, 1, 4):
        for name in ("concepts", "instruments", "welfare"):
            ours, theirs = (getattr(o.contents.records, name)[s] for o in (cut, reference))
            np.testing.assert_array_equal(ours, theirs)
        np.testing.assert_array_equal(
            cut.contents.cells.persons[s], reference.contents.cells.persons[s]
        )
    assert (cut.contents.records.concepts[2] != reference.contents.records.concepts[2]).any()


def test_a_year_before_the_first_value__is_a_fault_with_its_place(my_coresia):
    from microsim.errors import InputError

    change(
        my_coresia.country,
        "law/transfers.yaml",
        "take_up: {unit: share, source: assumption of the test, values: {2019-07-01: 0.8}}",
        "take_up: {unit: share, source: assumption of the test, values: {2025-03-01: 0.8}}",
    )
    with pytest.raises(
        InputError,
        match=r"law/transfers.yaml:\d+: parameter transfers.take_up has no value at 2025-01",
    ):
        my_coresia.run("run")


def test_the_law_of_a_scenario__is_cut_where_any_scenario_changes(coresia):
    scenario = load_scenario(coresia.scenario)
    question = question_of(coresia.scenario, scenario, str(coresia.population), "", None, ())
    with open_of(question) as population:
        model = model_of(question, population, scenario)
    # February: upper limit; June: premium; July: rate. May 2024 and December 2024 lie in another
    # year
    assert {law.months for law in model.laws} == {(1, 4, 1, 6)}
