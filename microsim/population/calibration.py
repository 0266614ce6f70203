"""Changes the weights of households as little as possible so that they add up to known totals."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, isfinite

import numpy as np
import numpy.typing as npt

from microsim.errors import FaultList, InputError
from microsim.population import calibration_steps as steps
from microsim.population.calibration_margins import (
    Margins,
    check_reach,
    explain_failure,
    independent,
)

Floats = npt.NDArray[np.float64]

METHODS = {"linear": steps.LINEAR, "raking": steps.RAKING, "logit": steps.LOGIT}
TOLERANCE = 1e-8
POLISHED = 1e-14
HALVINGS = 60


@dataclass(frozen=True)
class MarginFit:
    """One margin before and after; `redundant` where other margins imply it. Unit of the margin."""

    name: str
    before: float
    target: float
    after: float
    redundant: bool

    @property
    def residual(self) -> float:
        """Distance from the target, relative to it (absolute where the target is 0)."""
        return abs(self.after - self.target) / (abs(self.target) or 1.0)


@dataclass(frozen=True)
class Calibration:
    """Calibrated weights with what they cost.

    Attributes
    ----------
    weights, g
        Shape (n_households,): new weights, and new weight over old (1 where the old is 0).
    multipliers
        Shape (k,), the Lagrange multiplier of each margin, per unit of it; 0 where redundant.
    margins
        Each margin before and after.
    iterations
        Newton steps taken.
    residual
        Largest `MarginFit.residual`.
    deff_before, deff_after
        Kish's design effect of unequal weights, n Σw² / (Σw)².
    """

    method: str
    bounds: tuple[float, float] | None
    weights: Floats
    g: Floats
    multipliers: Floats
    margins: tuple[MarginFit, ...]
    iterations: int
    residual: float
    deff_before: float
    deff_after: float

    @property
    def g_min(self) -> float:
        """Smallest ratio of new weight to old."""
        return float(self.g.min())

    @property
    def g_max(self) -> float:
        """Largest ratio of new weight to old."""
        return float(self.g.max())

    @property
    def n_negative(self) -> int:
        """Households whose new weight is below zero (the linear method without bounds)."""
        return int((self.weights < 0.0).sum())

    @property
    def n_at_bounds(self) -> int:
        """Households whose weight ratio lies at a bound (within 1e-9)."""
        if self.bounds is None:
            return 0
        low, high = self.bounds
        return int(((self.g <= low + 1e-9) | (self.g >= high - 1e-9)).sum())


def design_effect(weights: Floats) -> float:
    """Return n Σw² / (Σw)² over households with a weight: Kish's effect of unequal weights."""
    used = weights[weights != 0.0]
    return float(used.size * (used * used).sum() / used.sum() ** 2)


