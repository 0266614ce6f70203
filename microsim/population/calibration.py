"""Changes the weights of households as little as possible so that they add up to known totals."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import inf, isfinite

import numpy as np
import numpy.typing as npt

from microsim.errors import FaultList, InputError
from microsim.population import calibration_steps as steps
from microsim.population.calibration_margins import (
    Entries,
    Margins,
    Mask,
    Moments,
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
    entries = Entries.of(weights, totals)
    margins = Margins((entries,), targets, names)
    solver, multipliers, kept = _solved(margins, method, bounds, tolerance, iterations, where)
    g = np.where(weights == 0.0, 1.0, next(solver.g()))
    before, after = (_weighed(entries, w, targets.size) for w in (weights, weights * g))
    fits = _fits(margins, before, after, kept)
    _check_fits(fits, tolerance, where)
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


@dataclass(frozen=True)
class Raked:
    """What raking a sample cost; weights are d exp(x'λ), made again from the multipliers.

    Attributes
    ----------
    multipliers
        Shape (k,), λ: the Lagrange multiplier of each margin, per unit of it.
    margins
        Each margin before and after, under weights made from the multipliers.
    iterations
        Newton steps taken.
    g_min, g_max
        Smallest and largest ratio of new weight to old.
    deff_before, deff_after
        Kish's design effect of unequal weights.
    """

    multipliers: Floats
    margins: tuple[MarginFit, ...]
    iterations: int
    g_min: float
    g_max: float
    deff_before: float
    deff_after: float

    @property
    def residual(self) -> float:
        """Largest `MarginFit.residual`."""
        return max(fit.residual for fit in self.margins)


def rake(
    margins: Margins,
    *,
    start: Floats | None = None,
    moments: Moments | None = None,
    tolerance: float = TOLERANCE,
    iterations: int = 200,
    where: str = "calibration",
) -> Raked:
    """Find the multipliers of `calibrate` by raking, for households that come slice by slice.

    Memory is that of one slice, beside what the sample itself holds. Each Newton step goes through
    it twice.

    Parameters
    ----------
    start
        Shape (k,), multipliers to begin with: those of nearly the same targets; None: 0.
    moments
        Of the margins, where they are known from other targets of the same households.

    Raises
    ------
    InputError
        As `calibrate`, of the margins.
    """
    solver, multipliers, kept = _solved(
        margins, "raking", None, tolerance, iterations, where, start, moments
    )
    k = margins.targets.size
    before, after = np.zeros(k), np.zeros(k)
    low, high, powers = inf, 0.0, np.zeros((2, 2))
    n = 0
    for one in margins.sample:
        g = factors(one, multipliers)
        for total, weights in ((before, one.weights), (after, one.weights * g)):
            total += _weighed(one, weights, k)
        used = one.weights > 0.0
        n += int(used.sum())
        low, high = (
            min(low, float(g[used].min(initial=inf))),
            max(high, float(g[used].max(initial=0.0))),
        )
        for row, weights in enumerate((one.weights, one.weights * g)):
            powers[row] += (np.cumsum(weights)[-1], np.cumsum(weights * weights)[-1])
    fits = _fits(margins, before, after, kept)
    _check_fits(fits, tolerance, where)
    deff = n * powers[:, 1] / powers[:, 0] ** 2
    return Raked(multipliers, fits, solver.iterations, low, high, float(deff[0]), float(deff[1]))


def factors(entries: Entries, multipliers: Floats) -> Floats:
    """Return the ratio of new weight to old, exp(x'λ), of each household."""
    return steps.weigh(
        entries.first, entries.column, entries.value, entries.weights, multipliers,
        steps.RAKING, 0.0, inf,
    )[0]  # fmt: skip


def _weighed(entries: Entries, weights: Floats, k: int) -> Floats:
    """Return the totals of the margins under some weights, shape (k,)."""
    at = (entries.first, entries.column, entries.value)
    return steps.weigh(*at, weights, np.zeros(k), steps.LINEAR, -inf, inf)[2]


def _solved(
    margins: Margins, method: str, bounds: tuple[float, float] | None, tolerance: float,
    iterations: int, where: str, start: Floats | None = None, moments: Moments | None = None,
) -> tuple[_Solver, Floats, Mask]:  # fmt: skip
    """Return the solver at its best point, the multipliers, and which margins were kept."""
    lower, upper = bounds or (0.0 if method == "raking" else -inf, inf)
    faults, moments = FaultList(), moments or margins.moments()
    check_reach(faults, margins, moments, lower, upper, where)
    kept = independent(faults, margins, moments, where)
    faults.raise_if_any()
    size = np.sqrt(moments.squares)
    scale = np.divide(1.0, size, out=np.ones(kept.size), where=size > 0.0)
    solver = _Solver(margins.keep(kept, scale), METHODS[method], lower, upper)
    begun = np.zeros(kept.size) if start is None else start / scale
    solver.run(iterations, begun[kept])
    if not solver.residual <= tolerance:
        _fail(solver, margins, kept, scale, (lower, upper), where)
    every = np.zeros(kept.size)
    every[kept] = solver.best * scale[kept]
    return solver, every, kept


def _fits(margins: Margins, before: Floats, after: Floats, kept: Mask) -> tuple[MarginFit, ...]:
    rows = zip(margins.names, before, margins.targets, after, ~kept, strict=True)
    return tuple(MarginFit(n, float(b), float(t), float(a), bool(r)) for n, b, t, a, r in rows)


def _check_fits(fits: tuple[MarginFit, ...], tolerance: float, where: str) -> None:
    """Refuse margins that others imply and whose targets contradict theirs."""
    worst = max(fits, key=lambda fit: fit.residual)
    if not worst.residual <= tolerance:
        raise InputError(
            f"{where}: margin '{worst.name}' is off by {worst.residual:.1e} of its target after "
            "all others are met; its target contradicts theirs"
        )


@dataclass(frozen=True)
class _Point:
    """What some multipliers yield: the gradient of the dual, its value, the largest residual."""

    multipliers: Floats
    gradient: Floats
    dual: float
    residual: float


class _Solver:
    """Newton's method on the dual; keeps the best point found."""

    def __init__(self, margins: Margins, method: int, lower: float, upper: float) -> None:
        self.margins = margins
        self.distance = (method, lower, upper)
        self.iterations = 0
        self.residual = inf
        self.best = np.zeros(margins.targets.size)
        self.totals = np.zeros(margins.targets.size)
        self.direction = np.zeros(margins.targets.size)

    def _weighed(self, multipliers: Floats) -> Iterator[tuple[Entries, steps.Weighed]]:
        for one in self.margins.sample:
            yield (
                one,
                steps.weigh(
                    one.first, one.column, one.value, one.weights, multipliers, *self.distance
                ),
            )

    def g(self) -> Iterator[Floats]:
        """Return the ratio of new weight to old of each slice, at the best point."""
        return (weighed[0] for _, weighed in self._weighed(self.best))

    def evaluate(self, multipliers: Floats) -> _Point:
        """Return what some multipliers yield."""
        targets = self.margins.targets
        total, integral = np.zeros(targets.size), 0.0
        for _, weighed in self._weighed(multipliers):
            total += weighed[2]
            integral += weighed[3]
        gradient = targets - total
        dual = float((multipliers * targets).sum()) - integral
        relative = np.abs(gradient) / np.where(targets == 0.0, 1.0, np.abs(targets))
        residual = float(relative.max()) if relative.size else 0.0
        return _Point(multipliers, gradient, dual, residual if isfinite(dual) else inf)

    def run(self, iterations: int, start: Floats) -> None:
        """Find the best multipliers, shape (k,), from a start; `best` and `residual` are theirs."""
        point = self.evaluate(start)
        stalled = 0
        while True:
            if point.residual < self.residual:
                stalled = 0 if point.residual < 0.5 * self.residual else stalled + 1
                self.residual, self.best = point.residual, point.multipliers
                self.totals = self.margins.targets - point.gradient
            else:
                stalled += 1
            settled = self.residual <= POLISHED or (self.residual <= TOLERANCE and stalled > 1)
            if settled or self.iterations >= iterations:
                return
            moved = self._line_search(point, self._step(point))
            if moved is None:
                return
            point = moved
            self.direction = point.multipliers
            self.iterations += 1

    def _step(self, point: _Point) -> Floats:
        k = point.gradient.size
        matrix = np.zeros((k, k))
        for one, weighed in self._weighed(point.multipliers):
            matrix += steps.gram(one.first, one.column, one.value, one.weights * weighed[1], k)
        diagonal = np.diag(matrix).copy()
        # A margin all of whose households sit at a bound has no slope left: keep it movable.
        ridge = 1e-12 * max(float(diagonal.max()), 1e-12)
        matrix[np.arange(k), np.arange(k)] += ridge
        return steps.solve(matrix, point.gradient, 0.0)[0]

    def _line_search(self, at: _Point, step: Floats) -> _Point | None:
        start, targets = at.multipliers, self.margins.targets
        rise = float((at.gradient * step).sum())
        noise = 1e-13 * (abs(at.dual) + float(np.abs(start * targets).sum()))
        share = 1.0
        for _ in range(HALVINGS):
            found = self.evaluate(start + share * step)
            if isfinite(found.dual) and found.dual >= at.dual + 1e-4 * share * rise - noise:
                return found
            share *= 0.5
        return None


def _fail(
    solver: _Solver,
    margins: Margins,
    kept: Mask,
    scale: Floats,
    bounds: tuple[float, float],
    where: str,
) -> None:
    faults = FaultList()
    plain = margins.keep(kept, np.ones(kept.size))
    size = scale[kept]
    direction = solver.direction * size
    explain_failure(faults, plain, solver.totals / size, direction, bounds, where)
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
