"""Alignment of probabilities, events and amounts to outside totals, as functions on arrays.

Lives have them inside each market, as `align` of a lives file names them; these are the methods
that Li and O'Donoghue (2014, JASSS 17(1) 15) compare, for modellers who prepare rates of their own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from microsim.errors import Fault, InputError
from microsim.kernels.transcendental import log_array

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
SORTING = ("SBP", "SBD", "SBDL")
STEPS = 200  # of halving: the interval is then narrower than one unit in the last place
WIDEST = 1e300  # odds multiplier beyond which a target cannot be told from its limit


@dataclass(frozen=True)
class Scaled:
    """Probabilities aligned by one shift of their logits.

    Attributes
    ----------
    probability
        Shape (n,), aligned.
    shift
        What was added to every logit.
    odds
        By what all odds were multiplied: the exponential of the shift.
    """

    probability: Floats
    shift: float
    odds: float


def logit_scaled(probability: npt.ArrayLike, weight: npt.ArrayLike, target: float) -> Scaled:
    """Return probabilities whose weighted sum is a target, with all ratios of odds kept.

    The shift a solves sum of weight x logistic(logit(p) + a) = target, which has one solution;
    probabilities of 0 and 1 stay.

    Parameters
    ----------
    probability, weight
        Shape (n,): probabilities 0 to 1; weights, 0 or more.
    target
        Expected number of events, in the unit of the weights.

    Raises
    ------
    InputError
        A probability or weight out of range; a target that no shift reaches.

    Examples
    --------
    >>> found = logit_scaled([0.1, 0.3, 0.5], [1.0, 1.0, 1.0], 1.2)
    >>> round(found.shift, 10)
    0.5142443421
    """
    p, w = _checked(probability, weight)
    open_ = (p > 0.0) & (p < 1.0)
    sure = float(np.cumsum(np.append(0.0, w[p == 1.0]))[-1])
    most = sure + float(np.cumsum(np.append(0.0, w[open_]))[-1])
    if not sure < target < most and not (sure == target == most):
        raise _out_of_reach(target, sure, most)
    low, high = 1.0 / WIDEST, WIDEST
    for _ in range(STEPS * 10):
        odds = float(np.sqrt(low) * np.sqrt(high))
        if not low < odds < high:
            break
        below = _expected(p, w, odds) < target
        low, high = (odds, high) if below else (low, odds)
    odds = high
    return Scaled(_moved(p, odds), float(log_array(np.array([odds]))[0]), odds)


def multiplied(probability: npt.ArrayLike, weight: npt.ArrayLike, target: float) -> Floats:
    """Return probabilities in their old proportions whose weighted sum is a target.

    Raises
    ------
    InputError
        A probability or weight out of range; nobody has a chance; a probability would pass 1.
    """
    p, w = _checked(probability, weight)
    total = float(np.cumsum(np.append(0.0, w * p))[-1])
    if total <= 0.0:
        if target == 0.0:
            return p
        raise _out_of_reach(target, 0.0, 0.0)
    found = p * (target / total)
    if found.max(initial=0.0) > 1.0:
        what = "a probability would pass 1"
        largest = f"{float(found.max()):.6g}"
        raise InputError(
            Fault("multiplicative alignment", what, largest, "1 at most", "Scale the logits.")
        )
    return found


def sorted_events(
    probability: npt.ArrayLike,
    uniform: npt.ArrayLike,
    weight: npt.ArrayLike,
    target: float,
    method: str = "SBDL",
) -> tuple[Flags, float]:
    """Return to whom an event happens, so that their weights come as near a target as they can, and
    the miss: reached less wanted, at most half of one weight where weights are equal.

    SBP takes the largest probabilities, and so always the same persons: it is for comparison. SBD
    takes the largest differences of probability and uniform number, SBDL those of their logits.

    Parameters
    ----------
    probability, uniform, weight
        Shape (n,); uniform numbers in [0, 1), keyed by person, break ties.
    target
        Number of events, in the unit of the weights.
    method
        One of `SORTING`.

    Raises
    ------
    InputError
        A value out of range, an unknown method, or more events than those with a chance can have.
    """
    p, w = _checked(probability, weight)
    u = np.asarray(uniform, np.float64)
    if method not in SORTING:
        raise InputError(Fault("alignment", "unknown method", method, ", ".join(SORTING)))
    order = np.lexsort((u, -_score(p, u, method)))
    order = order[p[order] > 0.0]
    reached = np.cumsum(np.append(0.0, w[order]))
    if target > reached[-1]:
        raise _out_of_reach(target, 0.0, float(reached[-1]))
    k = int(np.argmin(np.abs(reached - target)))
    happens = np.zeros(p.size, np.bool_)
    happens[order[:k]] = True
    return happens, float(reached[k]) - target


def scaled_amounts(amount: npt.ArrayLike, weight: npt.ArrayLike, total: float) -> Floats:
    """Return amounts in their old proportions whose weighted sum is a total.

    Raises
    ------
    InputError
        The weighted sum before is 0, and the total is not.
    """
    x, w = np.asarray(amount, np.float64), np.asarray(weight, np.float64)
    before = float(np.cumsum(np.append(0.0, x * w))[-1])
    if before == 0.0:
        if total == 0.0:
            return x
        raise _out_of_reach(total, 0.0, 0.0)
    return x * (total / before)


def _score(p: Floats, u: Floats, method: str) -> Floats:
    if method == "SBP":
        return p
    if method == "SBD":
        return p - u
    certain = p >= 1.0
    tiny = np.nextafter(0.0, 1.0)
    odds = np.where(certain, 1.0, p) / np.where(certain, 1.0, 1.0 - p)
    drawn = np.maximum(u, tiny) / (1.0 - u)
    score = log_array(np.maximum(odds, tiny)) - log_array(drawn)
    return np.where(certain, np.inf, np.where(p <= 0.0, -np.inf, score))


def _moved(p: Floats, odds: float) -> Floats:
    return np.where((p > 0.0) & (p < 1.0), p * odds / (1.0 - p + p * odds), p)


def _expected(p: Floats, w: Floats, odds: float) -> float:
    return float(np.cumsum(w * _moved(p, odds))[-1])


def _checked(probability: npt.ArrayLike, weight: npt.ArrayLike) -> tuple[Floats, Floats]:
    p, w = np.asarray(probability, np.float64), np.asarray(weight, np.float64)
    if p.shape != w.shape or p.ndim != 1:
        raise InputError(
            Fault(
                "alignment", "probabilities and weights differ in shape", str(p.shape), str(w.shape)
            )
        )
    if not ((p >= 0.0) & (p <= 1.0)).all():
        found = float(p[~((p >= 0.0) & (p <= 1.0))][0])
        raise InputError(Fault("alignment", "probability out of range", f"{found:g}", "0 to 1"))
    if not ((w >= 0.0) & np.isfinite(w)).all():
        raise InputError(Fault("alignment", "weight out of range", "", "finite, 0 or more"))
    return p, w


def _out_of_reach(target: float, least: float, most: float) -> InputError:
    expected = f"between {least:g} and {most:g}"
    return InputError(Fault("alignment", "the target cannot be met", f"{target:g}", expected))
