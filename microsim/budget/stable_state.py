"""Annuities, rates of return, and premiums of a scheme in its stable state, in closed form.

Used to hold projections to. Survivors `l` are by age from 0, of any size; rates are shares a year.
Sources: A. Iyer, Actuarial mathematics of social security pensions (ILO, 1999), chapters 1 and 2;
H. Aaron, The social insurance paradox (1966).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from microsim.budget.actuarial import END, Series, reserves


@dataclass(frozen=True)
class StableScheme:
    """A scheme whose members, wages and pensions grow steadily, flows at the start of the year.

    Attributes
    ----------
    survivors
        Shape (ages,), survivors to each age from 0 on; nobody is older than the last.
    entry, retirement
        Ages: contributions from `entry` on, pensions from `retirement` on.
    replacement
        Pension at the award as a share of the current wage.
    growth, wage_growth
        Of contributors, and of nominal wages.
    indexation
        Of pensions in payment.
    profile
        Wage by age from `entry` on, relative to that to which `replacement` refers; None: level.
    """

    survivors: Series
    entry: int
    retirement: int
    replacement: float
    growth: float = 0.0
    wage_growth: float = 0.0
    indexation: float = 0.0
    profile: Series | None = None

    @property
    def earnings_growth(self) -> float:
        """Growth G of total insurable earnings: (1 + growth) (1 + wage growth) - 1."""
        return (1.0 + self.growth) * (1.0 + self.wage_growth) - 1.0

    def payg(self) -> float:
        """Return the constant pay-as-you-go rate."""
        fall = 1.0 / (1.0 + self.earnings_growth)
        return self._awards(self.growth) * self._annuity(fall) / self._earnings(self.growth)

    def terminal_funding(self, interest: float) -> float:
        """Return the rate that pays the capital value of each year's new pensions."""
        fall = 1.0 / (1.0 + interest)
        return self._awards(self.growth) * self._annuity(fall) / self._earnings(self.growth)

    def general_average_premium(self, interest: float) -> float:
        """Return the level rate of a new entrant, or of an infinite horizon."""
        real = (1.0 + interest) / (1.0 + self.wage_growth) - 1.0
        fall = 1.0 / (1.0 + interest)
        return self._awards(real) * self._annuity(fall) / self._earnings(real)

    def reserve(self, rate: float, interest: float) -> float:
        """Return the steady reserve, before the flows of the year, in years of earnings.

        F/S = (PAYG - rate) (1 + i) / (i - G); needs i > G and a rate below the pay-as-you-go rate.
        """
        return (self.payg() - rate) * (1.0 + interest) / (interest - self.earnings_growth)

    def dependency(self) -> float:
        """Return pensioners per contributor."""
        old = self._survivors_at(self.growth, range(self.retirement, len(self.survivors)))
        return old / self._survivors_at(self.growth, range(self.entry, self.retirement))

    def flows_of_member(self, rate: float) -> list[float]:
        """Return what one entrant is expected to get (above 0) and pay, a year from entry on, in
        units of the wage at entry.
        """
        flows, wage, pension = [], 1.0, 0.0
        at_entry = float(self.survivors[self.entry])
        for age in range(self.entry, len(self.survivors)):
            alive = float(self.survivors[age]) / at_entry
            if age < self.retirement:
                flows.append(-alive * rate * wage * self._profile(age))
            else:
                new = age == self.retirement
                pension = self.replacement * wage if new else pension * (1.0 + self.indexation)
                flows.append(alive * pension)
            wage *= 1.0 + self.wage_growth
        return flows

    def _awards(self, growth: float) -> float:
        return self.replacement * self._survivors_at(growth, (self.retirement,))

    def _annuity(self, fall: float) -> float:
        """Return the pensions to come of one new pensioner, each year counting `fall` less."""
        survivors = list(map(float, self.survivors[self.retirement :]))
        return annuity_due(survivors, factor=(1.0 + self.indexation) * fall)

    def _earnings(self, growth: float) -> float:
        ages = range(self.entry, self.retirement)
        return math.fsum(self._survivors_at(growth, (x,)) * self._profile(x) for x in ages)

    def _profile(self, age: int) -> float:
        return 1.0 if self.profile is None else float(self.profile[age - self.entry])

    def _survivors_at(self, growth: float, ages: Sequence[int]) -> float:
        return math.fsum(float(self.survivors[x]) * _power(1.0 + growth, -x) for x in ages)


def _power(base: float, exponent: int) -> float:
    """Return an integer power by repeated multiplication, so that its bits are equal everywhere."""
    product, square, left = 1.0, base, abs(exponent)
    while left:
        if left & 1:
            product *= square
        square *= square
        left >>= 1
    return product if exponent >= 0 else 1.0 / product


def annuity_due(survivors: Series, interest: float = 0.0, *, factor: float | None = None) -> float:
    """Return the value of one unit a year in advance for life: sum of v^k l(r+k) / l(r).

    Parameters
    ----------
    survivors
        Survivors to the age at which payment begins, and to each later one.
    interest
        A year; or `factor`, the value of a unit a year later, in its place.
    """
    fall = 1.0 / (1.0 + interest) if factor is None else factor
    values, discount = [], 1.0
    for alive in survivors:
        values.append(float(alive) * discount)
        discount *= fall
    return math.fsum(values) / float(survivors[0])


def annuity_certain_due(years: int, interest: float) -> float:
    """Return the value of one unit a year in advance for some years: (1 - v^n) / (1 - v)."""
    if interest == 0.0:
        return float(years)
    v = 1.0 / (1.0 + interest)
    return (1.0 - _power(v, years)) / (1.0 - v)


def annuity_certain(years: int, interest: float) -> float:
    """Return the value of one unit a year in arrear for some years."""
    return annuity_certain_due(years, interest) / (1.0 + interest)


def annuity_divisor(survivors: Series, indexation: float, interest: float) -> float:
    """Return the divisor of a notional account: the annuity in advance at the rate by which
    interest exceeds indexation.

    With both equal it is the expectation of life, counted in payments.
    """
    return annuity_due(survivors, factor=(1.0 + indexation) / (1.0 + interest))


def account_at_retirement(
    contributions: Series, interest: float | Series, timing: str = END
) -> float:
    """Return a member's balance after the last year, notional or real."""
    return reserves(0.0, contributions, interest, timing)[-1]


def internal_rate_of_return(flows: Series) -> float:
    """Return the rate at which yearly flows have the value 0; the flows change sign once.

    Found by halving until two neighbouring numbers are left.
    """
    low, high = -0.99, 10.0
    sign = _value(flows, low) > 0.0
    while True:
        middle = (low + high) / 2.0
        if middle in (low, high):
            return middle
        if (_value(flows, middle) > 0.0) is sign:
            low = middle
        else:
            high = middle


def _value(flows: Series, rate: float) -> float:
    """Return the value of yearly flows at the time of the first."""
    v, values, discount = 1.0 / (1.0 + rate), [], 1.0
    for flow in flows:
        values.append(float(flow) * discount)
        discount *= v
    return math.fsum(values)
