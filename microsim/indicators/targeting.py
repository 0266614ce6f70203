"""Coverage, targeting errors and what a programme achieves for its cost."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from microsim.indicators.incidence import Incidence, incidence, share
from microsim.indicators.poverty import aggregate_gap_of_households, check_line
from microsim.kernels.accumulate import exact_dot, exact_sum

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
NAN = float("nan")


def over(part: float, whole: float) -> float:
    """Return part / whole, NaN where the whole is 0."""
    return part / whole if whole else NAN


@dataclass(frozen=True)
class Targeting:
    """How well a programme reaches the poor; persons in receiving households are recipients.

    Attributes
    ----------
    by_group
        Coverage, beneficiary and benefit incidence by quantile group.
    coverage, coverage_of_poor, coverage_of_non_poor
        Recipients / persons.
    exclusion
        Poor non-recipients / poor persons.
    inclusion
        Non-poor recipients / recipients.
    differential
        Coverage of the poor - coverage of the non-poor.
    coady_grosh_hoddinott
        Share of the amount going to the poor / their share of persons; above 1 is progressive.
    """

    by_group: Incidence
    coverage: float
    coverage_of_poor: float
    coverage_of_non_poor: float
    exclusion: float
    inclusion: float
    differential: float
    coady_grosh_hoddinott: float


def targeting(
    groups: Ints,
    n_groups: int,
    weight: Floats,
    size: Floats,
    poor: Flags,
    receives: Flags,
    amount: Floats,
    welfare_total: Floats,
) -> Targeting:
    """Return coverage and targeting errors of a programme.

    Parameters
    ----------
    groups, n_groups
        Shape (n,), quantile group of welfare before the programme, and their number.
    weight, size
        Shape (n,), households and persons a household.
    poor
        Shape (n,), poor (or in the target group) before the programme.
    receives
        Shape (n,), whether the household receives.
    amount, welfare_total
        Shape (n,), currency units a household of one period; welfare with the programme in it.
    """
    persons = weight * size
    everyone, recipients = exact_sum(persons), exact_sum(persons * receives)
    n_poor, poor_recipients = exact_sum(persons * poor), exact_sum(persons * (poor & receives))
    to_poor, spent = exact_dot(weight, amount * poor), exact_dot(weight, amount)
    covered = over(poor_recipients, n_poor)
    covered_others = over(recipients - poor_recipients, everyone - n_poor)
    return Targeting(
        by_group=incidence(groups, n_groups, weight, size, receives, amount, welfare_total),
        coverage=over(recipients, everyone),
        coverage_of_poor=covered,
        coverage_of_non_poor=covered_others,
        exclusion=over(n_poor - poor_recipients, n_poor),
        inclusion=over(recipients - poor_recipients, recipients),
        differential=covered - covered_others,
        coady_grosh_hoddinott=over(over(to_poor, spent), over(n_poor, everyone)),
    )


@dataclass(frozen=True)
class Adequacy:
    """How much the benefit is for who receives it.

    Attributes
    ----------
    of_welfare
        Amount / welfare of receiving households, benefit included.
    of_line
        Mean over recipient persons of amount a equivalent person / line.
    lifted
        Recipients poor without and not poor with the benefit / recipients.
    by_group
        `of_welfare` by quantile group. Shape (n_groups,).
    """

    of_welfare: float
    of_line: float
    lifted: float
    by_group: Floats


def adequacy(
    groups: Ints,
    n_groups: int,
    weight: Floats,
    size: Floats,
    equivalents: Floats,
    welfare: Floats,
    receives: Flags,
    amount: Floats,
    line: float,
) -> Adequacy:
    """Return the adequacy of a benefit.

    Parameters
    ----------
    groups, n_groups, weight, size, receives, amount
        As for `targeting`.
    equivalents
        Shape (n,), equivalent persons of the household.
    welfare
        Shape (n,), currency units an equivalent person, with the benefit in it.
    line
        Poverty line, currency units an equivalent person of the same period.
    """
    check_line(line)
    received = np.where(receives, amount, 0.0)
    persons = weight * size * receives
    recipients = exact_sum(persons)
    total = incidence(
        np.where(receives, groups, -1), n_groups, weight, size, receives, received,
        welfare * equivalents,
    )  # fmt: skip
    lifted = (welfare >= line) & (welfare - received / equivalents < line)
    return Adequacy(
        of_welfare=over(exact_sum(total.amount), exact_sum(total.income)),
        of_line=over(exact_dot(persons, received / equivalents / line), recipients),
        lifted=over(exact_sum(persons * lifted), recipients),
        by_group=share(total.amount, total.income),
    )


@dataclass(frozen=True)
class CostBenefit:
    """What the spending does to the poverty gap (Beckerman 1979).

    Attributes
    ----------
    spent, gap_before, gap_after
        Currency units of the period.
    gap_closed_per_unit
        Poverty reduction efficiency: gap closed / spent.
    vertical_efficiency
        Amount going to who is poor before / spent.
    spillover
        Share of the amount for the poor in excess of their gap.
    gap_closed_share
        Poverty gap efficiency: gap closed / gap before.
    """

    spent: float
    gap_before: float
    gap_after: float
    gap_closed_per_unit: float
    vertical_efficiency: float
    spillover: float
    gap_closed_share: float


def cost_benefit(
    weight: Floats, equivalents: Floats, before: Floats, amount: Floats, line: float
) -> CostBenefit:
    """Return the cost-benefit ratio of a programme and its parts.

    Parameters
    ----------
    weight, equivalents
        Shape (n,), households and equivalent persons a household.
    before
        Shape (n,), welfare an equivalent person without the programme.
    amount
        Shape (n,), currency units a household of the same period, 0 or more.
    line
        Poverty line, currency units an equivalent person.
    """
    spent = exact_dot(weight, amount)
    gap_before = aggregate_gap_of_households(weight, equivalents, before, line)
    after = before + amount / equivalents
    gap_after = aggregate_gap_of_households(weight, equivalents, after, line)
    vertical = over(exact_dot(weight, amount * (before < line)), spent)
    efficiency = over(gap_before - gap_after, spent)
    return CostBenefit(
        spent, gap_before, gap_after, efficiency, vertical,
        spillover=1.0 - over(efficiency, vertical),
        gap_closed_share=over(gap_before - gap_after, gap_before),
    )  # fmt: skip
