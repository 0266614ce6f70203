"""The distribution of welfare per head: a quantile curve fitted to shares, Gini and poverty."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from microsim.kernels.transcendental import exp_array, log_array, normal_quantile_array
from microsim.population.synthesis.people import Floats, Ints
from microsim.population.synthesis.weights import solve

KNOTS = np.array([0.02, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.97, 0.995])
SHARE_EDGES = np.array([0.0, 0.1, 0.2, 0.4, 0.6, 0.8, 0.9, 1.0])
ROUNDS = 60
SQRT_2 = 1.4142135623730951
# How closely each kind of evidence is followed: the smallest wins where they conflict.
CLOSENESS = {"poverty": 0.0015, "gini": 0.002, "shares": 0.003, "bend": 0.35, "mean": 0.3}
PRIORITY = (
    "poverty headcounts win over the Gini index, the Gini over the decile and quintile shares, "
    "the mean suggested by national accounts counts only where no headcount is in 2 to 98 %"
)


@dataclass(frozen=True)
class Evidence:
    """What is known of welfare per head, person-weighted.

    Attributes
    ----------
    poverty
        (line, headcount) pairs: lines in any currency and period, headcounts as shares.
    gini
        Gini index as a share, or None.
    shares
        Income shares between `SHARE_EDGES` (seven), or None.
    mean
        Mean in the lines' unit as national accounts suggest it: used where poverty tells little.
    """

    poverty: tuple[tuple[float, float], ...]
    gini: float | None
    shares: tuple[float, ...] | None
    mean: float


@dataclass(frozen=True)
class QuantileCurve:
    """Welfare per head by rank: the logarithm is piecewise linear in the normal quantile.

    Attributes
    ----------
    knots
        Shape (n_knots,), normal quantiles of the knots.
    logs
        Shape (n_knots,), logarithm of welfare per head at the knots.
    """

    knots: Floats
    logs: Floats

    def log_at(self, normal: Floats) -> Floats:
        """Return the logarithm of welfare per head at normal quantiles; ends continue straight."""
        place = np.clip(np.searchsorted(self.knots, normal) - 1, 0, self.knots.size - 2)
        slope = (self.logs[1:] - self.logs[:-1]) / (self.knots[1:] - self.knots[:-1])
        return self.logs[place] + slope[place] * (normal - self.knots[place])

    def at_rank(self, rank: Floats) -> Floats:
        """Return welfare per head at ranks in (0, 1), shape as given."""
        return exp_array(self.log_at(normal_quantile_array(rank)))


def _grid() -> tuple[Floats, Floats]:
    """Return ranks and their widths, finer at the top where the money is."""
    edges = np.concatenate(
        [np.arange(0, 450) / 500.0, 0.9 + np.arange(0, 450) / 5000.0, 0.99 + np.arange(501) / 5e4]
    )
    return (edges[1:] + edges[:-1]) / 2.0, edges[1:] - edges[:-1]


def total(values: Floats) -> float:
    """Return the sum in row order, the same on any machine."""
    return float(np.cumsum(values)[-1])


def gini_of_sorted(values: Floats, weights: Floats) -> float:
    """Return the Gini index of values sorted upwards, with weights (trapezoids under Lorenz)."""
    money = np.cumsum(values * weights)
    before = np.r_[0.0, money[:-1]]
    area = total(weights * (money + before))
    return 1.0 - area / (float(money[-1]) * total(weights))


def fit(evidence: Evidence) -> QuantileCurve:
    """Fit the curve by damped least squares (Levenberg, Marquardt), same on any machine.

    Where the evidence conflicts `PRIORITY` says which wins.
    """
    knots = normal_quantile_array(KNOTS)
    rank, width = _grid()
    normal = normal_quantile_array(rank)
    spread = _first_spread(evidence)
    logs = _first_level(evidence, spread) + spread * knots
    damping = 1e-3

    def residuals(at: Floats) -> Floats:
        return _residuals(evidence, QuantileCurve(knots, at), normal, width)

    now = residuals(logs)
    for _ in range(ROUNDS):
        jacobian = np.stack(
            [(residuals(logs + 1e-5 * np.eye(knots.size)[i]) - now) / 1e-5
             for i in range(knots.size)], axis=1,
        )  # fmt: skip
        square, right = _normal_equations(jacobian, now)
        step = solve(square + damping * np.diag(np.diag(square)), -right)
        tried = _increasing(logs + np.clip(step, -0.5, 0.5))
        value = residuals(tried)
        if total(value * value) < total(now * now):
            small = float(np.abs(tried - logs).max()) < 1e-9
            logs, now, damping = tried, value, damping / 4.0
            if small:
                break
        else:
            damping *= 5.0
    return QuantileCurve(knots, logs)


def _normal_equations(jacobian: Floats, now: Floats) -> tuple[Floats, Floats]:
    """Return J'J and J'r, summed in row order."""
    products = jacobian[:, :, None] * jacobian[:, None, :]
    return np.cumsum(products, axis=0)[-1], np.cumsum(jacobian * now[:, None], axis=0)[-1]


def _increasing(logs: Floats) -> Floats:
    """Keep the curve rising: knots that would fall are lifted a little above the one before."""
    lifted = logs.copy()
    for i in range(1, lifted.size):
        lifted[i] = max(lifted[i], lifted[i - 1] + 0.01)
    return lifted


def _first_spread(evidence: Evidence) -> float:
    """Return the lognormal's deviation with the wanted Gini: G = 2 Phi(s / sqrt 2) - 1."""
    gini = 0.38 if evidence.gini is None else min(max(evidence.gini, 0.15), 0.75)
    return float(normal_quantile_array(np.array([(gini + 1.0) / 2.0]))[0]) * SQRT_2


