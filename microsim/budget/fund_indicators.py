"""Makes table C11: cost rates, premiums, funding events and liabilities of each fund."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from microsim.budget import actuarial
from microsim.budget.accounts import Account
from microsim.budget.cumulated import interest_of
from microsim.budget.rows import TableRows, ratio
from microsim.budget.sums import Sums
from microsim.results.contents import Contents, Row

YEARLY, HORIZON = "year", "horizon"
COLLECTED = "Contribution rate collected, with government's"
EXHAUSTED = "Year the reserve is exhausted"
NOT_WITHIN = "not within horizon"


@dataclass(frozen=True)
class FundOverYears:
    """The account of one scheme in one scenario, year by year.

    Attributes
    ----------
    accounts
        Of each year.
    sums
        Of each year.
    scenario
        Number of the scenario.
    frame_interest
        The frame's rate of each year, for schemes without returns of their own; NaN unknown.
    """

    accounts: Sequence[Account]
    sums: Sequence[Sums]
    scenario: int
    frame_interest: Sequence[float]

    @cached_property
    def years(self) -> list[int]:
        """The years."""
        return [sums.contents.year for sums in self.sums]

    @cached_property
    def holds_reserve(self) -> bool:
        """Whether the scheme has a reserve, known or not; a fund without returns has none."""
        fund = self.accounts[0].scheme.fund
        return fund is None or fund.interest is not None

    @property
    def of_balances(self) -> bool:
        """Whether members own balances: a defined-contribution fund."""
        fund = self.accounts[0].scheme.fund
        return fund is not None and fund.kind == "defined contribution"

    @cached_property
    def interest(self) -> list[float]:
        """Rate of each year: returns of the fund, or else the frame's interest."""
        funds = [a.scheme.fund for a in self.accounts]
        pairs = zip(funds, self.frame_interest, strict=True)
        return [
            rate if fund is None or fund.interest is None else fund.interest for fund, rate in pairs
        ]

    @cached_property
    def timing(self) -> str:
        """When flows fall in the year."""
        fund = self.accounts[0].scheme.fund
        return actuarial.MID_YEAR if fund is None else fund.timing

    @cached_property
    def opening(self) -> float:
        """Reserve at the start of the first year, currency; NaN unknown, 0 if it holds none."""
        stated = self.accounts[0].reserve_opening
        return 0.0 if math.isnan(stated) and not self.holds_reserve else stated

    @cached_property
    def expenditure(self) -> list[float]:
        """Benefits, administration and other outlay, currency a year."""
        return [a.total_expenditure for a in self.accounts]

    @cached_property
    def base(self) -> list[float]:
        """Insurable earnings, currency a year."""
        return [a.insurable for a in self.accounts]

    @cached_property
    def contributions(self) -> list[float]:
        """Contributions with what the government matches, currency a year."""
        return [a.contributions + a.matching for a in self.accounts]

    @cached_property
    def receipts(self) -> list[float]:
        """All receipts but investment income, currency a year."""
        return [a.total_receipts - a.receipts["investment_income"] for a in self.accounts]

    def measured(self, statistic: str, items: Sequence[str]) -> list[float]:
        """Return the sum of a measure of the fund over benefits, by year; NaN if not measured."""
        scheme = self.accounts[0].scheme.id
        found = []
        for sums in self.sums:
            values = [sums.total(self.scenario, "fund", scheme, i, statistic) for i in items]
            known = [v for v in values if not math.isnan(v)]
            found.append(math.fsum(known) if known else math.nan)
        return found


def fund_indicators(
    years: Sequence[Contents], accounts: Sequence[Sequence[Sequence[Account]]]
) -> list[Row]:
    """Return table C11: by year, and in the last year what stands for the whole horizon.

    Rates are shares of insurable earnings. Premiums and balances take the returns of the fund, or
    else the frame's interest. Expenditure is all outlay, before subsidies.

    Parameters
    ----------
    years
        Contents of each year.
    accounts
        By year, scenario and scheme, with reserves that ran on.
    """
    sums, interest = [Sums(contents) for contents in years], interest_of(years)
    rows: list[Row] = []
    for scenario in range(len(years[0].scenarios)):
        by_scheme: dict[str, list[Account]] = {}
        for year in accounts:
            for account in year[scenario]:
                by_scheme.setdefault(account.scheme.id, []).append(account)
        for of_scheme in by_scheme.values():
            account, fund = of_scheme[0], FundOverYears(of_scheme, sums, scenario, interest)
            known = account.scheme.fund is not None or not math.isnan(account.insurable)
            if known and not account.scheme.partial:
                rows += _by_year(fund)
                rows += _horizon(fund)
    return rows


def _by_year(fund: FundOverYears) -> list[Row]:
    rows: list[Row] = []
    if fund.of_balances:
        return _assets_over_balances(fund)
    awards = fund.measured("new_awards", ("",))
    columns = (fund.accounts, fund.years, fund.contributions, awards)
    for account, year, paid, award in zip(*columns, strict=True):
        table = TableRows("C11", year)
        for row, value, unit in (
            ("PAYG cost rate", 100 * ratio(account.total_expenditure, account.insurable), "%"),
            (COLLECTED, 100 * ratio(paid, account.insurable), "%"),
            ("Terminal funding rate", 100 * ratio(award, account.insurable), "%"),
            ("Reserve ratio (closing reserve / expenditure)",
             ratio(account.reserve_closing, account.total_expenditure), "years"),
        ):  # fmt: skip
            table.add(account.scenario, row, value, unit, column=YEARLY, scheme=account.scheme.id)
        rows += table.rows
    return rows


