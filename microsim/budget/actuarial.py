"""Reserves, premiums and liabilities of a fund from its yearly series.

All series are of one fund, in the order of the years, one value a year; money in any currency unit.
Sources: A. Iyer, Actuarial mathematics of social security pensions (ILO, 1999), chapters 1 to 3;
Plamondon et al., Actuarial practice in social security (ILO, 2002), chapters 7 and 13.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from microsim.errors import InputError
from microsim.kernels.transcendental import exp_array

Floats = npt.NDArray[np.float64]
Series = Sequence[float] | Floats

MID_YEAR, HALF_INTEREST, START, END = "mid-year", "half-interest", "start", "end"
TIMINGS = (MID_YEAR, HALF_INTEREST, START, END)


def growth_in_year(interest: float, timing: str = MID_YEAR) -> float:
    """Return what one unit of the year's flow is worth at the end of the year.

    `mid-year`: (1 + i)^(1/2); `half-interest`: 1 + i/2; `start`: 1 + i; `end`: 1.

    Raises
    ------
    InputError
        There is no such timing.
    """
    if timing == MID_YEAR:
        return math.sqrt(1.0 + interest)
    if timing == HALF_INTEREST:
        return 1.0 + interest / 2.0
    if timing == START:
        return 1.0 + interest
    if timing == END:
        return 1.0
    raise InputError(f"unknown timing {timing!r} of flows; expected one of {', '.join(TIMINGS)}.")


def investment_income(opening: float, net: float, interest: float, timing: str = MID_YEAR) -> float:
    """Return what a reserve earns in a year: on the opening, and on the year's net flow.

    Parameters
    ----------
    opening
        Reserve at the end of the year before.
    net
        Receipts other than investment income, less expenditure.
    interest
        Rate of the year, a share.
    timing
        One of `TIMINGS`: when in the year the flows fall.
    """
    return opening * interest + net * (growth_in_year(interest, timing) - 1.0)


def reserves(
    opening: float, net: Series, interest: float | Series, timing: str = MID_YEAR
) -> list[float]:
    """Return the reserve at the end of each year: F(t) = F(t-1) (1 + i) + net(t) g(i).

    Parameters are those of `investment_income`, `net` and `interest` by year.
    """
    closing = []
    held = opening
    for flow, rate in _pairs(net, interest):
        held = held + flow + investment_income(held, flow, rate, timing)
        closing.append(held)
    return closing


def _pairs(flows: Series, interest: float | Series) -> list[tuple[float, float]]:
    return list(zip(map(float, flows), _rates(interest, len(flows)), strict=True))


def _rates(interest: float | Series, n: int) -> list[float]:
    if isinstance(interest, int | float):
        return [float(interest)] * n
    return list(map(float, interest))


def discount_factors(interest: float | Series, n: int, timing: str = MID_YEAR) -> list[float]:
    """Return the value, at the start of the first year, of one unit of each year's flow.

    With `mid-year` and a constant rate this is v^(t - 1/2), t = 1 to n.
    """
    factors, to_end = [], 1.0
    for rate in _rates(interest, n):
        to_end /= 1.0 + rate
        factors.append(to_end * growth_in_year(rate, timing))
    return factors


def end_discount(interest: float | Series, n: int) -> float:
    """Return the value, at the start of the first year, of one unit at the end of year n."""
    return discount_factors(interest, n, END)[-1] if n else 1.0


def present_value(flows: Series, interest: float | Series, timing: str = MID_YEAR) -> float:
    """Return the value of yearly flows at the start of the first year."""
    factors = discount_factors(interest, len(flows), timing)
    return math.fsum(float(flow) * factor for flow, factor in zip(flows, factors, strict=True))


def payg_rates(expenditure: Series, base: Series) -> list[float]:
    """Return the pay-as-you-go cost rate of each year, a share of insurable earnings."""
    return [float(b) / float(s) for b, s in zip(expenditure, base, strict=True)]


def general_average_premium(
    expenditure: Series,
    base: Series,
    interest: float | Series,
    *,
    opening: float = 0.0,
    terminal: float = 0.0,
    timing: str = MID_YEAR,
) -> float:
    """Return the level rate under which the reserve at the end of the horizon is `terminal`.

    GAP = [PV(expenditure) - opening + PV(terminal)] / PV(base). With the default terminal reserve
    of 0 the fund is spent to the last unit.

    Parameters
    ----------
    expenditure
        Benefits and administration, less receipts that are neither contributions nor investment
        income.
    base
        Insurable earnings.
    interest
        A rate, or one for each year.
    """
    n = len(base)
    needed = present_value(expenditure, interest, timing) - opening
    needed += terminal * end_discount(interest, n)
    return needed / present_value(base, interest, timing)


def target_ratio_premium(
    expenditure: Series,
    base: Series,
    interest: float | Series,
    ratio: float,
    *,
    opening: float = 0.0,
    timing: str = MID_YEAR,
) -> float:
    """Return the level rate under which the last reserve is `ratio` times the last expenditure."""
    terminal = ratio * float(expenditure[-1])
    return general_average_premium(
        expenditure, base, interest, opening=opening, terminal=terminal, timing=timing
    )


def scaled_premium(
    expenditure: Series,
    base: Series,
    interest: float | Series,
    *,
    opening: float = 0.0,
    timing: str = MID_YEAR,
) -> float:
    """Return the level rate under which the last year leaves the reserve as it found it.

    The discrete form of the scaled premium (Iyer 1999, chapter 1): up to then the reserve of a
    maturing scheme grows, and in the last year contributions and investment income just pay the
    expenditure.
    """
    rates = _rates(interest, len(base))
    last = rates[-1]
    before = len(base) - 1
    grown = 1.0 / end_discount(rates[:before], before)
    spent, paid = (
        grown * present_value(flows[:before], rates[:before], timing)
        for flows in (expenditure, base)
    )
    worth = growth_in_year(last, timing)
    needed = worth * float(expenditure[-1]) + last * (spent - opening * grown)
    return needed / (worth * float(base[-1]) + last * paid)


def scaled_premium_of_force(
    expenditure: Floats, base: Floats, force: float, years: float, opening: float = 0.0
) -> float:
    """Return the scaled premium in continuous time, where F'(m) = 0.

    pi = [B(m) + d J(B) - d F(n) e^(d (m-n))] / [S(m) + d J(S)], J(X) being the integral of
    X(z) e^(d (m-z)) from n to m, by Simpson's rule.

    Parameters
    ----------
    expenditure, base
        Shape (2 k + 1,), rates of flow a year at evenly spaced moments from n to m.
    force
        Force of interest d, a year.
    years
        m - n.
    """
    moments = np.linspace(years, 0.0, len(base))
    weights = np.full(len(base), 2.0)
    weights[1::2], weights[0], weights[-1] = 4.0, 1.0, 1.0
    growth = exp_array(force * moments)
    step = years / (len(base) - 1) / 3.0
    spent, paid = (
        step * math.fsum((flows * growth * weights).tolist()) for flows in (expenditure, base)
    )
    needed = float(expenditure[-1]) + force * (spent - opening * float(growth[0]))
    return needed / (float(base[-1]) + force * paid)


def terminal_funding_rates(values_of_awards: Series, base: Series) -> list[float]:
    """Return each year's rate that pays the capital value of the pensions awarded in it."""
    return payg_rates(values_of_awards, base)


