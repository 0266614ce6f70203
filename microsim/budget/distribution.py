"""Makes the distribution tables D1 to D6 from household records, several at a time."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from microsim.budget.gains_table import gains_table
from microsim.budget.households import DESIGN_BYTES, TABLE_BYTES, WELFARE, Households
from microsim.budget.incidence_table import incidence_of_scenario, targeting_of_scenario
from microsim.budget.inequality_table import inequality_table, ladder_table
from microsim.budget.poverty_table import (
    Known,
    poverty_differences,
    poverty_of_scenario,
    unpaired_differences,
)
from microsim.results.contents import CONCEPTS, Contents, Row

MOST_THREADS = 4
ENOUGH_BYTES = 640 << 20  # of arrays that tables being made at the same time may need


def distribution_tables(contents: Contents) -> list[Row]:
    """Return tables D1 to D6; none if the year has no household records.

    Scenarios with lives of their own are compared in levels only: their people are others, so that
    no difference is paired, and nobody can be said to gain or lose.

    The kernels release the interpreter, so that threads help; all sums are exact, so that they
    cannot change a figure. Of a large population fewer are made at a time: memory stays bounded.
    """
    if contents.groups:
        return _of_groups(contents.groups)
    if contents.records is None:
        return []
    households = Households(contents, contents.records)
    households.prepare()
    scenarios = range(len(contents.scenarios))
    with ThreadPoolExecutor(_threads(households)) as pool:
        # The status quo first: scenarios take from it what they leave as it was.
        for of in ((0,), scenarios[1:]):
            pairs = [(s, c) for s in of for c in (WELFARE, *range(len(CONCEPTS)))]
            list(pool.map(lambda pair: households.measured(*pair), pairs))
        poverty = [pool.submit(poverty_of_scenario, households, i) for i in scenarios]
        whole: tuple[Callable[[Households], list[Row]], ...]
        whole = (inequality_table, ladder_table)
        tables = [pool.submit(make, households) for make in whole]
        tables += [pool.submit(incidence_of_scenario, households, i) for i in scenarios]
        tables += [pool.submit(targeting_of_scenario, households, i) for i in scenarios]
        tables.append(pool.submit(gains_table, households))
        rows: list[Row] = []
        known: Known = {}
        for scenario in poverty:
            found, indices = scenario.result()
            rows += found
            known |= indices
        rows += poverty_differences(households, known)
        for table in tables:
            rows += table.result()
    return rows


def _of_groups(groups: Sequence[Contents]) -> list[Row]:
    """Return the tables of each life group; of groups other than the first the levels."""
    rows = list(distribution_tables(groups[0]))
    for group in groups[1:]:
        levels = [r for r in distribution_tables(group) if r.scenario in group.scenarios]
        rows += levels
        rows += unpaired_differences(rows, levels, groups[0].scenarios[0])
    return rows


def _threads(households: Households) -> int:
    """Return how many tables are made at a time: by cores, and by memory of large populations."""
    each = DESIGN_BYTES if households.plan is not None else TABLE_BYTES
    by_memory = ENOUGH_BYTES // max(1, each * households.size.size)
    return max(1, min(MOST_THREADS, _cores(), by_memory))


def _cores() -> int:
    """Return the number of cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
