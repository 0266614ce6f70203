"""Calibrates the weights of a population to a file of known totals, and says what it cost."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from microsim.errors import InputError
from microsim.population.calibration import TOLERANCE, Calibration, calibrate
from microsim.population.known_totals import Targets, read_targets
from microsim.population.store import Population, TargetRow


def calibrate_population(
    population: Population,
    targets: Targets | str | Path,
    method: str = "raking",
    bounds: tuple[float, float] | None = None,
) -> tuple[Population, Calibration]:
    """Return the population with calibrated household weights, and the diagnostics.

    Parameters
    ----------
    targets
        Known totals, or the path of their file.
    method, bounds
        See `microsim.population.calibration.calibrate`.

    Raises
    ------
    InputError
        The targets file is at fault, the margins cannot be met, or a weight would be negative.
    """
    where = "targets" if isinstance(targets, Targets) else str(targets)
    if not isinstance(targets, Targets):
        targets = read_targets(targets, population)
    result = calibrate(
        population.households["weight"].astype(np.float64),
        targets.totals,
        targets.values,
        names=tuple(cell.name for cell in targets.cells),
        method=method,
        bounds=bounds,
        where=where,
    )
    if result.n_negative:
        raise InputError(
            f"{where}: the {method} method makes {result.n_negative:,} weights negative; found "
            f"{float(result.weights.min()):g}; expected 0 or more. Give bounds (such as 0.2,5) or "
            "use raking"
        )
    rows = tuple(
        TargetRow(
            group=cell.margin,
            item=cell.cell or "total",
            unit=cell.unit,
            target=cell.value,
            achieved=fit.after,
            tolerance=TOLERANCE,
            tolerance_kind="relative",
            basis="data",
            source=cell.source,
        )
        for cell, fit in zip(targets.cells, result.margins, strict=True)
    )
    # What was achieved under the old weights is no longer true: those rows go, named.
    gone = sorted({row.group for row in population.targets} - {row.group for row in rows})
    about = _provenance(targets.name, result) | {"targets_no_longer_compared": gone}
    changed = replace(
        population,
        households=population.households | {"weight": result.weights},
        targets=rows,
        provenance=population.provenance | {"calibration": about},
    )
    return changed, result


def _provenance(name: str, result: Calibration) -> dict[str, object]:
    return {
        "targets": name,
        "method": result.method,
        "bounds": None if result.bounds is None else list(result.bounds),
        "iterations": result.iterations,
        "residual": result.residual,
        "deff_before": result.deff_before,
        "deff_after": result.deff_after,
        "g_min": result.g_min,
        "g_max": result.g_max,
        "n_at_bounds": result.n_at_bounds,
        "redundant_margins": [fit.name for fit in result.margins if fit.redundant],
    }
