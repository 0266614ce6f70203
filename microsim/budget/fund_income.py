"""Finds what the reserve of a scheme earns in a year."""

from __future__ import annotations

import math

from microsim.budget.actuarial import growth_in_year, investment_income
from microsim.results.contents import Scheme


def investment_income_of(scheme: Scheme, opening: float, net: float) -> float:
    """Return the investment income of a scheme, currency a year.

    Parameters
    ----------
    scheme
        Whose fund states the rate of return; without one, or where the income is given for the
        year, or the reserve is not known, nothing is earned here.
    opening
        Reserve at the start of the year, currency; a debt where it is below 0, on which the rate is
        paid.
    net
        Receipts less expenditure of the year, before investment income and before a subsidy that
        covers the deficit.
    """
    fund = scheme.fund
    given = any(line.line == "investment income" for line in scheme.given)
    if fund is None or fund.interest is None or math.isnan(opening) or given:
        return 0.0
    if scheme.balance == "general_revenue":
        # The subsidy comes during the year and earns too: it and the income are found together.
        income = opening * fund.interest / growth_in_year(fund.interest, fund.timing)
        if net + income < 0.0:
            return income
    return investment_income(opening, net, fund.interest, fund.timing)
