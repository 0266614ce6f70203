"""Makes a large population of a small one by repeating it, for tests of size and speed."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from microsim.errors import Fault, InputError
from microsim.population import markets
from microsim.population.content import Population
from microsim.population.store import PopulationReader, open_population
from microsim.population.writing import PopulationWriter

MARKETS_AT_ONCE = 8


def repeat(source: str | Path, target: str | Path, times: int, seed: int = 1) -> None:
    """Write `times` copies of each household, each with a share of its weight and its own draws.

    Every copy has its own markets and draw keys, so that totals stay the same and behaviour is
    drawn anew. Reads and writes a few markets at a time, whatever the size.

    Parameters
    ----------
    source, target
        Population files.
    times
        Copies of each household, at least 1.
    seed
        Seed of the copies' draw keys.

    Raises
    ------
    InputError
        `times` is below one, or the source is no population file.
    """
    if times < 1:
        raise InputError(Fault("times", "is too small", str(times), "at least 1"))
    if Path(source).resolve() == Path(target).resolve():
        raise InputError(Fault(str(target), "is the source itself", remedy="Name another file."))
    with open_population(source) as reader, PopulationWriter(target, _header(reader, times)) as out:
        ids = reader.read(columns=["household_id"]).households["household_id"]
        stride = int(ids.max()) - min(int(ids.min()), 0) + 1
        for copy in range(times):
            for first in range(0, reader.n_markets, MARKETS_AT_ONCE):
                last = min(first + MARKETS_AT_ONCE, reader.n_markets)
                part = reader.read_markets(first, last)
                persons, households = dict(part.persons), dict(part.households)
                households["household_id"] = households["household_id"] + copy * stride
                households["weight"] = households["weight"] / times
                pools = np.repeat(
                    np.arange(first, last), np.diff(reader.market_starts[first : last + 1])
                )
                households["market"] = pools + copy * reader.n_markets
                keys = markets.household_keys(seed, households["household_id"])
                households["draw_key"] = keys
                persons["draw_key"] = markets.person_keys(keys, households["size"])
                out.append(persons, households)


def _header(reader: PopulationReader, times: int) -> Population:
    return Population(
        name=f"{reader.name}, {times} copies",
        country=reader.country,
        currency=reader.currency,
        year=reader.year,
        persons={},
        households={},
        regions=reader.regions,
        frame=reader.frame,
        anchors=reader.anchors,
        targets=reader.targets,
        provenance={**reader.provenance, "copies": times},
        extras=reader.extras,
        has_design=reader.has_design,
    )
