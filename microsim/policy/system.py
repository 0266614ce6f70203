"""A country system after loading, as plain typed data."""

from __future__ import annotations

from dataclasses import dataclass, field

from microsim.errors import Fault
from microsim.files import SourceFile
from microsim.language.definitions import Definitions, Location


@dataclass(frozen=True)
class ContributionRule:
    """A contribution of a scheme: the variable that computes it and who pays.

    Attributes
    ----------
    variable
        Name of the variable, currency a month or a year.
    payer
        One of `vocabulary.PAYERS`.
    due
        Variable of what the law asks, or "" where all that is due is paid.
    """

    id: str
    payer: str
    variable: str
    where: Location
    due: str = ""


@dataclass(frozen=True)
class BenefitRule:
    """A benefit of a scheme.

    Attributes
    ----------
    of
        person, household or a declared unit: that of the variable.
    eligible
        Boolean variable of entitlement, or "".
    minimum
        Parameter of the legal minimum, currency a month, or "".
    paid
        Variable of what is paid, if it differs from the entitlement `variable`; or "".
    """

    id: str
    function: str
    variable: str
    kind: str
    means_tested: bool
    of: str
    where: Location
    eligible: str = ""
    minimum: str = ""
    paid: str = ""


@dataclass(frozen=True)
class AdministrationRule:
    """Administration cost: a share of benefits or contributions, or an amount per recipient.

    Either `value` is a number (shares only) or `parameter` names a parameter; an amount per
    recipient is in currency a year.
    """

    basis: str
    value: float
    parameter: str
    where: Location


@dataclass(frozen=True)
class GivenRule:
    """A line of the accounts given from outside, currency a year (reserve: currency), by year."""

    line: str
    values: dict[int, float]
    source: str
    where: Location
    index: str = ""
    function: str = ""
    kind: str = ""
    means_tested: bool = False
    scheme: str = ""


@dataclass(frozen=True)
class FinancingRule:
    """Shares of expenditure paid by general revenue and from abroad, or who pays the balance."""

    general_revenue: float = 0.0
    external: float = 0.0
    balance: str = ""


@dataclass(frozen=True)
class FundRule:
    """The fund of a scheme.

    Attributes
    ----------
    kind, timing
        Of `vocabulary.FUND_KINDS` and `FUND_TIMINGS`.
    returns
        `frame.series` or a parameter: the rate of return a year, a share; "" for a scheme without
        a reserve.
    opening
        Reserve at the start of a year, currency, by year.
    target_ratio
        Reserve wanted at the end of the horizon, in years of expenditure, or None.
    balances, new_awards_value, accrued_share
        Variables: members' balances at the end of the year (currency), capital value of the
        pensions awarded in the year, share of a pension earned up to the first year of a run;
        or "".
    """

    kind: str
    where: Location
    timing: str
    returns: str
    opening: dict[int, float]
    target_ratio: float | None = None
    closed: bool = False
    balances: str = ""
    new_awards_value: str = ""
    accrued_share: str = ""


@dataclass(frozen=True)
class SchemeRule:
    """A scheme: what it collects, what it pays, how it is financed."""

    id: str
    label: str
    pillar: str
    where: Location
    contributions: tuple[ContributionRule, ...] = ()
    benefits: tuple[BenefitRule, ...] = ()
    given: tuple[GivenRule, ...] = ()
    administration: AdministrationRule | None = None
    financing: FinancingRule = field(default_factory=FinancingRule)
    insurable_earnings: str = ""
    partial: bool = False
    fund: FundRule | None = None

    @property
    def contributory(self) -> bool:
        """Tell whether anybody contributes, in a simulated or a given line."""
        given = any(line.line.startswith("contributions") for line in self.given)
        return bool(self.contributions) or given

    @property
    def earned(self) -> bool:
        """Tell whether benefits are earned by contributions, or by service for an employer."""
        return self.contributory or self.pillar == "employer liability"


@dataclass(frozen=True)
class TaxRule:
    """A tax or levy; `earmarked_for` names a scheme or is ""."""

    id: str
    label: str
    variable: str
    kind: str
    origin: str
    where: Location
    earmarked_for: str = ""


@dataclass(frozen=True)
class System:
    """A country system, or one after a reform.

    Attributes
    ----------
    incomes_market, incomes_pensions
        Names of person or household variables or inputs, currency a month.
    equivalence
        `per capita`, `square root` or `oecd modified`.
    marginal_propensity
        Share of a change of disposable income that moves welfare.
    welfare_source
        What the welfare column is, in words; may be "".
    retirement_age
        Name of a parameter in years (by sex: a table with the key sex), or "".
    poverty_lines
        Name -> `frame.series` or a parameter, currency a month a head.
    files
        Every file read, with checksum.
    warnings
        What is allowed but looks wrong.
    """

    name: str
    country: str
    currency: str
    definitions: Definitions
    schemes: dict[str, SchemeRule]
    taxes: dict[str, TaxRule]
    incomes_market: tuple[str, ...]
    incomes_pensions: tuple[str, ...]
    equivalence: str
    marginal_propensity: float
    welfare_source: str
    retirement_age: str
    poverty_lines: dict[str, str]
    where: Location
    files: tuple[SourceFile, ...] = ()
    warnings: tuple[Fault, ...] = ()