def _first_level(evidence: Evidence, spread: float) -> float:
    """Return the lognormal's location: from the headcount nearest to a half, else from the mean."""
    telling = _telling(evidence)
    if not telling:
        return float(log_array(np.array([evidence.mean]))[0]) - spread * spread / 2.0
    line, headcount = min(telling, key=lambda pair: abs(pair[1] - 0.5))
    normal = float(normal_quantile_array(np.array([headcount]))[0])
    return float(log_array(np.array([line]))[0]) - spread * normal


def _telling(evidence: Evidence) -> list[tuple[float, float]]:
    """Return the headcounts that tell the level: those well away from nobody and everybody."""
    return [pair for pair in evidence.poverty if 0.02 < pair[1] < 0.98]


def _residuals(evidence: Evidence, curve: QuantileCurve, normal: Floats, width: Floats) -> Floats:
    values = exp_array(curve.log_at(normal))
    lorenz = np.cumsum(values * width)
    mean = float(lorenz[-1])
    found: list[float] = []
    for line, headcount in evidence.poverty:
        if 0.001 < headcount < 0.999:
            found.append(_poverty_residual(curve, line, headcount) / CLOSENESS["poverty"])
    if evidence.gini is not None:
        gap = gini_of_sorted(values, width) - evidence.gini
        found.append(gap / CLOSENESS["gini"])
    if evidence.shares is not None:
        upper = np.cumsum(width)
        at_edges = np.interp(SHARE_EDGES, np.r_[0.0, upper], np.r_[0.0, lorenz / mean])
        gaps = (at_edges[1:] - at_edges[:-1]) - np.array(evidence.shares)
        found.extend((gaps / CLOSENESS["shares"]).tolist())
    if not _telling(evidence):
        pull = log_array(np.array([mean, evidence.mean]))
        found.append(float(pull[0] - pull[1]) / CLOSENESS["mean"])
    slope = (curve.logs[1:] - curve.logs[:-1]) / (curve.knots[1:] - curve.knots[:-1])
    found.extend(((slope[1:] - slope[:-1]) / CLOSENESS["bend"]).tolist())
    return np.array(found)


def _poverty_residual(curve: QuantileCurve, line: float, headcount: float) -> float:
    """Return the difference of headcounts at a line, to first order around the wanted one."""
    at = normal_quantile_array(np.array([headcount, headcount + 0.0005, headcount - 0.0005]))
    logs = curve.log_at(at)
    slope = max(float(logs[1] - logs[2]) / 0.001, 1e-3)
    return (float(log_array(np.array([line]))[0]) - float(logs[0])) / slope


def assign_welfare(curve: QuantileCurve, score: Floats, size: Ints, weights: Floats) -> Floats:
    """Return welfare of households, currency units per month: the curve at each one's rank.

    Parameters
    ----------
    score
        Shape (n_households,): who is richer (only the order counts).
    size, weights
        Shape (n_households,), persons in the household and households it stands for.
    """
    order = np.argsort(score, kind="stable")
    persons = (size * weights)[order]
    upper = np.cumsum(persons)
    rank = (upper - persons / 2.0) / upper[-1]
    welfare = np.empty(size.size)
    welfare[order] = curve.at_rank(rank) * size[order]
    return welfare
