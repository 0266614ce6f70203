"""Whole projections held to closed forms: pay-as-you-go and terminal funding rates of a stationary
and a growing population, survivors, births.

Each comparison of numbers that chance moves allows four standard errors: a correct engine is beyond
them once in 16,000 comparisons (6e-5). Standard errors are exact, from the rates.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from projections import (
    LIMIT,
    WEIGHT,
    Perennia,
    cells_of,
    deviation,
    make_perennia,
    persons_in,
    population,
    series_of,
    table,
)

from microsim.budget.stable_state import StableScheme, annuity_due
from microsim.population.columns import AGE_GROUP_STARTS, AGE_GROUPS
from microsim.simulation.run import Outcome

AGES = np.arange(100)
NO_GROWTH = ("economy.inflation=0", "economy.real_wage_growth=0", "economy.productivity_growth=0")
# A pension of a level share of the wage for all from 60 on, whatever was paid in.
LEVEL_PENSION = ("fund.accrual=0", "fund.rate=0.17")

# -- de Moivre: survivors fall by the same number at every age ------------------------------------

SURVIVORS = 100 - AGES  # l(x) of DOMAIN W18
UNIT = 40  # persons for each of 100 births a year
YEARS = 15  # everybody of 15 and over was there at the start, so that numbers are binomial
INTEREST = 0.03
BIRTH_RATE = 2.0 * 100 / SURVIVORS[15:60].sum()  # 100 births a year of the women of 15 to 59


@pytest.fixture(scope="module", params=["multiplicative", "sbdl"])
def stationary(request, rules_cache, tmp_path_factory) -> Outcome:
    """Return a projection that starts in the stationary population of de Moivre's law."""
    method = request.param
    folder = tmp_path_factory.mktemp(method)
    country = make_perennia(folder, population((UNIT * SURVIVORS).tolist(), per_market=6000))
    country.without_reforms()
    death = {f"{x}": 1.0 / (100 - x) for x in AGES[:-1]}
    country.quiet_lives(
        death=table("age", {**death, "99+": 1.0}),
        birth=table("age", {"0-14": 0.0, "15-59": BIRTH_RATE, "60+": 0.0}),
    )
    country.change("scenario.yaml", "to: 2035", f"to: {2025 + YEARS}")
    for process in ("life_mortality", "life_fertility"):
        old = f"factor: {process}\n    align: "
        country.change("lives/lives.yaml", f"{old}multiplicative", f"{old}{method}")
    annuity = annuity_due(SURVIVORS[60:].tolist(), INTEREST)
    settings = (*NO_GROWTH, *LEVEL_PENSION, "fund.base=0.5", f"fund.annuity={annuity!r}")
    return country.run("run", settings=settings, shard_persons=70_000)


def survivors_of(first: int, last: int) -> tuple[float, float]:
    """Return mean and variance of the persons of some ages after `YEARS`, of those there at the
    start.
    """
    now = np.arange(first, min(last, 99) + 1)
    alive = UNIT * SURVIVORS[now - YEARS]
    p = SURVIVORS[now] / SURVIVORS[now - YEARS]
    return float((alive * p).sum()), float((alive * p * (1.0 - p)).sum())


def relative_error(*groups: tuple[float, float]) -> float:
    """Return the relative standard error of a product or quotient of independent numbers."""
    return math.sqrt(sum(variance / mean**2 for mean, variance in groups))


def test_payg_rate__of_a_stationary_population_is_the_closed_form(stationary):
    rates = series_of(stationary, "C11", row="PAYG cost rate")
    exact = 100 * StableScheme(SURVIVORS.tolist(), 20, 60, 0.5).payg()
    assert exact == pytest.approx(16.94214876, abs=1e-8)  # DOMAIN W18
    assert rates[2025] == pytest.approx(exact, rel=1e-9)  # no chance yet
    error = exact * relative_error(survivors_of(20, 59), survivors_of(60, 99))
    assert error < 0.07
    assert deviation(rates[2025 + YEARS], exact, error**2) < LIMIT


def test_terminal_funding__of_a_stationary_population_is_the_closed_form(stationary):
    rates = series_of(stationary, "C11", row="Terminal funding rate")
    scheme = StableScheme(SURVIVORS.tolist(), 20, 60, 0.5)
    exact = 100 * scheme.terminal_funding(INTEREST)
    assert exact < 100 * scheme.payg()  # interest is above growth
    assert rates[2025] == 0.0  # who gets a pension in the first year was awarded it before
    error = exact * relative_error(survivors_of(60, 60), survivors_of(20, 59))
    assert error < 0.25
    assert deviation(rates[2025 + YEARS], exact, error**2) < LIMIT


def test_survivors__follow_the_life_table(stationary):
    found = persons_in(cells_of(stationary.out)[2025 + YEARS]).sum(axis=2)
    ends = [*(start - 1 for start in AGE_GROUP_STARTS[1:]), 99]
    for k, (first, last) in enumerate(zip(AGE_GROUP_STARTS, ends, strict=True)):
        if first < YEARS:
            continue
        mean, variance = survivors_of(first, last)
        for sex in range(2):
            assert deviation(found[sex, k], mean / 2, variance / 2) < LIMIT, (first, sex)