def calibrate(
    weights: Floats,
    totals: Floats,
    targets: Floats,
    *,
    names: tuple[str, ...] = (),
    method: str = "raking",
    bounds: tuple[float, float] | None = None,
    tolerance: float = TOLERANCE,
    iterations: int = 200,
    where: str = "calibration",
) -> Calibration:
    """Find weights w = d g(x'λ) with Σ w x = targets, one weight for each household.

    Parameters
    ----------
    weights
        Shape (n_households,), the weights d to start from, 0 or more.
    totals
        Shape (n_households, k): what each household adds to each margin (persons of a sex and
        age group, employed persons, 1 for the number of households), in the unit of the margin.
    targets
        Shape (k,), the known totals.
    names
        Names of the margins for messages; numbered if left out.
    method
        `raking` (g = exp u), `linear` (GREG: g = 1 + u) or `logit` (needs bounds).
    bounds
        Smallest and largest new weight over old; raking and linear are truncated there.
    tolerance
        Largest relative distance from a target that is accepted.
    iterations
        Most Newton steps.
    where
        File or object named in messages.

    Returns
    -------
    Calibration
        Equal to the last bit on any machine and for any number of threads.

    Raises
    ------
    InputError
        Shapes, weights, method or bounds are at fault; a target is out of reach; a margin
        contradicts margins that imply it; the margins cannot be met together.

    Notes
    -----
    Deville and Särndal (1992), JASA 87, 376-382. Newton's method on the concave dual
    λ't − Σ d G(x'λ) with step halving, G the integral of g.

    Examples
    --------
    >>> x = np.array([[1.0, 0.0], [1.0, 0.0], [1.0, 1.0], [1.0, 1.0]])
    >>> calibrate(np.full(4, 10.0), x, np.array([44.0, 24.0]), method="linear").weights
    array([10., 10., 12., 12.])
    """
    weights, totals, targets = (np.asarray(a, dtype=np.float64) for a in (weights, totals, targets))
    names = names or tuple(str(j + 1) for j in range(totals.shape[-1]))
    _check_inputs(weights, totals, targets, names, method, bounds, where)
    lower, upper = bounds or (0.0 if method == "raking" else -inf, inf)
    margins = Margins.of(totals, targets, names)
    faults = FaultList()
    check_reach(faults, margins, weights, lower, upper, where)
    kept = independent(faults, margins, weights, where)
    faults.raise_if_any()
    size = np.sqrt(np.bincount(margins.column, weights[margins.row] * margins.value**2, kept.size))
    scale = np.divide(1.0, size, out=np.ones(kept.size), where=size > 0.0)
    solver = _Solver(margins.keep(kept, scale), weights, METHODS[method], lower, upper)
    multipliers = solver.run(iterations)
    if not solver.residual <= tolerance:
        _fail(solver, margins, kept, scale, (lower, upper), where)
    every = np.zeros(kept.size)
    every[kept] = multipliers * scale[kept]
    result = _result(method, bounds, margins, weights, solver, every, kept)
    if not result.residual <= tolerance:
        worst = max(result.margins, key=lambda fit: fit.residual)
        raise InputError(
            f"{where}: margin '{worst.name}' is off by {worst.residual:.1e} of its target after "
            "all others are met; its target contradicts theirs"
        )
    return result


def _result(
    method: str,
    bounds: tuple[float, float] | None,
    margins: Margins,
    weights: Floats,
    solver: _Solver,
    multipliers: Floats,
    kept: npt.NDArray[np.bool_],
) -> Calibration:
    g = np.where(weights == 0.0, 1.0, solver.g)
    zero = np.zeros(kept.size)
    at = (margins.first, margins.column, margins.value)
    before = steps.weigh(*at, weights, zero, steps.LINEAR, -inf, inf)[2]
    after = steps.weigh(*at, weights * g, zero, steps.LINEAR, -inf, inf)[2]
    rows = zip(margins.names, before, margins.targets, after, ~kept, strict=True)
    fits = tuple(MarginFit(n, float(b), float(t), float(a), bool(r)) for n, b, t, a, r in rows)
    return Calibration(
        method=method,
        bounds=bounds,
        weights=weights * g,
        g=g,
        multipliers=multipliers,
        margins=fits,
        iterations=solver.iterations,
        residual=max(fit.residual for fit in fits),
        deff_before=design_effect(weights),
        deff_after=design_effect(weights * g),
    )


