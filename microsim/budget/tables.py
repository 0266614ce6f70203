"""Makes every table of a run from what it yields."""

from __future__ import annotations

from collections.abc import Sequence

from microsim.budget.accounts import Account, all_accounts
from microsim.budget.beneficiaries import beneficiaries, benefit_levels
from microsim.budget.comparison import comparison
from microsim.budget.consolidation import consolidate, social_budget
from microsim.budget.contributors import contributors, insurable_earnings
from microsim.budget.coverage import effective_coverage, ratios
from microsim.budget.distribution import distribution_tables
from microsim.budget.frame_tables import labour_force, macro_frame, population
from microsim.budget.key_figures import key_figures, poverty_figures
from microsim.budget.money import (
    expenditure_by_function,
    expenditure_by_scheme,
    receipts_by_origin,
    receipts_by_type,
    scheme_accounts,
    scheme_by_function,
)
from microsim.budget.sums import Sums
from microsim.results.contents import Contents, Row


def all_tables(
    contents: Contents, accounts: Sequence[Sequence[Account]] | None = None
) -> list[Row]:
    """Return all tables of a year in tidy form, in the order of their codes.

    Parameters
    ----------
    contents
        What the run yields, with records if distribution tables are wanted.
    accounts
        By scenario and scheme, if they run on from a year before.

    Raises
    ------
    InputError
        Given lines contradict each other or name unknown schemes.
    """
    sums = Sums(contents)
    accounts = all_accounts(contents) if accounts is None else accounts
    pairs = list(zip(contents.scenarios, accounts, strict=True))
    budgets = [consolidate(name, of) for name, of in pairs]
    distribution = distribution_tables(contents)
    figures = [
        [*key_figures(sums, i, accounts[i], budgets[i]), *poverty_figures(distribution, name)]
        for i, name in enumerate(contents.scenarios)
    ]
    return [
        *population(sums),
        *labour_force(sums),
        *macro_frame(sums),
        *contributors(sums, accounts),
        *insurable_earnings(sums, accounts),
        *beneficiaries(sums, accounts),
        *benefit_levels(sums, accounts),
        *ratios(sums, accounts),
        *effective_coverage(sums),
        *expenditure_by_scheme(contents, accounts),
        *expenditure_by_function(contents, accounts),
        *scheme_by_function(contents, accounts),
        *receipts_by_type(contents, accounts),
        *receipts_by_origin(contents, accounts),
        *scheme_accounts(contents, accounts),
        *social_budget(contents, budgets),
        *comparison(contents, budgets, figures),
        *distribution,
    ]
