"""What stands below the table of the population: women of childbearing age, fertility, expectations
of life.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from microsim.dynamics.summary import life_expectancy, total_fertility
from microsim.population.columns import SEX
from microsim.results.contents import Memo
from microsim.simulation.horizon import Horizon
from microsim.simulation.merging_years import GroupYear

CHILDBEARING = slice(15, 50)
OLD = 60


def memo_of(groups: Sequence[GroupYear], horizon: Horizon, k: int) -> tuple[Memo, ...]:
    """Return the figures of the k-th year, for the first scenario of each life group.

    Rates are those of the step that leads to the year; of the first year, of the one that follows,
    before what a scenario makes of them by factors.
    """
    return tuple(one for group in groups for one in _of_group(group, horizon, k))


def _of_group(group: GroupYear, horizon: Horizon, k: int) -> Iterator[Memo]:
    name, step, tables = group.names[0], max(0, k - 1), group.tables
    women = horizon.weight * float(group.ages[SEX.index("female"), CHILDBEARING].sum())
    yield Memo(name, "Women 15-49", women, "persons", "sex=female")
    yield Memo(name, "Total fertility rate", total_fertility(tables, step), "children per woman")
    for age in (0, OLD):
        for s, sex in enumerate(SEX):
            left = life_expectancy(tables, step, s, age)
            row = "Life expectancy at birth" if not age else f"Life expectancy at {age}"
            yield Memo(name, row, left, "years", f"sex={sex}")
