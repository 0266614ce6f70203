"""Compiled loops of weight calibration: sums in a fixed order, no library of the machine."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from microsim.kernels.jit import inlined, kernel
from microsim.kernels.transcendental import exp, log

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

Weighed = tuple[Floats, Floats, Floats, float]  # g, slope, totals, integral

LINEAR, RAKING, LOGIT = 0, 1, 2


@inlined
def distance(u: float, method: int, lower: float, upper: float) -> tuple[float, float, float]:
    """Return g(u), its derivative and its integral from 0, of one distance with bounds on g.

    Deville and Särndal (1992), "Calibration estimators in survey sampling", JASA 87: case 1
    (linear, truncated as case 7 where bounds are given), case 2 (raking; truncated likewise)
    and case 6 (logit).
    """
    if method == LOGIT:
        a = (upper - lower) / ((1.0 - lower) * (upper - 1.0))
        tail = exp(-abs(a * u))
        up, down = (1.0, tail) if u > 0.0 else (tail, 1.0)
        below = (upper - 1.0) * down + (1.0 - lower) * up
        g = (lower * (upper - 1.0) * down + upper * (1.0 - lower) * up) / below
        slope = a * (g - lower) * (upper - g) / (upper - lower)
        height = max(a * u, 0.0) + log(below) - log(upper - lower)
        return g, slope, lower * u + (upper - lower) / a * height
    if method == RAKING:
        g = exp(u)
        if g >= upper:
            return upper, 0.0, upper - 1.0 + upper * (u - log(upper))
        if g <= lower and lower > 0.0:
            return lower, 0.0, lower - 1.0 + lower * (u - log(lower))
        return g, g, g - 1.0
    if u >= upper - 1.0:
        edge = upper - 1.0
        return upper, 0.0, edge + 0.5 * edge * edge + upper * (u - edge)
    if u <= lower - 1.0:
        edge = lower - 1.0
        return lower, 0.0, edge + 0.5 * edge * edge + lower * (u - edge)
    return 1.0 + u, 1.0, u + 0.5 * u * u


@kernel
def weigh(
    first: Ints,
    column: Ints,
    value: Floats,
    weights: Floats,
    multipliers: Floats,
    method: int,
    lower: float,
    upper: float,
) -> Weighed:
    """Return g and its slope, each (n,), the weighted totals (k,) and the weighted integral.

    `first` (n + 1,), `column` and `value` hold the non-zero household totals row by row.
    """
    n, k = weights.shape[0], multipliers.shape[0]
    g, slope = np.empty(n), np.empty(n)
    total, lost = np.zeros(k), np.zeros(k)
    integral = 0.0
    for i in range(n):
        u = 0.0
        for at in range(first[i], first[i + 1]):
            u += value[at] * multipliers[column[at]]
        g[i], slope[i], height = distance(u, method, lower, upper)
        integral += weights[i] * height
        for at in range(first[i], first[i + 1]):
            j, part = column[at], weights[i] * g[i] * value[at]
            grown = total[j] + part  # Neumaier's sum: the rounding error is carried along
            if abs(total[j]) >= abs(part):
                lost[j] += (total[j] - grown) + part
            else:
                lost[j] += (part - grown) + total[j]
            total[j] = grown
    return g, slope, total + lost, integral


@kernel
def gram(first: Ints, column: Ints, value: Floats, weights: Floats, k: int) -> Floats:
    """Return the symmetric matrix of weighted products of household totals, shape (k, k)."""
    matrix = np.zeros((k, k))
    for i in range(weights.shape[0]):
        for at in range(first[i], first[i + 1]):
            part = weights[i] * value[at]
            for other in range(first[i], at + 1):
                matrix[column[at], column[other]] += part * value[other]
    for i in range(k):
        for j in range(i):
            matrix[j, i] = matrix[i, j]
    return matrix


@kernel
def kept_entries(
    first: Ints, column: Ints, value: Floats, kept: npt.NDArray[np.bool_], scale: Floats
) -> tuple[Ints, Ints, Floats]:
    """Return the entries of the margins kept (k,), numbered anew, their totals times `scale`."""
    number = np.cumsum(kept) - 1
    new_first = np.zeros(first.shape[0], np.int64)
    new_column, new_value = np.empty(column.shape[0], np.int64), np.empty(column.shape[0])
    end = 0
    for i in range(first.shape[0] - 1):
        for at in range(first[i], first[i + 1]):
            j = column[at]
            if kept[j]:
                new_column[end], new_value[end] = number[j], value[at] * scale[j]
                end += 1
        new_first[i + 1] = end
    return new_first, new_column[:end], new_value[:end]


@kernel
def solve(matrix: Floats, right: Floats, least_pivot: float) -> tuple[Floats, Ints]:
    """Solve a positive semi-definite system by Cholesky, in the order of its rows.

    Rows whose pivot falls to `least_pivot` of their diagonal depend on earlier rows: their
    solution is 0 and they are marked 1 in the second result, shape (k,).
    """
    k = right.shape[0]
    root, dependent, answer = np.zeros((k, k)), np.zeros(k, np.int64), np.zeros(k)
    for j in range(k):
        pivot = matrix[j, j]
        for m in range(j):
            pivot -= root[j, m] * root[j, m]
        if not pivot > least_pivot * matrix[j, j]:
            dependent[j] = 1
            continue
        root[j, j] = math.sqrt(pivot)
        for i in range(j + 1, k):
            entry = matrix[i, j]
            for m in range(j):
                entry -= root[i, m] * root[j, m]
            root[i, j] = entry / root[j, j]
    for j in range(k):
        if dependent[j] == 0:
            entry = right[j]
            for m in range(j):
                entry -= root[j, m] * answer[m]
            answer[j] = entry / root[j, j]
    for j in range(k - 1, -1, -1):
        if dependent[j] == 0:
            entry = answer[j]
            for m in range(j + 1, k):
                if dependent[m] == 0:
                    entry -= root[m, j] * answer[m]
            answer[j] = entry / root[j, j]
    return answer, dependent


@kernel
def member_totals(size: Ints, margins: Ints) -> tuple[Ints, Ints, Floats]:
    """Return the persons of each margin in each household, as `weigh` takes them.

    `size` (n,) is of households, `margins` (n_persons, m) the margins each person counts in, in
    household order; below 0: none. Columns of a household ascend.
    """
    n, m = size.shape[0], margins.shape[1]
    first = np.zeros(n + 1, np.int64)
    column, value = np.empty(margins.size, np.int64), np.empty(margins.size)
    end, person = 0, 0
    for h in range(n):
        begin = end
        for i in range(person, person + size[h]):
            for k in range(m):
                j = margins[i, k]
                if j < 0:
                    continue
                at = begin
                while at < end and column[at] < j:
                    at += 1
                if at < end and column[at] == j:
                    value[at] += 1.0
                    continue
                for later in range(end, at, -1):
                    column[later], value[later] = column[later - 1], value[later - 1]
                column[at], value[at] = j, 1.0
                end += 1
        person += size[h]
        first[h + 1] = end
    return first, column[:end].copy(), value[:end].copy()
