"""Where households live: region and town or country."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from microsim.population.synthesis.parameters import Parameters
from microsim.population.synthesis.people import Bools, Draws, Floats, Ints

NATIONAL = ("national",)


@dataclass(frozen=True)
class Regions:
    """Regions of a country.

    Attributes
    ----------
    labels
        Names, in code order.
    share
        Shape (n_regions,), share of the population.
    urban
        Shape (n_regions,), urban share of each region's population.
    welfare_shift
        Shape (n_regions,), in standard deviations of the welfare score.
    """

    labels: tuple[str, ...]
    share: Floats
    urban: Floats
    welfare_shift: Floats


def regions_of(parameters: Parameters, urban_share: float) -> Regions:
    """Return the regions of the country file; the urban share of the rest follows from the total.

    Parameters
    ----------
    urban_share
        Share of the country's population that lives in towns.
    """
    if not parameters.has("regions"):
        return Regions(NATIONAL, np.ones(1), np.array([urban_share]), np.zeros(1))
    rows = parameters.blocks["regions"]["rows"]
    persons = np.array([float(row[0]) for row in rows.values()])
    given = np.array([np.nan if row[1] is None else float(row[1]) for row in rows.values()])
    share = persons / float(np.cumsum(persons)[-1])
    known = ~np.isnan(given)
    left = urban_share - float(np.cumsum(np.where(known, share * given, 0.0))[-1])
    rest = float(np.cumsum(np.where(known, 0.0, share))[-1])
    other = min(max(left / rest, 0.0), 1.0) if rest > 0.0 else 0.0
    shift = np.array([float(row[2]) for row in rows.values()])
    return Regions(tuple(rows), share, np.where(known, given, other), shift)


def place(regions: Regions, size: Ints, draws: Draws) -> tuple[Ints, Bools]:
    """Return region and urban of each household; shares of persons are met to a household.

    Parameters
    ----------
    size
        Shape (n_households,), persons.

    Returns
    -------
    region, urban
        Shape (n_households,).
    """
    order = np.argsort(draws.uniform("region"), kind="stable")
    passed = (np.cumsum(size[order]) - 0.5 * size[order]) / size.sum()
    bounds = np.cumsum(regions.share)[:-1]
    region = np.empty(size.size, dtype=np.int64)
    region[order] = np.searchsorted(bounds, passed, side="right")
    # Town households are smaller: a weak preference, an assumption.
    score = draws.uniform("urban") + 0.06 * np.minimum(size, 10)
    order = np.lexsort((score, region))
    persons = np.cumsum(size[order])
    n_in = np.bincount(region, weights=size, minlength=len(regions.labels))
    before = np.cumsum(n_in) - n_in
    here = region[order]
    within = (persons - 0.5 * size[order] - before[here]) / np.maximum(n_in[here], 1.0)
    urban = np.empty(size.size, dtype=np.bool_)
    urban[order] = within < regions.urban[here]
    return region, urban