class _Solver:
    """Newton's method on the dual; keeps the best point found."""

    def __init__(
        self, margins: Margins, weights: Floats, method: int, lower: float, upper: float
    ) -> None:
        self.margins, self.weights = margins, weights
        self.distance = (method, lower, upper)
        self.iterations = 0
        self.residual = inf
        self.g = np.ones(weights.size)
        self.totals = np.zeros(margins.targets.size)
        self.direction = np.zeros(margins.targets.size)

    def evaluate(self, multipliers: Floats) -> tuple[Floats, Floats, Floats, float, float]:
        """Return g, slope, the gradient of the dual, its value and the residual."""
        m = self.margins
        g, slope, total, integral = steps.weigh(
            m.first, m.column, m.value, self.weights, multipliers, *self.distance
        )
        gradient = m.targets - total
        dual = float((multipliers * m.targets).sum()) - integral
        relative = np.abs(gradient) / np.where(m.targets == 0.0, 1.0, np.abs(m.targets))
        residual = float(relative.max()) if relative.size else 0.0
        return g, slope, gradient, dual, residual if isfinite(dual) else inf

    def run(self, iterations: int) -> Floats:
        """Return the best multipliers, shape (k,); `residual` and `g` are theirs."""
        m = self.margins
        multipliers = best = np.zeros(m.targets.size)
        g, slope, gradient, dual, residual = self.evaluate(multipliers)
        stalled = 0
        while True:
            if residual < self.residual:
                stalled = 0 if residual < 0.5 * self.residual else stalled + 1
                self.residual, self.g, best = residual, g, multipliers
                self.totals = m.targets - gradient
            else:
                stalled += 1
            settled = self.residual <= POLISHED or (self.residual <= TOLERANCE and stalled > 1)
            if settled or self.iterations >= iterations:
                return best
            step = self._step(slope, gradient)
            moved = self._line_search(multipliers, step, dual, gradient)
            if moved is None:
                return best
            multipliers, (g, slope, gradient, dual, residual) = moved
            self.direction = multipliers
            self.iterations += 1

    def _step(self, slope: Floats, gradient: Floats) -> Floats:
        m, k = self.margins, gradient.size
        matrix = steps.gram(m.first, m.column, m.value, self.weights * slope, k)
        diagonal = np.diag(matrix).copy()
        # A margin all of whose households sit at a bound has no slope left: keep it movable.
        ridge = 1e-12 * max(float(diagonal.max()), 1e-12)
        matrix[np.arange(k), np.arange(k)] += ridge
        return steps.solve(matrix, gradient, 0.0)[0]

    def _line_search(
        self, start: Floats, step: Floats, dual: float, gradient: Floats
    ) -> tuple[Floats, tuple[Floats, Floats, Floats, float, float]] | None:
        rise = float((gradient * step).sum())
        noise = 1e-13 * (abs(dual) + float(np.abs(start * self.margins.targets).sum()))
        share = 1.0
        for _ in range(HALVINGS):
            tried = start + share * step
            found = self.evaluate(tried)
            if isfinite(found[3]) and found[3] >= dual + 1e-4 * share * rise - noise:
                return tried, found
            share *= 0.5
        return None


def _fail(
    solver: _Solver,
    margins: Margins,
    kept: npt.NDArray[np.bool_],
    scale: Floats,
    bounds: tuple[float, float],
    where: str,
) -> None:
    faults = FaultList()
    plain = margins.keep(kept, np.ones(kept.size))
    size = scale[kept]
    direction = solver.direction * size
    explain_failure(faults, plain, solver.weights, solver.totals / size, direction, bounds, where)
    faults.raise_if_any()


def _check_inputs(
    weights: Floats,
    totals: Floats,
    targets: Floats,
    names: tuple[str, ...],
    method: str,
    bounds: tuple[float, float] | None,
    where: str,
) -> None:
    faults = FaultList()
    if totals.ndim != 2 or totals.shape != (weights.size, targets.size) or not targets.size:
        faults.add(where, "shapes differ", f"{totals.shape}", f"({weights.size}, {targets.size})")
    if len(names) != targets.size:
        faults.add(where, "margins without a name", len(names), targets.size)
    if not bool((np.isfinite(weights) & (weights >= 0.0)).all()) or not bool((weights > 0.0).any()):
        faults.add(where, "weights to start from", expected="finite, 0 or more, not all 0")
    if not bool(np.isfinite(totals).all()) or not bool(np.isfinite(targets).all()):
        faults.add(where, "household totals or targets are not finite")
    if method not in METHODS:
        faults.add(where, "unknown method", repr(method), ", ".join(METHODS))
    if bounds is None and method == "logit":
        faults.add(where, "the logit method needs bounds", remedy="Give for example 0.2,5.")
    if bounds is not None and not (0.0 <= bounds[0] < 1.0 < bounds[1] < inf):
        faults.add(where, "bounds", f"{bounds[0]:g}, {bounds[1]:g}", "0 <= lower < 1 < upper")
    faults.raise_if_any()
