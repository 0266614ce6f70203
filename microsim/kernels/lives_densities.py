"""Densities of contribution drawn for each person, and the months they come to."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from microsim.kernels.beta import beta_quantile, beta_share, beta_split, log_beta
from microsim.kernels.draws import uniform_of_stream
from microsim.kernels.jit import inlined, kernel
from microsim.kernels.lives_past import SMALLEST_UNIFORM

Floats = npt.NDArray[np.float64]
Keys = npt.NDArray[np.uint64]
Cells = npt.NDArray[np.int16]
Flags = npt.NDArray[np.bool_]

DENSITY_BLOCK, INSURED_BLOCK = 8192, 8193  # of the decision of past work; others are used there
MONTHS = 12.0


@inlined
def raked(density: float, odds: float) -> float:
    """Return a density whose odds are multiplied by `odds`; 0 and 1 stay."""
    up = density * odds
    return up / (1.0 - density + up)


@kernel
def draw_insured(keys: Keys, stream: np.uint64, decision: int) -> Floats:
    """Return the draw that decides who was ever insured: below the cell's cut-off. Shape (n,)."""
    out = np.empty(keys.shape[0])
    for i in range(keys.shape[0]):
        out[i] = uniform_of_stream(keys[i], stream, decision, 0, INSURED_BLOCK)
    return out


@kernel
def draw_densities(
    cell: Cells, keys: Keys, stream: np.uint64, decision: int, mean: Floats, concentration: Floats
) -> Floats:
    """Return the density of each person as drawn, before calibration. Shape (n,).

    Parameters
    ----------
    cell
        Shape (n,), row of the official totals; below 0 for persons without: density 0.
    mean, concentration
        Shape (n_cells,): of the Beta distribution of each cell, the sum of its two parameters
        being the concentration; where that is infinite, or the mean 0 or 1, all have the mean.
    """
    n_cells = mean.shape[0]
    log_b, at_split = np.zeros(n_cells), np.zeros(n_cells)
    for c in range(n_cells):
        if 0.0 < mean[c] < 1.0 and concentration[c] < np.inf:
            a, b = mean[c] * concentration[c], (1.0 - mean[c]) * concentration[c]
            log_b[c] = log_beta(a, b)
            at_split[c] = beta_share(a, b, beta_split(a, b), log_b[c])
    out = np.zeros(keys.shape[0])
    for i in range(keys.shape[0]):
        c = cell[i]
        if c < 0:
            continue
        if not 0.0 < mean[c] < 1.0 or concentration[c] == np.inf:
            out[i] = mean[c]
            continue
        u = max(uniform_of_stream(keys[i], stream, decision, 0, DENSITY_BLOCK), SMALLEST_UNIFORM)
        a, b = mean[c] * concentration[c], (1.0 - mean[c]) * concentration[c]
        out[i] = beta_quantile(a, b, u, log_b[c], at_split[c])
    return out


@kernel
def add_up(values: Floats) -> float:
    """Return the sum of all numbers, in order, with its rounding errors made good (Neumaier)."""
    total, rest = 0.0, 0.0
    for i in range(values.shape[0]):
        x = values[i]
        grown = total + x
        rest += (total - grown) + x if abs(total) >= abs(x) else (x - grown) + total
        total = grown
    return total + rest


@kernel
def months_at(weight: Floats, possible: Floats, density: Floats, odds: float) -> float:
    """Return the weighted months credited at calibrated densities.

    Parameters
    ----------
    weight, possible, density
        Shape (n,): weights, months possible, densities as drawn.
    odds
        Factor of calibration on the odds of every density.
    """
    total, rest = 0.0, 0.0
    for i in range(weight.shape[0]):
        x = weight[i] * possible[i] * raked(density[i], odds)
        grown = total + x
        rest += (total - grown) + x if total >= x else (x - grown) + total
        total = grown
    return total + rest


@kernel
def credit_years(
    cell: Cells, density: Floats, insured: Floats, cut_off: Floats, odds: Floats, possible: Floats,
    years: Floats,
) -> None:  # fmt: skip
    """Fill in the years credited of persons in a cell; others keep what they have.

    Parameters
    ----------
    cell, density, insured
        Shape (n,): row of the official totals, density and draw of being insured.
    cut_off, odds
        Shape (n_cells,): who draws less is insured; factor of calibration.
    possible
        Shape (n,), months.
    years
        Shape (n,), filled in.
    """
    for i in range(cell.shape[0]):
        c = cell[i]
        if c < 0:
            continue
        years[i] = 0.0
        if insured[i] < cut_off[c]:
            years[i] = possible[i] * raked(density[i], odds[c]) / MONTHS