def test_births__are_rates_times_women(stationary):
    """Given the women of a year, births of the next are binomial: misses add up independently."""
    births = series_of(stationary, "A2", row="Births", group="")
    missed = variance = 0.0
    cells = cells_of(stationary.out)
    for year in range(2026, 2026 + YEARS):
        women = persons_in(cells[year - 1])[1].sum(axis=1)[2:4].sum()  # 15-24 and 25-59
        missed += births[year] / WEIGHT - BIRTH_RATE * women
        variance += women * BIRTH_RATE * (1.0 - BIRTH_RATE)
    assert deviation(missed, 0.0, variance) < LIMIT


def test_alignment_table__holds_what_was_reached_against_the_expectation(stationary):
    """Table T2: the expectation of a stationary population is that of its start, in every year."""
    cells = cells_of(stationary.out)
    ends = [*(start - 1 for start in AGE_GROUP_STARTS[1:]), 99]
    for k, (first, last) in enumerate(zip(AGE_GROUP_STARTS, ends, strict=True)):
        wanted = UNIT * SURVIVORS[first : last + 1].sum() / 2 * WEIGHT
        for sex, word in enumerate(("male", "female")):
            row = f"population, {word} {AGE_GROUPS[k]}"
            target, reached, missed = (
                series_of(stationary, "T2", row=row, column=column)
                for column in ("target", "achieved", "miss")
            )
            for year, of in cells.items():
                assert target[year] == pytest.approx(wanted, rel=1e-9), (row, year)
                assert reached[year] == persons_in(of)[sex, k].sum() * WEIGHT
                assert missed[year] == reached[year] - target[year]


# -- a population that grows by 2 per cent a year -------------------------------------------------

GROWTH, OLDEST, HORIZON = 0.02, 79, 40
START = [2 * round(500 * 1.02**-x) for x in range(OLDEST + 1)]
MOTHERS = slice(20, 40)
STABLE_BIRTH_RATE = 2 * 1.02 / sum(1.02**-x for x in range(20, 40))


@pytest.fixture(scope="module")
def growing(rules_cache, tmp_path_factory) -> Outcome:
    """Return a projection that starts in the stable population of lives that all last 80 years."""
    folder = tmp_path_factory.mktemp("growing")
    country: Perennia = make_perennia(folder, population(START, per_market=6000))
    country.without_reforms()
    country.quiet_lives(
        death=table("age", {"0-78": 0.0, "79+": 1.0}),
        birth=table("age", {"0-19": 0.0, "20-39": STABLE_BIRTH_RATE, "40+": 0.0}),
    )
    country.change("scenario.yaml", "to: 2035", f"to: {2025 + HORIZON}")
    country.change("scenario.yaml", "every: 5", "every: 100")
    settings = (*NO_GROWTH, *LEVEL_PENSION, "fund.base=0.4")
    return country.run("run", settings=settings, shard_persons=70_000)


def test_payg_rate__of_a_growing_population_is_the_closed_form(growing):
    rates = series_of(growing, "C11", row="PAYG cost rate")
    exact = 100 * StableScheme([1.0] * (OLDEST + 1), 20, 60, 0.4, growth=GROWTH).payg()
    assert exact == pytest.approx(10.82840826, abs=1e-8)  # DOMAIN W18
    # Up to year 20 nobody who counts was born since: only rounding of the start is left.
    for k in range(20):
        old, active = sum(START[60 - k : 80 - k]), sum(START[20 - k : 60 - k])
        counted = 100 * 0.4 * old / active
        assert rates[2025 + k] == pytest.approx(counted, rel=1e-9)
        assert counted == pytest.approx(exact, rel=2e-3)
    # Workers of 20 to 39 in the last year were born in steps 1 to 20, of women there at the start.
    births = [STABLE_BIRTH_RATE * sum(START[max(20 - k, 0) : 40 - k]) / 2 for k in range(20)]
    active = sum(births) + sum(START[0:20])
    variance = sum(births) * (1.0 - STABLE_BIRTH_RATE)
    mean = 100 * 0.4 * sum(START[20:40]) / active
    error = mean * math.sqrt(variance) / active
    assert mean == pytest.approx(exact, rel=2e-3)
    assert error < 0.06
    assert deviation(rates[2025 + HORIZON], mean, error**2) < LIMIT


def test_births__of_a_growing_population_grow_as_it_does(growing):
    """Births of the 20th year are of women who were there at the start: a sum of binomials."""
    births = series_of(growing, "A2", row="Births", group="")
    women = sum(START[1:21]) / 2
    found = births[2025 + 20] / WEIGHT
    variance = women * STABLE_BIRTH_RATE * (1.0 - STABLE_BIRTH_RATE)
    assert deviation(found, women * STABLE_BIRTH_RATE, variance) < LIMIT
    assert women * STABLE_BIRTH_RATE == pytest.approx(1000 * 1.02**20, rel=2e-3)
