"""Indicators together with what their sampling errors need; paired differences of two scenarios."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from microsim.indicators import influence, influence_on_poverty
from microsim.indicators.distribution import distribution
from microsim.indicators.inequality import inequality
from microsim.indicators.poverty import poverty
from microsim.indicators.sampling import Design, Estimate, estimate
from microsim.kernels.accumulate import exact_sum

Floats = npt.NDArray[np.float64]

ONLY_POSITIVE = ("theil", "mld", "atkinson_half", "atkinson_1", "atkinson_2")


@dataclass(frozen=True)
class Linearised:
    """An estimate and how much each row moves it.

    Attributes
    ----------
    value
        The estimate; NaN where undefined.
    weighted
        Shape (n,), weight x linearised value; their variance over the design is the estimate's.
    note
        Why the estimate is NaN, or what was left out.
    """

    value: float
    weighted: Floats
    note: str = ""


def poverty_linearised(
    y: Floats, w: Floats, line: float, *, include_line: bool = False
) -> dict[str, Linearised]:
    """Return headcount, gap, severity, watts, sen, sst, poor and aggregate_gap.

    Parameters
    ----------
    y
        Shape (n,), currency units a person.
    w
        Shape (n,), persons (household weight x persons of the group in the household; rows
        without such persons have 0 and stay in the design).
    line
        Poverty line, fixed, currency units a person.
    include_line
        Whether someone exactly at the line is poor.

    Raises
    ------
    InputError
        The line is not above 0, or a resource or weight cannot be measured.
    """
    found = poverty(distribution(y, w), line, include_line=include_line)
    n = found.persons

    def power(alpha: int) -> Floats:
        return influence_on_poverty.gap_powers(y, line, alpha, include_line=include_line)

    if not n:
        names = ("headcount", "gap", "severity", "watts", "sen", "sst", "poor", "aggregate_gap")
        zeros = np.zeros_like(w)
        return {name: Linearised(getattr(found, name), zeros, "no persons") for name in names}
    return {
        "headcount": Linearised(found.headcount, w * influence.of_mean(power(0), w)),
        "gap": Linearised(found.gap, w * influence.of_mean(power(1), w)),
        "severity": Linearised(found.severity, w * influence.of_mean(power(2), w)),
        "watts": Linearised(
            found.watts,
            w * influence_on_poverty.of_watts(y, w, line, include_line=include_line),
        ),
        "sen": Linearised(
            found.sen, w * influence_on_poverty.of_sen(y, w, line, include_line=include_line)
        ),
        "sst": Linearised(
            found.sst, w * influence_on_poverty.of_sst(y, w, line, include_line=include_line)
        ),
        "poor": Linearised(found.poor, w * power(0)),
        "aggregate_gap": Linearised(found.aggregate_gap, w * power(1) * line),
    }


def inequality_linearised(y: Floats, w: Floats) -> dict[str, Linearised]:
    """Return the indices of `Inequality`, its mean and median, each with its linearised values.

    Parameters
    ----------
    y, w
        Shape (n,), resources a person and persons.

    Raises
    ------
    InputError
        A resource or weight cannot be measured.
    """
    found = inequality(distribution(y, w))
    # Persons without a positive resource are outside the domain of the logarithmic indices.
    positive = y > 0
    inside = np.where(positive, w, 0.0)
    some = np.where(positive, y, 1.0)
    recipes: dict[str, Callable[[], Floats]] = {
        "gini": lambda: w * influence.of_gini(y, w),
        "theil": lambda: inside * influence.of_generalised_entropy(some, inside, 1.0),
        "mld": lambda: inside * influence.of_generalised_entropy(some, inside, 0.0),
        "atkinson_half": lambda: inside * influence.of_atkinson(some, inside, 0.5),
        "atkinson_1": lambda: inside * influence.of_atkinson(some, inside, 1.0),
        "atkinson_2": lambda: inside * influence.of_atkinson(some, inside, 2.0),
        "p90_p10": lambda: w * influence.of_quantile_ratio(y, w, 0.9, 0.1),
        "p90_p50": lambda: w * influence.of_quantile_ratio(y, w, 0.9, 0.5),
        "p50_p10": lambda: w * influence.of_quantile_ratio(y, w, 0.5, 0.1),
        "s80_s20": lambda: w * influence.of_share_ratio(y, w, 0.2, 0.2),
        "palma": lambda: w * influence.of_share_ratio(y, w, 0.1, 0.4),
        "mean": lambda: w * influence.of_mean(y, w),
        "median": lambda: w * influence.of_quantile(y, w, 0.5),
    }
    undefined = np.full_like(w, np.nan)
    linearised = {}
    for name, recipe in recipes.items():
        value = getattr(found, name)
        weighted = recipe() if value == value else undefined
        linearised[name] = Linearised(value, weighted, found.notes.get(name, ""))
    return linearised


def total_linearised(amount: Floats, w: Floats) -> Linearised:
    """Return a total with its linearised values. Shapes (n,), amount a household, households."""
    return Linearised(exact_sum(w * amount), w * amount)


def estimated(
    linearised: dict[str, Linearised], plan: Design, *, confidence: float = 0.95
) -> dict[str, Estimate]:
    """Return estimates with standard errors and confidence intervals.

    Parameters
    ----------
    linearised
        From the functions above.
    plan
        The design of the rows.
    confidence
        Level of the intervals.
    """
    ones = np.ones(plan.psu.size)
    return {
        name: estimate(found.value, found.weighted, ones, plan, confidence=confidence)
        for name, found in linearised.items()
    }


def estimated_differences(
    before: dict[str, Linearised],
    after: dict[str, Linearised],
    plan: Design,
    *,
    confidence: float = 0.95,
) -> dict[str, Estimate]:
    """Return after minus before with the error of the paired difference on the same rows."""
    return estimated(
        {
            name: Linearised(
                after[name].value - before[name].value,
                after[name].weighted - before[name].weighted,
            )
            for name in before
        },
        plan,
        confidence=confidence,
    )
