"""Means over replicates, with the Monte Carlo error of each figure."""

from __future__ import annotations

import math
from collections.abc import Sequence

from microsim.results.contents import MEAN, Row

Key = tuple[str, ...]


def means_over_replicates(rows: Sequence[Row]) -> list[Row]:
    """Return each figure's mean over the replicates of its draw, and the standard error of it.

    Parameters
    ----------
    rows
        Tables of all worlds of a run.

    Returns
    -------
    Rows with replicate `MEAN`, whose `se_mc` is the standard deviation between replicates divided
    by the root of their number; nothing for draws with one replicate. A figure that is absent in
    any replicate has no mean.
    """
    if all(row.replicate == 0 for row in rows):
        return []
    found: dict[tuple[int, Key], list[Row]] = {}
    replicates: dict[int, set[int]] = {}
    for row in rows:
        found.setdefault((row.draw, _key(row)), []).append(row)
        replicates.setdefault(row.draw, set()).add(row.replicate)
    return [
        _mean(same, len(replicates[draw]))
        for (draw, _), same in found.items()
        if len(replicates[draw]) > 1
    ]


def _key(row: Row) -> Key:
    return (
        row.scenario, str(row.year), row.table, row.scheme, row.function, row.row, row.column,
        row.group, row.unit, row.price_basis,
    )  # fmt: skip


def _mean(rows: Sequence[Row], n: int) -> Row:
    values = [row.value for row in rows]
    first = rows[0]
    if len(rows) < n or not all(map(math.isfinite, values)):
        absent = next((row for row in rows if not math.isfinite(row.value)), first)
        status = absent.status if absent.status != "ok" else "not available"
        return first._replace(replicate=MEAN, value=math.nan, se_mc=math.nan, status=status)
    mean = math.fsum(values) / n
    variance = math.fsum((value - mean) ** 2 for value in values) / (n - 1)
    fewest = min(row.n for row in rows)
    return first._replace(replicate=MEAN, value=mean, se_mc=math.sqrt(variance / n), n=fewest)