@dataclass(frozen=True)
class Balance:
    """Rates over a horizon as shares of the present value of insurable earnings."""

    income_rate: float
    cost_rate: float

    @property
    def balance(self) -> float:
        """Income rate less cost rate; below 0 the fund is short."""
        return self.income_rate - self.cost_rate


def actuarial_balance(
    receipts: Series,
    expenditure: Series,
    base: Series,
    interest: float | Series,
    *,
    opening: float = 0.0,
    target_ratio: float = 0.0,
    timing: str = MID_YEAR,
) -> Balance:
    """Return the actuarial balance over the horizon.

    The income rate holds the opening reserve, the cost rate a last reserve of `target_ratio` times
    the last expenditure (Board of Trustees of the OASDI funds, Annual Report, section IV.B).

    Parameters
    ----------
    receipts
        Contributions and other receipts without investment income.
    """
    earnings = present_value(base, interest, timing)
    target = target_ratio * float(expenditure[-1]) * end_discount(interest, len(base))
    income = present_value(receipts, interest, timing) + opening
    cost = present_value(expenditure, interest, timing) + target
    return Balance(income / earnings, cost / earnings)


def first_year(years: Sequence[int], happens: Iterable[bool]) -> int | None:
    """Return the first year in which something happens, or None within the horizon."""
    return next((year for year, so in zip(years, happens, strict=True) if so), None)


def exhaustion_year(years: Sequence[int], closing: Series) -> int | None:
    """Return the first year that ends with a reserve below 0, or None within the horizon."""
    return first_year(years, (float(held) < 0.0 for held in closing))


@dataclass(frozen=True)
class Events:
    """First years in which a fund can no longer pay from its current receipts; None: not yet."""

    above_contributions: int | None
    above_income: int | None
    exhausted: int | None


def funding_events(
    years: Sequence[int],
    expenditure: Series,
    contributions: Series,
    income: Series,
    closing: Series,
) -> Events:
    """Return when expenditure first exceeds contributions and total income, and the reserve ends.

    `income` has all receipts with investment income; `closing` the reserves at the ends of years.
    """
    return Events(
        first_year(years, (b > c for b, c in zip(expenditure, contributions, strict=True))),
        first_year(years, (b > r for b, r in zip(expenditure, income, strict=True))),
        exhaustion_year(years, closing),
    )


@dataclass(frozen=True)
class Liabilities:
    """Present values of benefits at the start of the first year.

    accrued: what was earned up to then by those then alive. closed_group: all benefits of those
    then alive. open_group: all benefits. contributions: all future ones. reserve: in hand.
    """

    accrued: float
    closed_group: float
    open_group: float
    contributions: float
    reserve: float

    @property
    def open_group_deficit(self) -> float:
        """Open-group liability less future contributions and the reserve in hand."""
        return self.open_group - self.contributions - self.reserve

    @property
    def implicit_pension_debt(self) -> float:
        """Accrued liability that no reserve stands for (Holzmann, Palacios and Zviniene 2004)."""
        return self.accrued - self.reserve


def liabilities(
    accrued: Series,
    closed_group: Series,
    open_group: Series,
    contributions: Series,
    interest: float | Series,
    *,
    reserve: float = 0.0,
    timing: str = MID_YEAR,
) -> Liabilities:
    """Return the liabilities of a horizon; each series is what is paid in a year."""
    return Liabilities(
        accrued=present_value(accrued, interest, timing),
        closed_group=present_value(closed_group, interest, timing),
        open_group=present_value(open_group, interest, timing),
        contributions=present_value(contributions, interest, timing),
        reserve=reserve,
    )
