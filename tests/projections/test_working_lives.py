"""Careers of two statuses through a whole projection: unemployment in its steady state, and density
of contributions as the law itself counts it.

Comparisons allow four standard errors: false alarms once in 16,000 (6e-5). The variance of months
credited is that of the chain, from its eigenvalue.
"""

from __future__ import annotations

import numpy as np
import pytest
from projections import (
    LIMIT,
    PRIVATE,
    RETIRED,
    STUDENT,
    UNDER_AGE,
    UNEMPLOYED,
    WAGE,
    WEIGHT,
    cells_of,
    deviation,
    make_perennia,
    persons_in,
    population,
    shares,
    value_of,
)

FIRST_AGE, RETIREMENT = 30, 60
CAREER = RETIREMENT - FIRST_AGE  # years from the first to the last of the statuses
N = 12_000
ACCRUAL = 0.001


@pytest.fixture(scope="module", params=[(0.05, 0.45), (0.10, 0.20)], ids=["W28 u", "W28 density"])
def careers(request, rules_cache, tmp_path_factory):
    """Return a projection of one cohort from 30 to 60, and its chances to leave and find work."""
    leave, find = request.param
    employed = find / (leave + find)
    n_employed = round(N * employed)
    folder = tmp_path_factory.mktemp("careers")

    def status(age):
        return np.where(np.arange(age.size) < n_employed, PRIVATE, UNEMPLOYED)

    cohort = [0] * FIRST_AGE + [N]
    country = make_perennia(folder, population(cohort, status, per_market=4000))
    country.without_reforms()
    working = {PRIVATE: employed, UNEMPLOYED: 1.0 - employed}
    country.quiet_lives(
        labour=shares(
            {"0-14": {UNDER_AGE: 1}, "15-19": {STUDENT: 1}, "20-59": working, "60+": {RETIRED: 1}}
        )
    )
    lives = "lives/lives.yaml"
    country.change(lives, "formal private employee: 0.05", f"formal private employee: {leave}")
    country.change(lives, "unemployed: 0.45", f"unemployed: {find}")
    country.change("scenario.yaml", "to: 2035", f"to: {2025 + CAREER}")
    country.change("scenario.yaml", "every: 5", "every: 100")
    country.change("law/fund.yaml", "12 * past_formal_years", "0")
    settings = (
        "economy.inflation=0", "economy.real_wage_growth=0", "fund.base=0",
        f"fund.accrual={ACCRUAL}",
    )  # fmt: skip
    outcome = country.run("run", settings=settings, shard_persons=70_000)
    return outcome, leave, find


def test_unemployment__is_leaving_over_leaving_and_finding(careers):
    outcome, leave, find = careers
    exact = leave / (leave + find)
    cells = cells_of(outcome.out)
    # Numbers years apart are nearly independent: the eigenvalue to the tenth power is below 0.03.
    for year in range(2025 + 9, 2025 + CAREER, 10):
        people = persons_in(cells[year]).sum(axis=(0, 1))
        assert people[PRIVATE] + people[UNEMPLOYED] == N
        assert deviation(people[UNEMPLOYED], N * exact, N * exact * (1.0 - exact)) < LIMIT, year


def test_unemployment__in_the_tables_is_that_of_the_cells(careers):
    outcome, _, _ = careers
    year = 2025 + CAREER - 1
    people = persons_in(cells_of(outcome.out)[year]).sum(axis=(0, 1))
    found = value_of(outcome, "A3", year=year, row="Unemployed", group="", unit="persons")
    assert found == people[UNEMPLOYED] * WEIGHT


def test_density__of_months_credited_is_that_of_the_chain(careers):
    """Pensions at 60 are months credited x accrual x wage: the mean number of months is exact."""
    outcome, leave, find = careers
    employed, stay = find / (leave + find), 1.0 - leave - find
    paid = value_of(
        outcome,
        "B4",
        year=2025 + CAREER,
        row="Expenditure",
        scheme="fund",
        column="old_age",
        group="",
    )
    months = paid * 1e6 / (N * WEIGHT * ACCRUAL * 12 * WAGE)
    # Variance of the number of years employed of one person in the steady state.
    lags = np.arange(1, CAREER)
    years = CAREER + 2.0 * float(((CAREER - lags) * stay**lags).sum())
    variance = employed * (1.0 - employed) * years / CAREER**2 / N
    assert deviation(months / 12 / CAREER, employed, variance) < LIMIT