def _assets_over_balances(fund: FundOverYears) -> list[Row]:
    """Return what tells whether a fund of balances can pay them, by year."""
    rows: list[Row] = []
    for account, year, paid in zip(fund.accounts, fund.years, fund.contributions, strict=True):
        table = TableRows("C11", year)
        covered = ratio(account.reserve_closing, account.members_balances)
        for row, value, unit in (
            (COLLECTED, 100 * ratio(paid, account.insurable), "%"),
            ("Assets over members' balances", covered, "ratio"),
        ):
            table.add(account.scenario, row, value, unit, column=YEARLY, scheme=account.scheme.id)
        rows += table.rows
    return rows


def _horizon(fund: FundOverYears) -> list[Row]:
    """Return what stands for the whole horizon; premiums and liabilities are of benefits that are
    promised, not of balances that members own.
    """
    table = TableRows("C11", fund.years[-1])
    if not fund.of_balances:
        _premiums(table, fund)
    _events(table, fund)
    if not fund.of_balances:
        _liabilities(table, fund)
    return table.rows


def _add(table: TableRows, fund: FundOverYears, row: str, value: float, unit: str) -> None:
    account = fund.accounts[0]
    table.add(account.scenario, row, value, unit, column=HORIZON, scheme=account.scheme.id)


def _premiums(table: TableRows, fund: FundOverYears) -> None:
    state = fund.accounts[0].scheme.fund
    target = None if state is None else state.target_ratio
    facts = (*fund.base, *fund.interest, fund.opening)
    known = not any(map(math.isnan, facts)) and math.fsum(fund.base) > 0.0
    rows = {
        "General average premium (GAP)": math.nan,
        "Scaled premium": math.nan,
        "Terminal funding premium": math.nan,
        "Income rate, with the opening reserve": math.nan,
        "Cost rate, with the last reserve wanted": math.nan,
        "Actuarial balance": math.nan,
    }
    if target is not None:
        rows[f"Premium for a last reserve of {target:g} years of expenditure"] = math.nan
    if known:
        rows = dict(zip(rows, _known_premiums(fund, target), strict=False))
    for row, value in rows.items():
        _add(table, fund, row, 100 * value, "%")


def _known_premiums(fund: FundOverYears, target: float | None) -> Iterator[float]:
    """Yield the premiums in the order of their rows, shares of insurable earnings."""
    flows = (fund.expenditure, fund.base, fund.interest)
    opening, timing = fund.opening, fund.timing
    yield actuarial.general_average_premium(*flows, opening=opening, timing=timing)
    yield actuarial.scaled_premium(*flows, opening=opening, timing=timing)
    yield ratio(
        actuarial.present_value(fund.measured("new_awards", ("",)), fund.interest, timing),
        actuarial.present_value(fund.base, fund.interest, timing),
    )
    balance = actuarial.actuarial_balance(
        fund.receipts, *flows, opening=opening, target_ratio=target or 0.0, timing=timing
    )
    yield balance.income_rate
    yield balance.cost_rate
    yield balance.balance
    if target is not None:
        yield actuarial.target_ratio_premium(*flows, target, opening=opening, timing=timing)


def _events(table: TableRows, fund: FundOverYears) -> None:
    income = [a.total_receipts for a in fund.accounts]
    closing = [a.reserve_closing for a in fund.accounts]
    events = actuarial.funding_events(
        fund.years, fund.expenditure, fund.contributions, income, closing
    )
    account = fund.accounts[0]
    reserve = "not applicable" if not fund.holds_reserve else "not available"
    unknown = math.isnan(closing[0])
    for row, year, missing in (
        ("First year expenditure exceeds contributions", events.above_contributions, NOT_WITHIN),
        ("First year expenditure exceeds total income", events.above_income, NOT_WITHIN),
        (EXHAUSTED, events.exhausted, reserve if unknown else NOT_WITHIN),
    ):
        value = math.nan if year is None else float(year)
        table.add(
            account.scenario, row, value, "year", column=HORIZON, scheme=account.scheme.id,
            missing=missing,
        )  # fmt: skip


def _liabilities(table: TableRows, fund: FundOverYears) -> None:
    items = [b.id for b in fund.accounts[0].scheme.benefits]
    accrued, closed = (fund.measured(statistic, items) for statistic in ("accrued", "closed"))
    paid = [a.benefits_where(given=False) for a in fund.accounts]
    found = actuarial.liabilities(
        accrued, closed, paid, fund.contributions, fund.interest,
        reserve=fund.opening, timing=fund.timing,
    )  # fmt: skip
    until = f"benefits paid up to {fund.years[-1]}"
    for row, value in (
        (f"Accrued liability, {until}", found.accrued),
        (f"Closed-group liability (who was there in {fund.years[0]}), {until}", found.closed_group),
        (f"Open-group liability, {until}", found.open_group),
        (f"Present value of contributions up to {fund.years[-1]}", found.contributions),
        ("Opening reserve", found.reserve),
        (f"Open-group deficit up to {fund.years[-1]} (liability less contributions and reserve)",
         found.open_group_deficit),
    ):  # fmt: skip
        _add(table, fund, row, value / 1e6, "LCU million")
